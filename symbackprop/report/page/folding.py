"""Words and numbers of a repetition: the same again, of which tensors, under which numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symbackprop.report.display import Display
from symbackprop.report.escape import html_text
from symbackprop.report.formula import Named
from symbackprop.report.latex import latex_of
from symbackprop.report.naming import Names
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.repetition import Repeat
from symbackprop.report.unicode import text_of
from symbackprop.report.view import Shown

_INTEGER = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Copy:
    """An equation of a copy: its number, its name, the number of its like, whether a gradient."""

    number: int
    name: str
    like: int
    gradient: bool


@dataclass(frozen=True)
class Fold:
    """`counting` is ℓ = 2, …, 12 and `names` are those with ℓ in them, where there are such."""

    count: int
    first: int
    last: int
    counting: str
    names: tuple[str, ...]
    copies: tuple[tuple[Copy, ...], ...]


def fold(repeat: Repeat, lines: Sequence[Shown], mathematics: Mathematics) -> Fold:
    """What is said in place of the copies of a repetition of these lines."""
    known = lines[0].known
    names, rising = _general(repeat, known)
    count = len(repeat.renamed)
    counting = rf"\ell = 2, \ldots, {count + 1}" if rising else rf"\ell = {count}, \ldots, 1"
    copied = lines[repeat.start + repeat.period : repeat.end]
    return Fold(
        count,
        copied[0].number,
        copied[-1].number,
        mathematics.inline(counting) if names else "",
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


def _general(repeat: Repeat, known: Names) -> tuple[tuple[str, ...], bool]:
    """The names with ℓ for their place, and whether ℓ rises; no names where one has no rule."""
    found: list[tuple[Display, tuple[int, ...], tuple[int, ...]]] = []
    for tensor in repeat.renamed[0]:
        if tensor in known.cotangents or all(names[tensor] == tensor for names in repeat.renamed):
            continue
        tensors = [tensor, *(names[tensor] for names in repeat.renamed)]
        steps = _progression([known.whole(t).display for t in tensors])
        if steps is None:
            return (), True
        found.append((known.whole(tensor).display, *steps))
    rising = all(step >= 0 for _, _, steps in found for step in steps)
    if not found or not (rising or all(s <= 0 for _, _, steps in found for s in steps)):
        return (), True
    last = len(repeat.renamed)
    names = [
        latex_of(Named(_with(display, starts, steps, rising, last)))
        for display, starts, steps in found
    ]
    return tuple(dict.fromkeys(names)), rising


def _progression(displays: Sequence[Display]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The numbers in the first layer, and by how much each grows from name to name."""
    parts = [_INTEGER.split(display.layer) for display in displays]
    same = (
        len({(d.letter, d.subscript, *p[::2]) for d, p in zip(displays, parts, strict=True)}) == 1
    )
    if not same:
        return None
    columns = list(zip(*([int(n) for n in p[1::2]] for p in parts), strict=True))
    steps = tuple(column[1] - column[0] for column in columns)
    even = all(
        value == column[0] + k * step
        for column, step in zip(columns, steps, strict=True)
        for k, value in enumerate(column)
    )
    return (tuple(column[0] for column in columns), steps) if even else None


def _with(
    display: Display, starts: Sequence[int], steps: Sequence[int], rising: bool, last: int
) -> Display:
    """The name at place ℓ: of copies 1, 2, … from the first on, or counted down to 1."""
    parts = _INTEGER.split(display.layer)
    for k, (start, step) in enumerate(zip(starts, steps, strict=True)):
        constant = start - step if rising else start + step * (last + 1)
        parts[2 * k + 1] = _linear(abs(step), constant)
    return replace(display, layer="".join(parts))


def _linear(step: int, constant: int) -> str:
    """step ℓ + constant."""
    if not step:
        return str(constant)
    front = r"\ell" if step == 1 else rf"{step}\ell"
    return front + (f"{constant:+d}" if constant else "")
