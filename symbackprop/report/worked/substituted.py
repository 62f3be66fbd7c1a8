"""Formulas with numbers put in for names.

A name becomes the matrix of its values, a vector a column, an entry a number; sums over indices are
written out. Where notation has no such form, Unwritten is raised, and the reader is shown the
result alone.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sympy import Integer

from symbackprop.equations.evaluate import Entries, Environment, Value, evaluate, extent_of
from symbackprop.equations.nodes import Access, Index, TensorSymbol
from symbackprop.report.entries import entry_form
from symbackprop.report.formula import (
    ALL,
    ONE,
    ZERO,
    Apply,
    Big,
    Decimal,
    Formula,
    Grid,
    Indicator,
    Kronecker,
    Named,
    Number,
    Plus,
    Relation,
    Times,
    Transpose,
    times,
    walk,
)
from symbackprop.report.naming import Names
from symbackprop.report.view import Shown
from symbackprop.report.worked.figures import decimal

_TERMS = 6  # of a sum that is written out


class Unwritten(Exception):
    """Raised inside this package where a formula cannot be written with numbers."""


@dataclass(frozen=True)
class Scope:
    """What the names in one equation stand for.

    `tensors` are known by their whole names and by the names of their entries; `numbers` are
    extents, and indices while they have a value; `ranges` how far indices run; `axes` says which
    axis of a tensor an index below its name belongs to; `rows` maps names of one-hot matrices to
    their labels and classes.
    """

    shown: Shown
    values: Mapping[str, Entries]
    extents: Mapping[str, int]
    digits: int
    tensors: Mapping[Named, TensorSymbol]
    numbers: Mapping[Formula, int]
    ranges: Mapping[Formula, int]
    axes: Mapping[tuple[Named, Formula], int]
    rows: Mapping[Named, tuple[TensorSymbol, int]]

    def at(self, places: Mapping[Formula, int]) -> Scope:
        """The same where these indices have these values."""
        return replace(self, numbers={**self.numbers, **places})


def scope_of(
    shown: Shown, values: Mapping[str, Entries], extents: Mapping[str, int], digits: int
) -> Scope:
    """The scope of an equation."""
    known, equation = shown.known, shown.line.equation
    expr = shown.steps.bare(equation.rhs)
    accesses = [equation.lhs, *sorted(expr.atoms(Access), key=str)]
    met = dict.fromkeys(a.tensor for a in accesses)
    indices = sorted({*equation.indices, *expr.atoms(Index)}, key=str)
    ranges: dict[Formula, int] = {}
    for index in indices:
        size = extent_of(index.extent, extents)
        name = known.entry(index)
        ranges[name] = size if ranges.get(name, size) == size else 0  # 0: it is not one range
    axes = {
        (known.whole(a.tensor), entry_form(position, known)): axis
        for a in accesses
        for axis, position in enumerate(a.indices)
    }
    rows = {
        Named(display): (labels, extent_of(labels.classes, extents))
        for labels, display in known.onehot.items()
        if labels.classes is not None
    }
    symbols = {s for s in equation.rhs.free_symbols if s.name in extents}
    return Scope(
        shown,
        values,
        extents,
        digits,
        {known.whole(t): t for t in met} | {known.entry(t): t for t in met},
        {known.entry(s): extents[s.name] for s in symbols},
        ranges,
        axes,
        rows,
    )


def put(formula: Formula, scope: Scope) -> Formula:
    """The formula with numbers for its names."""
    if isinstance(formula, Named):
        return _named(formula, scope)
    if isinstance(formula, Transpose):
        inner = put(formula.of, scope)
        return transposed(inner) if isinstance(inner, Grid) else Transpose(inner)
    if isinstance(formula, Big):
        return _written_out(formula, scope)
    if isinstance(formula, Kronecker):
        return ONE if _whole(formula.left, scope) == _whole(formula.right, scope) else ZERO
    if isinstance(formula, Indicator):
        with contextlib.suppress(Unwritten):
            return ONE if _holds(formula.of, scope) else ZERO
    if isinstance(formula, Times):
        return times(put(factor, scope) for factor in formula.factors)
    changed = {f.name: _put_value(getattr(formula, f.name), scope) for f in fields(formula)}
    return replace(formula, **changed)


def _put_value(value: Any, scope: Scope) -> Any:
    if isinstance(value, tuple):
        return tuple(_put_value(item, scope) for item in value)
    return put(value, scope) if isinstance(value, Formula.__args__) else value  # type: ignore[attr-defined]


def _named(formula: Named, scope: Scope) -> Formula:
    if formula in scope.numbers:
        return Number(Integer(scope.numbers[formula]))
    if formula in scope.rows:
        labels, classes = scope.rows[formula]
        hot = [int(label == k) for label in scope.values[labels.name].flat for k in range(classes)]
        shape = (len(hot) // classes, classes)
        return of_entries(Entries(shape, hot), scope.digits, scope.shown.known)
    name = replace(formula, indices=())
    tensor = scope.tensors.get(name)
    if tensor is None:
        raise Unwritten
    if not formula.indices:
        return of_entries(scope.values[tensor.name], scope.digits, scope.shown.known)
    given = scope.shown.known.order(formula.indices)
    if len(given) == tensor.rank and ALL not in given:
        at = dict(enumerate(_whole(i, scope) for i in given))
    elif len(given) == tensor.rank:
        at = {axis: _whole(i, scope) for axis, i in enumerate(given) if i != ALL}
    else:
        if any((name, i) not in scope.axes for i in given):
            raise Unwritten
        at = {scope.axes[name, i]: _whole(i, scope) for i in given}
    return of_entries(_part(tensor, at, scope), scope.digits, scope.shown.known)


def _part(tensor: TensorSymbol, at: Mapping[int, int], scope: Scope) -> Entries:
    """The entries at some places of some axes; beyond a recurrence's ends what is said of those."""
    entries = scope.values[tensor.name]
    shape = entries.shape
    rest = [axis for axis in range(len(shape)) if axis not in at]
    points = []
    for point in itertools.product(*(range(shape[axis]) for axis in rest)):
        place = {**dict(zip(rest, point, strict=True)), **at}
        points.append([place[axis] for axis in range(len(shape))])
    left = tuple(shape[axis] for axis in rest)
    return Entries(left, [_entry(tensor, point, scope) for point in points])


