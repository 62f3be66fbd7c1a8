"""Every step of every line, both sides evaluated: a derivation is a chain of equalities.

The sides of a line are, in order: what the user wrote (on the way forward), then before and after
of each step, then the right-hand side, then other forms of it. Each is held against the next, at
every value of the line's indices where that is cheap and at sampled ones where it is not. The chain
rule's `before` contains ∂y[i]/∂x[u]; its value is SymPy's scalar derivative of the one equation
that defines y, with the entry x[u] a symbol and all others numbers, earlier steps of y too.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symbackprop.checking.draw import Instance, first_defined
from symbackprop.checking.exact import compare, rate
from symbackprop.checking.report import Comparison, Row, entry
from symbackprop.checking.sides import Pair, Side, Tally, definition, lines, pairs
from symbackprop.checking.values import Values, cotangent_values, forward_values, operations
from symbackprop.derivation.model import Derivation, Line
from symbackprop.equations.evaluate import (
    Entries,
    Environment,
    Known,
    Traced,
    Undefined,
    Value,
    compile_expression,
    extent_of,
)
from symbackprop.equations.evaluate_compile import Compiled, Frame, Scope
from symbackprop.equations.nodes import Access, Partial

_OPERATIONS = 2_000_000  # what all lines may cost to check
_OPERATIONS_A_LINE = 60_000  # what one of them may; at least one entry is checked
_OPERATIONS_AN_ENTRY = 4_000_000  # a dearer line is not checked


def check_steps(derivation: Derivation, seed: int = 0) -> list[Row]:
    """One row for each rule that the derivation uses, in order of first use."""
    instance, forward = first_defined(
        derivation.system, lambda drawn: (drawn, forward_values(derivation, drawn)), seed
    )
    back = {
        loss.loss: cotangent_values(loss, forward, instance.extents) for loss in derivation.losses
    }
    tally = Tally()
    number = sum(1 for _ in lines(derivation))
    each = min(_OPERATIONS_A_LINE, _OPERATIONS // max(1, number))
    for line, loss in lines(derivation):
        values = back[loss.loss] if loss else forward
        equal = pairs(derivation, line)
        points, every = _points(derivation, line, equal, instance, each, seed)
        for rule in dict.fromkeys(pair.rule for pair in equal):
            tally.add(rule, (), every)
        for rule, comparison in _compare_pairs(derivation, line, equal, points, values, instance):
            tally.add(rule, (comparison,), every)
    return tally.rows("SymPy's scalar derivatives")


def _points(
    derivation: Derivation,
    line: Line,
    equal: Sequence[Pair],
    instance: Instance,
    operations_each: int,
    seed: int,
) -> tuple[list[tuple[int, ...]], bool]:
    """The index values at which to check a line, as many as its cost allows; whether it is all."""
    extents = instance.extents
    shape = tuple(extent_of(size, extents) for size in line.equation.tensor.shape)
    sides = {side.expr for pair in equal for side in (pair.before, pair.after)}
    cost = 0
    for expr in sides:
        by = [definition(derivation, p.args[0].tensor.name).rhs for p in expr.atoms(Partial)]
        cost += operations(expr, extents, max((10 + operations(e, extents) for e in by), default=0))
    if not equal:
        return [], True
    if cost > _OPERATIONS_AN_ENTRY:
        return [], False
    size = math.prod(shape)
    number = min(size, max(1, operations_each // cost))
    chosen = random.Random(seed).sample(range(size), number) if number < size else range(size)
    return [tuple(map(int, np.unravel_index(flat, shape))) for flat in chosen], number == size


def _compare_pairs(
    derivation: Derivation,
    line: Line,
    equal: Sequence[Pair],
    points: Sequence[tuple[int, ...]],
    values: Values,
    instance: Instance,
) -> Iterator[tuple[str, Comparison]]:
    environment = Environment(values, instance.extents)
    partial: Mapping[type, Any] = {Partial: _partial_compiler(derivation)}
    found: dict[Side, list[Value] | str] = {}
    for pair in equal:
        for side in (pair.before, pair.after):
            if side not in found:
                name = f"equation ({line.number})"
                found[side] = _evaluate_side(side, points, environment, name, partial)
        yield from ((pair.rule, c) for c in _compare_sides(line, pair, points, found))


def _evaluate_side(
    side: Side,
    points: Sequence[tuple[int, ...]],
    environment: Environment,
    name: str,
    extra: Mapping[type, Any],
) -> list[Value] | str:
    """The values at the points, or why there are none: a wrong step may read out of range."""
    try:
        at = compile_expression(side.expr, environment, side.indices, name, extra)
        return [at(point) for point in points]
    except (AssertionError, Undefined) as wrong:
        return str(wrong)


def _compare_sides(
    line: Line,
    pair: Pair,
    points: Sequence[tuple[int, ...]],
    found: Mapping[Side, list[Value] | str],
) -> Iterator[Comparison]:
    values = []
    for side in (pair.before, pair.after):
        at = found[side]
        if isinstance(at, str):
            where = f'equation ({line.number}), rule "{pair.rule}", {side.name}: {at}'
            yield Comparison(math.nan, 0.0, where)
            return
        values.append(at)
    name = line.equation.tensor.name
    for point, a, b in zip(points, *values, strict=True):

        def differ(a: str, b: str, point: tuple[int, ...] = point) -> str:
            return (
                f'equation ({line.number}), {entry(name, point)}, rule "{pair.rule}": '
                f"{pair.before.name} is {a}, {pair.after.name} is {b}"
            )

        yield compare(a, b, differ)


def _partial_compiler(derivation: Derivation) -> Callable[[Partial, Scope], Compiled]:
    """∂y[i]/∂x[u]: the equation of y with x[u] a symbol, differentiated by SymPy."""

    def compiler(expr: Partial, scope: Scope) -> Compiled:
        of, by = expr.args
        equation = definition(derivation, of.tensor.name)
        x = scope.environment.tensors[by.tensor.name]
        traced = Entries(x.shape, list(x.flat))
        tensors = {**scope.environment.tensors, by.tensor.name: traced}
        environment = Environment(tensors, scope.environment.extents)
        y = compile_expression(equation.rhs, environment, equation.indices, scope.name)
        y_at, x_at = _position(of, scope), _position(by, scope)

        def partial(frame: Frame) -> Value:
            position = traced.position(x_at(frame))
            value = traced.flat[position]
            symbol = Known(value)
            traced.flat[position] = Traced(value, symbol)
            try:
                return rate(y(y_at(frame)), symbol)
            finally:
                traced.flat[position] = value

        return partial

    return compiler


def _position(access: Access, scope: Scope) -> Callable[[Frame], list[int]]:
    indices = tuple(scope.slots)
    at = [compile_expression(i, scope.environment, indices) for i in access.indices]
    return lambda frame: [index(frame[: len(indices)]) for index in at]
