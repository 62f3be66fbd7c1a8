"""A worked example for a terminal: matrices stand as matrices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

from symbackprop.notation import USUAL, Notation
from symbackprop.report.display import Display
from symbackprop.report.escape import plain_text
from symbackprop.report.formula import Formula, Grid, Named
from symbackprop.report.languages import say
from symbackprop.report.plain import columns
from symbackprop.report.remarks import numbers_in_names
from symbackprop.report.unicode import text_of
from symbackprop.report.worked.equations import Equation, Example, Row, Update, example
from symbackprop.report.worked.remarks import AFTERWARDS, remarks
from symbackprop.report.worked.values import Worked

WIDTH = 100
_INDENT = 7
_PRIVATE = 0xE000  # signs without a meaning of their own, each for a grid
_DEEPEST = 4  # brackets within brackets, inside which a line is still cut
_BREAK = re.compile(r" [+−⊙⊘] ")


@dataclass(frozen=True)
class Block:
    """Lines of equal width; `base` is the one that stands on the line of writing."""

    lines: tuple[str, ...]
    base: int = 0

    @property
    def width(self) -> int:
        return columns(self.lines[0])


def text(worked: Worked, notation: Notation = USUAL) -> str:
    """The whole example."""
    return "\n".join(line.rstrip() for line in _lines(worked, notation)) + "\n"


def _lines(worked: Worked, notation: Notation) -> Iterator[str]:
    shown = example(worked, notation)
    system = worked.derivation.system
    title = plain_text(system.title)
    yield f"{system.name}: {title}" if title else system.name
    yield ""
    yield say(notation, "Given")
    yield from _indented(_flowing(_row_block(row) for row in shown.given), 2)
    for line in (*remarks(worked, shown), *numbers_in_names(shown.view)):
        yield f"  {line}"
    for heading, equations in shown.sections:
        yield ""
        yield heading
        for equation in equations:
            yield from _equation(equation)
    yield from _closing(shown)


def _closing(shown: Example) -> Iterator[str]:
    said = partial(say, shown.view.known.notation)
    title = "Update by {loss}, {rate}" if len(shown.updates) > 1 else "Update, {rate}"
    for (loss, updates), after in zip(shown.updates.items(), shown.after, strict=True):
        if not updates:
            continue
        yield ""
        rate = f"{text_of(shown.rate_name)} = {text_of(shown.rate)}"
        yield said(title, loss=loss, rate=rate)
        for update in updates:
            yield from _indented(_update(update), 2)
        name, before, now = map(text_of, after)
        yield f"  {said(AFTERWARDS, name=name, before=before, now=now)}"
    if shown.states:
        yield ""
        yield said("States become")
        yield from _indented(_flowing(_row_block(row) for row in shown.states), 2)


def _equation(equation: Equation) -> Iterator[str]:
    shown = equation.shown
    left, number = text_of(shown.left), f"({shown.number})".rjust(4)
    yield f"  {number} {left} = {text_of(shown.formula)}"
    for row in equation.rows:
        head = " " * columns(left) if equation.whole else text_of(row.left)
        sides = [side for side in (row.formula, row.result) if side is not None]
        yield from _indented(_chain(_text(head), sides), _INDENT)


def _chain(head: Block, sides: list[Formula]) -> list[Block]:
    """head = a = b on one line where there is room, else one side a line."""
    blocks = [block_of(side) for side in sides]
    room = WIDTH - _INDENT
    if head.width + sum(3 + b.width for b in blocks) <= room:
        return [beside([head, *(part for b in blocks for part in (_text(" = "), b))])]
    lines = []
    blank = _text(" " * head.width)
    for position, side in enumerate(sides):
        start, sign = (blank if position else head), " = "
        for part in _broken(side, room - head.width - 3):
            lines.append(beside([start, _text(sign), part]))
            start, sign = blank, "   "
    return lines


def _broken(formula: Formula, room: int) -> list[Block]:
    """The formula in pieces that fit, cut before signs, outside all brackets where that will do."""
    line, grids = _with_signs(formula)
    pieces = [line]
    for depth in range(_DEEPEST):
        pieces = _cut(line, depth)
        if max(_laid_out(piece, grids).width for piece in pieces) <= room:
            break
    lines = [pieces[0]]
    for piece in pieces[1:]:
        joined = lines[-1] + piece
        if _laid_out(joined, grids).width <= room:
            lines[-1] = joined
        else:
            lines.append(piece.lstrip())
    return [_laid_out(line, grids) for line in lines]


def _cut(line: str, deepest: int) -> list[str]:
    """The line in pieces that begin with a sign inside at most so many brackets."""
    pieces, depth, start = [], 0, 0
    for position, character in enumerate(line):
        depth += (character in "([") - (character in ")]")
        if depth <= deepest and position > start and _BREAK.match(line, position):
            pieces.append(line[start:position])
            start = position
    return [*pieces, line[start:]]


def _update(update: Update) -> list[Block]:
    head = _text(f"{text_of(update.left)} ← {text_of(update.step)}")
    one = beside(
        [head, _text(" = "), block_of(update.numbers), _text(" = "), block_of(update.result)]
    )
    if one.width <= WIDTH:
        return [one]
    blank = _text(" " * columns(text_of(update.left)))
    rest = [beside([blank, _text(" = "), block_of(s)]) for s in (update.numbers, update.result)]
    return [head, *rest]


def _row_block(row: Row) -> Block:
    return beside([_text(f"{text_of(row.left)} = "), block_of(row.result)])


def _flowing(blocks: Iterable[Block]) -> list[Block]:
    """Blocks side by side, as many as there is room for on a line."""
    lines: list[list[Block]] = []
    for block in blocks:
        line = lines[-1] if lines else []
        if line and sum(b.width + 3 for b in line) + block.width <= WIDTH:
            line.append(block)
        else:
            lines.append([block])
    gap = _text("   ")
    return [beside([part for b in line for part in (b, gap)]) for line in lines]


def _indented(blocks: Iterable[Block], by: int) -> Iterator[str]:
    for block in blocks:
        yield from (" " * by + line for line in block.lines)


def block_of(formula: Formula) -> Block:
    """A formula with its grids as matrices."""
    return _laid_out(*_with_signs(formula))


def _with_signs(formula: Formula) -> tuple[str, list[Grid]]:
    """The formula on one line, with a private sign for each grid."""
    grids: list[Grid] = []

    def marked(value: Any) -> Any:
        if isinstance(value, Grid):
            grids.append(value)
            return Named(Display(chr(_PRIVATE + len(grids) - 1)))
        if isinstance(value, tuple):
            return tuple(marked(item) for item in value)
        if isinstance(value, Formula.__args__):  # type: ignore[attr-defined]
            return replace(value, **{f.name: marked(getattr(value, f.name)) for f in fields(value)})
        return value

    return text_of(marked(formula)), grids


def _laid_out(line: str, grids: list[Grid]) -> Block:
    parts = re.split(f"([{chr(_PRIVATE)}-{chr(_PRIVATE + 4095)}])", line)
    return beside(
        [
            _matrix(grids[ord(part) - _PRIVATE]) if position % 2 else _text(part)
            for position, part in enumerate(parts)
            if part
        ]
    )


def _matrix(grid: Grid) -> Block:
    """The entries in columns, between brackets as high as it."""
    entries = [[text_of(entry) for entry in row] for row in grid.rows]
    widths = [max(map(columns, column)) for column in zip(*entries, strict=True)]
    rows = [
        "  ".join(" " * (w - columns(e)) + e for e, w in zip(row, widths, strict=True))
        for row in entries
    ]
    if len(rows) == 1:
        return Block((f"[{rows[0]}]",))
    inner = len(rows) - 2
    left, right = ("⎡", *"⎢" * inner, "⎣"), ("⎤", *"⎥" * inner, "⎦")
    lines = tuple(f"{a}{row}{b}" for a, row, b in zip(left, rows, right, strict=True))
    return Block(lines, (len(rows) - 1) // 2)


def _text(line: str) -> Block:
    return Block((line,))


def beside(blocks: list[Block]) -> Block:
    """Blocks in a row on one line of writing."""
    above = max(b.base for b in blocks)
    below = max(len(b.lines) - b.base for b in blocks)
    rows = [""] * (above + below)
    for block in blocks:
        first = above - block.base
        for position in range(above + below):
            inside = 0 <= position - first < len(block.lines)
            rows[position] += block.lines[position - first] if inside else " " * block.width
    return Block(tuple(rows), above)
