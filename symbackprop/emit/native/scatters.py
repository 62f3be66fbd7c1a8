"""Entries written or added at positions that integers tell."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.emit.native.accesses import Gathered, broadcast_to
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.pieces import Block, Statement, statement
from symbackprop.program.operations import Accumulate, Descend, Put
from symbackprop.program.shapes import ONE, ZERO, product
from symbackprop.program.windows import Overlap

Piece = Statement | Block


def put(memory: Memory, value: int, operation: Put) -> list[Piece]:
    """The base, and entries written to it."""
    return [*based(memory, value, operation), _scattered(memory, value, operation, "")]


def accumulate(memory: Memory, value: int, operation: Accumulate) -> list[Piece]:
    """The base, and entries added to it."""
    return [*based(memory, value, operation), _scattered(memory, value, operation, "sum")]


def based(memory: Memory, value: int, operation: Put | Accumulate | Overlap) -> list[Piece]:
    """The base copied, unless the value is written over it."""
    if memory.function.places[value].inplace is not None:
        return []
    shape, line = operation.shape, memory.program.serves[value]
    seen = broadcast_to(memory.see(operation.base), shape)
    return [statement(value, line, shape, memory.see(value), "copy", [seen], whole=False)]


def _scattered(memory: Memory, value: int, operation: Put | Accumulate, combine: str) -> Statement:
    index, whole = memory.see(operation.index), memory.see(value)
    shape = index.shape
    entries = broadcast_to(memory.see(operation.entries), shape)
    gathered = Gathered(index, ONE, product(operation.shape))
    zeros = (ZERO,) * len(shape)
    target = replace(whole, form="gather", shape=shape, strides=zeros, index=gathered)
    line = memory.program.serves[value]
    return replace(
        statement(value, line, shape, target, "copy", [entries], whole=False), combine=combine
    )


def descend(memory: Memory, value: int, operation: Descend) -> list[Piece]:
    """parameter -= rate * gradient, or those of its rows that the gradient is by."""
    parameter, gradient = memory.see(operation.parameter), memory.see(operation.gradient)
    rate, line = memory.see(operation.rate), memory.program.serves[value]
    if operation.rows is None:
        shape = parameter.shape
        seen = [parameter, broadcast_to(gradient, shape), broadcast_to(rate, shape)]
        target = replace(parameter, origin=value)
        return [statement(value, line, shape, target, "descend", seen, whole=False)]
    shape = gradient.shape
    rows = broadcast_to(memory.see(operation.rows).along((0, *(None for _ in shape[1:]))), shape)
    gathered = Gathered(rows, parameter.strides[0], parameter.shape[0])
    strides = (ZERO, *parameter.strides[1:])
    target = replace(parameter, form="gather", shape=shape, strides=strides, index=gathered)
    seen = [gradient, broadcast_to(rate, shape)]
    made = statement(value, line, shape, target, "part of step", seen, whole=False)
    return [replace(made, combine="sum")]
