"""What compiled code is made of: statements for one entry each, and blocks that stay whole.

A statement is done at every position of its axes; which loops run over them, and what other
statements they share, is decided in `fusion`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sympy import Expr

from symbackprop.emit.native.accesses import Access, span
from symbackprop.emit.native.memory import memories
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

    @property
    def accesses(self) -> list[tuple[Access, bool]]:
        """Every access, and whether it writes."""
        return [(self.target, True), *((o, False) for o in self.operands)]

    @property
    def suffix(self) -> int:
        """The first of the innermost axes that are all reduced."""
        first = len(self.shape)
        while first and self.reduced[first - 1]:
            first -= 1
        return first

    def split(self, axis: int, extents: Shape) -> Statement:
        """One axis made several."""

        def parted(access: Access) -> Access:
            inner = tuple(access.strides[axis] * step for step in row_major(extents))
            strides = (*access.strides[:axis], *inner, *access.strides[axis + 1 :])
            index = access.index
            if index is not None:
                index = replace(index, access=parted(index.access))
            return replace(access, shape=shape, strides=strides, index=index)

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
            index = access.index
            if index is not None:
                inner = joined(index.access)
                index = None if inner is None else replace(index, access=inner)
                stride = None if index is None else stride
            if stride is None:
                return None
            found = (*strides[:axis], stride, *strides[axis + count :])
            return replace(access, shape=shape, strides=found, index=index)

        extent = product(self.shape[axis : axis + count])
        shape = (*self.shape[:axis], extent, *self.shape[axis + count :])
        accesses = [joined(a) for a, _ in self.accesses]
        if None in accesses:
            return None
        target, *operands = (a for a in accesses if a is not None)
        reduced = (*self.reduced[: axis + 1], *self.reduced[axis + count :])
        return replace(
            self, shape=shape, target=target, operands=tuple(operands), reduced=reduced
        )


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

    `lines` prints them at so many loops' depth.
    """

    value: int
    line: int
    reads: frozenset[str]
    writes: frozenset[str]
    lines: Callable[[Printing, int], list[str]]


@dataclass
class Loop:
    """A loop over one axis, the statements in it sharing its position."""

    extent: Expr
    level: int
    body: list[Node] = field(default_factory=list)

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


def touched(node: Node) -> tuple[set[str], set[str]]:
    """The memories that a node reads, and those that it writes."""
    if isinstance(node, Block):
        return set(node.reads), set(node.writes)
    reads: set[str] = set()
    writes: set[str] = set()
    for one in statements_of(node):
        writes |= set(memories(one.target))
        reads.update(m for o in one.operands for m in memories(o))
    return reads, writes


def independent(a: Node, b: Node) -> bool:
    """Whether two nodes may change places."""
    (a_reads, a_writes), (b_reads, b_writes) = touched(a), touched(b)
    return not (a_writes & (b_reads | b_writes) or b_writes & a_reads)


def aligned(a: Statement, b: Statement, level: int) -> bool:
    """Whether two statements may share the loop of a level, being in the same outer ones.

    What one writes and the other touches must lie, at every position of the loop, within a stretch
    of memory of its own.
    """
    for one, writes in a.accesses:
        for other, also in b.accesses:
            if not (writes or also) or set(memories(one)).isdisjoint(memories(other)):
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
    if shift.is_negative:
        one, other, shift = other, one, -shift
    if not shift.is_nonnegative:
        return False
    room = stride - 1
    spans = (span(a, range(level + 1, len(a.shape))) for a in (one, other))
    return all((room - s).is_nonnegative for s in (next(spans), next(spans) + shift))
