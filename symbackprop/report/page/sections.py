"""The equations in their order: layer by layer, recurrence by recurrence, copies folded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symbackprop.derivation.model import Line
from symbackprop.report.documents import led
from symbackprop.report.escape import html_text
from symbackprop.report.latex import latex_of
from symbackprop.report.page.example import rows_of
from symbackprop.report.page.folding import Fold, fold
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.page.numbered import Equation, consumers, equation
from symbackprop.report.page.prose import html_words
from symbackprop.report.progression import Repeats, printed, segments
from symbackprop.report.repetition import earlier_likes
from symbackprop.report.view import Section, Shown, View
from symbackprop.report.words import Words

_EVERY = 48  # equations; of more, like steps are printed once


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

    `numbers` are the rows of a worked example by number.
    """

    def __init__(
        self,
        view: View,
        repeats: Repeats,
        mathematics: Mathematics,
        numbers: Mapping[int, Sequence[str]],
    ) -> None:
        self._repeats, self._mathematics = repeats, mathematics
        self._numbers = numbers
        self._forward = {line.equation.tensor: line for line in view.derivation.forward}
        self._shown = {shown.number: shown for shown in view.lines()}
        seen = [shown.line for shown in printed(view, repeats).lines()]
        self._likes = earlier_likes(seen) if len(seen) > _EVERY else {}
        self._told: set[tuple[str, Words]] = set()

    def groups(self, section: Section) -> Iterator[Group]:
        """The equations of a section: those of a recurrence, or of a layer, together."""
        for lines, repeat in segments(section.lines, self._repeats[section.title]):
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
        like = self._likes.get(number)
        return equation(shown, self._mathematics, like, self._told, numbers)
