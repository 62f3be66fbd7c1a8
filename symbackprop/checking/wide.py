"""A derivation at full size, in floats: what is too large for exact numbers.

Both sides of every step are evaluated over whole arrays, or at sampled values of the indices. What
is differentiated is differentiated by complex steps of the equations: free of cancellation, and of
one side of a kink.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symbackprop.checking.complex_steps import STEP, TOLERANCE, rises_as_derived
from symbackprop.checking.draw import Array, Instance, first_defined, run_time_extents
from symbackprop.checking.report import Comparison, Row, compared, entry, row
from symbackprop.checking.sides import Pair, Side, Tally, definition, lines, pairs
from symbackprop.checking.sizes import size_of
from symbackprop.checking.values import (
    Arrays,
    cotangent_arrays,
    equation_work,
    forward_arrays,
    leading_to,
    operations,
)
from symbackprop.derivation.model import Derivation, Line, LossDerivation
from symbackprop.equations.evaluate import Environment, extent_of
from symbackprop.equations.evaluate_arrays import ARRAYS, entries_of
from symbackprop.equations.evaluate_compile import (
    Compiled,
    Frame,
    NodeCompiler,
    Scope,
    compile_node,
)
from symbackprop.equations.nodes import Partial

_OPERATIONS_A_SIDE = 300_000  # at least one value of the line's indices is looked at
_OPERATIONS_AN_ENTRY = 20_000_000  # a dearer step is not checked
_OPERATIONS_A_DERIVATIVE = 1_000_000  # a dearer chain rule is not checked; the whole gradients are
_OPERATIONS = 200_000_000  # that derivatives of whole losses may cost, beside the first
WHERE = ", full size in floats"


def check_wide(derivation: Derivation, seed: int = 0) -> list[Row]:
    """One row for each rule, and one for each loss's gradients."""
    extents = run_time_extents(derivation.system)
    instance, forward = first_defined(
        derivation.system,
        lambda drawn: (drawn, forward_arrays(derivation, drawn)),
        seed,
        extents,
        exact=False,
    )
    back = {loss.loss: cotangent_arrays(loss, forward, extents) for loss in derivation.losses}
    rng = np.random.default_rng(seed)
    tally = Tally()
    for line, loss in lines(derivation):
        values = back[loss.loss] if loss else forward
        _check_line(derivation, line, Environment(values, extents, ARRAYS), tally, rng)
    rows = tally.rows("complex steps", WHERE)
    for loss in derivation.losses:
        if loss.gradients:
            rows.append(_gradients_row(derivation, loss, back[loss.loss], instance, rng))
    return rows


