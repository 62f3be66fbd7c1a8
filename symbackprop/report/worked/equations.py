"""The equations of a worked example in the order of the report: formula, numbers put in, result."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from symbackprop.equations.evaluate import Entries, Value
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.notation import USUAL, Notation
from symbackprop.report.display import Display
from symbackprop.report.formula import ALL, Formula, Grid, Named, Plus, Times
from symbackprop.report.languages import say
from symbackprop.report.naming import Names
from symbackprop.report.recurring import NO_STEPS, Steps, steps_of
from symbackprop.report.view import Section, Shown, View, view
from symbackprop.report.worked.figures import decimal, stated
from symbackprop.report.worked.substituted import (
    Scope,
    Unwritten,
    count,
    of_entries,
    put,
    scope_of,
)
from symbackprop.report.worked.values import Worked, trained

_SHORT = 48  # numbers in a formula; with more of them nobody checks it by hand
_SINGLE = 4  # entries of a tensor that are worked out one by one, where there is no matrix form


@dataclass(frozen=True)
class Row:
    """left = formula = result; `formula` has numbers for its names, where it is short enough.

    `alone`: the result stands without the numbers that it comes of.
    """

    left: Formula
    formula: Formula | None
    result: Formula
    alone: bool = False


@dataclass(frozen=True)
class Equation:
    """A numbered equation of the report with its values: one row, or one a step or slice.

    `whole` says that the one row is of all that stands on the left of the equation.
    """

    shown: Shown
    rows: tuple[Row, ...]

    @property
    def whole(self) -> bool:
        return len(self.rows) == 1 and self.rows[0].left == self.shown.left

    @property
    def alone(self) -> bool:
        """Whether results stand without the numbers that they come of."""
        return any(row.alone for row in self.rows)


@dataclass(frozen=True)
class Update:
    """parameter ← parameter − η gradient, with numbers, and what it becomes."""

    left: Formula
    step: Formula
    numbers: Formula
    result: Formula


@dataclass(frozen=True)
class Example:
    """All of a worked example as formulas.

    `updates` are by loss; `after` says for each loss what it was and what it became.
    """

    view: View
    given: tuple[Row, ...]
    sections: tuple[tuple[str, tuple[Equation, ...]], ...]
    updates: Mapping[str, tuple[Update, ...]]
    states: tuple[Row, ...]
    after: tuple[tuple[Formula, Formula, Formula], ...]
    rate: Formula
    rate_name: Formula


def example(worked: Worked, notation: Notation = USUAL) -> Example:
    """The worked example, ready to print."""
    seen = view(worked.derivation, notation)
    rate_name = _rate_name(seen.known)
    steps = steps_of(worked.derivation)
    losses = {loss.loss.name: loss for loss in worked.derivation.losses}
    updates = {
        name: tuple(
            update
            for symbol in trained(worked.derivation.system, loss)
            for update in _updates(
                symbol, loss.gradients[symbol.name].equation.tensor, worked, name, seen.known
            )
        )
        for name, loss in losses.items()
    }
    becoming = {s.symbol: worked.forward[s.update.name] for s in worked.derivation.system.states}
    states = tuple(
        row
        for symbol, entries in becoming.items()
        for row in _slices(symbol, entries, seen.known, steps, worked.digits)
    )
    return Example(
        seen,
        tuple(_given(worked, seen.known, steps)),
        tuple((s.title, tuple(_equations(s, worked))) for s in seen.sections),
        updates,
        states,
        tuple(_after(worked, loss.loss, seen.known) for loss in losses.values()),
        stated(worked.rate, worked.digits),
        rate_name,
    )


def _given(worked: Worked, known: Names, steps: Steps) -> Iterator[Row]:
    for symbol in worked.derivation.system.given:
        entries = Entries.of(worked.given.arrays[symbol.name])
        yield from _slices(symbol, entries, known, steps, worked.digits)


def _slices(
    symbol: TensorSymbol, entries: Entries, known: Names, steps: Steps, digits: int
) -> Iterator[Row]:
    """The values of a tensor, matrix by matrix: step by step, where it has steps."""
    rank, step = len(entries.shape), steps.axes.get(symbol)
    staying = _staying(entries.shape, step)
    left = tuple(size for axis, size in enumerate(entries.shape) if axis not in staying)
    for place in itertools.product(*(range(entries.shape[axis]) for axis in staying)):
        at = dict(zip(staying, place, strict=True))
        ranges = (at.get(axis, slice(None)) for axis in range(rank))
        flat = entries.array()[tuple(ranges)].ravel().tolist() if staying else entries.flat
        below = [decimal(at[a], digits) if a in at else ALL for a in range(rank)]
        name = known.part(symbol, below, plain=staying in ([], [step], [0]))
        yield Row(name, None, of_entries(Entries(left, flat), digits, known))


def _staying(shape: tuple[int, ...], step: int | None) -> list[int]:
    """The axes of which every place has a matrix: that of steps, and all but the two largest."""
    others = [axis for axis in range(len(shape)) if axis != step or len(shape) < 3]
    if len(others) <= 2:
        return [axis for axis in range(len(shape)) if axis not in others]
    pairs = list(itertools.combinations(others, 2))
    shown = max(reversed(pairs), key=lambda pair: shape[pair[0]] * shape[pair[1]])
    return [axis for axis in range(len(shape)) if axis not in shown]


def _equations(section: Section, worked: Worked) -> Iterator[Equation]:
    for shown in section.lines:
        values = worked.forward if shown.loss is None else worked.back[shown.loss.name]
        scope = scope_of(shown, values, worked.given.extents, worked.digits)
        yield Equation(shown, tuple(_rows(shown, scope)))


def _rows(shown: Shown, scope: Scope) -> Iterator[Row]:
    """The equation for each value of the indices on its left; without matrix form, for each entry
    of a small tensor, else its values alone.
    """
    tensor = shown.line.equation.tensor
    entries = scope.values[tensor.name]
    left = shown.left
    indices = [i for i in left.indices if i != ALL] if isinstance(left, Named) else []
    values = _slices(tensor, entries, shown.known, shown.steps, scope.digits)
    alone = (replace(row, alone=True) for row in values)
    if shown.matrix is None and indices and len(entries.flat) > _SINGLE:
        yield from alone
        return
    for point in itertools.product(*(range(scope.ranges[i]) for i in indices)):
        here = scope.at(dict(zip(indices, point, strict=True)))
        try:
            yield _row(shown.formula, _placed(left, here), put(left, here), here)
        except Unwritten:
            yield from alone
            return


def _placed(left: Formula, scope: Scope) -> Formula:
    """The left-hand side with numbers for its indices."""
    if not isinstance(left, Named):
        return left
    indices = tuple(i if i == ALL else put(i, scope) for i in left.indices)
    return replace(left, indices=indices)


def _row(formula: Formula, left: Formula, result: Formula, scope: Scope) -> Row:
    """The formula with numbers, where there is one of a length that is read, and its result.

    One that is nothing but the result is not written twice.
    """
    try:
        found = put(formula, scope)
    except Unwritten:
        return Row(left, None, result, alone=True)
    if isinstance(found, Grid):
        return Row(left, None, result)
    long = count(found) > _SHORT
    return Row(left, None if long else found, result, alone=long)


def _updates(
    symbol: TensorSymbol, slope: TensorSymbol, worked: Worked, loss: str, known: Names
) -> Iterator[Update]:
    """The update of a parameter, matrix by matrix."""
    rate, values = stated(worked.rate, worked.digits), worked.back[loss]
    after = worked.updated[loss][symbol.name]
    three = ((symbol, values[symbol.name]), (slope, values[slope.name]), (symbol, after))
    for before, by, now in zip(
        *(_slices(t, entries, known, NO_STEPS, worked.digits) for t, entries in three), strict=True
    ):
        step = Plus(((False, before.left), (True, Times((_rate_name(known), by.left)))))
        numbers = Plus(((False, before.result), (True, Times((rate, by.result)))))
        yield Update(before.left, step, numbers, now.result)


def _rate_name(known: Names) -> Named:
    """η, unless something else is."""
    taken = {(d.letter, d.layer, d.subscript) for d in known.displays.values()}
    return Named(Display("rate" if ("η", "", "") in taken else "η"))


def _after(worked: Worked, loss: TensorSymbol, known: Names) -> tuple[Formula, Formula, Formula]:
    before: Value = worked.forward[loss.name].flat[0]
    name, was = known.entry(loss), decimal(before, worked.digits)
    if loss.name not in worked.after:
        return name, was, Named(Display(say(known.notation, "undefined")))
    return name, was, decimal(worked.after[loss.name], worked.digits)
