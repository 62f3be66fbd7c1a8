"""Where the entries of a value lie: a pointer, an offset and a stride for each axis.

Every view of the Program is arithmetic on strides, so compiled code copies nothing to see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from sympy import Expr

from symbackprop.emit.native.numbers import Variable
from symbackprop.program.operations import Shape, View
from symbackprop.program.shapes import ONE, ZERO, merged_stride, nominal, row_major

START, COUNT = Variable("start", nonnegative=True), Variable("count", positive=True)
"""A block: where it begins along an axis, and how many positions it has."""
ROWS, END = Variable("rows", positive=True), Variable("end", positive=True)
"""The rows of a batch that a thread has: so many, from START to before END.

Statements keep their offsets, and their loops run from START to END; a product begins at row START
of each of its matrices, and takes ROWS of them.
"""


@dataclass(frozen=True)
class Access:
    """Entry (i, j, …) of a value of this shape.

    form: memory (it lies at pointer[offset + Σ stride · position]), count (it is the integer
    offset + Σ stride · position itself), number (it is `offset`, everywhere) or local (it is the
    variable `pointer`). What is gathered lies farther, by a multiple of each of some integers.
    `memory` names what is read or written, whatever the pointer is called.
    """

    form: str
    kind: str
    shape: Shape
    strides: Shape
    offset: Expr = ZERO
    pointer: str = ""
    memory: str = ""
    gathered: tuple[Gathered, ...] = ()
    origin: int = -1
    """The value that was written there."""

    def is_number(self, number: Expr) -> bool:
        """Whether it is that number everywhere."""
        return self.form == "number" and self.offset == number

    def along(self, axes: Sequence[int | None]) -> Access:
        """The same over other axes, each one of its own or, for None, one along which it stays."""
        shape = tuple(ONE if k is None else self.shape[k] for k in axes)
        strides = tuple(ZERO if k is None else self.strides[k] for k in axes)
        gathered = tuple(replace(g, access=g.access.along(axes)) for g in self.gathered)
        return replace(self, shape=shape, strides=strides, gathered=gathered)


@dataclass(frozen=True)
class Gathered:
    """A position from 0 to below an extent that an entry of an integer array tells."""

    access: Access
    stride: Expr
    extent: Expr
    clipped: bool = True


def in_memory(kind: str, shape: Shape, pointer: str, memory: str) -> Access:
    """A whole array without gaps."""
    return Access("memory", kind, shape, row_major(shape), ZERO, pointer, memory)


def broadcast_to(access: Access, shape: Shape) -> Access:
    """Aligned from the right; axes of extent 1 stay where they are."""
    lead = len(shape) - len(access.shape)
    axes = [
        None if k < lead or (access.shape[k - lead] == 1 and shape[k] != 1) else k - lead
        for k in range(len(shape))
    ]
    return replace(access.along(axes), shape=shape)


def viewed(access: Access, view: View) -> Access:
    """What a view of the array accesses."""
    strides = access.strides
    if view.how == "transpose":
        return access.along(view.detail)
    if view.how == "reshape":
        return reshaped(access, view.shape)
    if view.how == "diagonal":
        a, b = view.detail
        rest = tuple(s for k, s in enumerate(strides) if k not in (a, b))
        return replace(access, shape=view.shape, strides=(*rest, strides[a] + strides[b]))
    if view.how == "windows":
        along, steps = view.detail
        found = tuple(strides[axis] * step for axis, step in zip(along, steps, strict=True))
        return replace(access, shape=view.shape, strides=found)
    return selected(access, view.detail, view.shape)


def selected(access: Access, items: Sequence[object], shape: Shape) -> Access:
    """A part of an array: for each axis (start, stop) or a number; None for a new axis."""
    found: list[Expr] = []
    offset, axis = access.offset, 0
    for item in items:
        if item is None:
            found.append(ZERO)
            continue
        start = item[0] if isinstance(item, tuple) else item
        offset += start * access.strides[axis]
        if isinstance(item, tuple):
            found.append(access.strides[axis])
        axis += 1
    return replace(access, shape=shape, strides=tuple(found), offset=offset)


def stretch(access: Access, axis: int, start: Expr, count: Expr) -> Access:
    """So many positions along an axis, from `start` on."""
    return replace(
        access,
        shape=(*access.shape[:axis], count, *access.shape[axis + 1 :]),
        offset=access.offset + start * access.strides[axis],
        gathered=tuple(
            replace(g, access=stretch(g.access, axis, start, count)) for g in access.gathered
        ),
    )


def row_axis(shape: Shape, extent: Expr) -> tuple[int, Expr] | None:
    """The one axis over so many rows, and how many entries each has there; None without one."""
    exact = [k for k, e in enumerate(shape) if e == extent]
    shares = ((k, e / extent) for k, e in enumerate(shape))
    found = [(k, each) for k, each in shares if each.as_numer_denom()[1] == 1]
    if len(exact) == 1:
        return exact[0], ONE
    return found[0] if len(found) == 1 else None


def at_position(access: Access, axis: int, position: Expr) -> Access:
    """What an array holds at one position along an axis."""
    rest = access.along([k for k in range(len(access.shape)) if k != axis])
    return replace(rest, offset=access.offset + position * access.strides[axis])


def reshaped(access: Access, shape: Shape) -> Access:
    """The same entries in row-major order under another shape."""
    found = reshaped_if(access, shape)
    assert found is not None, f"no view shows {access} as {shape}"
    return found


def reshaped_if(access: Access, shape: Shape) -> Access | None:
    """The same where strides can tell it."""
    if access.form == "number":
        return replace(access, shape=shape, strides=(ZERO,) * len(shape))
    strides: list[Expr] = []
    for old, new in _groups(access.shape, shape):
        stride = merged_stride(old, access.shape, access.strides)
        if stride is None:
            return None
        strides += [stride * step for step in row_major(tuple(shape[k] for k in new))]
    return replace(access, shape=shape, strides=tuple(strides))


def _groups(old: Shape, new: Shape) -> list[tuple[range, range]]:
    """The shortest runs of axes of either shape that hold equally many entries."""
    found: list[tuple[range, range]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        first, second, a, b = i, j, ONE, ONE
        while True:
            if j == len(new) or (i < len(old) and nominal(a) <= nominal(b)):
                a, i = a * old[i], i + 1
            else:
                b, j = b * new[j], j + 1
            if a == b or (i == len(old) and j == len(new)):
                break
        found.append((range(first, i), range(second, j)))
    return found


def span(access: Access, axes: Sequence[int]) -> Expr:
    """How far apart the first and the last entry along these axes may lie."""
    return reduce(lambda total, k: total + (access.shape[k] - 1) * access.strides[k], axes, ZERO)
