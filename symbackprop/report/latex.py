"""Formulas as LaTeX that amsmath and KaTeX both read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.report.boxes import (
    CONSTANTS,
    Box,
    big_sign,
    bracketed,
    cases_box,
    decimal_box,
    derivative_box,
    entrywise_sign,
    function_box,
    grid_box,
    in_row,
    indicator_box,
    name_box,
    norm_box,
    number_box,
    root_box,
    sign,
)
from symbackprop.report.conditions import told_below
from symbackprop.report.factors import digits_beyond, dotted
from symbackprop.report.formula import (
    Apply,
    Big,
    Cases,
    Constant,
    Counting,
    Decimal,
    Derivative,
    Formula,
    Fraction,
    Grid,
    Hadamard,
    Indicator,
    Kronecker,
    Level,
    Listing,
    Named,
    Negation,
    Norm,
    Number,
    Plus,
    Power,
    Relation,
    Root,
    Times,
    Transpose,
    is_scalar,
    mixes,
    spread,
    times,
)
from symbackprop.report.numerals import Numeral, numeral

RELATIONS: Mapping[str, str] = {
    "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "=", "!=": r"\ne",
    "and": r"\land", "or": r"\lor", "~": r"\sim", "<-": r"\gets",
}  # fmt: skip


def latex_of(formula: Formula) -> str:
    """The formula on one line, without dollars."""
    return box(formula).tex


def box(formula: Formula) -> Box:
    """The formula on one line."""
    return _PRINTERS[type(formula)](formula)


def _at(formula: Formula, level: int) -> Box:
    return bracketed(box(formula), level)


def _named(formula: Named) -> Box:
    return name_box(formula.display, formula.mark, [box(i) for i in formula.indices])


def _number(formula: Number) -> Box:
    return number_box(numeral(formula.value))


def _decimal(formula: Decimal) -> Box:
    return decimal_box(Numeral(formula.mantissa, exponent=formula.exponent), formula.minus)


def _grid(formula: Grid) -> Box:
    return grid_box([[box(entry) for entry in row] for row in formula.rows])


def _constant(formula: Constant) -> Box:
    return Box(CONSTANTS[formula.kind], 0.7)


def _plus(formula: Plus) -> Box:
    parts, width, tall = [], 0.0, False
    for position, (minus, term) in enumerate(formula.terms):
        inner = _at(term, Level.OPEN)
        parts.append(sign(minus, first=position == 0) + inner.tex)
        width += inner.width + (1.25 if position else 0.8 if minus else 0.0)
        tall = tall or inner.tall
    return Box("".join(parts), width, Level.SUM, tall)


def factor_boxes(formula: Times) -> list[Box]:
    """The factors of a product, in brackets where they need them."""
    *head, last = formula.factors
    printed = box(last)
    loose = {Level.OPEN, Level.ENTRYWISE} if all(is_scalar(f) for f in head) else {Level.OPEN}
    level = printed.level if printed.level in loose else Level.PRODUCT
    return [*(_at(f, Level.PRODUCT) for f in head), bracketed(printed, level)]


def joint(before: Formula, after: Formula) -> str:
    """What stands between two factors."""
    return r" \cdot " if dotted(before, after) else r" \, "


def _times(formula: Times) -> Box:
    boxes = factor_boxes(formula)
    tex = boxes[0].tex
    for before, after, inner in zip(formula.factors, formula.factors[1:], boxes[1:], strict=False):
        tex += joint(before, after) + inner.tex
    level = min(Level.PRODUCT, boxes[-1].level)
    width = sum(b.width for b in boxes) + 0.2 * (len(boxes) - 1)
    return Box(tex, width, level, any(b.tall for b in boxes))


def _hadamard(formula: Hadamard) -> Box:
    tex, width, tall = "", 0.0, False
    for position, (inverted, factor) in enumerate(formula.factors):
        inner = _at(factor, Level.POSTFIX)
        tex += entrywise_sign(inverted, first=position == 0) + inner.tex
        width += inner.width + (1.25 if position else 0.0)
        tall = tall or inner.tall
    return Box(tex, width, Level.ENTRYWISE, tall)


def _fraction(formula: Fraction) -> Box:
    parts = spread(formula)
    if parts is not None:
        return in_row([box(p) for p in parts], r" \, ", 0.3, Level.OPEN)
    above, below = box(formula.numerator), box(formula.denominator)
    if above.width > (SHORT if above.level < Level.PRODUCT else LONG):
        front, rest = fraction_front(formula)
        return in_row([front, _at(rest, Level.PRODUCT)], r" \, ", 0.2, Level.PRODUCT)
    width = max(above.width, below.width) + 0.3
    return Box(rf"\frac{{{above.tex}}}{{{below.tex}}}", width, Level.PRODUCT, True)


SHORT, LONG = 5.0, 12.0  # em; a longer sum, or product, stands behind its fraction, not on top


def fraction_front(formula: Fraction) -> tuple[Box, Formula]:
    """A fraction of numbers alone, and what stands behind it."""
    numerator = formula.numerator
    factors = numerator.factors if isinstance(numerator, Times) else (numerator,)
    numbers = tuple(itertools.takewhile(_is_number, factors))
    above, below = box(times(numbers)), box(formula.denominator)
    width = max(above.width, below.width) + 0.3
    front = Box(rf"\frac{{{above.tex}}}{{{below.tex}}}", width, Level.PRODUCT, True)
    return front, times(factors[len(numbers) :])


def _is_number(factor: Formula) -> bool:
    short = is_scalar(factor) and not isinstance(factor, Norm)  # which may be long
    return short or (isinstance(factor, Root) and isinstance(factor.radicand, Number))


def _power(formula: Power) -> Box:
    base, exponent = _at(formula.base, Level.ATOM), box(formula.exponent)
    if isinstance(formula.base, Named) and formula.base.display.layer:
        base = bracketed(Box(base.tex, base.width, Level.SUM, base.tall))
    mark = r"\odot " if formula.entrywise else ""
    width = base.width + 0.75 * exponent.width + (0.7 if mark else 0)
    return Box(f"{base.tex}^{{{mark}{exponent.tex}}}", width, Level.POSTFIX, base.tall)


def _root(formula: Root) -> Box:
    return root_box(box(formula.radicand))


def _apply(formula: Apply) -> Box:
    inner = [box(a) for a in formula.arguments]
    name = function_box(formula.function)
    if formula.function == "abs":
        tex = rf"\left\lvert {inner[0].tex} \right\rvert"
        return Box(tex, inner[0].width + 0.8, Level.ATOM, inner[0].tall)
    if formula.function == "floor":
        return Box(rf"\left\lfloor {inner[0].tex} \right\rfloor", inner[0].width + 1, tall=True)
    if formula.function == "mod":
        a, b = (bracketed(i, Level.ATOM) for i in inner)
        return Box(rf"{a.tex} \bmod {b.tex}", a.width + b.width + 3, Level.PRODUCT)
    if len(inner) == 1 and isinstance(formula.arguments[0], Big):
        return in_row([name, inner[0]], " ", 0.3, Level.OPEN)
    room = SHORT + digits_beyond(formula.arguments[0])
    if formula.function == "exp" and inner[0].width < room and not inner[0].tall:
        return Box(rf"\mathrm{{e}}^{{{inner[0].tex}}}", 0.5 + 0.75 * inner[0].width)
    row = bracketed(in_row(inner, r",\, ", 0.5, Level.SUM))
    return Box(f"{name.tex}{row.tex}", name.width + row.width, Level.ATOM, row.tall)


def big_front(formula: Big) -> Box:
    """The sign with its indices, and with conditions on them."""
    bound = [in_row([box(i) for i in formula.bound], ",", 0.3, Level.ATOM)]
    given = [box(g) for g in formula.given]
    return big_sign(formula.operator, given if told_below(formula) else bound + given)


def _big(formula: Big) -> Box:
    body = _at(formula.body, Level.OPEN)
    joined = in_row([big_front(formula), body], " ", 0.2, Level.OPEN)
    return Box(joined.tex, joined.width, Level.OPEN, True)


def _transpose(formula: Transpose) -> Box:
    inner = formula.of
    if isinstance(inner, Named):
        return name_box(inner.display, inner.mark, [box(i) for i in inner.indices], r"\top")
    base = _at(inner, Level.ATOM)
    return Box(rf"{base.tex}^{{\top}}", base.width + 0.6, Level.POSTFIX, base.tall)


def _norm(formula: Norm) -> Box:
    return norm_box(box(formula.of), formula.frobenius)


def _relation(formula: Relation) -> Box:
    sides = [
        bracketed(box(side), Level.OPEN if mixes(formula, side) else Level.SUM)
        for side in (formula.left, formula.right)
    ]
    return in_row(sides, f" {RELATIONS[formula.operator]} ", 1.4, Level.SUM)


def _negation(formula: Negation) -> Box:
    inner = _at(formula.of, Level.ATOM)
    return Box(rf"\lnot {inner.tex}", inner.width + 0.8, Level.POSTFIX, inner.tall)


def _indicator(formula: Indicator) -> Box:
    return indicator_box(box(formula.of))


def _kronecker(formula: Kronecker) -> Box:
    row = in_row([box(formula.left), box(formula.right)], ",", 0.3, Level.ATOM)
    return Box(rf"\delta_{{{row.tex}}}", 0.5 + 0.75 * row.width)


def _cases(formula: Cases) -> Box:
    return cases_box(formula.words, *map(box, (formula.then, formula.mask, formula.otherwise)))


def _listing(formula: Listing) -> Box:
    return bracketed(in_row([box(i) for i in formula.items], ",", 0.3, Level.SUM))


def _counting(formula: Counting) -> Box:
    rest = [] if formula.last is None else [Box(r"\dots", 1.2), box(formula.last)]
    row = in_row([*map(box, formula.first), *rest], r",\, ", 0.5, Level.SUM)
    return in_row([box(formula.index), row], " = ", 1.4, Level.SUM)


def _derivative(formula: Derivative) -> Box:
    return derivative_box(box(formula.of), box(formula.by))


_PRINTERS: Mapping[type, Callable[[Any], Box]] = {
    Named: _named,
    Number: _number,
    Decimal: _decimal,
    Grid: _grid,
    Constant: _constant,
    Plus: _plus,
    Times: _times,
    Hadamard: _hadamard,
    Fraction: _fraction,
    Power: _power,
    Root: _root,
    Apply: _apply,
    Big: _big,
    Transpose: _transpose,
    Norm: _norm,
    Relation: _relation,
    Negation: _negation,
    Indicator: _indicator,
    Kronecker: _kronecker,
    Cases: _cases,
    Listing: _listing,
    Counting: _counting,
    Derivative: _derivative,
}
