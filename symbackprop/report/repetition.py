"""Repetition in a derivation: groups of lines that say the same of other tensors.

A stack of like blocks makes like lines. Two lines are alike if one becomes the other by renaming
tensors and indices; two groups of lines if one renaming does it for all their lines. Each line is
written down with its tensors and indices numbered as they occur, the terms of sums and products in
an order that knows of names only their numbers' order; where two lines are written the same way,
the tensors at the same places are each other's counterparts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Add, Expr, Mul

from symbackprop.derivation.model import Line
from symbackprop.equations.nodes import Index, TensorSymbol, tensor_set

Names = Mapping[TensorSymbol, TensorSymbol]

LEAST_COPIES, LEAST_SAVED = 2, 24  # beside the first; what is shorter is printed in full
_LONGEST = 120  # lines of a group


@dataclass(frozen=True)
class Repeat:
    """Lines start … start + period - 1, and copies of them that follow at once.

    `renamed` maps, for each copy, the tensors of the first group to those of the copy.
    """

    start: int
    period: int
    renamed: tuple[Names, ...]

    @property
    def end(self) -> int:
        """Where the lines behind the copies start."""
        return self.start + self.period * (1 + len(self.renamed))


def repeats(lines: Sequence[Line]) -> list[Repeat]:
    """Repetition worth telling, in order, without overlap: what saves the most lines first.

    First among lines whose names differ in numbers alone.
    """
    written = [_Written(line) for line in lines]
    kinds = [
        _numbered([(w.form, w.stems()) for w in written]),
        _numbered([w.form for w in written]),
    ]
    found: list[Repeat] = []
    spans = [(0, len(lines))]
    while spans:
        low, high = spans.pop()
        tried = (_best(written, forms, low, high) for forms in kinds)
        repeat = next((r for r in tried if r and len(r.renamed) >= LEAST_COPIES), None)
        if repeat is not None:
            found.append(repeat)
            spans += [(low, repeat.start), (repeat.end, high)]
    return sorted(found, key=lambda r: r.start)


def _numbered(forms: Iterable[Any]) -> list[int]:
    numbers: dict[Any, int] = {}
    return [numbers.setdefault(form, len(numbers)) for form in forms]


def _best(written: Sequence[_Written], forms: Sequence[int], low: int, high: int) -> Repeat | None:
    best = max(_candidates(forms, low, high), key=_saved, default=None)
    return _renamed(written, *best) if best and _saved(best)[0] >= LEAST_SAVED else None


def _candidates(forms: Sequence[int], low: int, high: int) -> Iterator[tuple[int, int, int]]:
    """Every longest run of equal groups: start, length of the group, how many."""
    for period in range(1, min(_LONGEST, (high - low) // 2) + 1):
        run = 0
        for at in range(low, high - period + 1):
            if at + period < high and forms[at] == forms[at + period]:
                run += 1
                continue
            if run >= LEAST_COPIES * period:
                yield at - run, period, 1 + run // period
            run = 0


def _saved(candidate: tuple[int, int, int]) -> tuple[int, int, int]:
    """The lines saved; of equals, the shorter group, then the earlier one."""
    start, period, count = candidate
    return period * (count - 1), -period, -start


def _renamed(written: Sequence[_Written], start: int, period: int, count: int) -> Repeat:
    """The copies as far as one renaming does for each."""
    first = written[start : start + period]
    copies: list[Names] = []
    for k in range(1, count):
        found = _renaming(first, written[start + k * period : start + (k + 1) * period])
        if found is None:
            break
        copies.append(found)
    return Repeat(start, period, tuple(copies))


def _renaming(first: Sequence[_Written], copy: Sequence[_Written]) -> Names | None:
    names: dict[TensorSymbol, TensorSymbol] = {}
    for one, other in zip(first, copy, strict=True):
        for a, b in zip(one.tensors, other.tensors, strict=True):
            if names.setdefault(a, b) != b:
                return None
    return names if len(set(names.values())) == len(names) else None


def earlier_likes(lines: Iterable[Line]) -> dict[int, tuple[int, Names]]:
    """By number, each line that is alike an earlier one step by step: that one, and the renaming.

    The renaming maps the tensors of the earlier line to those of the later one.
    """
    first: dict[tuple[Any, ...], tuple[int, list[TensorSymbol]]] = {}
    found: dict[int, tuple[int, Names]] = {}
    for line in lines:
        written = _Written(line)
        for step in line.steps:
            written.add(step.rule, step.before, step.after)
        number, tensors = first.setdefault(written.form, (line.number, written.tensors))
        if number != line.number:
            found[line.number] = number, dict(zip(tensors, written.tensors, strict=True))
    return found


class _Written:
    """A line written down; `tensors` as they occur."""

    def __init__(self, line: Line) -> None:
        self.tensors: list[TensorSymbol] = []
        self._indices: list[Index] = []
        self._tokens: list[Any] = [line.equation.label, line.of is None]
        for symbol in (line.equation.tensor, *line.equation.indices, line.of):
            if symbol is not None:
                self._expr(symbol)
        self._expr(line.equation.rhs)

    @property
    def form(self) -> tuple[Any, ...]:
        """Equal for lines that are alike."""
        return tuple(self._tokens)

    def stems(self) -> tuple[Any, ...]:
        """The names without their numbers."""
        return tuple(tuple(_natural(tensor.name)[0]) for tensor in self.tensors)

    def add(self, word: str, *expressions: Expr) -> None:
        """What else has to be alike."""
        self._tokens.append(word)
        for expr in expressions:
            self._expr(expr)

    def _expr(self, expr: Expr) -> None:
        if isinstance(expr, TensorSymbol):
            if expr not in self.tensors:
                self.tensors.append(expr)
                self._tokens += (expr.kind, expr.shape, expr.classes)
            self._tokens.append(self.tensors.index(expr))
        elif isinstance(expr, Index):
            if expr not in self._indices:
                self._indices.append(expr)
                self._tokens.append(expr.extent)
            self._tokens.append(("index", self._indices.index(expr)))
        elif expr.args:
            self._tokens += (expr.func, len(expr.args))
            loose = isinstance(expr, (Add, Mul))
            for argument in sorted(expr.args, key=_place) if loose else expr.args:
                self._expr(argument)
        else:
            self._tokens.append(expr)


def _place(expr: Expr) -> tuple[Any, ...]:
    """Where a term stands: by its tensors, only then by how it is written."""
    return sorted(_natural(tensor.name) for tensor in tensor_set(expr)), _natural(str(expr))


def _natural(text: str) -> tuple[Any, ...]:
    """Numbers sort as numbers, behind all that is around them."""
    parts = re.split(r"(\d+)", text)
    return parts[::2], [int(number) for number in parts[1::2]]
