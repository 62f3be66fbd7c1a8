"""The operations of the Program as statements and blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sympy import Expr

from symbackprop.emit.native import visits
from symbackprop.emit.native.accesses import Access, broadcast_to
from symbackprop.emit.native.gathers import gathered
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.pieces import Block, Statement, statement
from symbackprop.emit.native.products import product_pieces
from symbackprop.emit.native.scatters import accumulate, add_rows, descend, put
from symbackprop.emit.native.windows import blocked, overlap
from symbackprop.program.operations import (
    Accumulate,
    Apply,
    Assemble,
    Box,
    Branch,
    Copy,
    Descend,
    Inner,
    Matmul,
    Put,
    Reduce,
    Scratch,
    Shape,
    Steps,
    Take,
)
from symbackprop.program.shapes import ONE, ZERO, nominal, product, row_major
from symbackprop.program.tables import AddRows
from symbackprop.program.windows import Blocked, First, Overlap, Sweep

Piece = Statement | Block
REORDERED = frozenset(["sum", "prod", "max", "min"])  # what may be collected in any order


def pieces(memory: Memory, value: int) -> list[Piece]:
    """What computes a value."""
    operation = memory.program.values[value]
    return _PIECES[type(operation)](memory, value, operation)


def _apply(memory: Memory, value: int, operation: Apply) -> list[Piece]:
    shape = operation.shape
    seen = [broadcast_to(memory.see(v), shape) for v in operation.inputs]
    return [_at_each(memory, value, shape, operation.function, seen)]


def _at_each(
    memory: Memory, value: int, shape: Shape, function: str, seen: list[Access]
) -> Statement:
    """A statement for every entry of a value."""
    return statement(value, memory.program.serves[value], shape, memory.see(value), function, seen)


def _copy(memory: Memory, value: int, operation: Copy) -> list[Piece]:
    of = memory.see(operation.of)
    if of.form == "number" or len(of.shape) <= len(operation.shape):
        seen = broadcast_to(of, operation.shape)
        return [_at_each(memory, value, operation.shape, "copy", [seen])]
    # In row-major order of what is copied, which has more axes.
    target = memory.see(value)
    target = replace(target, shape=of.shape, strides=row_major(of.shape))
    line = memory.program.serves[value]
    return [statement(value, line, of.shape, target, "copy", [of])]


def _reduce(memory: Memory, value: int, operation: Reduce | Sweep) -> list[Piece]:
    of = memory.see(operation.of)
    kept = tuple(k for k in range(len(of.shape)) if k not in operation.axes)
    seen, combine = [of], operation.function
    if combine.startswith("arg"):
        (axis,) = operation.axes
        strides = tuple(ONE if k == axis else ZERO for k in range(len(of.shape)))
        seen.append(Access("count", "integer", of.shape, strides))
    return [_combined(memory, value, of.shape, kept, "copy", seen, combine)]


def _sweep(memory: Memory, value: int, operation: Sweep) -> list[Piece]:
    of = memory.program.values[operation.of]
    if visits.is_written_out(tuple(of.shape[k] for k in operation.axes)):
        return [visits.sweep(memory, value, operation)]
    return _reduce(memory, value, operation)


def _combined(
    memory: Memory,
    value: int,
    shape: Shape,
    kept: tuple[int, ...],
    function: str,
    seen: list[Access],
    combine: str,
) -> Statement:
    """A statement over the axes of `shape`, of which only those `kept` are the value's own."""
    target = memory.see(value).along(
        [kept.index(k) if k in kept else None for k in range(len(shape))]
    )
    order = _by_strides(seen[0]) if combine in REORDERED else list(range(len(shape)))
    reduced = [n for n, k in enumerate(order) if k not in kept]
    line = memory.program.serves[value]
    return statement(
        value,
        line,
        tuple(shape[k] for k in order),
        target.along(order),
        function,
        [access.along(order) for access in seen],
        reduced,
        combine,
    )


def _by_strides(access: Access) -> list[int]:
    """The axes from those with the longest strides to those whose entries are neighbours."""
    if access.form != "memory" or any(s.could_extract_minus_sign() for s in access.strides):
        return list(range(len(access.shape)))
    return sorted(range(len(access.shape)), key=lambda k: -nominal(access.strides[k]))


