"""Whole gradients against SymPy's scalar derivative of the loss, as the user wrote it.

One entry of a parameter or input becomes a symbol, all others stay numbers, and the user's
equations are evaluated: the loss is then an expression in that symbol, fully expanded. SymPy
differentiates it, and the value is held against the derived gradient's. In deep networks an
expanded entry would grow without bound; there its tangent takes its place, which has the same
value and the same derivative, as SymPy finds it, at the point.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

import numpy as np
import sympy

from symbackprop.checking.complex_steps import rises_as_derived
from symbackprop.checking.draw import Instance, first_defined, small_extents
from symbackprop.checking.exact import compare, rate
from symbackprop.checking.report import Row, entry, row
from symbackprop.checking.values import (
    cotangent_arrays,
    cotangent_values,
    equation_work,
    forward_arrays,
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
from symbackprop.equations.evaluate_numbers import symbolic
from symbackprop.equations.nodes import tensors
from symbackprop.equations.system import Equation, System

_NODES = 60  # the largest expression that is kept whole
_ENTRIES = 12  # of one gradient, where the loss is cheap enough
_OPERATIONS = 60_000  # that SymPy may go through for one loss; one entry if it is twice that


def check_gradients(derivation: Derivation, seed: int = 0) -> list[Row]:
    """One row for each gradient of each loss; of very many, SymPy finds some alone."""
    rows = []
    for loss in derivation.losses:
        names = list(loss.gradients)
        number = _entries_in_all(derivation.system, loss)
        by_sympy = names[:: max(1, -(-len(names) // number))] if number else []
        others = [name for name in names if name not in by_sympy]
        each = min(_ENTRIES, max(1, number // (len(names) or 1)))
        rows += _by_sympy(derivation, loss, by_sympy, each, seed) if by_sympy else []
        rows += _in_floats(derivation, loss, others, seed) if others else []
    return rows


def _entries_in_all(system: System, loss: LossDerivation) -> int:
    """How many entries of gradients to hold against SymPy, by what the loss costs."""
    extents = small_extents(system)
    leading = leading_to(system.equations, {loss.loss.name})
    cost = 1 + sum(equation_work(equation, extents) for equation in leading)
    return max(_OPERATIONS // cost, int(cost <= 2 * _OPERATIONS))


def _in_floats(
    derivation: Derivation, loss: LossDerivation, names: Sequence[str], seed: int
) -> list[Row]:
    """A row for each of these gradients, by a complex step of the equations."""
    extents = small_extents(derivation.system)
    instance, forward = first_defined(
        derivation.system,
        lambda drawn: (drawn, forward_arrays(derivation, drawn)),
        seed,
        extents,
        exact=False,
    )
    values = cotangent_arrays(loss, forward, extents)
    rng = np.random.default_rng(seed)
    rows = []
    for name in names:
        found = rises_as_derived(derivation.system, loss, [name], instance, values, rng)
        how = "a complex step along a random direction"
        rows.append(row(f"∂{loss.loss.name}/∂{name}", how, [found]))
    return rows


def _by_sympy(
    derivation: Derivation, loss: LossDerivation, names: Sequence[str], each: int, seed: int
) -> list[Row]:
    """A row for each of these gradients, so many entries of it held against SymPy."""
    instance, forward = first_defined(
        derivation.system,
        lambda drawn: (drawn, forward_values(derivation, drawn)),
        seed,
        small_extents(derivation.system),
    )
    values = cotangent_values(loss, forward, instance.extents)
    rows = []
    for name in names:
        gradient = entries(loss.gradients[name].equation, Environment(values, instance.extents))
        rows.append(_row(derivation, loss, name, gradient, instance, forward, each, seed))
    return rows


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
        tracer = _Tracer()
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
    """The symbol δ, 0 at the point, that one entry is moved by; whether any entry was cut."""

    def __init__(self) -> None:
        self.moved_by = Known(0)
        self.cut = False

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
        flat[position] = self._line(flat[position], 1)
        values[by] = Entries(known[by].shape, flat)
        moving = _moving(leading_to(system.equations, {loss}), by)
        values = evaluate_all(moving, Environment(values, instance.extents), self._kept)
        return self._rate(values[loss].flat[0])

    def _kept(self, number: Value) -> Value:
        """The entry; its tangent where its expression has grown too large."""
        if not isinstance(number, Traced) or _at_most(number.expr, _NODES):
            return number
        self.cut = True
        return self._line(number.value, self._rate(number))

    def _line(self, value: Value, slope: Value) -> Traced:
        """value + slope δ."""
        return Traced(value, symbolic(value) + symbolic(slope) * self.moved_by)

    def _rate(self, number: Value) -> Value:
        return rate(number, self.moved_by)


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
