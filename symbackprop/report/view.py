"""The lines of a derivation as they are shown: formulas, headings, what is marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sympy import Expr

from symbackprop.derivation.model import Derivation, Line, LossDerivation
from symbackprop.equations.nodes import Partial, TensorSymbol, pointwise_function
from symbackprop.equations.reductions import ArgMax, ArgMin
from symbackprop.report.entries import entry_form
from symbackprop.report.formula import Apply, Derivative, Formula, Named, walk
from symbackprop.report.matrix import MatrixForm, matrix_form
from symbackprop.report.naming import Names, names
from symbackprop.report.recurring import Steps, steps_of
from symbackprop.report.structure import gathered


@dataclass(frozen=True)
class Row:
    """One row of a worked derivation: the rule and reason that led to it from the row above."""

    formula: Formula
    rule: str = ""
    why: str = ""


@dataclass(frozen=True)
class Shown:
    """A line with its formulas. `loss` is set on the way back; `gradient` names a result."""

    line: Line
    known: Names
    steps: Steps = Steps()
    loss: TensorSymbol | None = None
    gradient: str = ""

    @property
    def number(self) -> int:
        return self.line.number

    @property
    def subject(self) -> TensorSymbol:
        """What the line is about: the tensor, or what it is the cotangent of."""
        return self.line.of or self.line.equation.tensor

    @cached_property
    def matrix(self) -> MatrixForm | None:
        equation = self.line.equation
        group = self.steps.groups.get(equation.tensor)
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
        rows: list[Row] = []
        last = None
        for step in self.line.steps:
            if step.before != last:
                rows.append(Row(self._written(step.before)))
            after = self._written(step.after)
            if rows[-1].formula == after:
                named = ", ".join(r for r in (rows[-1].rule, step.rule) if r)
                rows[-1] = Row(after, named, step.why)
            else:
                rows.append(Row(after, step.rule, step.why))
            last = step.after
        return rows


@dataclass(frozen=True)
class Section:
    """A heading and its lines."""

    title: str
    lines: tuple[Shown, ...]


@dataclass(frozen=True)
class View:
    """A derivation in sections: forward, loss, and a way back for each loss."""

    derivation: Derivation
    known: Names
    sections: tuple[Section, ...]

    def lines(self) -> Iterator[Shown]:
        """Every line in order."""
        for section in self.sections:
            yield from section.lines

    def gradients(self) -> Iterator[Shown]:
        """The lines that are results."""
        return (shown for shown in self.lines() if shown.gradient)


def view(derivation: Derivation) -> View:
    """The derivation, ready to print."""
    known = names(derivation)
    steps = steps_of(derivation)
    losses = {loss.symbol for loss in derivation.system.losses}
    ahead = [Shown(line, known, steps) for line in derivation.forward]
    sections = [
        Section("Forward", tuple(s for s in ahead if s.subject not in losses)),
        Section("Loss", tuple(s for s in ahead if s.subject in losses)),
        *(_backward(loss, known, steps, len(derivation.losses) > 1) for loss in derivation.losses),
    ]
    return View(derivation, known, tuple(s for s in sections if s.lines))


def _backward(loss: LossDerivation, known: Names, steps: Steps, several: bool) -> Section:
    results = {line.number: name for name, line in loss.gradients.items()}
    lines = {line.number: line for line in (*loss.cotangents, *loss.gradients.values())}
    shown = (
        Shown(lines[number], known, steps, loss.loss, results.get(number, "")) for number in sorted(lines)
    )
    return Section(f"Backward from {loss.loss.name}" if several else "Backward", tuple(shown))


def one_hot_labels(shown: Iterator[Shown]) -> dict[Named, Named]:
    """The one-hot matrices that formulas use, each with its labels."""
    used: dict[Named, Named] = {}
    for line in shown:
        if line.matrix is None:
            continue
        matrices = {known: t for t, known in line.known.onehot.items()}
        for part in walk(line.matrix.right):
            if isinstance(part, Named) and part.display in matrices:
                used[part] = line.known.whole(matrices[part.display])
    return used


def rules(view: View) -> dict[str, str]:
    """Every rule used, in order of first use, with what it says."""
    used: dict[str, str] = {}
    for shown in view.lines():
        for step in shown.line.steps:
            used.setdefault(step.rule, step.why)
    return used


_KINKED = tuple(map(pointwise_function, ("relu", "abs")))


def conventions(derivation: Derivation) -> list[str]:
    """The choices that the derivatives of this derivation rest on, in words."""
    found = []
    cotangents = [line for loss in derivation.losses for line in loss.cotangents]
    if any(line.equation.rhs.has(*_KINKED) for line in derivation.forward):
        found.append("relu and abs have derivative 0 at 0.")
    if any(line.equation.rhs.has(ArgMax, ArgMin) for line in cotangents):
        found.append("max and min pass the derivative to the first place that attains them.")
    return found


def uses_rows(shown: Iterator[Shown]) -> bool:
    """Whether a function along the rows of a matrix occurs."""
    rows = ("softmax", "logsoftmax", "logsumexp")
    return any(
        isinstance(part, Apply) and part.function in rows
        for line in shown
        if line.matrix is not None
        for part in walk(line.matrix.right)
    )
