"""The lines of a derivation as they are shown: formulas, headings, what is marked."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

from sympy import Expr

from symbackprop.derivation.model import Derivation, Line, LossDerivation, Step
from symbackprop.equations.nodes import Partial, TensorSymbol
from symbackprop.equations.recurrence import Recurrence
from symbackprop.equations.system import System
from symbackprop.notation import USUAL, Notation
from symbackprop.report.entries import entry_form
from symbackprop.report.formula import ALL, Derivative, Formula, Named
from symbackprop.report.languages import say
from symbackprop.report.matrix import MatrixForm, matrix_form
from symbackprop.report.naming import Names, names
from symbackprop.report.reasons import reason
from symbackprop.report.recurring import NO_STEPS, Steps, steps_of
from symbackprop.report.structure import gathered
from symbackprop.report.words import Words


@dataclass(frozen=True)
class Row:
    """One row of a worked derivation: the rule and reason that led to it from the row above."""

    formula: Formula
    rule: str = ""
    why: Words = ()


@dataclass(frozen=True)
class Shown:
    """A line with its formulas.

    `loss` is set on the way back; `gradient` names a result, `sparse` one that is handed out as
    (rows, values).
    """

    line: Line
    known: Names
    steps: Steps = NO_STEPS
    loss: TensorSymbol | None = None
    gradient: str = ""
    sparse: bool = False

    @property
    def number(self) -> int:
        return self.line.number

    @property
    def subject(self) -> TensorSymbol:
        """What the line is about: the tensor, or what it is the cotangent of."""
        return self.line.of or self.line.equation.tensor

    @property
    def recurrence(self) -> Recurrence | None:
        """The recurrence that the line is part of."""
        return self.steps.groups.get(self.line.equation.tensor)

    @cached_property
    def matrix(self) -> MatrixForm | None:
        equation = self.line.equation
        group = self.recurrence
        needed = frozenset([group.step_of(equation)] if group else [])
        rhs = gathered(self.steps.bare(equation.rhs))
        return matrix_form(equation.lhs, rhs, self.known, self.steps.axes, needed)

    @cached_property
    def index(self) -> Formula:
        return self._written(self.line.equation.rhs)

    def _written(self, expr: Expr) -> Formula:
        bare = gathered(self.steps.bare(expr))
        return entry_form(bare, self.known, self.line.equation.indices)

    @property
    def formula(self) -> Formula:
        """Matrix form where there is one, index form where not."""
        return self.index if self.matrix is None else self.matrix.right

    @property
    def left(self) -> Formula:
        """The left-hand side that belongs to `formula`."""
        return self.entry if self.matrix is None else self.matrix.left

    @property
    def entry(self) -> Formula:
        equation = self.line.equation
        indices = tuple(self.known.entry(i) for i in equation.indices)
        return self.known.entry(equation.tensor, indices)

    def at_step(self, axis: int, step: Formula, matrix: bool) -> Formula:
        """The left-hand side at one step: the matrix of all entries there, or one entry."""
        indices = self.line.equation.indices
        below: list[Formula] = [ALL if matrix else self.known.entry(i) for i in indices]
        below[axis] = step
        return self.known.part(self.line.equation.tensor, below, plain=True)

    @property
    def derivative(self) -> Formula:
        """∂L/∂W[i,j] for a cotangent, the entry itself for a forward value.

        Where the loss reads W directly, its partial derivative is one of the terms: the whole
        derivative then has its bar.
        """
        entry = self.entry
        if self.loss is None or not isinstance(entry, Named) or self._read_by_loss:
            return entry
        return Derivative(self.known.entry(self.loss), Named(entry.display, entry.indices))

    @property
    def _read_by_loss(self) -> bool:
        steps = self.line.steps
        return bool(steps) and any(
            partial.args[0].tensor == self.loss for partial in steps[0].before.atoms(Partial)
        )

    def rows(self) -> list[Row]:
        """The steps as a chain of equal expressions, no two rows alike.

        A rule that changes nothing on the page is named beside the row that it led to.
        """
        return self._chain(self.line.steps)

    def other_forms(self) -> list[Row]:
        """What else the right-hand side equals."""
        return [row for row in self._chain(self.line.also) if row.rule]

    def _chain(self, steps: Iterable[Step]) -> list[Row]:
        rows: list[Row] = []
        said = partial(say, self.known.notation)
        last = None
        for step in steps:
            if step.before != last:
                rows.append(Row(self._written(step.before)))
            after = self._written(step.after)
            if rows[-1].formula == after:
                named = said(", ").join(r for r in (rows[-1].rule, said(step.rule)) if r)
                rows[-1] = Row(after, named, reason(step.why, self.known.notation))
            else:
                why = reason(step.why, self.known.notation)
                rows.append(Row(after, said(step.rule), why))
            last = step.after
        return rows


@dataclass(frozen=True)
class Block:
    """Lines that stand together: those of a recurrence, or all between two of them."""

    lines: tuple[Shown, ...]
    recurrence: Recurrence | None


@dataclass(frozen=True)
class Section:
    """A heading and its lines."""

    title: str
    lines: tuple[Shown, ...]

    def blocks(self) -> Iterator[Block]:
        """The lines, those of each recurrence apart."""
        for group, lines in itertools.groupby(self.lines, key=lambda shown: shown.recurrence):
            yield Block(tuple(lines), group)


@dataclass(frozen=True)
class View:
    """A derivation in sections: forward, loss, and a way back for each loss.

    `in_use` holds, for what differs outside training, the same.
    """

    derivation: Derivation
    known: Names
    sections: tuple[Section, ...]
    in_use: tuple[Section, ...]

    def all_sections(self) -> tuple[Section, ...]:
        """Every section in order."""
        return (*self.sections, *self.in_use)

    def lines(self) -> Iterator[Shown]:
        """Every line in order."""
        for section in self.all_sections():
            yield from section.lines

    def gradients(self) -> Iterator[Shown]:
        """The lines that are results of training."""
        return (s for section in self.sections for s in section.lines if s.gradient)


def view(derivation: Derivation, notation: Notation = USUAL) -> View:
    """The derivation, ready to print."""
    known = names(derivation, notation)
    sections = _sections(derivation, known, frozenset())
    in_use: tuple[Section, ...] = ()
    if derivation.in_use is not None:
        printed = frozenset(line.number for line in derivation.lines())
        found = _sections(derivation.in_use, known, printed)
        in_use = tuple(
            replace(s, title=say(notation, "In use: {title}", title=s.title.lower())) for s in found
        )
    return View(derivation, known, sections, in_use)


def _sections(
    derivation: Derivation, known: Names, printed: Collection[int]
) -> tuple[Section, ...]:
    """The sections of a derivation, without the lines whose numbers are printed already."""
    steps = steps_of(derivation)
    losses = {loss.symbol for loss in derivation.system.losses}
    ahead = [Shown(line, known, steps) for line in derivation.forward]
    said = partial(say, known.notation)
    found = [
        Section(said("Forward"), tuple(s for s in ahead if s.subject not in losses)),
        Section(said("Loss"), tuple(s for s in ahead if s.subject in losses)),
        *(_backward(loss, derivation.system, known, steps) for loss in derivation.losses),
    ]
    new = (replace(s, lines=tuple(x for x in s.lines if x.number not in printed)) for s in found)
    return tuple(s for s in new if s.lines)


def _backward(loss: LossDerivation, system: System, known: Names, steps: Steps) -> Section:
    known = replace(known, loss=loss.loss)
    results = {line.number: name for name, line in loss.gradients.items()}
    lines = {line.number: line for line in (*loss.cotangents, *loss.gradients.values())}
    shown = tuple(
        Shown(line, known, steps, loss.loss, results.get(number, ""), line.of in system.sparse)
        for number, line in sorted(lines.items())
    )
    several = len(system.losses) > 1
    title = "Backward from {loss}" if several else "Backward"
    return Section(say(known.notation, title, loss=loss.loss.name), shown)
