"""Numbers in products and exponents: where a sign stands between two, and their width."""

from __future__ import annotations

from symbackprop.report.boxes import decimal_box
from symbackprop.report.formula import Decimal, Formula, Fraction, Number, Power, walk
from symbackprop.report.numerals import Numeral

_DIGIT = 0.5  # em


def dotted(before: Formula, after: Formula) -> bool:
    """Whether a sign stands between two factors: a number behind anything, or two written alike."""
    return _begins_with_digit(after) or (_is_figure(before) and _is_figure(after))


def _is_figure(formula: Formula) -> bool:
    """A number, a power of one, or a quotient of two."""
    if isinstance(formula, Power):
        return _is_figure(formula.base)
    if isinstance(formula, Fraction):
        return _is_figure(formula.numerator) and _is_figure(formula.denominator)
    return isinstance(formula, (Number, Decimal))


def _begins_with_digit(formula: Formula) -> bool:
    if isinstance(formula, Power):
        return _begins_with_digit(formula.base)
    return isinstance(formula, Number) or (isinstance(formula, Decimal) and not formula.minus)


def digits_beyond(formula: Formula) -> float:
    """By how many em its numbers are wider than if each had one digit and no sign: without that,
    all terms of a sum are of one width, whatever numbers were put in.
    """
    decimals = (part for part in walk(formula) if isinstance(part, Decimal))
    boxes = (decimal_box(Numeral(d.mantissa, exponent=d.exponent), d.minus) for d in decimals)
    return sum(box.width - _DIGIT for box in boxes)
