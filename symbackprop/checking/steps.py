"""Every step of every line, both sides evaluated: a derivation is a chain of equalities.

The sides of a line are, in order: what the user wrote (on the way forward), then before and after
of each step, then the right-hand side. Each is held against the next, at every value of the line's
indices where that is cheap and at sampled ones where it is not. The chain rule's `before` contains
∂y[i]/∂x[u]; its value is SymPy's scalar derivative of the equation that defines y, with the one
entry x[u] a symbol and all others numbers.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Expr

from symbackprop.checking.draw import Instance, first_defined
from symbackprop.checking.exact import compare, rate
from symbackprop.checking.report import Comparison, Row, entry, row
from symbackprop.derivation.model import Derivation, Line, LossDerivation
from symbackprop.equations.evaluate import (
    Entries,
    Environment,
    Known,
    Traced,
    Undefined,
    Value,
    compile_expression,
    entries,
    extent_of,
)
from symbackprop.equations.evaluate_compile import Compiled, Frame, Scope
from symbackprop.equations.nodes import Access, Index, Partial, tensors
from symbackprop.equations.reductions import Reduction
from symbackprop.equations.system import Equation

Values = Mapping[str, Entries]

CONNECT = "steps connect"
_OPERATIONS_A_LINE = 60_000  # what one line may cost to check; at least one entry is checked
_OPERATIONS_AN_ENTRY = 4_000_000  # a dearer line is checked on the tiny instance alone


@dataclass(frozen=True)
class _Side:
    """An expression for the line's tensor in terms of its own names for the line's indices."""

    name: str
    indices: tuple[Index, ...]
    expr: Expr


def check_steps(derivation: Derivation, seed: int = 0) -> list[Row]:
    """One row for each rule that the derivation uses, in order of first use."""
    instance, forward = first_defined(
        derivation.system, lambda drawn: (drawn, forward_values(derivation, drawn)), seed
    )
    compared: dict[str, list[Comparison]] = {}
    sampled: set[str] = set()
    for line, values in _lines_with_values(derivation, instance, forward):
        pairs = list(_pairs(derivation, line))
        points, every = _points(derivation, line, pairs, instance, seed)
        for rule, *_ in pairs:
            compared.setdefault(rule, [])
            if not every:
                sampled.add(rule)
        for rule, comparison in _compare_pairs(derivation, line, pairs, points, values, instance):
            compared[rule].append(comparison)
    return [_rule_row(rule, compared[rule], rule in sampled) for rule in compared]


def _rule_row(rule: str, comparisons: list[Comparison], sampled: bool) -> Row:
    how = "SymPy's scalar derivatives" if rule == "chain rule" else "both sides evaluated"
    which = "sampled" if sampled else "all"
    how = f"{how}, {which} entries" if comparisons else "too large to evaluate"
    return row(f"rule: {rule}", how, comparisons)


def forward_values(derivation: Derivation, instance: Instance) -> dict[str, Entries]:
    """Every forward tensor: from the user's equations, then what only the rewritten ones define."""
    values = {name: Entries.of(array) for name, array in instance.given.items()}
    environment = Environment(values, instance.extents)
    forward = [line.equation for line in derivation.forward]
    for equation in (*derivation.system.equations, *forward):
        if equation.tensor.name not in values:
            values[equation.tensor.name] = entries(equation, environment)
    return values


def cotangent_values(
    loss: LossDerivation, forward: Values, extents: Mapping[str, int]
) -> dict[str, Entries]:
    """The cotangents of one loss and the forward values, without what nothing reads."""
    values = dict(forward)
    environment = Environment(values, extents)
    read = {
        tensor.name
        for line in loss.cotangents
        for expr in (line.equation.rhs, *(e for s in line.steps for e in (s.before, s.after)))
        for tensor in tensors(expr)
    }
    for line in loss.cotangents:
        if line.equation.tensor.name in read:
            values[line.equation.tensor.name] = entries(line.equation, environment)
    return values


def _lines_with_values(
    derivation: Derivation, instance: Instance, forward: Values
) -> Iterator[tuple[Line, Values]]:
    for line in derivation.forward:
        yield line, forward
    for loss in derivation.losses:
        values = cotangent_values(loss, forward, instance.extents)
        for line in loss.cotangents:
            yield line, values


def _pairs(derivation: Derivation, line: Line) -> Iterator[tuple[str, _Side, _Side]]:
    """What must be equal: the rule that says so, and both sides."""
    indices = line.equation.indices
    written = None if line.of else derivation.system.definition(line.equation.tensor)
    last = _Side("what was written", written.indices, written.rhs) if written else None
    for step in line.steps:
        before = _Side("before", indices, step.before)
        after = _Side("after", indices, step.after)
        if last and last.expr != before.expr:
            yield CONNECT, last, before
        yield step.rule, before, after
        last = after
    result = _Side("the equation", indices, line.equation.rhs)
    if last and last.expr != result.expr:
        yield CONNECT, last, result


