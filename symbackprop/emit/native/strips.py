"""Loops over few positions made longer: several rows at once, where they lie behind each other.

For c[6 j + k] = tanh(z[6 j + k] + b[k]), eight rows are 48 neighbours; b is repeated eight times in
a strip of the stack, and so is what is summed over the rows, until they have all been added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Integer

from symbackprop.emit.native.accesses import Access
from symbackprop.emit.native.memory import Memory, memories
from symbackprop.emit.native.pieces import Loop, Node, Statement
from symbackprop.program.shapes import ONE, ZERO

SHORT = 16  # fewer positions than this fill no vector
LONG = 48  # positions of a strip, at least
ROOM = 2048  # positions of all strips of a loop: 16 KB of the stack in double precision


@dataclass(frozen=True)
class Strip:
    """So many rows of so many entries, for the loops at a level and the next one."""

    level: int
    rows: int
    columns: Expr

    def shape(self, before: Sequence[Expr]) -> tuple[Expr, ...]:
        return (*before[: self.level], Integer(self.rows), self.columns)


def lengthened(nodes: Sequence[Node], memory: Memory) -> list[Node]:
    """The same with loops over short rows as loops over strips of them."""
    found: list[Node] = []
    for node in nodes:
        if not isinstance(node, Loop):
            found.append(node)
            continue
        strip = _strip(node)
        if strip is None:
            body = lengthened(node.body, memory)
            found.append(Loop(node.extent, node.level, body))
        else:
            found += _in_strips(node, strip, memory)
    return found


def _strip(loop: Loop) -> Strip | None:
    """How long the strips of a loop over rows are; None where it is none."""
    if len(loop.body) != 1 or not isinstance(loop.body[0], Loop):
        return None
    inner = loop.body[0]
    extent, level = inner.extent, loop.level
    if not extent.is_Integer or not 1 < extent < SHORT:
        return None
    if not all(isinstance(one, Statement) for one in inner.body):
        return None
    statements = inner.statements()
    if not all(_fits(one, level, extent) for one in statements):
        return None
    written = {m for one in statements for m in memories(one.target)}
    repeated = [a for one in statements for a in one.operands if _is_repeated(a, level)]
    if any(m in written for a in repeated for m in memories(a)):
        return None
    rows = _rows(loop.extent, int(extent))
    if rows is None:
        return None
    strips = len(repeated) + sum(_is_repeated(one.target, level) for one in statements)
    return Strip(level, rows, extent) if strips * rows * extent <= ROOM else None


def _rows(extent: Expr, columns: int) -> int | None:
    """Rows that fill whole vectors together, and that divide the extent where it is known."""
    least = SHORT // math.gcd(SHORT, columns)
    whole = least * -(-LONG // (least * columns))
    known = int(extent.as_coeff_Mul()[0])
    if extent.is_Integer and known < 2 * whole:
        return None
    divisors = [r for r in range(whole, 4 * whole) if known % r == 0]
    divisors += [r for r in range(-(-LONG // columns), 4 * whole) if known % r == 0]
    return divisors[0] if divisors else None


def _is_repeated(access: Access, level: int) -> bool:
    """Whether every row sees the same entries."""
    return bool(access.strides[level] == 0 and access.strides[level + 1] != 0)


def _fits(one: Statement, level: int, extent: Expr) -> bool:
    """Whether all that a statement accesses is the same strip or repeated in it."""
    if len(one.shape) != level + 2 or one.reduced[level + 1]:
        return False
    for access, writes in ((one.target, True), *((o, False) for o in one.operands)):
        if access.gathered or access.form == "count":
            return False
        flat = access.strides[level] == extent * access.strides[level + 1]
        if _is_repeated(access, level):
            sums = one.combine == "sum" and one.reduced[level] and access.kind == "real"
            if access.form != "memory" or (writes and not sums):
                return False
        elif not flat or (writes and (one.reduced[level] or access.strides[level] == 0)):
            return False
    return True


def _in_strips(loop: Loop, strip: Strip, memory: Memory) -> list[Node]:
    """What is repeated copied first, the loop, and what it has summed added up."""
    level = strip.level
    before: list[Statement] = []
    after: list[Statement] = []
    inside: list[Statement] = []
    copied: dict[tuple[object, ...], Access] = {}
    for one in loop.statements():
        operands = []
        for access in one.operands:
            if _is_repeated(access, level):
                key = (access.pointer, access.strides, access.offset)
                if key not in copied:
                    copied[key] = _strip_of(access, strip, memory, len(before))
                    before.append(_copied(one, access, copied[key], strip))
                access = copied[key]
            operands.append(access)
        target = one.target
        if _is_repeated(target, level):
            summed = _strip_of(target, strip, memory, len(before))
            before.append(_zeros(one, summed, strip))
            after.append(_added(one, summed, strip))
            reduced = (False,) * len(one.reduced)
            one = replace(one, target=summed, reduced=reduced, whole=False)
        inside.append(replace(one, operands=tuple(operands)))
    inner = loop.body[0]
    assert isinstance(inner, Loop)
    run = Loop(strip.rows * strip.columns, level + 1, list(inside))
    found = [_nest(level, before)] if before else []
    found.append(Loop(loop.extent, level, [run], step=strip.rows))
    return [*found, *([_nest(level, after)] if after else [])]


def _strip_of(access: Access, strip: Strip, memory: Memory, number: int) -> Access:
    """A strip of the stack as the loop inside sees it."""
    name = memory.strip(access.kind, number, int(strip.rows * strip.columns))
    strides = (ZERO,) * (strip.level + 1) + (ONE,)
    return Access("memory", access.kind, access.shape, strides, ZERO, name, f"strip {name}")


def _by_rows(access: Access, strip: Strip) -> Access:
    """A strip as rows and columns."""
    strides = (*access.strides[: strip.level], strip.columns, ONE)
    return replace(access, shape=strip.shape(access.shape), strides=strides)


def _copied(one: Statement, access: Access, to: Access, strip: Strip) -> Statement:
    shape = strip.shape(one.shape)
    target, seen = _by_rows(to, strip), replace(access, shape=shape)
    return Statement(-1, one.line, shape, target, "copy", (seen,), (False,) * len(shape), "", False)


def _zeros(one: Statement, to: Access, strip: Strip) -> Statement:
    shape = strip.shape(one.shape)
    target = _by_rows(to, strip)
    return Statement(-1, one.line, shape, target, "zero", (), (False,) * len(shape), "", False)


def _added(one: Statement, summed: Access, strip: Strip) -> Statement:
    """The rows of a strip added to where the statement collects them."""
    shape = strip.shape(one.shape)
    seen, target = _by_rows(summed, strip), replace(one.target, shape=shape)
    return replace(one, shape=shape, target=target, function="copy", operands=(seen,))


def _nest(level: int, statements: Sequence[Statement]) -> Loop:
    """Statements in the loops over rows and columns."""
    shape = statements[0].shape
    return Loop(shape[level], level, [Loop(shape[level + 1], level + 1, list(statements))])
