"""Long formulas over several lines: broken before + and −, outermost first, as by hand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from symbackprop.report.boxes import Box, entrywise_sign, function_box, sign
from symbackprop.report.formula import (
    Apply,
    Big,
    Cases,
    Formula,
    Fraction,
    Hadamard,
    Level,
    Named,
    Plus,
    Times,
    is_scalar,
    spread,
)
from symbackprop.report.latex import big_front, box, factor_boxes, fraction_front, joint

_WHOLE = 9.0  # em; what is no wider is never broken
_PHONE = 14.0  # em; nor is this, but for what has less room than a page
_LAST = 3.0  # em; no last line there is shorter
_CASES = 25.0  # nor are cases behind a brace
_STUB = 1.0  # em; no line ends with so short a first term, as "(1"
_INNER, _FACTOR = 2, 4  # how much deeper a break inside brackets, or between factors, counts
_SPACES = ("", r"\,", r",\,")  # between pieces, where there is no sign
_TALL = (r"\frac", r"\sum", r"\prod", "bmatrix", "cases")
_LINE, _TOO_WIDE = 12.0, 1000.0  # what one more line costs, and an em beyond the margin


@dataclass(frozen=True, slots=True)
class Piece:
    """LaTeX that stays together. `depth` says how unwelcome a break before it is.

    `mark` joins it to the piece before; `broken` is added in front of that where it starts a line.
    The width is that of both.
    """

    tex: str
    width: float
    depth: int
    mark: str = ""
    broken: str = ""


def broken(formula: Formula, width: float) -> list[str]:
    """The formula as lines of at most `width` em, where its notation allows that."""
    whole = box(formula)
    return [whole.tex] if whole.width <= width else [*map(_joined, _lines(formula, width))]


def loose(formula: Formula, width: float) -> list[str]:
    """The same for KaTeX, which may break these lines further, where there is not that room."""
    return [_loosely(_parts(line)) for line in _lines(formula, width)]


def _lines(formula: Formula, width: float) -> list[list[Piece]]:
    pieces = _pieces(formula, 0)
    return [pieces] if box(formula).width <= width else _fill(pieces, width)


def _joined(line: list[Piece]) -> str:
    return line[0].broken + "".join(piece.mark + piece.tex for piece in line).lstrip()


def _parts(line: list[Piece]) -> list[list[Piece]]:
    """What stays together on a phone, too: broken only where it must be, outermost first."""
    if len(line) == 1 or sum(piece.width for piece in line) <= _PHONE:
        return [line]
    least = min(piece.depth for piece in line[1:])
    starts = [0, *(k for k, piece in enumerate(line) if k and piece.depth == least)]
    if len(starts) > 2 and sum(piece.width for piece in line[starts[-1] :]) < _LAST:
        del starts[-1]
    ends = [*starts[1:], len(line)]
    return [part for a, b in zip(starts, ends, strict=True) for part in _parts(line[a:b])]


def _loosely(parts: list[list[Piece]]) -> str:
    """KaTeX breaks at signs, but not in braces; where parts are joined by none, it is told."""
    found = ""
    for part in parts:
        first, *rest = part
        mark = first.mark
        if not found:
            mark = (first.broken + mark.lstrip()).rstrip()
            mark += r"\nobreak " if mark else ""
        elif mark.strip() in _SPACES:
            mark += r"\allowbreak "
        found += mark + "{" + first.tex + "".join(p.mark + p.tex for p in rest) + "}"
    return found


def _fill(pieces: list[Piece], width: float) -> list[list[Piece]]:
    """The lines whose breaks together are the least unwelcome; what is too wide stands alone.

    The best lines of the first k pieces are found from those of fewer (Knuth and Plass, 1981).
    """
    ends = list(itertools.accumulate((p.width for p in pieces), initial=0.0))
    best = [(0.0, 0)]
    for k in range(1, len(pieces) + 1):
        found: list[tuple[float, int]] = []
        for start in range(k - 1, -1, -1):
            taken = ends[k] - ends[start]
            if taken > width and found:
                break
            cost = _LINE + pieces[start].depth ** 2 if start else 0.0
            found.append((best[start][0] + cost + max(taken - width, 0.0) * _TOO_WIDE, -start))
        best.append(min(found))  # of equally good ones that with the fullest lines first
    lines, k = [], len(pieces)
    while k:
        start = -best[k][1]
        lines.append(pieces[start:k])
        k = start
    return lines[::-1]


def _pieces(formula: Formula, depth: int) -> list[Piece]:
    whole = box(formula)
    if whole.width <= _WHOLE:
        return [Piece(whole.tex, whole.width, depth)]
    if isinstance(formula, Plus):
        return _sum_pieces(formula, depth)
    if isinstance(formula, Times):
        return _product_pieces(formula, depth)
    if isinstance(formula, Hadamard):
        return _entrywise_pieces(formula, depth)
    if isinstance(formula, Fraction):
        return _fraction_pieces(formula, depth)
    if isinstance(formula, Big):
        front = Box(big_front(formula).tex + " ", big_front(formula).width)
        loose = box(formula.body).level >= Level.OPEN
        return _after(front, _pieces(formula.body, depth + _INNER), bare=loose)
    if isinstance(formula, Apply) and formula.function not in ("mod", "floor", "abs"):
        return _call_pieces(formula, depth)
    if isinstance(formula, Cases) and whole.width > _CASES:
        return _call_pieces(Apply("where", (formula.mask, formula.then, formula.otherwise)), depth)
    return [Piece(whole.tex, whole.width, depth)]


def _sum_pieces(formula: Plus, depth: int) -> list[Piece]:
    pieces: list[Piece] = []
    stub = box(formula.terms[0][1]).width < _STUB
    for position, (minus, term) in enumerate(formula.terms):
        inner = _pieces(term, depth + _INNER)
        if box(term).level < Level.OPEN:
            inner = _after(Box("", 0), inner, bare=False)
        lead = depth + (2 * _FACTOR if stub and position == 1 else 0)
        if position:
            pieces += _joining(sign(minus, first=False), 1.2, inner, lead, "{}")
        else:
            front = Box(sign(minus, first=True), 1.2 * minus)
            pieces += _joining("", 0, _after(front, inner, bare=True), lead)
    return pieces


def _product_pieces(formula: Times, depth: int) -> list[Piece]:
    pieces: list[Piece] = []
    boxes = factor_boxes(formula)
    for position, (factor, whole) in enumerate(zip(formula.factors, boxes, strict=True)):
        opened = box(factor)
        inner = [Piece(whole.tex, whole.width, depth)]
        if whole.width > _WHOLE:
            inner = _pieces(factor, depth + _INNER)
            if opened.level < whole.level:
                inner = _after(Box("", 0), inner, bare=False)
        if position:
            gap = joint(formula.factors[position - 1], factor)
            matrices = not is_scalar(factor) and isinstance(factor, Named) and not factor.indices
            dot = "" if matrices or "cdot" in gap else r"{}\cdot "
            inner = _joining(gap, 0.3, inner, depth + _FACTOR, dot)
        pieces += inner
    return pieces


def _fraction_pieces(formula: Fraction, depth: int) -> list[Piece]:
    parts = spread(formula)
    if parts is not None:
        return _product_pieces(Times(parts), depth)
    front, rest = fraction_front(formula)
    inner = _pieces(rest, depth + _INNER)
    bare = box(rest).level >= Level.PRODUCT
    return _after(Box(front.tex + r" \, ", front.width + 0.2), inner, bare=bare)


def _entrywise_pieces(formula: Hadamard, depth: int) -> list[Piece]:
    pieces: list[Piece] = []
    for position, (inverted, factor) in enumerate(formula.factors):
        inner = _pieces(factor, depth + _INNER)
        if box(factor).level < Level.POSTFIX:
            inner = _after(Box("", 0), inner, bare=False)
        if position:
            mark = entrywise_sign(inverted, first=False)
            pieces += _joining(mark, 1.25, inner, depth + _FACTOR - 1, "{}")
        else:
            pieces += _joining("", 0, inner, depth)
    return pieces


def _call_pieces(formula: Apply, depth: int) -> list[Piece]:
    name = function_box(formula.function)
    if len(formula.arguments) == 1 and isinstance(formula.arguments[0], Big):
        return _after(Box(name.tex + " ", name.width), _pieces(formula.arguments[0], depth), True)
    inner: list[Piece] = []
    for position, argument in enumerate(formula.arguments):
        pieces = _pieces(argument, depth + _FACTOR)
        inner += _joining(r",\, ", 0.5, pieces, pieces[0].depth) if position else pieces
    return _after(name, inner, bare=False)


def _after(front: Box, pieces: list[Piece], bare: bool) -> list[Piece]:
    """The pieces behind `front`; unless `bare`, in brackets that may lie on different lines."""
    first, last = pieces[0], pieces[-1]
    if bare:
        start = replace(first, tex=front.tex + first.tex, width=front.width + first.width)
        return [start, *pieces[1:]]
    tall = any(sign in p.tex for p in pieces for sign in _TALL)
    left, right = (r"\Bigl(", r"\Bigr)") if tall else (r"\bigl(", r"\bigr)")
    if tall and len(pieces) == 1:
        left, right = r"\left(", r"\right)"
    wider = first.width + front.width + 0.6
    opening = replace(first, tex=front.tex + left + first.tex, width=wider)
    if len(pieces) == 1:
        return [replace(opening, tex=opening.tex + right, width=opening.width + 0.6)]
    closing = replace(last, tex=last.tex + right, width=last.width + 0.6)
    return [opening, *pieces[1:-1], closing]


def _joining(
    mark: str, width: float, pieces: list[Piece], depth: int, broken: str = ""
) -> list[Piece]:
    """The pieces, joined to what stands before them by a mark."""
    first = pieces[0]
    assert not first.mark
    start = replace(first, mark=mark, width=first.width + width, depth=depth, broken=broken)
    return [start, *pieces[1:]]