def _points(
    derivation: Derivation,
    line: Line,
    pairs: Sequence[tuple[str, _Side, _Side]],
    instance: Instance,
    seed: int,
) -> tuple[list[tuple[int, ...]], bool]:
    """The index values at which to check a line, as many as its cost allows; whether it is all."""
    shape = tuple(extent_of(size, instance.extents) for size in line.equation.tensor.shape)
    sides = {side.expr for _, *both in pairs for side in both}
    cost = sum(operations(expr, derivation, instance) for expr in sides)
    if not pairs:
        return [], True
    if cost > _OPERATIONS_AN_ENTRY:
        return [], False
    size = math.prod(shape)
    number = min(size, max(1, _OPERATIONS_A_LINE // cost))
    chosen = random.Random(seed).sample(range(size), number) if number < size else range(size)
    return [tuple(map(int, np.unravel_index(flat, shape))) for flat in chosen], number == size


def operations(expr: Any, derivation: Derivation, instance: Instance) -> int:
    """About how many numbers one evaluation touches."""
    if isinstance(expr, Partial):
        equation = _definition(derivation, expr.args[0].tensor.name)
        return 10 + operations(equation.rhs, derivation, instance)
    if isinstance(expr, Reduction):
        body = operations(expr.body, derivation, instance)
        return body * math.prod(extent_of(i.extent, instance.extents) for i in expr.bound)
    return 1 + sum(operations(e, derivation, instance) for e in expr.args)


def _definition(derivation: Derivation, name: str) -> Equation:
    return next(x.equation for x in derivation.forward if x.equation.tensor.name == name)


def _compare_pairs(
    derivation: Derivation,
    line: Line,
    pairs: Sequence[tuple[str, _Side, _Side]],
    points: Sequence[tuple[int, ...]],
    values: Values,
    instance: Instance,
) -> Iterator[tuple[str, Comparison]]:
    environment = Environment(values, instance.extents)
    partial: Mapping[type, Any] = {Partial: _partial_compiler(derivation)}
    found: dict[_Side, list[Value] | str] = {}
    for rule, *both in pairs:
        for side in both:
            if side not in found:
                name = f"equation ({line.number})"
                found[side] = _evaluate_side(side, points, environment, name, partial)
        yield from ((rule, c) for c in _compare_sides(line, rule, both, points, found))


def _evaluate_side(
    side: _Side,
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
    rule: str,
    both: Sequence[_Side],
    points: Sequence[tuple[int, ...]],
    found: Mapping[_Side, list[Value] | str],
) -> Iterator[Comparison]:
    values = []
    for side in both:
        at = found[side]
        if isinstance(at, str):
            where = f'equation ({line.number}), rule "{rule}", {side.name}: {at}'
            yield Comparison(math.nan, 0.0, where)
            return
        values.append(at)
    name = line.equation.tensor.name
    for point, a, b in zip(points, *values, strict=True):

        def differ(a: str, b: str, point: tuple[int, ...] = point) -> str:
            return (
                f'equation ({line.number}), {entry(name, point)}, rule "{rule}": '
                f"{both[0].name} is {a}, {both[1].name} is {b}"
            )

        yield compare(a, b, differ)


def _partial_compiler(derivation: Derivation) -> Callable[[Partial, Scope], Compiled]:
    """∂y[i]/∂x[u]: the equation of y with x[u] a symbol, differentiated by SymPy."""

    def compiler(expr: Partial, scope: Scope) -> Compiled:
        of, by = expr.args
        equation = _definition(derivation, of.tensor.name)
        x = scope.environment.tensors[by.tensor.name]
        flat = list(x.flat)
        traced = {**scope.environment.tensors, by.tensor.name: Entries(x.shape, flat)}
        environment = Environment(traced, scope.environment.extents)
        y = compile_expression(equation.rhs, environment, equation.indices, scope.name)
        y_at, x_at = _position(of, scope), _position(by, scope)

        def partial(frame: Frame) -> Value:
            position = 0
            for index, size in zip(x_at(frame), x.shape, strict=True):
                position = position * size + index
            value = flat[position]
            symbol = Known(value)
            flat[position] = Traced(value, symbol)
            try:
                return rate(y(y_at(frame)), symbol)
            finally:
                flat[position] = value

        return partial

    return compiler


def _position(access: Access, scope: Scope) -> Callable[[Frame], list[int]]:
    indices = tuple(scope.slots)
    at = [compile_expression(i, scope.environment, indices) for i in access.indices]
    return lambda frame: [index(frame[: len(indices)]) for index in at]
