"""A worked example in LaTeX that amsmath and KaTeX both read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from symbackprop.notation import USUAL, Notation
from symbackprop.report.alignment import PAGE, TAGS
from symbackprop.report.boxes import Box, bracketed, entrywise_sign, sign
from symbackprop.report.formula import Formula, Hadamard, Level, Plus, Relation
from symbackprop.report.latex import box, latex_of
from symbackprop.report.lines import broken
from symbackprop.report.worked.equations import Equation, Row, Update, example
from symbackprop.report.worked.remarks import remarks
from symbackprop.report.worked.values import Worked

_EQUALS = 1.5  # em, of a sign between two sides


@dataclass(frozen=True)
class Typeset:
    r"""The worked example in rows for `align` or `aligned`, which read `left &= right`.

    `equations` has for each number of the report what follows its formula: the numbers put in, and
    the result; a row on its own for each step of a recurrence, or matrix of several. `updates` and
    `losses` are by loss; the latter are its name, what it was and what it becomes. `given` and
    `states` are formulas; `rate` is η = 0.1; `remarks` are in words.
    """

    given: tuple[str, ...]
    equations: Mapping[int, tuple[str, ...]]
    updates: Mapping[str, tuple[str, ...]]
    states: tuple[str, ...]
    losses: Mapping[str, tuple[str, str, str]]
    rate: str
    remarks: tuple[str, ...]


def typeset(worked: Worked, notation: Notation = USUAL, room: float = PAGE.alone) -> Typeset:
    """The numbers of every equation as LaTeX, in lines of at most `room` em."""
    shown = example(worked, notation)
    found = [equation for _, equations in shown.sections for equation in equations]
    return Typeset(
        tuple(map(row, shown.given)),
        {equation.shown.number: tuple(numbers(equation, room)) for equation in found},
        {loss: tuple(updates(steps, room)) for loss, steps in shown.updates.items()},
        tuple(map(row, shown.states)),
        {
            loss: (latex_of(name), latex_of(before), latex_of(now))
            for loss, (name, before, now) in zip(shown.updates, shown.after, strict=True)
        },
        latex_of(Relation("==", shown.rate_name, shown.rate)),
        tuple(remarks(worked, shown)),
    )


def aligned(rows: Iterable[str]) -> str:
    """Rows as one display that stands inside mathematics."""
    return r"\begin{aligned} " + r" \\ ".join(rows) + r" \end{aligned}"


def equations(found: Iterable[Equation], room: float = PAGE.alone) -> list[str]:
    """Equations with their formulas and numbers."""
    rows = []
    for equation in found:
        head = box(equation.shown.left)
        first = broken(equation.shown.formula, room - head.width - _EQUALS)
        rows.append(f"{head.tex} &= {_stacked(first)}{TAGS.number(equation.shown.number)}")
        rows += numbers(equation, room)
    return rows


def numbers(equation: Equation, room: float) -> Iterator[str]:
    """The rows below an equation's formula."""
    left = box(equation.shown.left)
    for position, found in enumerate(equation.rows):
        head = left if equation.whole else box(found.left)
        start = "" if equation.whole else head.tex
        sides = [side for side in (found.formula, found.result) if side is not None]
        last = equation.shown.gradient and position == len(equation.rows) - 1
        yield from _chain(start, sides, room - max(left.width, head.width) - _EQUALS, bool(last))


def updates(steps: Iterable[Update], room: float = PAGE.alone) -> list[str]:
    """parameter ← parameter − η gradient = … = its new value."""
    rows = []
    for update in steps:
        left = box(update.left)
        rows.append(rf"{left.tex} &\gets {latex_of(update.step)}")
        rows += _chain("", [update.numbers, update.result], room - left.width - _EQUALS)
    return rows


def row(found: Row) -> str:
    """A name and its value."""
    return f"{latex_of(found.left)} = {latex_of(found.result)}"


def _chain(start: str, sides: list[Formula], room: float, boxed: bool = False) -> Iterator[str]:
    """start = a = b on one row where there is room, else one side a row."""
    boxes = [box(side) for side in sides]
    last = rf"\boxed{{{boxes[-1].tex}}}" if boxed else boxes[-1].tex
    if sum(b.width + _EQUALS for b in boxes) - _EQUALS <= room:
        yield f"{start} &= {' = '.join([*(b.tex for b in boxes[:-1]), last])}"
        return
    for side in sides[:-1]:
        yield f"{start} &= {_stacked(_lines(side, room))}"
        start = ""
    yield f"{start} &= {last}"


def _lines(formula: Formula, room: float) -> list[str]:
    """The formula in lines, broken between its factors or terms where each of them fits."""
    parts = _parts(formula)
    if not parts or max(part.width for part in parts) > room - 1:
        return broken(formula, room)
    lines, width = [""], 0.0
    for part in parts:
        if width + part.width > room and lines[-1]:
            lines.append("{}")
            width = 1.0
        lines[-1] += part.tex
        width += part.width
    return lines


def _parts(formula: Formula) -> list[Box]:
    """The factors of an entrywise product, or the terms of a sum, each with its sign."""
    if isinstance(formula, Hadamard):
        found = [
            (entrywise_sign(inverted, position == 0), bracketed(box(factor), Level.POSTFIX))
            for position, (inverted, factor) in enumerate(formula.factors)
        ]
    elif isinstance(formula, Plus):
        found = [
            (sign(minus, position == 0), bracketed(box(term), Level.OPEN))
            for position, (minus, term) in enumerate(formula.terms)
        ]
    else:
        return []
    return [Box(before + part.tex, part.width + 1.25) for before, part in found]


def _stacked(lines: list[str]) -> str:
    """Lines under one another, all but the first set in."""
    if len(lines) == 1:
        return lines[0]
    rows = [f"& {lines[0]}", *(rf"& \quad {line}" for line in lines[1:])]
    return r"\begin{aligned}[t] " + r" \\ ".join(rows) + r" \end{aligned}"
