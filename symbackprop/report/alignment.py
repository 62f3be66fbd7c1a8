"""Numbered equations in LaTeX's align, for papers, slides and KaTeX."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from symbackprop.report.escape import latex_text
from symbackprop.report.formula import Formula
from symbackprop.report.latex import box
from symbackprop.report.lines import broken
from symbackprop.report.view import Row, Shown


@dataclass(frozen=True, slots=True)
class Measure:
    """Room in em of an A4 page, a tenth less than there is: widths are estimates.

    `alone` is for an equation with its number, `beside` for one in a column beside remarks.
    """

    alone: float = 35.0
    beside: float = 28.0


PAGE = Measure()


def _label(shown: Shown) -> str:
    return "" if shown.loss else shown.line.equation.label


@dataclass(frozen=True, slots=True)
class Marks:
    """What is written around the mathematics: a remark, and a number.

    `about` is what is remarked on a line. `left` sets a left-hand side, at least `indent` em wide.
    `unnumbered` ends a row without a number, `unremarked` each row where none has a remark.
    No page ends within the first or the last `together` lines of an environment, or behind them.
    """

    remark: Callable[[str], str]
    number: Callable[[int], str]
    about: Callable[[Shown], str] = _label
    left: Callable[[str], str] = str
    indent: float = 0.0
    environment: str = "align*"
    unnumbered: str = ""
    unremarked: str = ""
    together: int = 0


def _text_remark(remark: str) -> str:
    """A remark on a page without macros."""
    return rf" && \text{{{latex_text(remark)}}}" if remark else ""


TAGS = Marks(_text_remark, lambda number: rf" \tag{{{number}}}")


def align(lines: Iterable[Shown], marks: Marks, steps: bool) -> str:
    """Lines in one align environment, so that one remark narrows them all."""
    lines = list(lines)
    remarks = any(marks.about(s) or s.line.also or (steps and s.line.steps) for s in lines)
    room = PAGE.beside if remarks else PAGE.alone
    bare = replace(marks, remark=lambda _: marks.unremarked)
    rows = (row for s in lines for row in _shown_rows(s, marks if remarks else bare, steps, room))
    return environment(rows, marks.environment, marks.together)


def align_line(shown: Shown, marks: Marks) -> str:
    """One line with its steps in an align environment of its own."""
    return align([shown], marks, steps=True)


def environment(rows: Iterable[str], name: str = "align*", together: int = 0) -> str:
    """Rows as an align environment with numbers of its own making; a star keeps two on one page."""
    rows = list(rows)
    behind = [*itertools.accumulate(1 + row.count(r"\\") for row in rows)]
    body = "".join(
        rf"{row} \\{'' if together < lines < behind[-1] - together else '*'}" + "\n"
        for row, lines in zip(rows[:-1], behind, strict=False)
    )
    return f"\\begin{{{name}}}\n{body}{rows[-1]}\n\\end{{{name}}}"


def _shown_rows(shown: Shown, marks: Marks, steps: bool, room: float) -> Iterator[str]:
    """The rows of one line: its steps, then the numbered equation, boxed if it is a gradient."""
    rows = shown.rows() if steps else []
    left = shown.derivative
    if rows and shown.matrix is None and rows[-1].formula == shown.index:
        *rows, last = rows
        yield from _chain(left, rows, marks)
        lines = broken(last.formula, room - _width(left, marks))
        yield _row("" if rows else box(left).tex, lines, shown, marks.remark(last.rule), marks)
    else:
        yield from _chain(left, rows, marks)
        head = box(shown.left)
        lines = broken(shown.formula, room - _width(shown.left, marks))
        yield _row(head.tex, lines, shown, marks.remark(marks.about(shown)), marks)
    for row in shown.other_forms():
        lines = broken(row.formula, PAGE.beside - _width(left, marks))
        remark = marks.remark(row.rule)
        yield f"{marks.left('')} &= {_stacked(lines)}{remark}{marks.unnumbered}"


def _chain(left: Formula, rows: list[Row], marks: Marks) -> Iterator[str]:
    head = box(left)
    for position, row in enumerate(rows):
        lines = broken(row.formula, PAGE.beside - _width(left, marks))
        start = marks.left("" if position else head.tex)
        body = _stacked(lines)
        yield f"{start} &= {body}{marks.remark(row.rule)}"


def _row(left: str, lines: list[str], shown: Shown, remark: str, marks: Marks) -> str:
    body = _stacked(lines)
    if shown.gradient:
        body = rf"\boxed{{{body}}}"
    return f"{marks.left(left)} &= {body}{remark}{marks.number(shown.number)}"


def _width(left: Formula, marks: Marks) -> float:
    return max(box(left).width, marks.indent)


def _stacked(lines: list[str]) -> str:
    """Lines under one another, all but the first set in."""
    if len(lines) == 1:
        return lines[0]
    rows = [f"& {lines[0]}", *(rf"& \quad {line}" for line in lines[1:])]
    return r"\begin{aligned}[t] " + r" \\ ".join(rows) + r" \end{aligned}"