def _check_line(
    derivation: Derivation,
    line: Line,
    environment: Environment,
    tally: Tally,
    rng: np.random.Generator,
) -> None:
    equal = pairs(derivation, line)
    shape = [extent_of(size, environment.extents) for size in line.equation.tensor.shape]
    values: dict[Side, Array | str] = {}
    cost = {pair: _cost(derivation, pair, environment.extents) for pair in equal}
    few = min((max(1, _OPERATIONS_A_SIDE // c) for c in cost.values()), default=1)
    ranges = _sample(shape, few, rng)
    for pair in equal:
        derivative = pair.before.expr.has(Partial)
        if cost[pair] > (_OPERATIONS_A_DERIVATIVE if derivative else _OPERATIONS_AN_ENTRY):
            tally.add(pair.rule, (), every=False)
            continue
        for side in (pair.before, pair.after):
            if side not in values:
                values[side] = _evaluate(derivation, side, ranges, environment)
        every = all(len(r) == size for r, size in zip(ranges, shape, strict=True))
        tally.add(pair.rule, _compare(line, pair, ranges, values, environment), every)


def _cost(derivation: Derivation, pair: Pair, extents: Mapping[str, int]) -> int:
    """What one entry of both sides costs; ∂y/∂x is found for all entries of y at once."""
    cost = 0
    for side in (pair.before, pair.after):
        found = side.expr.atoms(Partial)
        by = [definition(derivation, p.args[0].tensor.name) for p in found]
        cost += operations(side.expr, extents, 1) + sum(equation_work(e, extents) for e in by)
    return cost


def _sample(shape: Sequence[int], number: int, rng: np.random.Generator) -> list[list[int]]:
    """Some values of each index, so that together they are at most that many, if not all."""
    ranges = []
    for k, size in enumerate(shape):
        each = max(1, math.ceil(number ** (1 / (len(shape) - k)) - 1e-9))
        chosen = rng.permutation(size)[:each] if each < size else np.arange(size)
        ranges.append(sorted(chosen.tolist()))
        number = max(1, number // len(chosen))
    return ranges


def _evaluate(
    derivation: Derivation, side: Side, ranges: Sequence[Sequence[int]], environment: Environment
) -> Array | str:
    """The values where the indices have these values, or why there are none."""
    try:
        if not side.expr.has(Partial):
            return entries_of(side.expr, side.indices, environment)(ranges)
        extra: Mapping[type, NodeCompiler] = {Partial: _partial_compiler(derivation)}
        at = entries_of(side.expr, side.indices, environment, extra)
        values = np.empty([len(r) for r in ranges])
        for place in np.ndindex(values.shape):
            values[place] = at([[r[k]] for r, k in zip(ranges, place, strict=True)]).item()
        return values
    except AssertionError as wrong:
        return str(wrong)


def _compare(
    line: Line,
    pair: Pair,
    ranges: Sequence[Sequence[int]],
    values: Mapping[Side, Array | str],
    environment: Environment,
) -> Iterator[Comparison]:
    a, b = values[pair.before], values[pair.after]
    for side, found in ((pair.before, a), (pair.after, b)):
        if isinstance(found, str):
            why = f'equation ({line.number}), rule "{pair.rule}", {side.name}: {found}'
            yield Comparison(math.nan, 0.0, why)
            return
    assert isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    scale = np.abs(b) + 1e-3 * np.abs(b).max(initial=0.0) + 1e-300
    errors = np.abs(a - b) / scale
    if not (errors <= TOLERANCE).all():
        errors = np.abs(a - b) / (scale + _sizes(pair.after, ranges, environment))

    def where(place: tuple[int, ...]) -> str:
        point = [r[k] for r, k in zip(ranges, place, strict=True)]
        return (
            f"equation ({line.number}), {entry(line.equation.tensor.name, point)}, "
            f'rule "{pair.rule}": {pair.before.name} is {a[place]:.12g}, '
            f"{pair.after.name} is {b[place]:.12g}"
        )

    yield from compared(errors, TOLERANCE, where)


def _sizes(side: Side, ranges: Sequence[Sequence[int]], environment: Environment) -> Array:
    return entries_of(size_of(side.expr), side.indices, environment)(ranges)


def _partial_compiler(derivation: Derivation) -> Callable[[Partial, Scope], Compiled]:
    """∂y[i]/∂x[u] for whole arrays of i and one u, by a complex step of the equation of y."""

    def compiler(expr: Partial, scope: Scope) -> Compiled:
        of, by = expr.args
        equation = definition(derivation, of.tensor.name)
        moved = scope.environment.tensors[by.tensor.name].astype(complex)
        tensors = {**scope.environment.tensors, by.tensor.name: moved}
        inner = Scope(Environment(tensors, scope.environment.extents, ARRAYS), scope.name, {}, {})
        slots = {index: k for k, index in enumerate(equation.indices)}
        y_at = [compile_node(i, scope) for i in of.indices]
        x_at = [compile_node(i, scope) for i in by.indices]
        at = entries_of(equation.rhs, equation.indices, inner.environment)
        sizes = [extent_of(i.extent, scope.environment.extents) for i in slots]

        def partial(frame: Frame) -> Array:
            position = tuple(int(np.asarray(index(frame)).item()) for index in x_at)
            value = moved[position]
            moved[position] = value + 1j * STEP
            try:
                rates = at([range(size) for size in sizes]).imag / STEP
            finally:
                moved[position] = value
            places = tuple(np.asarray(index(frame)) for index in y_at)
            inside: Any = True
            kept = []
            for place, size in zip(places, sizes, strict=True):
                inside = inside & (place >= 0) & (place < size)
                kept.append(np.clip(place, 0, size - 1))
            return np.where(inside, rates[tuple(kept)], np.nan)

        return partial

    return compiler


def _gradients_row(
    derivation: Derivation,
    loss: LossDerivation,
    values: Arrays,
    instance: Instance,
    rng: np.random.Generator,
) -> Row:
    """The slope of the loss along one direction of everything; if it is wrong, of each alone."""
    system = derivation.system
    names = sorted(loss.gradients)
    leading = leading_to(system.equations, {loss.loss.name})
    cost = sum(equation_work(equation, instance.extents) for equation in leading)
    found = [rises_as_derived(system, loss, names, instance, values, rng)]
    if not found[0].held or cost * len(names) <= _OPERATIONS:
        found = [rises_as_derived(system, loss, [n], instance, values, rng) for n in names]
    return row(f"gradients of {loss.loss.name}", f"complex steps{WHERE}", found)
