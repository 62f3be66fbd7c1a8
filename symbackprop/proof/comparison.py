"""What comes of comparing two sides: how many equalities held exactly or to 30 digits, or where
they part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.equations.evaluate_numbers import Value, multiprecision

TOLERANCE = 1e-30  # where a value is not rational


@dataclass(frozen=True)
class Difference:
    """Where two sides part: the entry, the value of each side or why it has none, what is read.

    `narrower` where the side after has no real value, but the side before has one.
    """

    point: tuple[int, ...]
    before: str
    after: str
    read: tuple[str, ...] = ()
    narrower: bool = False


@dataclass(frozen=True)
class Outcome:
    """How many equalities held exactly and to 30 digits, the largest error, what did not hold."""

    exactly: int = 0
    digits: int = 0
    error: float = 0.0
    difference: Difference | None = None

    @property
    def held(self) -> int:
        """How many equalities held."""
        return self.exactly + self.digits

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.exactly + other.exactly,
            self.digits + other.digits,
            max(self.error, other.error),
            self.difference or other.difference,
        )


def compare(point: tuple[int, ...], before: Value, after: Value) -> Outcome:
    """Rational values must be equal, others to 30 digits."""
    rational = isinstance(before, int | Fraction) and isinstance(after, int | Fraction)
    error = 0.0 if rational and before == after else _error(before, after)
    if not error <= (0.0 if rational else TOLERANCE):  # so that NaN is no equality
        return Outcome(error=error, difference=Difference(point, show(before), show(after)))
    return Outcome(int(rational), int(not rational), error)


def _error(before: Value, after: Value) -> float:
    """How far apart two numbers are, relatively where they are large."""
    a, b = multiprecision(before), multiprecision(after)
    error = float(abs(a - b) / max(1, abs(a), abs(b)))
    return max(error, math.ulp(0.0)) if a != b else error


def show(value: Value) -> str:
    """A value as a reader wants it: short fractions as they are, anything else in decimals."""
    text = str(value)
    return text if len(text) <= 12 else f"{float(value):.12g}"


def entry(name: str, point: Sequence[int]) -> str:
    """`W1[0, 2]`: how a message calls an entry of a tensor; a scalar goes by its name."""
    return f"{name}[{', '.join(map(str, point))}]" if point else name
