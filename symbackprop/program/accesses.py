"""Accesses: a tensor read at index expressions becomes a view where it can, else a gather."""

from __future__ import annotations

import functools

from sympy import Add, Expr, Integer, expand

from symbackprop.equations.nodes import Access, Digit, Index, free_indices
from symbackprop.equations.ranges import bounds, nonnegative
from symbackprop.equations.reductions import ArgMax, ArgMin
from symbackprop.program.reshapes import regroup
from symbackprop.program.scope import Labelled, Scope
from symbackprop.program.shapes import ONE, ZERO, Strides, nominal, row_major

Running = tuple[tuple[Index, Expr], ...]


def lower_access(access: Access, scope: Scope) -> Labelled:
    """x[a, b, …] as views for plain indices, shifts and numbers, and a gather for what remains."""
    value, present = scope.tensors[access.tensor]
    indices = tuple(access.indices[k] for k in present)
    value, indices = regroup(scope.graph, value, indices)
    return read(value, indices, scope)


def read(value: int, indices: tuple[Expr, ...], scope: Scope) -> Labelled:
    """The array `value` read at one index expression for each of its axes."""
    graph = scope.graph
    items = graph.whole(value)
    axis = 0
    left: list[tuple[Expr, Expr, int, Expr]] = []  # index, extent, axis of what is selected, step
    gathered: list[int] = []
    for k, (index, extent) in enumerate(zip(indices, graph.shape(value), strict=True)):
        found = _inside(index, extent)
        if found is None:
            gathered.append(len(left))
            left.append((index, extent, axis, ONE))
        else:
            start, running = found
            left += [(i, i.extent, axis, step) for i, step in running]
            if not running:
                items[k] = start
                continue
            plain = [step for _, step in running] == [1]
            items[k] = (start, start + running[0][0].extent if plain else extent)
        axis += 1
    value = graph.select(value, tuple(items))
    if left:
        order, shape, axes, steps = zip(*left, strict=True)
        value = graph.windows(value, shape, axes, steps)
    if gathered:
        return _gather(value, list(order), gathered, scope)
    return _diagonals(value, list(order) if left else [], scope)


@functools.lru_cache(maxsize=16384)
def _inside(index: Expr, extent: Expr) -> tuple[Expr, Running] | None:
    """c and the running indices of a position c + s·i + … that is known to lie inside."""
    found = affine(index)
    if found is None:
        return None
    low, high = bounds(index)
    sizes = [extent, *(i.extent for i, _ in found[1])]
    inside = nonnegative(low, sizes) and nonnegative(extent - 1 - high, sizes)
    return found if inside else None


def affine(position: Expr) -> tuple[Expr, Running] | None:
    """(c, ((i, s), …)) where the expression is c + s·i + …, the largest steps first.

    None for anything else, such as a gather.
    """
    start: Expr = ZERO
    running: list[tuple[Index, Expr]] = []
    for term in Add.make_args(expand(position)):
        step, rest = term.as_coeff_Mul()
        if isinstance(rest, Index) and step.is_Integer:
            running.append((rest, step))
        elif term.has(Index, Access, Digit, ArgMax, ArgMin):
            return None
        else:
            start += term
    running.sort(key=lambda r: (-abs(r[1]), -nominal(r[0].extent), r[0].name))
    return start, tuple(running)


def _diagonals(value: int, indices: list[Expr], scope: Scope) -> Labelled:
    """Every index stands on one axis; an index that stands on two reads a diagonal."""
    graph = scope.graph
    while len(set(indices)) < len(indices):
        repeated = next(i for i in indices if indices.count(i) > 1)
        a = indices.index(repeated)
        b = indices.index(repeated, a + 1)
        value = graph.diagonal(value, a, b)
        indices = [i for k, i in enumerate(indices) if k not in (a, b)] + [repeated]
    return Labelled(value, tuple(indices))


def _gather(value: int, indices: list[Expr], gathered: list[int], scope: Scope) -> Labelled:
    """Positions from integer expressions; plain axes whose index they use become positions too."""
    graph = scope.graph
    used = {i for k in gathered for i in free_indices(indices[k])}
    taken = [k for k, index in enumerate(indices) if k in gathered or index in used]
    kept = [k for k in range(len(indices)) if k not in taken]
    if len(taken) == 1 and len(kept) == len(set(indices[k] for k in kept)):
        (axis,) = taken
        position = scope.lower(indices[axis])
        axes = (
            *(indices[k] for k in range(axis)),
            *position.axes,
            *(indices[k] for k in range(axis + 1, len(indices))),
        )
        value = graph.take(graph.contiguous(value), position.value, axis)
        return _diagonals(value, list(axes), scope)
    taken = _as_in_memory(taken, graph.strides(value))
    shape = graph.shape(value)
    value = graph.transpose(value, (*taken, *kept))
    value = graph.merge(value, (len(taken), *(1 for _ in kept)))
    position = flat_position([indices[k] for k in taken], tuple(shape[k] for k in taken), scope)
    value = graph.take(graph.contiguous(value), position.value, 0)
    return _diagonals(value, [*position.axes, *(indices[k] for k in kept)], scope)


def _as_in_memory(axes: list[int], strides: Strides) -> list[int]:
    """The axes from the largest stride to the smallest, where all are known."""
    apart = {k: stride for k in axes if (stride := strides[k]) is not None}
    if len(apart) < len(axes):
        return axes
    return sorted(axes, key=lambda k: -nominal(apart[k]))


def flat_position(indices: list[Expr], shape: tuple[Expr, ...], scope: Scope) -> Labelled:
    """Where an entry lies in row-major order: each index times its stride, added up."""
    total = scope.scalar(Integer(0))
    for index, stride in zip(indices, row_major(shape), strict=True):
        step = scope.apply("multiply", scope.lower(index), scope.scalar(stride))
        total = scope.apply("add", total, step)
    return total
