"""Exact numbers as they are printed: rounded to so many significant digits, once, in the end."""

from __future__ import annotations

from fractions import Fraction

from sympy import Rational

from symbackprop.equations.evaluate import Value
from symbackprop.equations.evaluate_numbers import multiprecision
from symbackprop.report.formula import Decimal, Formula, Number

_AGREE = Fraction(1, 10**40)  # of 50 digits, what rounding cannot have touched
_LONG = (
    4  # zeros behind the point, or digits beyond those printed, from which on powers are shorter
)

_STATED = 20  # digits of a number that is printed as it was stated


def stated(value: Fraction, digits: int) -> Formula:
    """A number that the reader has chosen: not rounded, but as a decimal, or a fraction, in full;
    rounded to `digits` where that is long.
    """
    rest, parts = value.denominator, f"{value.numerator}{value.denominator}"
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    found = decimal(value, _STATED)
    if rest == 1 and Fraction(found.mantissa) * Fraction(10) ** found.exponent == abs(value):
        return found
    short = rest > 1 and len(parts) <= _STATED
    return Number(Rational(value.numerator, value.denominator)) if short else decimal(value, digits)


def decimal(value: Value, digits: int) -> Decimal:
    """The value to `digits` significant digits; one that needs fewer has its own, and is exact.

    Ties go away from zero.
    """
    number = _fraction(value)
    if number == 0:
        return Decimal("0")
    minus, number = number < 0, abs(number)
    exponent = _exponent(number)
    scaled = number / Fraction(10) ** (exponent - digits + 1)
    whole = int(scaled + Fraction(1, 2))
    if whole == 10**digits:
        whole, exponent = whole // 10, exponent + 1
    exact = abs(scaled - whole) <= _AGREE * scaled
    return _written(str(whole), exponent, exact, minus)


def _fraction(value: Value) -> Fraction:
    """The number exactly; of 50 digits, the binary fraction that they are."""
    if isinstance(value, int | Fraction):
        return Fraction(value)
    mantissa, exponent = multiprecision(abs(value)).man_exp
    return (-1 if value < 0 else 1) * Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _exponent(number: Fraction) -> int:
    """That of the first significant digit, by lengths, then by comparison."""
    guess = len(str(number.numerator)) - len(str(number.denominator))
    return guess if Fraction(10) ** guess <= number else guess - 1


def _written(digits: str, exponent: int, exact: bool, minus: bool) -> Decimal:
    """The digits with their point; very small and very large numbers as powers of ten."""
    count = len(digits)
    if exact:
        digits = digits.rstrip("0")
    if exponent < -_LONG or exponent >= count + (_LONG if exact else 0):
        return Decimal(_pointed(digits, 1), exponent, minus)
    if exponent < 0:
        return Decimal(f"0.{'0' * (-exponent - 1)}{digits}", 0, minus)
    return Decimal(_pointed(digits.ljust(exponent + 1, "0"), exponent + 1), 0, minus)


def _pointed(digits: str, before: int) -> str:
    return f"{digits[:before]}.{digits[before:]}" if digits[before:] else digits
