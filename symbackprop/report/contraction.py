"""Products of matrices and vectors, summed over shared indices, without the indices.

A product under a sum is a graph: its indices are the vertices, a factor with two indices is an
edge, one with a single index a weight on its vertex. Summing over an index removes a vertex: two
edges that meet there become a matrix product, one edge a product with a vector. What stays on the
free indices is multiplied entry by entry.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

from symbackprop.equations.nodes import Index
from symbackprop.report.formula import (
    ONE,
    ONES,
    Apply,
    Big,
    Constant,
    Formula,
    Hadamard,
    Indicator,
    Named,
    Plus,
    Power,
    Times,
    Transpose,
    times,
    walk,
)

Axes = tuple[Index, ...]


class NoMatrixForm(Exception):
    """Raised inside this module where a reading without indices does not exist."""


@dataclass(frozen=True)
class Factor:
    """An array of rank 0, 1 or 2 inside a product; `inverted` ones divide, entry by entry."""

    formula: Formula
    axes: Axes
    inverted: bool = False


def contract(factors: list[Factor], bound: Iterable[Index], axes: Axes) -> list[Formula]:
    """The product of `factors` summed over `bound`, as factors over `axes`."""
    waiting = list(bound)
    factors = _merged(factors)
    while waiting:
        degree = {v: sum(len(f.axes) == 2 and v in f.axes for f in factors) for v in waiting}
        vertex = min(waiting, key=lambda v: degree[v] != 2)
        if degree[vertex] > 2:
            raise NoMatrixForm
        waiting.remove(vertex)
        factors = _merged(_eliminate(vertex, factors, axes))
    return _assemble(factors, axes)


def _merged(factors: list[Factor]) -> list[Factor]:
    """Factors over the same axes multiplied entry by entry."""
    merged: list[Factor] = []
    for axes, group in itertools.groupby(
        sorted(factors, key=lambda f: sorted(i.name for i in f.axes)),
        key=lambda f: frozenset(f.axes),
    ):
        same = list(group)
        if not axes or (len(same) == 1 and not same[0].inverted):
            merged.extend(same)
            continue
        same.sort(key=lambda f: (f.inverted, _lateness(f.formula)))
        order = next((f.axes for f in same if not f.inverted), same[0].axes)
        parts = [(f.inverted, _oriented(f, order)) for f in same]
        merged.append(Factor(_entry_by_entry(parts), order))
    return merged


def _lateness(formula: Formula) -> int:
    """Cotangents, then names, then functions and brackets, then masks."""
    if isinstance(formula, Named):
        return 0 if formula.mark else 1
    return 3 if isinstance(formula, Indicator) else 2


def _entry_by_entry(parts: list[tuple[bool, Formula]]) -> Formula:
    """One flat product: factors above, then those below; a 1 above only where nothing else is."""
    flat: list[tuple[bool, Formula]] = []
    for inverted, part in parts:
        if isinstance(part, Hadamard) and not inverted:
            flat.extend(part.factors)
        else:
            flat.append((inverted, part))
    above = [f for f in flat if not f[0] and f[1] != ONE] or [(False, ONE)]
    return Hadamard((*above, *(f for f in flat if f[0])))


def _oriented(factor: Factor, axes: Axes) -> Formula:
    return factor.formula if factor.axes == axes else transpose(factor.formula)


def transpose(formula: Formula) -> Formula:
    """The transpose, taken into matrix products."""
    if isinstance(formula, Transpose):
        return formula.of
    if formula == Constant("identity"):
        return formula
    if isinstance(formula, Times):
        numbers = [f for f in formula.factors if _is_number(f)]
        arrays = [f for f in formula.factors if not _is_number(f)]
        return times([*numbers, *(transpose(f) for f in reversed(arrays))])
    if isinstance(formula, Big):
        return replace(formula, body=transpose(formula.body))
    base = formula.base if isinstance(formula, Power) and not formula.entrywise else formula
    if isinstance(base, Apply) and base.function == "diag":
        return formula
    return Transpose(formula)


def _is_number(formula: Formula) -> bool:
    """Whether nothing in it is an array."""
    return not any(
        part in (ONES, Constant("identity")) or (isinstance(part, Named) and part.display.array)
        for part in walk(formula)
    )


def _eliminate(vertex: Index, factors: list[Factor], axes: Axes) -> list[Factor]:
    """Sum over one index."""
    rest = [f for f in factors if vertex not in f.axes]
    edges = [f for f in factors if vertex in f.axes and len(f.axes) == 2]
    weights = [f for f in factors if f.axes == (vertex,)]
    weight = weights[0].formula if weights else None
    if len(edges) == 2:
        first, second = sorted(edges, key=lambda f: _position(_other(f, vertex), axes))
        a, b = _other(first, vertex), _other(second, vertex)
        middle = [] if weight is None else [_diagonal(weight)]
        product = [_oriented(first, (a, vertex)), *middle, _oriented(second, (vertex, b))]
        return [*rest, Factor(times(product), (a, b))]
    if len(edges) == 1:
        other = _other(edges[0], vertex)
        edge = _oriented(edges[0], (other, vertex))
        return [*rest, Factor(times([edge, weight or ONES]), (other,))]
    if isinstance(weight, Hadamard) and len(weight.factors) == 2:
        (above, u), (below, v) = weight.factors
        if not above and not below:
            products = [times([transpose(a), b]) for a, b in ((u, v), (v, u))]
            return [*rest, Factor(min(products, key=_transposes), ())]
    raise NoMatrixForm


def _transposes(formula: Formula) -> int:
    return sum(isinstance(part, Transpose) for part in walk(formula))


def _diagonal(weight: Formula) -> Formula:
    """The diagonal matrix of a named vector; of 1 / v, the inverse of that of v."""
    if isinstance(weight, Hadamard) and weight.factors[0] == (False, ONE):
        parts = [diagonal for _, diagonal in weight.factors[1:]]
        if len(parts) == 1:
            inverse = Plus(((True, ONE),))
            return Power(_diagonal(parts[0]), inverse)
    if not isinstance(weight, Named):  # Σ and indices are easier to read
        raise NoMatrixForm
    return Apply("diag", (weight,))


def _other(factor: Factor, vertex: Index) -> Index:
    a, b = factor.axes
    return b if a == vertex else a


def _position(index: Index, axes: Axes) -> int:
    return axes.index(index) if index in axes else len(axes)


def _assemble(factors: list[Factor], axes: Axes) -> list[Formula]:
    """What is left stands on the free axes: an entrywise matrix, weights on rows and on columns."""
    scalars = [f.formula for f in factors if not f.axes]
    weights = {f.axes[0]: f.formula for f in factors if len(f.axes) == 1}
    edges = [f for f in factors if len(f.axes) == 2]
    if len(axes) < 2:
        return [*scalars, *weights.values()]
    if len(axes) > 2:
        return [*scalars, *(f.formula for f in factors if f.axes == axes)]
    row, column = (weights.get(i) for i in axes)
    if edges:
        left = [_diagonal(row)] if row is not None else []
        right = [_diagonal(column)] if column is not None else []
        return [*scalars, *left, _oriented(edges[0], axes), *right]
    if row is None and column is None:
        return scalars
    across = [transpose(column or ONES)] if column is not None or axes[1].extent != 1 else []
    down = [row or ONES] if row is not None or axes[0].extent != 1 else []
    return [*scalars, *down, *across]
