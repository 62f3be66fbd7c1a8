"""The worked numbers of a page: what is given, and what a step makes of the parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symbackprop.notation import Notation
from symbackprop.report.escape import html_text
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.worked import Worked
from symbackprop.report.worked.typeset import Typeset, aligned, typeset

_TOP, _PLAIN = r"\begin{aligned}[t]", r"\begin{aligned}"  # KaTeX knows of no such option
ROOM = 27.0  # em of a row of numbers


@dataclass(frozen=True)
class Step:
    """The updates of a step on one loss, and what the loss was and is."""

    loss: str
    updates: str
    name: str
    before: str
    now: str


@dataclass(frozen=True)
class Example:
    """All that is said of the numbers apart from the equations."""

    remarks: tuple[str, ...]
    given: tuple[str, ...]
    rate: str
    steps: tuple[Step, ...]
    states: tuple[str, ...]


def numbers_of(worked: Worked, notation: Notation) -> Typeset:
    """The numbers in LaTeX, in rows that a page has room for."""
    return typeset(worked, notation, ROOM)


def example(numbers: Typeset, mathematics: Mathematics) -> Example:
    """The words and formulas around the equations."""
    return Example(
        tuple(map(html_text, numbers.remarks)),
        tuple(map(mathematics.display, numbers.given)),
        mathematics.inline(numbers.rate),
        tuple(
            Step(
                html_text(loss),
                rows_of(numbers.updates[loss], mathematics),
                *map(mathematics.inline, numbers.losses[loss]),
            )
            for loss in numbers.updates
        ),
        tuple(map(mathematics.display, numbers.states)),
    )


def rows_of(rows: Iterable[str], mathematics: Mathematics) -> str:
    """Rows whose signs stand below one another; nothing for none."""
    rows = tuple(row.replace(_TOP, _PLAIN) for row in rows)
    return mathematics.display(aligned(rows)) if rows else ""
