"""Digits of flattened positions, recognised as the reshape that they came from."""

from __future__ import annotations

from sympy import Add, Expr, Mul

from symbackprop.equations.nodes import Access, Digit, Index
from symbackprop.program.graph import Graph
from symbackprop.program.shapes import ONE, product


def regroup(graph: Graph, value: int, indices: tuple[Expr, ...]) -> tuple[int, tuple[Expr, ...]]:
    """An entry read at digits of a position, or at a position, as an entry of a reshaped array.

    x[…, ⌊f/B⌋ mod A, f mod B, …] with f row-major in indices, and x[…, i·J + j, …]; axes of which
    the indices do not run over all stay as they are.
    """
    start = 0
    while start < len(indices):
        stop = _run(indices, graph.shape(value), start)
        parts = _row_major_parts(indices[start], graph.shape(value)[start:stop])
        if parts is not None:
            groups = (*(1 for _ in range(start)), stop - start, *(1 for _ in indices[stop:]))
            value = graph.merge(value, groups)
            value = graph.split(value, start, tuple(i.extent for i in parts))
            indices = (*indices[:start], *parts, *indices[stop:])
            stop = start + len(parts)
        start = stop
    return value, indices


def _run(indices: tuple[Expr, ...], shape: tuple[Expr, ...], start: int) -> int:
    """Where the run of axes from `start` ends that hold all the digits of one position."""
    if not isinstance(indices[start], Digit):
        return start + 1
    flat = indices[start].args[0]
    stop = start
    while stop < len(indices) and isinstance(indices[stop], Digit):
        if indices[stop].args[0] != flat:
            break
        stop += 1
    places = [product(shape[k + 1 : stop]) for k in range(start, stop)]
    fits = all(
        indices[k].args[1:] == (place, shape[k])
        for k, place in zip(range(start, stop), places, strict=True)
    )
    return stop if fits else start + 1


def _row_major_parts(index: Expr, shape: tuple[Expr, ...]) -> tuple[Index, ...] | None:
    """The indices i, j, … of a position i·J + j that runs over all of the axes; None if not so."""
    if isinstance(index, Index):
        return None
    parts = row_major_indices(index.args[0] if isinstance(index, Digit) else index)
    if parts is None or product(tuple(i.extent for i in parts)) != product(shape):
        return None
    return parts


def row_major_indices(flat: Expr) -> tuple[Index, ...] | None:
    """i, j, … where the expression is i·J + j, …: a flat position; None otherwise."""
    strides: dict[Expr, list[Index]] = {}
    for term in Add.make_args(flat):
        found = [a for a in Mul.make_args(term) if isinstance(a, Index)]
        if len(found) != 1 or (term / found[0]).has(Index, Access, Digit):
            return None
        strides.setdefault(term / found[0], []).append(found[0])
    for same in strides.values():  # an index of extent 1 moves no place, so it comes first
        same.sort(key=lambda i: i.extent == 1)
    parts: list[Index] = []
    stride = ONE
    while strides.get(stride):
        parts.insert(0, strides[stride].pop())
        stride = stride * parts[0].extent
    return None if any(strides.values()) else tuple(parts)