def _inner(memory: Memory, value: int, operation: Inner) -> list[Piece]:
    seen = [memory.see(operation.a), memory.see(operation.b)]
    shape = seen[0].shape
    kept = tuple(range(len(shape) - 1))
    return [_combined(memory, value, shape, kept, "multiply", seen, "sum")]


def _first(memory: Memory, value: int, operation: First) -> list[Piece]:
    """The least of the positions that equal the best; the last one where none does."""
    of = memory.see(operation.of)
    if visits.is_written_out(tuple(of.shape[k] for k in operation.axes)):
        return [visits.first(memory, value, operation)]
    kept = tuple(k for k in range(len(of.shape)) if k not in operation.axes)
    best = memory.see(operation.best).along(
        [kept.index(k) if k in kept else None for k in range(len(of.shape))]
    )
    sizes = tuple(of.shape[k] for k in operation.axes)
    steps = dict(zip(operation.axes, row_major(sizes), strict=True))
    strides = tuple(steps.get(k, ZERO) for k in range(len(of.shape)))
    count = Access("count", "integer", of.shape, strides)
    zeros = (ZERO,) * len(of.shape)
    last = Access("number", "integer", of.shape, zeros, product(sizes) - 1)
    return [_combined(memory, value, of.shape, kept, "first", [of, best, count, last], "min")]


def _take(memory: Memory, value: int, operation: Take) -> list[Piece]:
    of, index = memory.see(operation.of), memory.program.values[operation.index]
    axis, rank = operation.axis, len(index.shape)
    rest = range(axis + 1, len(of.shape))
    seen = of.along([*range(axis), *([None] * rank), *rest])
    seen = replace(seen, shape=operation.shape)
    if of.form == "memory":
        axes = [*([None] * axis), *range(rank), *(None for _ in rest)]
        stride, extent = of.strides[axis], of.shape[axis]
        seen = gathered(memory, seen, operation.index, stride, extent, operation.shape, axes)
    return [_at_each(memory, value, operation.shape, "copy", [seen])]


def _assemble(memory: Memory, value: int, operation: Assemble) -> list[Piece]:
    found: list[Piece] = []
    for part, (start, stop) in zip(operation.parts, operation.ranges, strict=True):
        ranges = [(ZERO, e) for e in operation.shape]
        ranges[operation.axis] = (start, stop)
        found.append(_part(memory, value, part, ranges))
    return found


def _part(memory: Memory, value: int, part: int, ranges: list[tuple[Expr, Expr]]) -> Statement:
    """A value written to a part of another."""
    target = memory.see(value)
    shape = tuple(stop - start for start, stop in ranges)
    offset = target.offset
    for (start, _), stride in zip(ranges, target.strides, strict=True):
        offset += start * stride
    target = replace(target, shape=shape, offset=offset)
    seen = broadcast_to(memory.see(part), shape)
    line = memory.program.serves[value]
    return statement(value, line, shape, target, "copy", [seen], whole=False)


def _box(memory: Memory, value: int, operation: Box) -> list[Piece]:
    whole = [(ZERO, e) for e in operation.shape]
    return [
        _part(memory, value, operation.outside, whole),
        _part(memory, value, operation.inside, list(operation.ranges)),
    ]


def _branch(memory: Memory, value: int, operation: Branch) -> list[Piece]:
    raise AssertionError("branches are printed by the loop that they belong to")


def taken(memory: Memory, value: int, chosen: int) -> list[Piece]:
    """One branch of a choice, copied, unless its own memory is used."""
    operation, place = memory.program.values[value], memory.function.places.get(value)
    if place is not None and place.inplace == chosen:
        return []
    seen = broadcast_to(memory.see(chosen), operation.shape)
    made = _at_each(memory, value, operation.shape, "copy", [seen])
    return [replace(made, whole=False)]


def _nothing(memory: Memory, value: int, operation: Steps | Scratch) -> list[Piece]:
    return []


_PIECES: Mapping[type, Callable[[Memory, int, Any], list[Piece]]] = {
    Apply: _apply,
    Reduce: _reduce,
    Sweep: _sweep,
    First: _first,
    Inner: _inner,
    Matmul: product_pieces,
    Take: _take,
    Put: put,
    Accumulate: accumulate,
    AddRows: add_rows,
    Assemble: _assemble,
    Box: _box,
    Copy: _copy,
    Steps: _nothing,
    Scratch: _nothing,
    Branch: _branch,
    Blocked: blocked,
    Overlap: overlap,
    Descend: descend,
}
