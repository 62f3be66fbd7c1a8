"""Σ f(i, p) δ(a, 2 i + p): what several bound indices put at one place is added there."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Mul, expand

from symbackprop.equations.masks import Delta, Where
from symbackprop.equations.nodes import Digit, Index, free_indices
from symbackprop.equations.ranges import bounds, nonnegative
from symbackprop.equations.reductions import ArgMax, ArgMin, Sum
from symbackprop.program.accesses import Running, affine
from symbackprop.program.blocks import parts
from symbackprop.program.graph import Graph
from symbackprop.program.scope import Axes, Labelled, Scope
from symbackprop.program.shapes import ONE, nominal, product, row_major, size
from symbackprop.program.windows import FEW, Attained, Chosen, First, Made, Overlap


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a term lands on an axis: at start + step · index + …, of indices bound by its sum."""

    start: Expr
    running: Running


@dataclass(frozen=True, slots=True)
class Scattered:
    """Σ over the bound indices of the factors, each landing at places of the free indices."""

    bound: Axes
    landings: Mapping[Index, Landing]
    factors: tuple[Expr, ...]


def scattered(expr: Expr) -> Scattered | None:
    """The parts of Σ f δ(a, 2 i + p) …; None for anything else."""
    if not isinstance(expr, Sum):
        return None
    body = _guard_inside(expr.body)
    landings: dict[Index, Landing] = {}
    rest: list[Expr] = []
    for factor in Mul.make_args(body):
        found = _landing(factor, expr.bound) if isinstance(factor, Delta) else None
        if found is None or found[0] in landings:
            rest.append(factor)
        else:
            landings[found[0]] = found[1]
    if any(not free_indices(f).isdisjoint(landings) for f in rest):
        return None
    return Scattered(expr.bound, landings, tuple(rest)) if landings else None


def _guard_inside(body: Expr) -> Expr:
    """where(m, δ f, 0) = δ where(m, f, 0)."""
    if not isinstance(body, Where) or body.args[2] != 0:
        return body
    factors = Mul.make_args(_guard_inside(body.args[1]))
    deltas = [f for f in factors if isinstance(f, Delta)]
    rest = Mul(*(f for f in factors if not isinstance(f, Delta)))
    return Mul(*deltas, Where(body.args[0], rest, 0))


def _landing(delta: Delta, bound: Axes) -> tuple[Index, Landing] | None:
    """a and where it lies for δ(a, 2 i + p); a plain δ(a, i) is no scatter."""
    found = affine(delta.args[0] - delta.args[1])
    if found is None:
        return None
    start, terms = found
    free = [(i, step) for i, step in terms if i not in bound]
    running = tuple((i, step) for i, step in terms if i in bound)
    if len(free) != 1 or abs(free[0][1]) != 1 or not running:
        return None
    index, sign = free[0]
    if len(running) == 1 and start == 0 and running[0][1] == -sign:
        return None
    return index, Landing(-sign * start, tuple((i, -sign * step) for i, step in running))


def add_overlapping(base: Labelled | None, term: Scattered, axes: Axes, scope: Scope) -> Labelled:
    """`base` plus the scattered term, along `axes`."""
    graph = scope.graph
    landings = {a: term.landings.get(a, Landing(Integer(0), ((a, ONE),))) for a in axes}
    ends = {a: _reach(a, landing) for a, landing in landings.items()}
    shape = tuple(high - low for low, high in ends.values())
    whole = all(ends[a] == (0, a.extent) for a in axes)
    value = graph.copy(graph.scalar(Integer(0)), shape)
    if whole:
        value = own_memory(base, axes, scope)
    items = tuple((landings[a].start - ends[a][0], shape[k]) for k, a in enumerate(axes))
    value = _overlap(value, items, landings, term, scope)
    if not whole:
        cut = tuple((-ends[a][0], a.extent - ends[a][0]) for a in axes)
        value = graph.select(value, cut)
    found = Labelled(value, axes)
    return found if base is None or whole else scope.apply("add", base, found)


