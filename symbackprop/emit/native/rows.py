"""Recurrences whose rows are shared among threads: each takes its own through all steps.

Row n of a batch needs no other one where every access to a memory that a step writes lies, modulo
S N, in the S entries from S n on, for N rows and the same S for all of them. So threads wait for
each other once, at the end, and not at every step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Add, Expr

from symbackprop.emit.native.accesses import ROWS, START, Access, row_axis, stretch
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.numbers import integer
from symbackprop.emit.native.pieces import Block, Statement
from symbackprop.emit.native.threads import Sharing, effort, is_worth
from symbackprop.equations.ranges import nonnegative
from symbackprop.program.operations import Either
from symbackprop.program.shapes import ONE, ZERO, product

Piece = Statement | Block


@dataclass(frozen=True)
class Rows:
    """The rows of a loop over steps: how many, and about how much is done for each at a step."""

    extent: Expr
    operations: Expr

    def own(self, piece: Piece) -> Piece:
        """What a thread does of a piece."""
        found = _cut(piece, self.extent)
        assert found is not None, piece
        return found

    def shared(self, lines: Sequence[str], steps: Expr, private: Sequence[str]) -> list[str]:
        """A loop over so many steps in the hands of several threads, with arrays of their own."""
        rows, operations = integer(self.extent), integer(self.extent * steps * self.operations)
        clause = f" private({', '.join(private)})" if private else ""
        return [
            f"#pragma omp parallel num_threads(threads_for_rows({rows}, {operations})){clause}",
            "    {",
            "        int64_t start;",
            f"        const int64_t rows = own_rows({rows}, &start), end = start + rows;",
            *(line if line.startswith("#") else f"    {line}" for line in lines),
            "    }",
        ]


def independent_rows(
    memory: Memory, steps: Expr, pieces: Sequence[Piece], choices: Mapping[int, Either]
) -> Rows | None:
    """The rows that threads may share of the body of a loop over so many steps; None for none.

    `choices` are the pointers, and the numbers, that the body sets at every step.
    """
    written = frozenset(m for piece in pieces for m in piece.writes)
    numbers = [memory.see(v) for c in choices.values() if not c.shape for v in c.operands]
    if any(n.memory in written for n in numbers if n.form == "memory"):
        return None
    pointers = {v: c for v, c in choices.items() if c.shape}
    for extent in _extents(pieces):
        cut = [_cut(piece, extent) for piece in pieces]
        if None in cut:
            continue
        found = Rows(extent, sum((_operations(p, extent) for p in pieces), ZERO))
        touched = [t for p in cut if p for t in _touched(memory, p, pointers)]
        worth = is_worth(Sharing(extent, steps * found.operations))
        if worth and _lie_apart([t for t in touched if t.memory in written], extent):
            return found
    return None


def _extents(pieces: Sequence[Piece]) -> list[Expr]:
    """The extents of the first axes that are written: where that is the batch, its rows."""
    written = [a for piece in pieces for a, writes in piece.accesses if writes and a.shape]
    return list(dict.fromkeys(access.shape[0] for access in written))


def _operations(piece: Piece, extent: Expr) -> Expr:
    """About how much is done for each row."""
    if isinstance(piece, Block):
        return piece.operations / extent
    if not piece.shape:
        return ONE
    return product(piece.shape) / extent * effort(piece.function)


def _cut(piece: Piece, extent: Expr) -> Piece | None:
    """The piece for some of the rows; None where it does not do one after the other.

    A number is the same for all of them: `_lie_apart` sees to it that none writes a memory.
    """
    if isinstance(piece, Block):
        return piece.cut(extent)
    if not piece.shape:
        return piece
    found = row_axis(piece.shape, extent)
    if found is None or piece.reduced[found[0]]:
        return None
    axis, each = found
    if each != 1:
        piece = piece.split(axis, (extent, each))
    return replace(
        piece,
        shape=(*piece.shape[:axis], ROWS, *piece.shape[axis + 1 :]),
        target=stretch(piece.target, axis, ZERO, ROWS),
        operands=tuple(stretch(o, axis, ZERO, ROWS) for o in piece.operands),
    )


def _lie_apart(touched: Sequence[_Touched], extent: Expr) -> bool:
    """Whether each row has a stretch of its own in every memory."""
    strides = {(t.memory, t.stride) for t in touched}
    alike = len(strides) == len({name for name, _ in strides})
    return alike and all(t.lies_apart(extent) for t in touched)


@dataclass(frozen=True)
class _Touched:
    """Where row n of a piece touches a memory: stride · n + offset + what other axes add."""

    memory: str
    stride: Expr
    offset: Expr
    others: tuple[tuple[Expr, Expr], ...]  # extent and stride, of what integers tell as well

    def lies_apart(self, extent: Expr) -> bool:
        """Whether it stays in the stretch of row n, or in that of other turns of all rows."""
        turn, room = self.stride * extent, self.stride - 1
        if turn == 0:
            return False
        terms = Add.make_args(self.offset.expand())
        within = [t for t in terms if (t / turn).as_numer_denom()[1] != 1]
        within += [(count - 1) * stride for count, stride in self.others]
        return all(map(nonnegative, within)) and nonnegative(room - sum(within))


def _touched(memory: Memory, piece: Piece, pointers: Mapping[int, Either]) -> Iterator[_Touched]:
    """All that a piece cut into rows touches, with what its pointers may point to at any step."""
    for access, _ in piece.accesses:
        if access.form != "memory":
            continue
        pairs = zip(access.shape, access.strides, strict=True)
        # Along an axis of each · rows positions, every row has so many; without one, any of them.
        axes = [(extent.subs(ROWS, 1), s) for extent, s in pairs]
        cut = [k for k, extent in enumerate(access.shape) if extent.has(ROWS)]
        stride = axes[cut[0]][0] * axes[cut[0]][1] if cut else ZERO
        axes += [(told.extent, told.stride) for told in access.gathered]
        for name, offset, known in _pointed(memory, access, pointers):
            yield _Touched(name, stride if known else ZERO, offset.subs(START, 0), tuple(axes))


def _pointed(
    memory: Memory, access: Access, pointers: Mapping[int, Either]
) -> Iterator[tuple[str, Expr, bool]]:
    """The memories that an access may mean, the offsets, and whether its strides are known."""
    chosen = next((v for v in pointers if memory.choices[v].pointer == access.pointer), None)
    if chosen is None:
        yield access.memory, access.offset, True
        return
    for value in pointers[chosen].operands:
        base = memory.stored(value)
        same = base.strides == memory.choices[chosen].strides
        for name, offset, known in _pointed(memory, base, pointers):
            yield name, offset + access.offset, known and same
