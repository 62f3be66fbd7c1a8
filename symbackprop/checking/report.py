"""What was checked, how, how often, and how well it held."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Row:
    """One line of the report.

    `equalities` were compared; `error` is the largest relative difference, 0 where all were exactly
    equal. `failure` says where the first that did not hold is, with both values. Without
    equalities and without a failure, nothing was checked, and `how` says why.
    """

    what: str
    how: str
    equalities: int
    error: float
    failure: str = ""

    @property
    def held(self) -> bool:
        return not self.failure

    def cells(self) -> tuple[str, str, str, str, str]:
        """What, how, equalities, largest error and the result, as text."""
        error = "0" if self.error == 0 else f"{self.error:.1e}"
        result = "FAILED" if not self.held else "held" if self.equalities else "not checked"
        return self.what, self.how, f"{self.equalities:,}", error, result


@dataclass(frozen=True)
class Report:
    """All rows; true only if something was checked and all of it held."""

    rows: tuple[Row, ...]

    def __bool__(self) -> bool:
        return self.equalities > 0 and all(row.held for row in self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def equalities(self) -> int:
        """How many equalities were checked in all."""
        return sum(row.equalities for row in self.rows)

    def __str__(self) -> str:
        """The table in plain text, then each failure, then one line that sums up."""
        titles = ("what", "how", "equalities", "largest error", "result")
        table = [titles, *(row.cells() for row in self.rows)]
        widths = [max(len(line[c]) for line in table) for c in range(len(titles))]
        lines = []
        for line in table:
            left = [line[c].ljust(widths[c]) for c in (0, 1)]
            right = [line[c].rjust(widths[c]) for c in (2, 3)]
            lines.append("  ".join([*left, *right, line[4]]).rstrip())
        lines += [f"FAILED {row.what}: {row.failure}" for row in self.rows if not row.held]
        return "\n".join([*lines, self.verdict])

    @property
    def verdict(self) -> str:
        """The line that sums up."""
        failed = sum(not row.held for row in self.rows)
        left = sum(row.held and not row.equalities for row in self.rows)
        verdict = f"{failed} of {len(self.rows)} rows failed" if failed else "all held"
        if not self.equalities and not failed:
            verdict = "nothing is proved"
        elif left:
            verdict += f", {left} of {len(self.rows)} rows not checked"
        return f"{self.equalities:,} equalities checked: {verdict}"


def entry(name: str, point: Sequence[int]) -> str:
    """`W1[0, 2]`: how a message calls an entry of a tensor; a scalar goes by its name."""
    return f"{name}[{', '.join(map(str, point))}]" if point else name


@dataclass(frozen=True)
class Comparison:
    """One equality, or the worst of several: its relative error, and where, with both values."""

    error: float
    tolerance: float
    where: str
    count: int = 1

    @property
    def held(self) -> bool:
        return self.error <= self.tolerance  # false for NaN


def row(what: str, how: str, comparisons: list[Comparison]) -> Row:
    """The row that sums up the comparisons; the first that did not hold is its failure."""
    failure = next((c.where for c in comparisons if not c.held), "")
    assert failure or all(c.held for c in comparisons), "what does not hold says where"
    errors = [math.inf if math.isnan(c.error) else c.error for c in comparisons]
    count = sum(c.count for c in comparisons)
    return Row(what, how, count, max(errors, default=0.0), failure)


def compared(
    errors: np.ndarray[Any, np.dtype[Any]],
    tolerance: float,
    where: Callable[[tuple[int, ...]], str],
) -> Iterator[Comparison]:
    """Equalities of whole arrays by their relative errors; `where` words the one at a place.

    It is the first that does not hold, else the worst.
    """
    if errors.size:
        wrong = ~(errors <= tolerance)
        flat = int(wrong.argmax()) if wrong.any() else int(errors.argmax())
        place = tuple(map(int, np.unravel_index(flat, errors.shape)))
        yield Comparison(float(errors[place]), tolerance, where(place), errors.size)
