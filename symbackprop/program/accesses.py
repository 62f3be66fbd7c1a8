"""Accesses: a tensor read at index expressions becomes a view where it can, else a gather."""

from __future__ import annotations

from sympy import Add, Expr, Integer

from symbackprop.equations.nodes import Access, Digit, Index, free_indices
from symbackprop.equations.reductions import ArgMax, ArgMin
from symbackprop.program.reshapes import regroup
from symbackprop.program.scope import Labelled, Scope
from symbackprop.program.shapes import ZERO, row_major


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
    left: list[Expr] = []
    gathered: list[int] = []
    for axis, (index, extent) in enumerate(zip(indices, graph.shape(value), strict=True)):
        found = _narrow(index, extent)
        if found is None:
            gathered.append(len(left))
            left.append(index)
            continue
        items[axis], running = found
        if running is not None:
            left.append(running)
    value = graph.select(value, tuple(items))
    if gathered:
        return _gather(value, left, gathered, scope)
    return _diagonals(value, left, scope)


def _narrow(index: Expr, extent: Expr) -> tuple[object, Index | None] | None:
    """What to select of an axis, and the index that then runs over all that is selected.

    The index is None where a number selects one entry; None for both where the position has to be
    computed, or is not known to lie inside.
    """
    start, running = affine_shift(index)
    if start is None or not start.is_nonnegative:
        return None
    if running is None:
        return (start, None) if (extent - start).is_positive else None
    stop = start + running.extent
    return ((start, stop), running) if (extent - stop).is_nonnegative else None


def affine_shift(index: Expr) -> tuple[Expr | None, Index | None]:
    """(c, i) where the expression is i + c, (c, None) where it is c, (None, None) otherwise."""
    if isinstance(index, Index):
        return ZERO, index
    running = [a for a in Add.make_args(index) if isinstance(a, Index)]
    start = index - Add(*running)
    if len(running) > 1 or start.has(Access, Index, Digit, ArgMax, ArgMin):
        return None, None
    return start, running[0] if running else None


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
    shape = graph.shape(value)
    value = graph.transpose(value, (*taken, *kept))
    value = graph.merge(value, (len(taken), *(1 for _ in kept)))
    position = flat_position([indices[k] for k in taken], tuple(shape[k] for k in taken), scope)
    value = graph.take(graph.contiguous(value), position.value, 0)
    return _diagonals(value, [*position.axes, *(indices[k] for k in kept)], scope)


def flat_position(indices: list[Expr], shape: tuple[Expr, ...], scope: Scope) -> Labelled:
    """Where an entry lies in row-major order: each index times its stride, added up."""
    total = scope.scalar(Integer(0))
    for index, stride in zip(indices, row_major(shape), strict=True):
        step = scope.apply("multiply", scope.lower(index), scope.scalar(stride))
        total = scope.apply("add", total, step)
    return total
