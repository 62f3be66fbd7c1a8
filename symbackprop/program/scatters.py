"""Terms with a δ at a position only known when running: added there, never spread out."""

from __future__ import annotations

import itertools

from sympy import Expr, Mul

from symbackprop.equations.masks import Delta
from symbackprop.equations.nodes import Access, Digit, Index, free_indices
from symbackprop.equations.ranges import bounds, nonnegative
from symbackprop.equations.reductions import ArgMax, ArgMin, Sum
from symbackprop.equations.renaming import substituted
from symbackprop.program.accesses import flat_position
from symbackprop.program.overlaps import add_overlapping, as_landed, own_memory, scattered
from symbackprop.program.reshapes import row_major_indices
from symbackprop.program.scope import Axes, Labelled, Scope
from symbackprop.program.shapes import product, row_major
from symbackprop.program.tables import add_rows

Target = dict[Index, Expr]


def is_scatter(expr: Expr) -> bool:
    """Whether the expression is a product with such a δ, or the sum of one."""
    known = isinstance(expr, (Sum, Mul, Delta)) and bool(_split(expr)[1])
    return known or scattered(expr) is not None


def lower_scatter(expr: Expr, scope: Scope) -> Labelled:
    """The scatter into zeros."""
    return add_scatters(None, [expr], scope)


def add_scatters(base: Labelled | None, terms: list[Expr], scope: Scope) -> Labelled:
    """`base` plus the terms, each added at its positions."""
    indices = {i for term in terms for i in free_indices(term)}
    axes = scope.sorted({*indices, *(base.axes if base else ())})
    if base and len(base.axes) == len(axes):
        axes = base.axes
    overlapping = [None if _parse(term)[1] else scattered(term) for term in terms]
    if base is None and len(terms) == 1 and overlapping[0] is not None:
        axes = as_landed(overlapping[0], axes, scope)
    elif base is None and len(terms) == 1:
        axes = _as_read(_parse(terms[0])[1], axes, scope)
    for term, parts in zip(terms, overlapping, strict=True):
        if parts is None:
            base = Labelled(_add(own_memory(base, axes, scope), axes, term, scope), axes)
        else:
            base = add_overlapping(base, parts, axes, scope)
    assert base is not None
    return base


def _as_read(target: Target, axes: Axes, scope: Scope) -> Axes:
    """The axes in the order of the memory in which the position of an extreme was found."""
    for index, position in target.items():
        if isinstance(position, (ArgMax, ArgMin)) and len(target) == len(position.bound) == 1:
            read = scope.lower(position.body).axes
            order = tuple(index if i == position.bound[0] else i for i in read)
            return order if len(order) == len(axes) and set(order) == set(axes) else axes
    return axes


def _add(value: int, axes: Axes, term: Expr, scope: Scope) -> int:
    graph = scope.graph
    bound, target, rest = _parse(term)
    rest = substituted(rest, target)
    shape = graph.shape(value)
    position = flat_position([target.get(i, i) for i in axes], shape, scope)
    inner = tuple(i for i in bound if i not in position.axes)
    entries = scope.lower(Sum(rest, *inner))
    # A position that does not move with a bound index gets the sum over it.
    where = scope.sorted(set(position.axes))
    index = scope.align(position, where)
    if len(inner) < len(bound):
        if list(target) == [axes[0]] and len(axes) > 1:
            rows = scope.lower(target[axes[0]])
            told = scope.sorted(set(rows.axes))
            if set(told) == set(bound) - set(inner):
                count = (len(told),)
                index = graph.merge(scope.align(rows, told), count)
                added = scope.expand(entries, (*told, *axes[1:]))
                added = graph.merge(added, (*count, *(1 for _ in axes[1:])))
                return add_rows(graph, value, index, added)
        count = (len(where),)
        added = graph.merge(scope.expand(entries, where), count)
        return graph.accumulate(value, graph.merge(index, count), added)
    added = scope.align(entries, where)
    flat = graph.merge(value, (len(axes),))
    return graph.put(value, index, graph.apply("add", graph.take(flat, index, 0), added))


def _parse(expr: Expr) -> tuple[Axes, Target, Expr]:
    """The bound indices, the position that each scattered index is at, and all other factors."""
    bound, target, rest = _split(expr)
    return bound, target, Mul(*rest)


def _split(expr: Expr) -> tuple[Axes, Target, list[Expr]]:
    """The same, with each of the other factors."""
    body, bound = (expr.body, expr.bound) if isinstance(expr, Sum) else (expr, ())
    target: Target = {}
    rest: list[Expr] = []
    for factor in Mul.make_args(body):
        found = _target(factor, bound) if isinstance(factor, Delta) else {}
        both = _joined(target, found)
        if found and both is not None:
            target = both
        else:
            rest.append(factor)
    return bound, target, rest


def _joined(target: Target, found: Target) -> Target | None:
    """Both sets of positions, each free of every scattered index; None where that cannot be."""
    if not target.keys().isdisjoint(found):
        return None
    found = {u: substituted(e, target) for u, e in found.items()}
    both = {u: substituted(e, found) for u, e in target.items()} | found
    return both if all(free_indices(e).isdisjoint(both) for e in both.values()) else None


def _target(delta: Delta, bound: Axes) -> Target:
    """u ↦ e for δ(u, e) with e known only when running; its digits where u is a flat position."""
    for flat, position in itertools.permutations(delta.args):
        known = position.has(Access, ArgMax, ArgMin)
        indices = free_indices(flat)
        free = indices.isdisjoint(bound) and indices.isdisjoint(free_indices(position))
        if not known or not indices or flat.has(Access, Digit) or not free:
            continue
        parts = row_major_indices(flat)
        if parts is None or not stays_below(position, product(tuple(i.extent for i in parts))):
            continue
        if isinstance(flat, Index):
            return {flat: position}
        strides = row_major(tuple(i.extent for i in parts))
        return {
            i: Digit(position, stride, i.extent) for i, stride in zip(parts, strides, strict=True)
        }
    return {}


def stays_below(position: Expr, extent: Expr) -> bool:
    """Whether 0 <= position < extent follows from the ranges of what it is made of."""
    low, high = bounds(position)
    if low is None or high is None:
        return False
    sizes = [extent, *(i.extent for i in free_indices(position))]
    return nonnegative(low, sizes) and nonnegative(extent - 1 - high, sizes)
