"""What comes of comparing two sides: how many equalities held exactly or to 30 digits, or where
they part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.equations.evaluate_numbers import Value, multiprecision

TOLERANCE = 1e-30  # of a value that is not rational
NO_VALUES = "no values"
TOO_DEAR = "too dear"
_CLOSE = 1e-10  # what is closer than this may be apart by rounding
_VANISHED = 350  # digits to which two sides agree where rounding is all that is left of them


@dataclass(frozen=True)
class Difference:
    """Where two sides part: the entry, the value of each side or why it has none, what is read.

    `narrower` where the side after has no real value, but the side before has one; `close` where
    finer numbers may show that rounding parts them.
    """

    point: tuple[int, ...]
    before: str
    after: str
    read: tuple[str, ...] = ()
    narrower: bool = False
    close: bool = False


@dataclass(frozen=True)
class Outcome:
    """How many equalities held exactly and to 30 digits, the largest error, what did not hold.

    `nothing` says why nothing was compared where something should have been.
    """

    exactly: int = 0
    digits: int = 0
    error: float = 0.0
    difference: Difference | None = None
    nothing: str = ""

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


def compare(point: tuple[int, ...], before: Value, after: Value, fine: bool = False) -> Outcome:
    """Rational values must be equal, others to 30 digits of the larger, however small that is.

    In finer numbers two sides may also vanish: what is left of 1 - 1 is below all digits.
    """
    rational = isinstance(before, int | Fraction) and isinstance(after, int | Fraction)
    if rational and before == after:
        return Outcome(exactly=1)
    a, b = multiprecision(before), multiprecision(after)
    largest = max(abs(a), abs(b))
    apart = abs(a - b)
    error = float(apart / largest) if largest else 0.0
    error = max(error, math.ulp(0.0)) if a != b else error
    if not rational:
        vanished = fine and apart <= max(1, largest) * multiprecision(10) ** -_VANISHED
        if vanished or error <= TOLERANCE:
            return Outcome(digits=1, error=0.0 if vanished else error)
    close = not (rational or fine) and apart <= _CLOSE * max(1, largest)
    difference = Difference(point, show(before), show(after), close=bool(close))
    return Outcome(error=error, difference=difference)


def show(value: Value) -> str:
    """A value as a reader wants it: short fractions as they are, anything else in decimals."""
    text = str(value)
    return text if len(text) <= 12 else f"{float(value):.12g}"


def entry(name: str, point: Sequence[int]) -> str:
    """`W1[0, 2]`: how a message calls an entry of a tensor; a scalar goes by its name."""
    return f"{name}[{', '.join(map(str, point))}]" if point else name
