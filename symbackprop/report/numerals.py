"""How exact rational numbers are written."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Rational


@dataclass(frozen=True, slots=True)
class Numeral:
    """mantissa · 10^exponent, or mantissa / denominator; empty parts are not written."""

    mantissa: str
    denominator: str = ""
    exponent: int = 0


def numeral(value: Rational) -> Numeral:
    """The shortest of 3/8, 0.05 and 10^-4 for a number that is not negative."""
    p, q = int(value.p), int(value.q)
    if q == 1:
        return _integer(p)
    decimals = _decimals(q)
    if decimals is None:
        return Numeral(str(p), str(q))
    digits = str(p * 10**decimals // q)
    fraction = f"{p}/{q}"
    if decimals >= (3 if digits == "1" else len(digits) + 3):
        mantissa = _pointed(digits, 1)
        if digits != "1" and len(fraction) < len(mantissa) + 3:
            return Numeral(str(p), str(q))
        return Numeral(mantissa, exponent=len(digits) - 1 - decimals)
    padded = digits.rjust(decimals + 1, "0")
    decimal = _pointed(padded, len(padded) - decimals)
    simpler = len(fraction) < len(decimal) + (q < 10)
    return Numeral(str(p), str(q)) if simpler else Numeral(decimal)


def _integer(value: int) -> Numeral:
    """Whole numbers; from a million on, round ones as powers of ten."""
    digits = str(value)
    short = digits.rstrip("0")
    zeros = len(digits) - len(short)
    return Numeral(short, exponent=zeros) if zeros >= 6 else Numeral(digits)


def _decimals(q: int) -> int | None:
    """How many decimals 1/q needs; None where they do not end."""
    count = {2: 0, 5: 0}
    for prime in count:
        while q % prime == 0:
            q //= prime
            count[prime] += 1
    return max(count.values()) if q == 1 else None


def _pointed(digits: str, before: int) -> str:
    """Digits with a point after the first `before`; a whole number has none."""
    whole, rest = digits[: max(before, 1)], digits[max(before, 1) :].rstrip("0")
    return f"{whole}.{rest}" if rest else whole
