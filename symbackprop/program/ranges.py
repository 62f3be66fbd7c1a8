"""Masks that compare an index with a bound: they cut its range, and are not computed."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Integer, Mul

from symbackprop.equations.masks import And, Compare, Not, Where
from symbackprop.equations.nodes import Access, Digit, Index
from symbackprop.equations.ranges import MIRRORED, nonnegative, whole_bound
from symbackprop.equations.reductions import Sum
from symbackprop.equations.renaming import substituted
from symbackprop.program.scope import Axes, Labelled, Scope


@dataclass(frozen=True, slots=True)
class Piece:
    """start <= index < stop, and whether the mask holds there."""

    start: Expr
    stop: Expr
    holds: bool


def pieces(mask: Expr) -> tuple[Index, list[Piece]] | None:
    """The ranges of the one index that decides a mask; None where anything else does."""
    if isinstance(mask, Not):
        inner = pieces(mask.args[0])
        return inner and (inner[0], [Piece(p.start, p.stop, not p.holds) for p in inner[1]])
    if not isinstance(mask, Compare):
        return None
    difference = mask.args[1] - mask.args[2]
    found = [t for t in Add.make_args(difference) if t.has(Index, Access, Digit)]
    if len(found) != 1:
        return None
    sign, index = found[0].as_coeff_Mul()
    if not isinstance(index, Index) or abs(sign) != 1:
        return None
    whole = whole_bound(
        mask.op if sign == 1 else MIRRORED[mask.op], -sign * (difference - found[0])
    )
    if whole is None:
        return None
    # A part of a range may be empty, as 1 <= t < T - 1 is; the range of an index is not.
    sizes = () if ":" in index.name else (index.extent,)
    cuts = _cuts(*whole, index.extent, sizes)
    return None if cuts is None else (index, cuts)


def _cuts(op: str, turn: Expr, extent: Expr, sizes: tuple[Expr, ...]) -> list[Piece] | None:
    """The pieces of 0 … extent by `index op turn`; None where their order is not known.

    `sizes` are known to be at least 1.
    """
    first, last = {
        "<": (Integer(0), turn),
        "<=": (Integer(0), turn + 1),
        ">": (turn + 1, extent),
        ">=": (turn, extent),
        "==": (turn, turn + 1),
        "!=": (turn, turn + 1),
    }[op]
    first, last = _clamp(first, extent, sizes), _clamp(last, extent, sizes)
    if first is None or last is None:
        return None
    inside = op != "!="
    whole = [
        Piece(Integer(0), first, not inside),
        Piece(first, last, inside),
        Piece(last, extent, not inside),
    ]
    return [piece for piece in whole if piece.start != piece.stop]


def _clamp(bound: Expr, extent: Expr, sizes: tuple[Expr, ...]) -> Expr | None:
    if nonnegative(-bound):
        return Integer(0)
    if nonnegative(bound - extent):
        return extent
    inside = nonnegative(bound, sizes) and nonnegative(extent - bound, sizes)
    return bound if inside else None


def lower_where(expr: Where, scope: Scope) -> Labelled:
    """`a` where the mask holds, `b` elsewhere: pieces side by side where an index decides."""
    mask, a, b = expr.args
    if isinstance(mask, And):
        mask = And(*_conjuncts(mask))
        box = _box(mask.args, a, b, scope)
        if box is not None:
            return box
        for part in mask.args:
            if pieces(part) is not None:
                rest = [m for m in mask.args if m is not part]
                inner = And(*rest) if len(rest) > 1 else rest[0]
                return scope.lower(Where(part, Where(inner, a, b), b))
    cut = pieces(mask)
    if cut is None:
        return _chosen(mask, a, b, scope)
    index, ranges = cut
    if len(ranges) == 1:
        return scope.lower(a if ranges[0].holds else b)
    return _assemble(index, ranges, a, b, scope)


def _chosen(mask: Expr, a: Expr, b: Expr, scope: Scope) -> Labelled:
    """One of two values at every entry.

    A number goes where the mask does not hold, if that is known beforehand: written over `a`, where
    nothing else reads that.
    """
    holds, then, other = (scope.lower(e) for e in (mask, a, b))
    graph = scope.graph
    known = graph.is_constant(holds.value) and isinstance(mask, Compare)
    if known and graph.number(other.value) is not None and graph.number(then.value) is None:
        opposite = Compare(_OPPOSITE[mask.op], *mask.args[1:])
        return scope.apply("where", scope.lower(opposite), other, then)
    return scope.apply("where", holds, then, other)


_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


def _assemble(index: Index, ranges: list[Piece], a: Expr, b: Expr, scope: Scope) -> Labelled:
    parts: list[tuple[Index, Labelled]] = []
    for piece in ranges:
        part, mapping = _within(index, piece)
        scope.rank_as(part, index)
        parts.append((part, scope.lower(substituted(a if piece.holds else b, mapping))))
    others = {i for part, labelled in parts for i in labelled.axes if i != part}
    axes = scope.sorted({*others, index})
    values = tuple(
        scope.align(labelled, tuple(part if i == index else i for i in axes))
        for part, labelled in parts
    )
    shape = tuple(i.extent for i in axes)
    bounds = tuple((piece.start, piece.stop) for piece in ranges)
    return Labelled(scope.graph.assemble(shape, axes.index(index), values, bounds), axes)


def _conjuncts(mask: Expr) -> tuple[Expr, ...]:
    """The masks all of which hold where this one does."""
    return sum(map(_conjuncts, mask.args), ()) if isinstance(mask, And) else (mask,)


def _box(masks: tuple[Expr, ...], a: Expr, b: Expr, scope: Scope) -> Labelled | None:
    """`a` where each of several indices is in a range, a number elsewhere; None for other masks."""
    outside = scope.number(b)
    ranges = _ranges(masks)
    if outside is None or ranges is None or len(masks) < 2:
        return None
    running = {}
    mapping: dict[Index, Expr] = {}
    for index, span in ranges.items():
        running[index], moved = _within(index, span)
        scope.rank_as(running[index], index)
        mapping |= moved
    inside = scope.lower(substituted(a, mapping))
    back = {part: index for index, part in running.items()}
    own = tuple(back.get(i, i) for i in inside.axes)
    axes = own if set(ranges) <= set(own) else scope.sorted({*own, *ranges})
    value = scope.align(inside, tuple(running.get(i, i) for i in axes))
    spans = [ranges.get(i, Piece(Integer(0), i.extent, True)) for i in axes]
    box = tuple((span.start, span.stop) for span in spans)
    shape = tuple(i.extent for i in axes)
    return Labelled(scope.graph.box(shape, value, scope.graph.scalar(outside), box), axes)


def _ranges(masks: tuple[Expr, ...]) -> dict[Index, Piece] | None:
    """The one range of each index in which all masks hold; None where that is not what they say."""
    found: dict[Index, Piece] = {}
    for mask in masks:
        cut = pieces(mask)
        inside = [piece for piece in cut[1] if piece.holds] if cut else []
        if cut is None or len(inside) != 1:
            return None
        index, (piece,) = cut[0], inside
        before = found.get(index, Piece(Integer(0), index.extent, True))
        # Of two bounds one is the end of the index: which of two others is the stricter is unknown.
        start, stop = (before.start, piece.start), (before.stop, piece.stop)
        if 0 not in start or index.extent not in stop:
            return None
        found[index] = Piece(sum(start), sum(stop) - index.extent, True)
        if not nonnegative(found[index].stop - found[index].start):
            return None
    return found


def _within(index: Index, piece: Piece) -> tuple[Index, dict[Index, Expr]]:
    """An index that runs over a piece from 0, and the substitution that puts it there."""
    part = Index(f"{index.name}:{piece.start}", piece.stop - piece.start)
    return part, {index: part + piece.start}


def guarded_sum(body: Expr, bound: Axes) -> Expr | None:
    """Σ of a product with a factor that a bound index decides, as a sum over each piece."""
    for factor in Mul.make_args(body):
        mask = factor.args[0] if isinstance(factor, Where) else factor
        cut = pieces(mask)
        if cut is None or cut[0] not in bound:
            continue
        rest = Mul(*(f for f in Mul.make_args(body) if f is not factor))
        others = tuple(i for i in bound if i != cut[0])
        terms = []
        for piece in cut[1]:
            part, mapping = _within(cut[0], piece)
            chosen = _branch(factor, piece.holds)
            terms.append(Sum(substituted(rest * chosen, mapping), part, *others))
        return Add(*terms)
    return None


def _branch(factor: Expr, holds: bool) -> Expr:
    if isinstance(factor, Where):
        return factor.args[1 if holds else 2]
    return Integer(int(holds))
