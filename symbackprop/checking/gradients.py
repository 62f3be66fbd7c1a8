"""Whole gradients against SymPy's scalar derivative of the loss, as the user wrote it.

One entry of a parameter or input becomes a symbol, all others stay numbers, and the user's
equations are evaluated: the loss is then an expression in that symbol, fully expanded. SymPy
differentiates it, and the value is held against the derived gradient's. In deep networks an
expanded entry would grow without bound; there it is cut: it gets a symbol of its own, whose
derivative SymPy takes at once, and the chain rule for numbers joins the pieces.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

import numpy as np
import sympy

from symbackprop.checking.draw import Instance, first_defined, small_extents
from symbackprop.checking.exact import compare, rate
from symbackprop.checking.report import Row, entry, row
from symbackprop.checking.values import (
    cotangent_values,
    equation_work,
    forward_values,
    leading_to,
)
from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.evaluate import (
    Entries,
    Environment,
    Known,
    Traced,
    Value,
    entries,
    evaluate_all,
)
from symbackprop.equations.nodes import tensors
from symbackprop.equations.system import Equation, System

_NODES = 400  # the largest expression that is kept whole
_ENTRIES = 12  # of one gradient, where the loss is cheap enough
_OPERATIONS = 25_000  # that all gradients of one loss may cost, an entry each in any case


def check_gradients(derivation: Derivation, seed: int = 0) -> list[Row]:
    """One row for each gradient of each loss."""
    instance, forward = first_defined(
        derivation.system,
        lambda drawn: (drawn, forward_values(derivation, drawn)),
        seed,
        small_extents(derivation.system),
    )
    rows = []
    for loss in derivation.losses:
        number = _entries_each(derivation, loss, instance)
        values = cotangent_values(loss, forward, instance.extents)
        for name, line in loss.gradients.items():
            gradient = entries(line.equation, Environment(values, instance.extents))
            rows.append(_row(derivation, loss, name, gradient, instance, forward, number, seed))
    return rows


def _entries_each(derivation: Derivation, loss: LossDerivation, instance: Instance) -> int:
    """How many entries of each gradient to hold against SymPy, by what the loss costs."""
    leading = leading_to(derivation.system.equations, {loss.loss.name})
    cost = 1 + sum(equation_work(equation, instance.extents) for equation in leading)
    return min(_ENTRIES, max(1, _OPERATIONS // (cost * len(loss.gradients) or 1)))


def _row(
    derivation: Derivation,
    loss: LossDerivation,
    by: str,
    gradient: Entries,
    instance: Instance,
    forward: Mapping[str, Entries],
    number: int,
    seed: int,
) -> Row:
    line = loss.gradients[by]
    size = math.prod(gradient.shape)
    comparisons, cut = [], False
    for flat in sorted(random.Random(seed).sample(range(size), min(size, number))):
        tracer = _Tracer(forward[by].flat[flat])
        expected = tracer.derivative(derivation.system, loss.loss.name, by, flat, instance, forward)
        point = tuple(map(int, np.unravel_index(flat, gradient.shape)))
        place = f"equation ({line.number}), {entry(line.equation.tensor.name, point)}"

        def where(a: str, b: str, place: str = place) -> str:
            return f"{place}: derived {a}, SymPy's derivative {b}"

        comparisons.append(compare(gradient.flat[flat], expected, where))
        cut = cut or tracer.cut
    return row(f"∂{loss.loss.name}/∂{by}", _how(cut), comparisons)


def _how(cut: bool) -> str:
    whole = "SymPy's scalar derivative of the expanded loss"
    return f"{whole}, in pieces" if cut else whole


class _Tracer:
    """The symbols that stand for entries, and their derivatives by the first of them."""

    def __init__(self, value: Value) -> None:
        self.first = Known(value)
        self.rates: dict[Known, Value] = {self.first: 1}

    @property
    def cut(self) -> bool:
        return len(self.rates) > 1

    def derivative(
        self,
        system: System,
        loss: str,
        by: str,
        position: int,
        instance: Instance,
        known: Mapping[str, Entries],
    ) -> Value:
        """The derivative of the loss by one entry of `by`; `known` are all tensors' values."""
        values = dict(known)
        flat = list(known[by].flat)
        flat[position] = Traced(flat[position], self.first)
        values[by] = Entries(known[by].shape, flat)
        moving = _moving(leading_to(system.equations, {loss}), by)
        values = evaluate_all(moving, Environment(values, instance.extents), self._kept)
        return self._total(values[loss].flat[0])

    def _kept(self, number: Value) -> Value:
        """The entry, or a symbol in its place where its expression has grown too large."""
        if not isinstance(number, Traced) or _at_most(number.expr, _NODES):
            return number
        symbol = Known(number.value)
        self.rates[symbol] = self._total(number)
        return Traced(number.value, symbol)

    def _total(self, number: Value) -> Value:
        """The derivative of an entry by the first symbol, through all symbols in it."""
        if not isinstance(number, Traced):
            return 0
        inside = number.expr.free_symbols
        return sum(rate(number, s) * r for s, r in self.rates.items() if s in inside)


def _moving(equations: Sequence[Equation], by: str) -> list[Equation]:
    """The equations that change with the tensor, by themselves or through others."""
    moving = {by}
    while True:
        known = len(moving)
        for equation in equations:
            if moving & {tensor.name for tensor in tensors(equation.rhs)}:
                moving.add(equation.tensor.name)
        if len(moving) == known:
            return [e for e in equations if e.tensor.name in moving - {by}]


def _at_most(expr: sympy.Expr, number: int) -> bool:
    """Whether an expression has at most that many nodes; stops counting when it has more."""
    return all(count < number for count, _ in enumerate(sympy.preorder_traversal(expr)))
