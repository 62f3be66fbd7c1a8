"""What was checked, how, how often, and how well it held."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop import hypertext

# How an equality is known to hold, from the strongest proof down.
EXACTLY = "exactly"  # both sides are the same rational number
DIGITS = "to 30 digits"  # both sides agree to 30 digits
FLOATS = "in floats"  # they agree within what rounding of doubles or singles may make of them
DIFFERENCES = "by differences"  # a slope agrees within the error bar of a difference of losses


@dataclass(frozen=True)
class Proved:
    """How many equalities were compared in each of these ways."""

    exactly: int = 0
    digits: int = 0
    floats: int = 0
    differences: int = 0

    @staticmethod
    def by(way: str, count: int = 1) -> Proved:
        """That many equalities, compared in one way."""
        return Proved(*(count * (way == known) for known in _WAYS))

    def __add__(self, other: Proved) -> Proved:
        return Proved(*(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    @property
    def counts(self) -> tuple[int, int, int, int]:
        return self.exactly, self.digits, self.floats, self.differences

    @property
    def total(self) -> int:
        return sum(self.counts)

    def __str__(self) -> str:
        """`1,200 exactly, 3 in floats`: the ways that there are; `0` where there is none."""
        counted = zip(self.counts, _WAYS, strict=True)
        return ", ".join(f"{count:,} {way}" for count, way in counted if count) or "0"


_WAYS = (EXACTLY, DIGITS, FLOATS, DIFFERENCES)


@dataclass(frozen=True)
class Row:
    """One line of the report.

    The equalities in `proved` were compared; `error` is the largest relative difference, 0 where
    all were exactly equal. `failure` says where the first that did not hold is, with both values.
    Without equalities and without a failure, nothing was checked, and `how` says why.
    """

    what: str
    how: str
    proved: Proved
    error: float
    failure: str = ""

    @property
    def held(self) -> bool:
        return not self.failure

    @property
    def equalities(self) -> int:
        return self.proved.total

    def cells(self) -> tuple[str, str, str, str, str]:
        """What, how, equalities, largest error and the result, as text."""
        error = "0" if self.error == 0 else f"{self.error:.1e}"
        result = "FAILED" if not self.held else "held" if self.equalities else "not checked"
        return self.what, self.how, str(self.proved), error, result


@dataclass(frozen=True)
class Report:
    """All rows; true only if something was checked and all of it held."""

    rows: tuple[Row, ...]

    def __bool__(self) -> bool:
        return self.equalities > 0 and all(row.held for row in self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def proved(self) -> Proved:
        """The equalities of all rows that held, by how they were compared."""
        return sum((row.proved for row in self.rows if row.held), Proved())

    @property
    def equalities(self) -> int:
        """How many equalities were checked in all."""
        return sum(row.equalities for row in self.rows)

    @property
    def failures(self) -> list[str]:
        """Each row that did not hold, with the place and both values."""
        return [f"FAILED {row.what}: {row.failure}" for row in self.rows if not row.held]

    @property
    def unchecked(self) -> list[str]:
        """Each row of which nothing was checked, and why."""
        left = (row for row in self.rows if row.held and not row.equalities)
        return [f"not checked: {row.what}: {row.how}" for row in left]

    def __str__(self) -> str:
        """The table in plain text, then what failed or was left out, then one line that sums up."""
        titles = ("what", "how", "equalities", "largest error", "result")
        table = [titles, *(row.cells() for row in self.rows)]
        widths = [max(len(line[c]) for line in table) for c in range(len(titles))]
        lines = []
        for line in table:
            left = [line[c].ljust(widths[c]) for c in (0, 1, 2)]
            lines.append("  ".join([*left, line[3].rjust(widths[3]), line[4]]).rstrip())
        return "\n".join([*lines, *self.failures, *self.unchecked, self.verdict])

    def _repr_html_(self) -> str:
        titles = ("what", "how", "equalities", "largest error", "result")
        table = hypertext.table(titles, [row.cells() for row in self.rows])
        left = map(hypertext.paragraph, (*self.failures, *self.unchecked))
        return "\n".join([table, *left, hypertext.paragraph(self.verdict)])

    @property
    def result(self) -> str:
        """`held`, with how many rows were not checked, or `FAILED`."""
        left = sum(row.held and not row.equalities for row in self.rows)
        rows = f", {left} of {len(self.rows)} rows not checked" if left else ""
        return f"held{rows}" if self else "FAILED"

    @property
    def verdict(self) -> str:
        """The line that sums up."""
        failed = sum(not row.held for row in self.rows)
        left = sum(row.held and not row.equalities for row in self.rows)
        if failed:
            return f"{failed} of {len(self.rows)} rows failed; the others hold: {self.proved}"
        if not self.equalities:
            return "0 equalities checked: nothing is proved"
        unchecked = f", {left} of {len(self.rows)} rows not checked" if left else ""
        return f"{self.equalities:,} equalities checked, {self.proved}: all held{unchecked}"


def entry(name: str, point: Sequence[int]) -> str:
    """`W1[0, 2]`: how a message calls an entry of a tensor; a scalar goes by its name."""
    return f"{name}[{', '.join(map(str, point))}]" if point else name


@dataclass(frozen=True)
class Comparison:
    """One equality, or the worst of several: its relative error, and where, with both values.

    `way` is how it was compared. A fact that is no equality of numbers, as the shape of an array,
    has a `count` of 0.
    """

    error: float
    tolerance: float
    where: str
    way: str
    count: int = 1

    @property
    def held(self) -> bool:
        return self.error <= self.tolerance  # false for NaN


def row(what: str, how: str, comparisons: Iterable[Comparison]) -> Row:
    """The row that sums up the comparisons; the first that did not hold is its failure."""
    comparisons = list(comparisons)
    failure = next((c.where for c in comparisons if not c.held), "")
    assert failure or all(c.held for c in comparisons), "what does not hold says where"
    errors = [math.inf if math.isnan(c.error) else c.error for c in comparisons]
    proved = sum((Proved.by(c.way, c.count) for c in comparisons), Proved())
    return Row(what, how, proved, max(errors, default=0.0), failure)


def compared(
    errors: np.ndarray[Any, np.dtype[Any]],
    tolerances: np.ndarray[Any, np.dtype[Any]] | float,
    where: Callable[[tuple[int, ...]], str],
    way: str = FLOATS,
) -> Iterator[Comparison]:
    """Equalities of whole arrays by their relative errors; `where` words the one at a place.

    It is the first that does not hold, else the one with the largest error.
    """
    if errors.size:
        tolerances = np.broadcast_to(tolerances, errors.shape)
        wrong = ~(errors <= tolerances)
        flat = int(wrong.argmax()) if wrong.any() else int(errors.argmax())
        place = tuple(map(int, np.unravel_index(flat, errors.shape)))
        tolerance = float(tolerances[place])
        yield Comparison(float(errors[place]), tolerance, where(place), way, errors.size)


def apart(distance: float, bar: float) -> str:
    """How far apart two values are that rounding does not explain."""
    bars = distance / bar if bar else math.inf
    return f"{distance:.2g} apart, {bars:.2g} error bars of {bar:.1g}: not rounding"
