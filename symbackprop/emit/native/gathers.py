"""Positions that integers tell, taken apart: i + 10 n is known but for i, and so is 32 u[n] + j.

What is known of a position tells which entries lie side by side, and which in rows of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Integer

from symbackprop.emit.native.accesses import Access, Gathered, broadcast_to, reshaped_if, viewed
from symbackprop.emit.native.memory import Memory
from symbackprop.program.operations import Apply, Arange, Read, Row, Scalar, Shape, View
from symbackprop.program.storage import root


def gathered(
    memory: Memory,
    access: Access,
    index: int,
    stride: Expr,
    extent: Expr,
    shape: Shape,
    axes: Sequence[int | None] | None = None,
    clipped: bool = True,
) -> Access:
    """An access, farther by the positions `index` along an axis of that stride and extent.

    The positions broadcast to `shape`, or stand along `axes` of it.
    """

    def placed(of: Access) -> Access:
        over = of if axes is None else of.along(axes)
        return broadcast_to(over, shape)

    parts = _parts(memory, index)
    if parts is None:
        seen = placed(memory.see(index))
        one = Gathered(seen, stride, extent, clipped)
        return replace(access, gathered=(*access.gathered, one))
    strides, offset, found = access.strides, access.offset, list(access.gathered)
    for part in parts:
        seen = placed(part.access)
        if part.extent is None:
            offset += stride * part.factor * seen.offset
            added = (stride * part.factor * s for s in seen.strides)
            strides = tuple(a + b for a, b in zip(strides, added, strict=True))
        else:
            found.append(Gathered(seen, stride * part.factor, part.extent))
    return replace(access, strides=strides, offset=offset, gathered=tuple(found))


@dataclass(frozen=True)
class _Part:
    """A summand of a position: a multiple of a count, or of integers below an extent."""

    access: Access
    factor: Expr
    extent: Expr | None


def _parts(memory: Memory, value: int) -> list[_Part] | None:
    """The summands of integers; None where they are not multiples of what is known to be small."""
    operation = memory.program.values[value]
    if isinstance(operation, Scalar):
        zero = Access("count", "integer", (), (), operation.number)
        return [_Part(zero, Integer(1), None)]
    if isinstance(operation, Arange):
        count = Access("count", "integer", operation.shape, (Integer(1),))
        return [_Part(count, Integer(1), None)]
    if isinstance(operation, (Read, Row)) or memory.program.loop_of[value] is not None:
        return _classes(memory, value)
    if isinstance(operation, View):
        if isinstance(memory.program.values[root(memory.program.values, value)], Read):
            return _classes(memory, value)
        inner = _parts(memory, operation.of)
        if inner is None:
            return None
        seen = [_viewed(p.access, operation) for p in inner]
        if None in seen:
            return None
        return [replace(p, access=s) for p, s in zip(inner, seen, strict=True) if s is not None]
    if not isinstance(operation, Apply) or operation.function not in ("add", "multiply"):
        return None
    both = [_parts(memory, v) for v in operation.inputs]
    if both[0] is None or both[1] is None:
        return None
    shape = operation.shape
    spread = [
        [replace(p, access=broadcast_to(p.access, shape)) for p in parts]
        for parts in both
        if parts is not None
    ]
    if operation.function == "add":
        return [*spread[0], *spread[1]]
    numbers = [memory.program.values[v] for v in operation.inputs]
    for number, parts in zip(numbers, reversed(spread), strict=True):
        if isinstance(number, Scalar):
            return [replace(p, factor=p.factor * number.number) for p in parts]
    return None


def _viewed(access: Access, view: View) -> Access | None:
    """A view of what may have been broadcast, whose axes are then not always one."""
    if view.how == "reshape":
        return reshaped_if(access, view.shape)
    return viewed(access, view)


def _classes(memory: Memory, value: int) -> list[_Part] | None:
    """Labels, which the module holds against their number of classes."""
    below = memory.program.values[root(memory.program.values, value)]
    if not isinstance(below, Read):
        return None
    inputs = memory.program.derivation.system.inputs
    classes = next((i.classes for i in inputs if i.symbol.name == below.name), None)
    if classes is None:
        return None
    return [_Part(memory.see(value), Integer(1), classes)]
