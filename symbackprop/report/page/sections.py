"""The equations in their order: layer by layer, recurrence by recurrence, copies folded."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symbackprop.derivation.model import Line
from symbackprop.equations.nodes import TensorSymbol, tensors
from symbackprop.report.documents import led
from symbackprop.report.escape import html_text
from symbackprop.report.latex import latex_of
from symbackprop.report.page.equations import Equation, consumers, equation
from symbackprop.report.page.example import rows_of
from symbackprop.report.page.folding import Fold, fold
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.page.words import html_words
from symbackprop.report.repetition import Repeat, earlier_likes
from symbackprop.report.view import Section, Shown, View
from symbackprop.report.words import Words

_EVERY = 48  # equations; of more, like steps are printed once

Repeats = Mapping[str, Sequence[Repeat]]  # by the title of the section


@dataclass(frozen=True)
class Through:
    """A forward equation that gradients went through; `formula` where it is the only one."""

    number: int
    label: str
    formula: str


@dataclass(frozen=True)
class Group:
    """Equations under one heading. `lead` opens or closes a recurrence, `fold` stands below."""

    lead: str
    through: tuple[Through, ...]
    equations: tuple[Equation, ...]
    fold: Fold | None = None


class Sections:
    """Groups of equations by section; what was explained once is not explained again.

    `coded` are the numbers that the code has, `numbers` the rows of a worked example by number.
    """

    def __init__(
        self,
        view: View,
        repeats: Repeats,
        mathematics: Mathematics,
        coded: Collection[int],
        numbers: Mapping[int, Sequence[str]],
    ) -> None:
        self._repeats, self._mathematics = repeats, mathematics
        self._coded, self._numbers = coded, numbers
        self._forward = {line.equation.tensor: line for line in view.derivation.forward}
        self._shown = {shown.number: shown for shown in view.lines()}
        seen = [shown.line for shown in printed(view, repeats).lines()]
        self._likes = earlier_likes(seen) if len(seen) > _EVERY else {}
        self._told: set[tuple[str, str]] = set()

    def groups(self, section: Section) -> Iterator[Group]:
        """The equations of a section: those of a recurrence, or of a layer, together."""
        for lines, repeat in _segments(section.lines, self._repeats[section.title]):
            found: list[Group] = []
            for block, lead in led(replace(section, lines=lines), self._words):
                by_layer = itertools.groupby(block.lines, self._consumers)
                for position, (through, group) in enumerate(by_layer):
                    found.append(self._group("" if position else lead, through, group))
            if repeat is not None:
                said = fold(repeat, section.lines, self._mathematics)
                found[-1] = replace(found[-1], fold=said)
            yield from found

    def _words(self, words: Words) -> str:
        return html_words(words, self._mathematics)

    def _consumers(self, shown: Shown) -> tuple[Line, ...]:
        return consumers(shown.line, self._forward)

    def _group(self, lead: str, through: Sequence[Line], lines: Iterator[Shown]) -> Group:
        alone = len(through) == 1
        found = (
            Through(
                line.number, html_text(line.equation.label), self._result(line) if alone else ""
            )
            for line in through
        )
        return Group(lead, tuple(found), tuple(map(self._equation, lines)))

    def _result(self, line: Line) -> str:
        shown = self._shown[line.number]
        return self._mathematics.inline(f"{latex_of(shown.left)} = {latex_of(shown.formula)}")

    def _equation(self, shown: Shown) -> Equation:
        number = shown.number
        numbers = rows_of(self._numbers.get(number, ()), self._mathematics)
        coded, like = number in self._coded, self._likes.get(number)
        return equation(shown, self._mathematics, coded, like, self._told, numbers)


Segment = tuple[tuple[Shown, ...], Repeat | None]


def _segments(lines: Sequence[Shown], found: Sequence[Repeat]) -> Iterator[Segment]:
    """The lines that are printed, apart where copies follow."""
    start = 0
    for repeat in found:
        yield tuple(lines[start : repeat.start]), None
        yield tuple(lines[repeat.start : repeat.start + repeat.period]), repeat
        start = repeat.end
    yield tuple(lines[start:]), None


def printed(view: View, repeats: Repeats) -> View:
    """The view without copies."""

    def kept(section: Section) -> Section:
        parts = _segments(section.lines, repeats[section.title])
        return replace(section, lines=tuple(s for lines, _ in parts for s in lines))

    return replace(
        view, sections=tuple(map(kept, view.sections)), in_use=tuple(map(kept, view.in_use))
    )


def copied(view: View, repeats: Repeats) -> Collection[TensorSymbol]:
    """The tensors that nothing but copies reads or defines."""
    seen = _tensors(printed(view, repeats))
    return _tensors(view) - seen


def _tensors(view: View) -> set[TensorSymbol]:
    ahead = [shown.line.equation for shown in view.lines() if shown.loss is None]
    return {t for equation in ahead for t in (equation.tensor, *tensors(equation.rhs))}
