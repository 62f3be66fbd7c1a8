"""The names of a repetition as functions of one number ℓ: X^{ℓ-1}, W^{2ℓ}, …

A repetition is told as "the same for ℓ = 2, …, 12" only where every name that changes, and what
every cotangent that changes is the cotangent of, is such a function: then nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from symbackprop.equations.nodes import TensorSymbol, tensors
from symbackprop.report.display import Display
from symbackprop.report.formula import Named
from symbackprop.report.languages import say
from symbackprop.report.latex import latex_of
from symbackprop.report.naming import Names
from symbackprop.report.repetition import Repeat, repeats
from symbackprop.report.view import Section, Shown, View

Repeats = Mapping[str, Sequence[Repeat]]  # by the title of the section

_INTEGER = re.compile(r"(\d+)")


def told_repeats(lines: Sequence[Shown]) -> list[Repeat]:
    """The repetitions among lines that can be told by names with ℓ in them."""
    found = repeats([shown.line for shown in lines])
    return [repeat for repeat in found if general_names(repeat, lines[0].known)[0]]


def segments(
    lines: Sequence[Shown], found: Sequence[Repeat]
) -> Iterator[tuple[tuple[Shown, ...], Repeat | None]]:
    """The lines that are printed, apart where copies follow."""
    start = 0
    for repeat in found:
        if start < repeat.start:
            yield tuple(lines[start : repeat.start]), None
        yield tuple(lines[repeat.start : repeat.start + repeat.period]), repeat
        start = repeat.end
    if start < len(lines):
        yield tuple(lines[start:]), None


def printed(view: View, repeats: Repeats) -> View:
    """The view without copies."""

    def kept(section: Section) -> Section:
        parts = segments(section.lines, repeats[section.title])
        return replace(section, lines=tuple(s for lines, _ in parts for s in lines))

    return replace(
        view, sections=tuple(map(kept, view.sections)), in_use=tuple(map(kept, view.in_use))
    )


def copied(view: View, repeats: Repeats) -> Collection[TensorSymbol]:
    """The tensors that nothing but copies reads or defines."""
    return _tensors(view) - _tensors(printed(view, repeats))


def _tensors(view: View) -> set[TensorSymbol]:
    ahead = [shown.line.equation for shown in view.lines() if shown.loss is None]
    return {t for equation in ahead for t in (equation.tensor, *tensors(equation.rhs))}


def again(repeat: Repeat, lines: Sequence[Shown]) -> str:
    """In LaTeX, that equations hold for other numbers of layers, too, and how names go on."""
    known = lines[0].known
    names, rising = general_names(repeat, known)
    said = say(
        known.notation, "The same for {counting}, of", counting=f"${counting(repeat, rising)}$"
    )
    comma = say(known.notation, ", ")
    between = comma if comma.endswith(" ") else rf"{comma}\allowbreak{{}}"
    listed = between.join(f"${name}$" for name in names)
    return f"{said}\n{listed}{say(known.notation, '.')}"


def counting(repeat: Repeat, rising: bool) -> str:
    r"""\ell = 2, …, 12 for a first group and eleven copies, or counted down to 1."""
    count = len(repeat.renamed)
    return rf"\ell = 2, \ldots, {count + 1}" if rising else rf"\ell = {count}, \ldots, 1"


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
    """The numbers beside the first letter, and by how much each grows from name to name."""
    parts = [_INTEGER.split(_beside(display)) for display in displays]
    if len({(d.letter, *p[::2]) for d, p in zip(displays, parts, strict=True)}) > 1:
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
    parts = _INTEGER.split(_beside(display))
    for k, (start, step) in enumerate(zip(starts, steps, strict=True)):
        constant = start - step if rising else start + step * (last + 1)
        parts[2 * k + 1] = _linear(abs(step), constant)
    layer, _, subscript = "".join(parts).partition("|")
    return replace(display, layer=layer, subscript=subscript)


def _beside(display: Display) -> str:
    """What stands above and below the letter."""
    return f"{display.layer}|{display.subscript}"


def _linear(step: int, constant: int) -> str:
    """step ℓ + constant."""
    if not step:
        return str(constant)
    front = "ℓ" if step == 1 else f"{step}ℓ"
    return front + (f"{constant:+d}" if constant else "")