def _entry(tensor: TensorSymbol, point: Sequence[int], scope: Scope) -> Value:
    entries = scope.values[tensor.name]
    if all(0 <= i < size for i, size in zip(point, entries.shape, strict=True)):
        return entries.flat[entries.position(point)]
    end = scope.shown.steps.ends.get(tensor)
    if end is None:
        raise Unwritten
    here = {i: p for i, p in zip(end.indices, point, strict=True) if i != end.indices[end.axis]}
    return evaluate(end.value, Environment(scope.values, scope.extents), here)


def _written_out(formula: Big, scope: Scope) -> Formula:
    """A sum, product, maximum or minimum over indices, term by term."""
    names = [b.left if isinstance(b, Relation) else b for b in formula.bound]
    ranges = [range(_range(b, formula.body, scope)) for b in formula.bound]
    terms = []
    for point in itertools.product(*ranges):
        here = scope.at(dict(zip(names, point, strict=True)))
        if all(_holds(mask, here) for mask in formula.given):
            terms.append(put(formula.body, here))
    if len(terms) > _TERMS:
        raise Unwritten
    if len(terms) == 1:
        return terms[0]
    if formula.operator == "sum":
        return Plus(tuple((False, term) for term in terms)) if terms else ZERO
    if formula.operator == "prod" and terms:
        return Times(tuple(terms))
    if formula.operator in ("max", "min") and terms:
        return Apply({"max": "maximum", "min": "minimum"}[formula.operator], tuple(terms))
    raise Unwritten


def _range(bound: Formula, body: Formula, scope: Scope) -> int:
    """How far a bound index runs: as it says, or as its name tells, or what it stands below."""
    if isinstance(bound, Relation):
        return _whole(bound.right, scope)
    if scope.ranges.get(bound):
        return scope.ranges[bound]
    for part in walk(body):
        if isinstance(part, Named) and bound in part.indices:
            tensor = scope.tensors.get(replace(part, indices=()))
            given = scope.shown.known.order(part.indices)
            if tensor is not None and len(given) == tensor.rank:
                return scope.values[tensor.name].shape[given.index(bound)]
    raise Unwritten


_TESTS = {
    "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__,
    "==": int.__eq__, "!=": int.__ne__,
}  # fmt: skip


def _holds(mask: Formula, scope: Scope) -> bool:
    """Whether a condition on indices holds; 0 <= i < n is a chain of two."""
    if not isinstance(mask, Relation):
        raise Unwritten
    if mask.operator == "and":
        return _holds(mask.left, scope) and _holds(mask.right, scope)
    if mask.operator == "or":
        return _holds(mask.left, scope) or _holds(mask.right, scope)
    if mask.operator not in _TESTS:
        raise Unwritten
    before, left = True, mask.left
    if isinstance(left, Relation):
        before, left = _holds(left, scope), left.right
    holds: bool = _TESTS[mask.operator](_whole(left, scope), _whole(mask.right, scope))
    return before and holds


def _whole(formula: Formula, scope: Scope) -> int:
    """The whole number that a position is."""
    if isinstance(formula, Number) and formula.value.is_Integer:
        return int(formula.value)
    if isinstance(formula, Plus):
        return sum((-1 if minus else 1) * _whole(t, scope) for minus, t in formula.terms)
    if isinstance(formula, Times):
        product = 1
        for factor in formula.factors:
            product *= _whole(factor, scope)
        return product
    if isinstance(formula, Named):
        if formula in scope.numbers:
            return scope.numbers[formula]
        tensor = scope.tensors.get(replace(formula, indices=()))
        if tensor is not None and tensor.kind != "real" and len(formula.indices) == tensor.rank:
            places = [_whole(i, scope) for i in scope.shown.known.order(formula.indices)]
            return int(_entry(tensor, places, scope))
    raise Unwritten


def of_entries(entries: Entries, digits: int, known: Names) -> Formula:
    """A number, a column or a matrix, its axes in the order in which it is written."""
    if not entries.shape:
        return decimal(entries.flat[0], digits)
    if len(entries.shape) > 2:
        raise Unwritten
    columns = entries.shape[1] if len(entries.shape) == 2 else 1
    flat = [decimal(value, digits) for value in entries.flat]
    rows = tuple(tuple(flat[k : k + columns]) for k in range(0, len(flat), columns))
    turned = len(entries.shape) == 2 and known.notation.reverses
    return transposed(Grid(rows)) if turned else Grid(rows)


def transposed(grid: Grid) -> Grid:
    """Rows for columns."""
    return Grid(tuple(zip(*grid.rows, strict=True)))


def count(formula: Formula) -> int:
    """How many numbers stand in it."""
    return sum(isinstance(part, Decimal) for part in walk(formula))
