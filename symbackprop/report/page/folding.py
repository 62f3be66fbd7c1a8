"""Words and numbers of a repetition: the same again, of which tensors, under which numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symbackprop.report.escape import html_text
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.progression import counting, general_names
from symbackprop.report.repetition import Repeat
from symbackprop.report.unicode import text_of
from symbackprop.report.view import Shown


@dataclass(frozen=True)
class Copy:
    """An equation of a copy: its number, its name, the number of its like, whether a gradient."""

    number: int
    name: str
    like: int
    gradient: bool


@dataclass(frozen=True)
class Fold:
    """`counting` is ℓ = 2, …, 12 and `names` are those with ℓ in them."""

    first: int
    last: int
    counting: str
    names: tuple[str, ...]
    copies: tuple[tuple[Copy, ...], ...]


def fold(repeat: Repeat, lines: Sequence[Shown], mathematics: Mathematics) -> Fold:
    """What is said in place of the copies of a repetition of these lines."""
    known = lines[0].known
    names, rising = general_names(repeat, known)
    copied = lines[repeat.start + repeat.period : repeat.end]
    return Fold(
        copied[0].number,
        copied[-1].number,
        mathematics.inline(counting(repeat, rising)),
        tuple(mathematics.inline(name) for name in names),
        tuple(_copies(repeat, lines)),
    )


def _copies(repeat: Repeat, lines: Sequence[Shown]) -> Iterator[tuple[Copy, ...]]:
    first = lines[repeat.start : repeat.start + repeat.period]
    for start in range(repeat.start + repeat.period, repeat.end, repeat.period):
        yield tuple(
            Copy(
                shown.number,
                html_text(text_of(shown.known.whole(shown.line.equation.tensor))),
                like.number,
                bool(shown.gradient),
            )
            for shown, like in zip(lines[start : start + repeat.period], first, strict=True)
        )