def as_landed(term: Scattered, axes: Axes, scope: Scope) -> Axes:
    """The axes in the order in which memory has what lands on them, where all have something."""
    landings = {a: term.landings.get(a, Landing(Integer(0), ((a, ONE),))) for a in axes}
    order = tuple(dict.fromkeys(i for one in landings.values() for i, _ in one.running))
    visited, position, factors = _chosen(term.factors, _visited(landings, order, _told(term)))
    entries = position if position is not None else _entries(term, factors, order)
    lowered = [i for i in scope.lower(entries).axes if i not in visited]
    found = [a for i in lowered for a in axes if i in [j for j, _ in landings[a].running]]
    return tuple(found) if sorted(map(str, found)) == sorted(map(str, axes)) else axes


def _told(term: Scattered) -> set[Index]:
    """The indices that conditions on positions are about."""
    return {i for f in term.factors if isinstance(f, Delta) for i in free_indices(f)}


def _entries(term: Scattered, factors: tuple[Expr, ...], order: Axes) -> Expr:
    """What lands: the factors, summed over the indices that it does not land along."""
    return Sum(Mul(*factors), *(i for i in term.bound if i not in order))


def own_memory(base: Labelled | None, axes: Axes, scope: Scope) -> int:
    """The base, or zeros, along all of the axes in row-major memory."""
    value, shape = scope.expand(base or scope.scalar(0), axes), tuple(i.extent for i in axes)
    return (
        value if scope.graph.strides(value) == row_major(shape) else scope.graph.copy(value, shape)
    )


def _reach(index: Index, landing: Landing) -> tuple[Expr, Expr]:
    """0 and the extent, or further where the term may land outside."""
    low, high = bounds(landing.start + sum(step * i for i, step in landing.running))
    sizes = [index.extent, *(i.extent for i, _ in landing.running)]
    return -_at_most(-low, sizes), index.extent + _at_most(high + 1 - index.extent, sizes)


def _at_most(number: Expr, sizes: list[Expr]) -> Expr:
    """What neither the number nor 0 is above: the larger one, where that is known."""
    if nonnegative(-number, sizes):
        return Integer(0)
    number = expand(number)
    if nonnegative(number, sizes):
        return number
    return Add(*(term for term in Add.make_args(number) if term.as_coeff_Mul()[0] > 0))


def _overlap(
    value: int,
    items: tuple[tuple[Expr, Expr], ...],
    landings: Mapping[Index, Landing],
    term: Scattered,
    scope: Scope,
) -> int:
    graph = scope.graph
    running = [(k, i, step) for k, own in enumerate(landings.values()) for i, step in own.running]
    order = tuple(dict.fromkeys(i for _, i, _ in running))
    visited, position, factors = _chosen(term.factors, _visited(landings, order, _told(term)))
    entries = scope.lower(_entries(term, factors, order))
    number = {i: k for k, i in enumerate(order)}
    made = None
    if position is None:
        entries, made = _made(graph, entries, landings, number, visited)
    own = tuple(i for i in order if i in entries.axes or i not in visited)
    seen = scope.align(entries, own)
    if position is not None and graph.strides(seen)[-1:] != (ONE,):
        seen = graph.copy(seen, graph.shape(seen))  # every visit reads all of it
    missing = len(own) - len(graph.shape(seen))
    seen = graph.select(seen, (*(None,) * missing, *graph.whole(seen)))
    chosen = None if position is None else _room(position, own, visited, scope)
    windows = (
        tuple(i.extent for _, i, _ in running),
        tuple(k for k, _, _ in running),
        tuple(step for _, _, step in running),
    )
    return graph.add(
        Overlap(
            graph.shape(value),
            "real",
            value,
            graph.real(seen),
            items,
            windows,
            tuple(number[i] for _, i, _ in running),
            tuple(number[i] for i in own),
            tuple(number[i] for i in visited),
            chosen,
            made,
        )
    )


