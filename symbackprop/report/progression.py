"""The names of a repetition as functions of one number ℓ: X^{ℓ-1}, W^{2ℓ}, …

A repetition is told as "the same for ℓ = 2, …, 12" only where every name that changes, and what
every cotangent that changes is the cotangent of, is such a function: then nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from symbackprop.report.display import Display
from symbackprop.report.formula import Named
from symbackprop.report.latex import latex_of
from symbackprop.report.naming import Names
from symbackprop.report.repetition import Repeat, repeats
from symbackprop.report.view import Shown

_INTEGER = re.compile(r"(\d+)")


def told_repeats(lines: Sequence[Shown]) -> list[Repeat]:
    """The repetitions among lines that can be told by names with ℓ in them."""
    found = repeats([shown.line for shown in lines])
    return [repeat for repeat in found if general_names(repeat, lines[0].known)[0]]


def general_names(repeat: Repeat, known: Names) -> tuple[tuple[str, ...], bool]:
    """The names with ℓ for their place, and whether ℓ rises; no names where one has no rule."""
    found: list[tuple[Display, tuple[int, ...], tuple[int, ...]]] = []
    for tensor in repeat.renamed[0]:
        tensors = [tensor, *(names[tensor] for names in repeat.renamed)]
        displays = [known.whole(known.cotangents.get(t, t)).display for t in tensors]
        if len(set(displays)) == 1:
            continue
        steps = _progression(displays)
        if steps is None:
            return (), True
        found.append((displays[0], *steps))
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
