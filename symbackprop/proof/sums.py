"""Sums whose loops leave a product as soon as one factor is known to be 0, and what they cost.

In exact numbers 0 times anything is 0. The loops over bound indices that a δ or an entry of a thin
tensor depends on come first, so Σ_i δ(u, i) f(i) costs the i, and one f.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sympy import Expr, Mul

from symbackprop.equations.evaluate_compile import Compiled, Frame, Scope, compile_node
from symbackprop.equations.evaluate_environment import extent_of
from symbackprop.equations.evaluate_numbers import Value
from symbackprop.equations.masks import Delta, Mask
from symbackprop.equations.nodes import Access, Index, Partial, TensorSymbol
from symbackprop.equations.reductions import Reduction, Sum


def sparing_sum(thin: Collection[TensorSymbol], expr: Sum, scope: Scope) -> Compiled:
    """Σ over the bound indices; ranges, then δ and entries of a thin tensor, come first."""
    factors = Mul.make_args(expr.body)
    ranges = [f for f in factors if isinstance(f, Mask) and not f.has(Access, Delta)]
    first = [*ranges, *(f for f in factors if _is_often_zero(f, thin))]
    order = _order(first, expr.bound)
    start = len(scope.slots)
    slots = {**scope.slots, **{index: start + k for k, index in enumerate(order)}}
    inner = replace(scope, slots=slots)
    sizes = [range(extent_of(i.extent, scope.environment.extents)) for i in order]
    levels: list[list[Compiled]] = [[] for _ in range(len(order) + 1)]
    for factor in first:
        places = [k for k, index in enumerate(order, 1) if index in factor.free_symbols]
        levels[max(places, default=0)].append(compile_node(factor, inner))
    rest = compile_node(Mul(*(f for f in factors if f not in first)), inner)

    last = max((level for level, known in enumerate(levels) if known), default=0)

    def from_level(level: int, value: Value, frame: Frame) -> Value:
        for factor in levels[level]:
            value = value * factor(frame)
            if value == 0:
                return 0
        found: Value = 0
        if level < last:
            for number in sizes[level]:
                frame[start + level] = number
                found = found + from_level(level + 1, value, frame)
            return found
        for point in itertools.product(*sizes[level:]):
            frame[start + level :] = point
            found = found + rest(frame)
        return value * found

    def total(frame: Frame) -> Value:
        frame[start:] = [0] * len(order)
        return from_level(0, 1, frame)

    return total


def sparing_product(expr: Expr, scope: Scope) -> Compiled:
    """A product in which a factor of 0 spares the derivatives."""
    rates = [f for f in expr.args if f.has(Partial)]
    plain = replace(scope, extra={t: c for t, c in scope.extra.items() if t is not Mul})
    rest = compile_node(Mul(*(f for f in expr.args if f not in rates)), plain)
    compiled = [compile_node(f, scope) for f in rates]

    def product(frame: Frame) -> Value:
        value = rest(frame)
        for factor in compiled:
            if value == 0:
                return 0
            value = value * factor(frame)
        return value

    return product


def thin_product(thin: Collection[TensorSymbol], expr: Expr, scope: Scope) -> Compiled:
    """A product in which an entry of 0 of a thin tensor spares the rest, which may be undefined."""
    first = [f for f in expr.args if isinstance(f, Access) and f.tensor in thin]
    compiled = [compile_node(f, scope) for f in (*first, *(f for f in expr.args if f not in first))]

    def product(frame: Frame) -> Value:
        value: Value = 1
        for number, factor in enumerate(compiled, 1):
            value = value * factor(frame)
            if number <= len(first) and value == 0:
                return 0
        return value

    return product


def _is_often_zero(factor: Expr, thin: Collection[TensorSymbol]) -> bool:
    return isinstance(factor, Delta) or (isinstance(factor, Access) and factor.tensor in thin)


def _order(first: Sequence[Expr], bound: Sequence[Index]) -> list[Index]:
    """The indices so that each of these factors is known as soon as it can be."""
    order: list[Index] = []
    needed = [[i for i in bound if i in factor.free_symbols] for factor in first]
    for indices in sorted(needed, key=len):
        order += [i for i in indices if i not in order]
    return order + [i for i in bound if i not in order]


def operations(expr: Any, extents: Mapping[Any, int], partial: int = 0) -> int:
    """About how many numbers one evaluation touches; a `Partial` touches that many."""
    if isinstance(expr, Partial):
        return partial
    if isinstance(expr, Reduction):
        deltas = [f for f in Mul.make_args(expr.body) if isinstance(f, Delta)]
        found = {i for d in deltas for i in d.args if isinstance(i, Index)}
        free = math.prod(extent_of(i.extent, extents) for i in expr.bound if i not in found)
        given = sum(extent_of(i.extent, extents) for i in expr.bound if i in found)
        return given + free * operations(expr.body, extents, partial)
    return 1 + sum(operations(e, extents, partial) for e in expr.args)
