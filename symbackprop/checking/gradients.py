"""Whole gradients against SymPy's scalar derivative of the loss, as the user wrote it.

One entry of a parameter or input becomes a symbol, all others stay numbers, and the user's
equations are evaluated: the loss is then an expression in that symbol, fully expanded. SymPy
differentiates it, and the value is held against the derived gradient's. In deep networks an
expanded entry would grow without bound; there its tangent takes its place, which has the same
value and the same derivative, as SymPy finds it, at the point.

Where there are too many entries for that, some are looked at. All of them are along one random
direction: the user's equations are evaluated with dual numbers, as exactly.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
import sympy

from symbackprop.checking.draw import Instance, first_defined, small_extents
from symbackprop.checking.exact import compare, rate
from symbackprop.checking.report import Comparison, Row, entry, row
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
from symbackprop.equations.evaluate_numbers import finer, symbolic
from symbackprop.equations.nodes import tensors
from symbackprop.equations.system import Equation, System
from symbackprop.proof.duals import DUALS, Dual
from symbackprop.proof.duals import rate as dual_rate

_NODES = 60  # the largest expression that is kept whole
_OPERATIONS = 60_000  # that SymPy may go through for one loss; one entry if it is twice that


def check_gradients(derivation: Derivation, seed: int = 0) -> list[Row]:
    """A row for each gradient that SymPy finds entries of, and one for all gradients of a loss.

    What does not hold is looked at again in finer numbers: 0 may be what large terms leave.
    """
    rows = _rows(derivation, seed)
    if not all(row.held for row in rows):
        with finer():
            rows = _rows(derivation, seed)
    return rows


def _rows(derivation: Derivation, seed: int) -> list[Row]:
    instance, forward = first_defined(
        derivation.system,
        lambda drawn: (drawn, forward_values(derivation, drawn)),
        seed,
        small_extents(derivation.system),
    )
    rows = []
    for loss in derivation.losses:
        values = cotangent_values(loss, forward, instance.extents)
        environment = Environment(values, instance.extents)
        gradients = {n: entries(line.equation, environment) for n, line in loss.gradients.items()}
        number = _entries_in_all(derivation.system, loss)
        by_sympy = list(gradients)[:: max(1, -(-len(gradients) // number))] if number else []
        each = _each([len(gradients[name].flat) for name in by_sympy], number)
        for name in by_sympy:
            found = derivation, loss, name, gradients[name]
            rows.append(_entries_row(*found, instance, forward, each, seed))
        if gradients:
            rows.append(_direction_row(derivation, loss, gradients, instance, forward, seed))
    return rows


def _entries_in_all(system: System, loss: LossDerivation) -> int:
    """How many entries of gradients to hold against SymPy, by what the loss costs."""
    extents = small_extents(system)
    leading = leading_to(system.equations, {loss.loss.name})
    cost = 1 + sum(equation_work(equation, extents) for equation in leading)
    return max(_OPERATIONS // cost, int(cost <= 2 * _OPERATIONS))


def _each(sizes: Sequence[int], number: int) -> int:
    """How many entries of each gradient make that many in all, at least one of each."""
    each = 1
    while each < max(sizes, default=0) and sum(min(s, each + 1) for s in sizes) <= number:
        each += 1
    return each


def _entries_row(
    derivation: Derivation,
    loss: LossDerivation,
    by: str,
    gradient: Entries,
    instance: Instance,
    forward: Mapping[str, Entries],
    number: int,
    seed: int,
) -> Row:
    """That many entries of a gradient, each against SymPy's derivative by it."""
    line = loss.gradients[by]
    size = len(gradient.flat)
    chosen = sorted(random.Random(seed).sample(range(size), min(size, number)))
    comparisons, cut = [], False
    for flat in chosen:
        tracer = _Tracer()
        expected = tracer.derivative(derivation.system, loss.loss.name, by, flat, instance, forward)
        point = tuple(map(int, np.unravel_index(flat, gradient.shape)))
        place = f"equation ({line.number}), {entry(line.equation.tensor.name, point)}"

        def where(a: str, b: str, place: str = place) -> str:
            return f"{place}: derived {a}, SymPy's derivative {b}"

        comparisons.append(compare(gradient.flat[flat], expected, where))
        cut = cut or tracer.cut
    loss_as = "loss in pieces" if cut else "expanded loss"
    which = "all entries" if len(chosen) == size else f"{len(chosen)} of {size} entries"
    how = f"SymPy's derivative of the {loss_as}, {which}"
    return row(f"∂{loss.loss.name}/∂{by}", how, comparisons)


def _direction_row(
    derivation: Derivation,
    loss: LossDerivation,
    gradients: Mapping[str, Entries],
    instance: Instance,
    forward: Mapping[str, Entries],
    seed: int,
) -> Row:
    """Every entry of every gradient, along one direction; if it is wrong, of each alone."""
    chance = random.Random(seed)
    along = {
        name: [chance.choice((-3, -2, -1, 1, 2, 3)) for _ in gradient.flat]
        for name, gradient in gradients.items()
    }

    def compared(names: Sequence[str]) -> Comparison:
        terms = ((gradients[name].flat, along[name]) for name in names)
        derived = sum(x * v for flat, vs in terms for x, v in zip(flat, vs, strict=True))
        rise = _rise(derivation.system, loss, {n: along[n] for n in names}, instance, forward)
        place = f"equation ({loss.gradients[names[0]].number}), along a random direction of "

        def where(a: str, b: str) -> str:
            return f"{place}{', '.join(names)}: derived {a}, the loss rises by {b}"

        return compare(derived, rise, where)

    found = [compared(list(gradients))]
    if not found[0].held:
        found = [compared([name]) for name in gradients]
    how = "dual numbers along a random direction of all"
    return row(f"gradients of {loss.loss.name}", how, found)


def _rise(
    system: System,
    loss: LossDerivation,
    along: Mapping[str, Sequence[int]],
    instance: Instance,
    known: Mapping[str, Entries],
) -> Value:
    """How fast the loss rises along a direction, exactly: by dual numbers."""
    moved = {
        name: Entries(
            known[name].shape,
            [Dual(x, v) for x, v in zip(known[name].flat, direction, strict=True)],
        )
        for name, direction in along.items()
    }
    given = {name: known[name] for name in instance.given}
    environment = Environment({**given, **moved}, instance.extents, DUALS)
    found = evaluate_all(leading_to(system.equations, {loss.loss.name}), environment)
    return dual_rate(found[loss.loss.name].flat[0])


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
