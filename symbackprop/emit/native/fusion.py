"""Which statements share their loops: rows stay in the cache, values between them in registers.

Statements come in the order of the Program. Each joins the loop before it over its outermost axis,
or the last one that touches the same memory, if it may stand there; inside that loop the same is
done with the next axis. What may be exchanged or joined follows from the accesses alone
(`pieces.aligned`).
"""

from __future__ import annotations

from collections.abc import Sequence

from symbackprop.emit.native.pieces import (
    Block,
    Loop,
    Node,
    Statement,
    aligned,
    independent,
)
from symbackprop.program.shapes import product

WINDOW = 48  # how many loops and blocks a statement may be moved over


def fused(pieces: Sequence[Statement | Block], level: int = 0) -> list[Node]:
    """Loops over the axis of this level, and inside of them over the next ones."""
    nodes: list[Node] = []
    for now, piece in enumerate(pieces):
        if isinstance(piece, Statement) and _joined(nodes, piece, level, pieces[now + 1 :]):
            continue
        if isinstance(piece, Statement) and len(piece.shape) > level:
            loop = Loop(piece.shape[level], level)
            loop.add(piece)
            nodes.append(loop)
        else:
            nodes.insert(_turn(nodes, piece), piece)
    for node in nodes:
        if isinstance(node, Loop):
            inner = [n for n in node.body if not isinstance(n, Loop)]
            node.body = fused(inner, level + 1)
    return nodes


def _turn(nodes: Sequence[Node], piece: Statement | Block) -> int:
    """Where a piece without loops stands: what is made of numbers alone as early as it can."""
    now = len(nodes)
    if isinstance(piece, Statement) and not any(o.form == "memory" for o in piece.operands):
        while now and independent(nodes[now - 1], piece):
            now -= 1
    return now


def _joined(
    nodes: list[Node], piece: Statement, level: int, rest: Sequence[Statement | Block]
) -> bool:
    """Put a statement into the last loop that it may and should share."""
    if len(piece.shape) <= level:
        return False
    own = piece.reads | piece.writes
    reader = next((p for p in rest[:WINDOW] if not p.reads.isdisjoint(piece.writes)), None)
    for node in reversed(nodes[-WINDOW:]):
        if isinstance(node, Loop):
            near = node is nodes[-1] or not own.isdisjoint(node.reads | node.writes)
            fitted = _fitted(piece, node, level) if near else None
            if fitted is not None and all(aligned(one, fitted, level) for one in node.statements()):
                node.add(fitted)
                return True
        # What reads the result cannot be moved over the node either: both had better be near.
        waits = isinstance(reader, Statement) and not independent(node, reader)
        if waits or not independent(node, piece):
            return False
    return False


def _fitted(piece: Statement, loop: Loop, level: int) -> Statement | None:
    """The statement with the loop's extent at this level: as it is, or its axes split or merged."""
    if piece.shape[level] == loop.extent:
        return piece
    for longest in dict.fromkeys(s.shape for s in loop.statements()):
        for count in range(2, len(longest) - level + 1):
            extents = longest[level : level + count]
            if product(extents) == piece.shape[level]:
                return piece.split(level, extents)
    rest = piece.shape[level] / loop.extent
    if rest.is_Integer and not piece.reads.isdisjoint(loop.writes):
        return piece.split(level, (loop.extent, rest))
    for count in range(2, len(piece.shape) - level + 1):
        if product(piece.shape[level : level + count]) == loop.extent:
            return piece.merged(level, count)
    return None


def collapsed(nodes: Sequence[Node]) -> list[Node]:
    """Adjacent loops made one where all accesses see their axes as one."""
    return [_collapse(n) if isinstance(n, Loop) else n for n in nodes]


def _collapse(loop: Loop) -> Loop:
    while len(loop.body) == 1 and isinstance(loop.body[0], Loop):
        merged = [s.merged(loop.level, 2) for s in loop.statements()]
        found = [s for s in merged if s is not None]
        if len(found) < len(merged):
            break
        inner = loop.body[0]
        ranks = iter(found)
        loop = Loop(loop.extent * inner.extent, loop.level, _replaced(inner.body, ranks, -1))
    return Loop(loop.extent, loop.level, collapsed(loop.body))


def _replaced(body: Sequence[Node], statements: object, shift: int) -> list[Node]:
    """The same nodes with other statements in them, in the same order."""
    found: list[Node] = []
    for node in body:
        if isinstance(node, Loop):
            inner = _replaced(node.body, statements, shift)
            found.append(Loop(node.extent, node.level + shift, inner))
        elif isinstance(node, Statement):
            found.append(next(statements))  # type: ignore[call-overload]
        else:
            found.append(node)
    return found