def _made(
    graph: Graph,
    entries: Labelled,
    landings: Mapping[Index, Landing],
    number: Mapping[Index, int],
    visited: Axes,
) -> tuple[Labelled, Made | None]:
    """The entries, and how they are made where they are a product larger than where it is added.

    They are made along an index that lands at its own position; else they are all there at once.
    """
    target = size(tuple(a.extent for a in landings))
    if size(graph.shape(entries.value)) < 2 * target:
        return entries, None
    for landing in landings.values():
        (index, step), *others = landing.running
        both = [i for other in landings.values() for i, _ in other.running].count(index)
        if not others and step == 1 and both == 1 and index in entries.axes:
            found = parts(graph, entries, index, visited)
            if found is not None:
                return found.entries, Made(found.a, found.b, number[index], found.size)
    return entries, None


def _visited(landings: Mapping[Index, Landing], order: Axes, told: set[Index]) -> Axes:
    """The indices to visit one by one: on each axis, all but the longest that only it has.

    Those that a condition is `told` of are visited before others.
    """
    left = set()
    for landing in landings.values():
        others = {
            i for other in landings.values() if other is not landing for i, _ in other.running
        }
        alone = [i for i, _ in landing.running if i not in others]
        if alone:
            left.add(max(alone, key=lambda i: (i not in told, nominal(i.extent), i.name)))
    return tuple(i for i in order if i not in left)


def _chosen(factors: tuple[Expr, ...], visited: Axes) -> tuple[Axes, Expr | None, tuple[Expr, ...]]:
    """The position at which the visited indices have to be, where δs say so; and other factors.

    The position is row-major in the visited indices in the order that is returned.
    """
    for order in itertools.permutations(visited):
        for position in _positions(factors):
            places = row_major(tuple(i.extent for i in order))
            digits = zip(order, places, strict=True)
            deltas = {Delta(i, digit_of(position, place, i.extent, order)) for i, place in digits}
            rest = tuple(f for f in factors if f not in deltas)
            free = {i for f in (*rest, position) for i in free_indices(f)}
            if deltas and deltas <= set(factors) and free.isdisjoint(visited):
                return order, _among(position, order), rest
    return visited, None, factors


def digit_of(position: Expr, place: Expr, extent: Expr, order: Axes) -> Expr:
    """A digit of a position; of a position along one index, that position."""
    return position if len(order) == 1 else Digit(position, place, extent)


def _among(position: Expr, order: Axes) -> Expr:
    """The position of an extreme as one along these indices, the last of those it is along."""
    whole, length = (Mul(*(i.extent for i in indices)) for indices in (position.bound, order))
    return position if whole == length else Digit(position, Integer(1), length)


def _positions(factors: tuple[Expr, ...]) -> list[Expr]:
    """The positions of extremes that δs compare with."""
    deltas = [f for f in factors if isinstance(f, Delta)]
    return sorted({p for d in deltas for p in d.atoms(ArgMax, ArgMin)}, key=str)


def _room(position: Expr, own: Axes, visited: Axes, scope: Scope) -> Chosen | Attained:
    """What a visit needs to choose among the entries: scratch memory, and where an extreme is."""
    graph = scope.graph
    axes = tuple(i for i in own if i not in visited)
    shape = tuple(i.extent for i in axes)
    lowered = scope.lower(position)
    first = graph.values[lowered.value]
    mask, part = (graph.scratch(shape, kind) for kind in ("mask", "real"))
    few = product(tuple(i.extent for i in visited)) <= FEW
    if isinstance(first, First) and lowered.axes == axes and few:
        left = graph.scratch(shape, "mask")
        return Attained(first.of, first.best, first.axes, mask, left, part)
    return Chosen(scope.expand(lowered, axes), mask, part)
