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
_CASES = 25.0  # nor are cases behind a brace
_STUB = 1.0  # em; no line ends with so short a first term, as "(1"
_INNER, _FACTOR = 2, 4  # how much deeper a break inside brackets, or between factors, counts
_LINE, _TOO_WIDE = 12.0, 1000.0  # what one more line costs, and an em beyond the margin


@dataclass(frozen=True, slots=True)
class Piece:
    """LaTeX that stays together. `depth` says how unwelcome a break before it is.

    `broken` is what is added in front where it starts a line.
    """

    tex: str
    width: float
    depth: int
    broken: str = ""


def broken(formula: Formula, width: float) -> list[str]:
    """The formula as lines of at most `width` em, where its notation allows that."""
    whole = box(formula)
    if whole.width <= width:
        return [whole.tex]
    return [_joined(line) for line in _fill(_pieces(formula, 0), width)]


def loose(formula: Formula) -> str:
    """The formula on one line that whoever sets it may break inside brackets, too."""
    return "".join(piece.tex for piece in _pieces(formula, 0))


def _joined(line: list[Piece]) -> str:
    return line[0].broken + "".join(piece.tex for piece in line).lstrip()


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
        front = Box(sign(minus, first=position == 0), 1.2 if position or minus else 0)
        start = _after(front, inner, bare=True)
        lead = depth + (2 * _FACTOR if stub and position == 1 else 0)
        pieces += [replace(start[0], depth=lead, broken=r"{}" if position else ""), *start[1:]]
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
            start = _after(Box(gap, 0.3), inner, bare=True)
            matrices = not is_scalar(factor) and isinstance(factor, Named) and not factor.indices
            dot = "" if matrices or "cdot" in gap else r"{} \cdot "
            inner = [replace(start[0], depth=depth + _FACTOR, broken=dot), *start[1:]]
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
        mark = entrywise_sign(inverted, first=position == 0)
        start = _after(Box(mark, 1.25 if position else 0), inner, bare=True)
        lead = depth + _FACTOR - 1 if position else depth
        pieces += [replace(start[0], depth=lead, broken="{}" if position else ""), *start[1:]]
    return pieces


def _call_pieces(formula: Apply, depth: int) -> list[Piece]:
    name = function_box(formula.function)
    if len(formula.arguments) == 1 and isinstance(formula.arguments[0], Big):
        return _after(Box(name.tex + " ", name.width), _pieces(formula.arguments[0], depth), True)
    inner: list[Piece] = []
    for position, argument in enumerate(formula.arguments):
        pieces = _pieces(argument, depth + _FACTOR)
        inner += _after(Box(r",\, " if position else "", 0.5), pieces, bare=True)
    return _after(name, inner, bare=False)


def _after(front: Box, pieces: list[Piece], bare: bool) -> list[Piece]:
    """The pieces behind `front`; unless `bare`, in brackets that may lie on different lines."""
    first, last = pieces[0], pieces[-1]
    if bare:
        start = replace(first, tex=front.tex + first.tex, width=front.width + first.width)
        return [start, *pieces[1:]]
    tall = any(sign in p.tex for p in pieces for sign in (r"\frac", r"\sum", r"\prod", "bmatrix"))
    left, right = (r"\Bigl(", r"\Bigr)") if tall else (r"\bigl(", r"\bigr)")
    wider = first.width + front.width + 0.6
    opening = replace(first, tex=front.tex + left + first.tex, width=wider)
    if len(pieces) == 1:
        return [replace(opening, tex=opening.tex + right, width=opening.width + 0.6)]
    closing = replace(last, tex=last.tex + right, width=last.width + 0.6)
    return [opening, *pieces[1:-1], closing]
