"""What compiled code is made of: statements for one entry each, and blocks that stay whole.

A statement is done at every position of its axes; which loops run over them, and what other
statements they share, is decided in `fusion`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sympy import Expr

from symbackprop.emit.native.accesses import Access, span
from symbackprop.emit.native.memory import memories
from symbackprop.equations.ranges import nonnegative
from symbackprop.program.operations import Shape
from symbackprop.program.shapes import ZERO, merged_stride, product, row_major


@dataclass(frozen=True, eq=False)
class Statement:
    """target = function(operands), or target = combine of that over the axes that are reduced.

    All accesses are over the axes `shape`, none of which has extent 1; a reduced one is one along
    which the target stays where it is. `whole` says that nothing else writes entries of the value.
    """

    value: int
    line: int
    shape: Shape
    target: Access
    function: str
    operands: tuple[Access, ...]
    reduced: tuple[bool, ...]
    combine: str = ""
    whole: bool = True

    @functools.cached_property
    def accesses(self) -> list[tuple[Access, bool]]:
        """Every access of memory, those of integers among them, and whether it writes."""
        found = []
        waiting = [(self.target, True), *((o, False) for o in self.operands)]
        while waiting:
            access, writes = waiting.pop()
            if access.memory:
                found.append((access, writes))
            waiting += [(g.access, False) for g in access.gathered]
        return found

    @functools.cached_property
    def reads(self) -> frozenset[str]:
        """The memories that it reads."""
        return frozenset(m for a, writes in self.accesses if not writes for m in memories(a))

    @functools.cached_property
    def writes(self) -> frozenset[str]:
        """The memories that it writes."""
        return frozenset(m for a, writes in self.accesses if writes for m in memories(a))

    @property
    def suffix(self) -> int:
        """The first of the innermost axes that are all reduced."""
        first = len(self.shape)
        while first and self.reduced[first - 1]:
            first -= 1
        return first

    def ends_with(self, loop: Loop) -> bool:
        """Whether the loop is the outermost of those over axes that are all reduced."""
        return self.suffix == loop.level and self.suffix < len(self.shape)

    def freed(self, values: Collection[int]) -> Statement:
        """The same, where these values are in the memory of no buffer."""

        def own(access: Access) -> Access:
            gathered = tuple(replace(g, access=own(g.access)) for g in access.gathered)
            if access.origin in values and access.form == "memory":
                return replace(access, memory=f"value {access.origin}", gathered=gathered)
            return replace(access, gathered=gathered) if gathered else access

        operands = tuple(own(o) for o in self.operands)
        return replace(self, target=own(self.target), operands=operands)

    def split(self, axis: int, extents: Shape) -> Statement:
        """One axis made several."""

        def parted(access: Access) -> Access:
            inner = tuple(access.strides[axis] * step for step in row_major(extents))
            strides = (*access.strides[:axis], *inner, *access.strides[axis + 1 :])
            gathered = tuple(replace(g, access=parted(g.access)) for g in access.gathered)
            return replace(access, shape=shape, strides=strides, gathered=gathered)

        shape = (*self.shape[:axis], *extents, *self.shape[axis + 1 :])
        more = (self.reduced[axis],) * len(extents)
        return replace(
            self,
            shape=shape,
            target=parted(self.target),
            operands=tuple(parted(o) for o in self.operands),
            reduced=(*self.reduced[:axis], *more, *self.reduced[axis + 1 :]),
        )

    def merged(self, axis: int, count: int) -> Statement | None:
        """So many axes made one; None where some access does not see them as one."""
        axes = range(axis, axis + count)
        if len({self.reduced[k] for k in axes}) > 1:
            return None

        def joined(access: Access) -> Access | None:
            strides = access.strides
            if all(strides[k] == ZERO for k in axes):
                stride: Expr | None = ZERO
            else:
                stride = merged_stride(axes, self.shape, strides)
            gathered = []
            for one in access.gathered:
                inner = joined(one.access)
                if inner is None:
                    return None
                gathered.append(replace(one, access=inner))
            if stride is None:
                return None
            found = (*strides[:axis], stride, *strides[axis + count :])
            return replace(access, shape=shape, strides=found, gathered=tuple(gathered))

        extent = product(self.shape[axis : axis + count])
        shape = (*self.shape[:axis], extent, *self.shape[axis + count :])
        accesses = [joined(a) for a in (self.target, *self.operands)]
        if None in accesses:
            return None
        target, *operands = (a for a in accesses if a is not None)
        reduced = (*self.reduced[: axis + 1], *self.reduced[axis + count :])
        return replace(self, shape=shape, target=target, operands=tuple(operands), reduced=reduced)


class Printing(Protocol):
    """What a block needs to print itself."""

    def pointer(self, access: Access, written: bool = False) -> str:
        """The pointer that an access goes through, which the function declares."""

    def counters(self, depth: int) -> tuple[str, ...]:
        """The names of so many loops, one inside the other."""

    def nest(self, statements: Sequence[Statement], depth: int) -> list[str]:
        """Loops over statements that read and write memory alone."""


@dataclass(frozen=True, eq=False)
class Block:
    """Lines that are printed together, with the memories that they touch.

    `lines` prints them at so many loops' depth. A block that does the rows of an axis one after the
    other tells all `accesses`, and whether they write; `cut` is the block for the rows that a
    thread has of the axis of an extent, or None.
    """

    value: int
    line: int
    reads: frozenset[str]
    writes: frozenset[str]
    lines: Callable[[Printing, int], list[str]]
    accesses: tuple[tuple[Access, bool], ...] = ()
    operations: Expr = ZERO
    cut: Callable[[Expr], Block | None] = lambda extent: None

    def freed(self, values: Collection[int]) -> Block:
        """The same: what a block reads and writes is always in memory."""
        return self


@dataclass
class Loop:
    """A loop over one axis, the statements in it sharing its position."""

    extent: Expr
    level: int
    body: list[Node] = field(default_factory=list)
    step: int = 1
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)

    def add(self, one: Statement) -> None:
        """Put a statement into the body, at its end."""
        self.body.append(one)
        self.reads |= one.reads
        self.writes |= one.writes

    def statements(self) -> list[Statement]:
        """All statements inside."""
        return [s for node in self.body for s in statements_of(node)]


Node = Statement | Block | Loop


def statements_of(node: Node) -> list[Statement]:
    if isinstance(node, Loop):
        return node.statements()
    return [node] if isinstance(node, Statement) else []


def statement(
    value: int,
    line: int,
    shape: Shape,
    target: Access,
    function: str,
    operands: Sequence[Access],
    reduced: Sequence[int] = (),
    combine: str = "",
    whole: bool = True,
) -> Statement:
    """A statement over the axes of `shape` whose extent is not 1."""
    kept = [k for k, extent in enumerate(shape) if extent != 1]
    if not any(k in reduced for k in kept):
        function, combine = "zero" if combine.startswith("arg") else function, ""
    return Statement(
        value,
        line,
        tuple(shape[k] for k in kept),
        target.along(kept),
        function,
        tuple(o.along(kept) for o in operands),
        tuple(k in reduced for k in kept),
        combine,
        whole,
    )


def independent(a: Node, b: Node) -> bool:
    """Whether two nodes may change places."""
    return (
        a.writes.isdisjoint(b.reads)
        and a.writes.isdisjoint(b.writes)
        and b.writes.isdisjoint(a.reads)
    )


def aligned(a: Statement, b: Statement, level: int) -> bool:
    """Whether two statements may share the loop of a level, being in the same outer ones.

    What one writes and the other touches must lie, at every position of the loop, within a stretch
    of memory of its own.
    """
    for one, writes in a.accesses:
        for other, also in b.accesses:
            if not (writes or also) or set(one.memory.split("|")).isdisjoint(
                other.memory.split("|")
            ):
                continue
            if not _in_step(one, other, level):
                return False
    return True


def _in_step(one: Access, other: Access, level: int) -> bool:
    if one.form != "memory" or other.form != "memory" or "|" in one.memory + other.memory:
        return False
    stride = one.strides[level]
    if stride == 0 or stride != other.strides[level]:
        return False
    if one.strides[:level] != other.strides[:level]:
        return False
    shift = other.offset - one.offset
    if not nonnegative(shift):
        one, other, shift = other, one, -shift
    if not nonnegative(shift):
        return False
    steps = [s for a in (one, other) for s in (*a.strides[level:], *(g.stride for g in a.gathered))]
    if any(not nonnegative(s) for s in steps):
        return False
    if nonnegative(shift - span(one, range(level, len(one.shape))) - 1):
        return True  # one lies behind the other
    room = stride - 1
    spans = (span(a, range(level + 1, len(a.shape))) for a in (one, other))
    return all(nonnegative(room - s) for s in (next(spans), next(spans) + shift))
