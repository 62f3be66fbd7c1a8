"""Entries written or added at positions that integers tell."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.emit.native.accesses import Access, broadcast_to
from symbackprop.emit.native.gathers import gathered
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.pieces import Block, Statement, statement
from symbackprop.program.operations import Accumulate, Descend, Put
from symbackprop.program.shapes import ONE, ZERO, product
from symbackprop.program.tables import AddRows
from symbackprop.program.windows import Overlap

Piece = Statement | Block


def put(memory: Memory, value: int, operation: Put) -> list[Piece]:
    """The base, and entries written to it."""
    return [*based(memory, value, operation), _scattered(memory, value, operation, "")]


def accumulate(memory: Memory, value: int, operation: Accumulate) -> list[Piece]:
    """The base, and entries added to it."""
    return [*based(memory, value, operation), _scattered(memory, value, operation, "sum")]


def add_rows(memory: Memory, value: int, operation: AddRows) -> list[Piece]:
    """The base, and entries added to rows of it."""
    entries, whole = memory.see(operation.entries), memory.see(value)
    shape, line = entries.shape, memory.program.serves[value]
    strides = (ZERO, *whole.strides[1:])
    target = _by_rows(memory, replace(whole, shape=shape, strides=strides), whole, operation.rows)
    made = statement(value, line, shape, target, "copy", [entries], whole=False)
    return [*based(memory, value, operation), replace(made, combine="sum")]


def based(
    memory: Memory, value: int, operation: Put | Accumulate | AddRows | Overlap
) -> list[Piece]:
    """The base copied, unless the value is written over it."""
    if memory.function.places[value].inplace is not None:
        return []
    shape, line = operation.shape, memory.program.serves[value]
    seen = broadcast_to(memory.see(operation.base), shape)
    return [statement(value, line, shape, memory.see(value), "copy", [seen], whole=False)]


def _scattered(memory: Memory, value: int, operation: Put | Accumulate, combine: str) -> Statement:
    shape = memory.program.values[operation.index].shape
    entries = broadcast_to(memory.see(operation.entries), shape)
    whole = replace(memory.see(value), shape=shape, strides=(ZERO,) * len(shape))
    size = product(operation.shape)
    target = gathered(memory, whole, operation.index, ONE, size, shape, clipped=False)
    line = memory.program.serves[value]
    return replace(
        statement(value, line, shape, target, "copy", [entries], whole=False), combine=combine
    )


def _by_rows(memory: Memory, target: Access, table: Access, rows: int) -> Access:
    """The rows of a table that integers along the first axis tell."""
    axes: list[int | None] = [0, *(None for _ in target.shape[1:])]
    stride, extent = table.strides[0], table.shape[0]
    return gathered(memory, target, rows, stride, extent, target.shape, axes)


def descend(memory: Memory, value: int, operation: Descend) -> list[Piece]:
    """parameter *= 1 - decay; parameter -= rate * gradient, or rows that the gradient is by."""
    parameter, gradient = memory.see(operation.parameter), memory.see(operation.gradient)
    rate, line = memory.see(operation.rate), memory.program.serves[value]
    found: list[Piece] = []
    if operation.decay is not None:
        target, decay = replace(parameter, origin=value), memory.see(operation.decay)
        seen = [parameter, parameter, broadcast_to(decay, parameter.shape)]
        found.append(statement(value, line, parameter.shape, target, "descend", seen, whole=False))
    if operation.rows is None:
        shape = parameter.shape
        seen = [parameter, broadcast_to(gradient, shape)]
        target, function = replace(parameter, origin=value), "subtract"
        if not rate.is_number(ONE):
            seen.append(broadcast_to(rate, shape))
            function = "descend"
        return [*found, statement(value, line, shape, target, function, seen, whole=False)]
    shape = gradient.shape
    strides = (ZERO, *parameter.strides[1:])
    target = replace(parameter, shape=shape, strides=strides, origin=value)
    target = _by_rows(memory, target, parameter, operation.rows)
    seen, function = [gradient], "negative"
    if not rate.is_number(ONE):
        seen.append(broadcast_to(rate, shape))
        function = "part of step"
    made = statement(value, line, shape, target, function, seen, whole=False)
    return [*found, replace(made, combine="sum")]
