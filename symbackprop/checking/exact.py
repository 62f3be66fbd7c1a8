"""Exact values: comparing them, and SymPy's derivative of an expression at a point."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import sympy

from symbackprop.checking.report import DIGITS, EXACTLY, Comparison
from symbackprop.equations.evaluate import Environment, Known, Traced, Value, evaluate
from symbackprop.equations.evaluate_numbers import is_fine, multiprecision, value_of

TOLERANCE = 1e-30  # where a value is not rational
_VANISHED = 350  # digits to which two values agree where rounding is all that is left of them


def compare(a: Value, b: Value, where: Callable[[str, str], str]) -> Comparison:
    """Rational values must be equal, others to 30 digits of the larger; `where` words both.

    In finer numbers they may also vanish.
    """
    a, b = value_of(a), value_of(b)
    rational = isinstance(a, int | Fraction) and isinstance(b, int | Fraction)
    if not rational:
        a, b = multiprecision(a), multiprecision(b)
    tolerance, way = (0.0, EXACTLY) if rational else (TOLERANCE, DIGITS)
    apart, largest = abs(a - b), max(abs(a), abs(b))
    if is_fine() and not rational and apart <= max(1, largest) * multiprecision(10) ** -_VANISHED:
        apart = 0
    error = max(float(apart / largest), math.ulp(0.0)) if apart else 0.0
    held = error <= tolerance
    return Comparison(error, tolerance, "" if held else where(show(a), show(b)), way)


def show(value: Value) -> str:
    """A value as a reader wants it: short fractions as they are, anything else in decimals."""
    text = str(value_of(value))
    return text if len(text) <= 12 else f"{float(value_of(value)):.12g}"


def rate(number: Value, by: Known) -> Value:
    """SymPy's scalar derivative of a traced number, where its symbols have the values they know."""
    if not isinstance(number, Traced):
        return 0
    return evaluate(sympy.diff(number.expr, by), Environment({}, {}))
