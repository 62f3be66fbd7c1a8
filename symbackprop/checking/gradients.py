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
from collections.abc import Mapping, Sequence, Set

import numpy as np
import sympy

from symbackprop.checking.draw import Instance, first_defined, small_extents
from symbackprop.checking.exact import compare, rate
from symbackprop.checking.report import Row, entry, row
from symbackprop.checking.steps import cotangent_values, forward_values, operations
from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.evaluate import (
    Entries,
    Environment,
    Known,
    Traced,
    Value,
    entries,
    extent_of,
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
        rows += [
            _gradient_row(derivation, loss, name, instance, forward, number, seed)
            for name in loss.gradients
        ]
    return rows


def _entries_each(derivation: Derivation, loss: LossDerivation, instance: Instance) -> int:
    """How many entries of each gradient to hold against SymPy, by what the loss costs."""
    cost = 1
    for equation in leading_to(derivation.system.equations, {loss.loss.name}):
        size = math.prod(extent_of(s, instance.extents) for s in equation.tensor.shape)
        cost += size * operations(equation.rhs, derivation, instance)
    return min(_ENTRIES, max(1, _OPERATIONS // (cost * len(loss.gradients) or 1)))


def _gradient_row(
    derivation: Derivation,
    loss: LossDerivation,
    by: str,
    instance: Instance,
    forward: Mapping[str, Entries],
    number: int,
    seed: int,
) -> Row:
    line = loss.gradients[by]
    values = cotangent_values(loss, forward, instance.extents)
    gradient = entries(line.equation, Environment(values, instance.extents))
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
        traced = {by}
        for equation in leading_to(system.equations, {loss}):
            if traced & {tensor.name for tensor in tensors(equation.rhs)}:
                found = entries(equation, Environment(values, instance.extents))
                kept = [self._kept(value) for value in found.flat]
                values[equation.tensor.name] = Entries(found.shape, kept)
                traced.add(equation.tensor.name)
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


def _at_most(expr: sympy.Expr, number: int) -> bool:
    """Whether an expression has at most that many nodes; stops counting when it has more."""
    return all(count < number for count, _ in enumerate(sympy.preorder_traversal(expr)))


def leading_to(equations: Sequence[Equation], names: Set[str]) -> list[Equation]:
    """The equations that these tensors depend on, in order."""
    needed = set(names)
    kept = []
    for equation in reversed(equations):
        if equation.tensor.name in needed:
            needed |= {tensor.name for tensor in tensors(equation.rhs)}
            kept.append(equation)
    return kept[::-1]
