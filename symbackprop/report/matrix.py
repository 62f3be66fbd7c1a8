"""Matrix form: the same equation without indices, where one exists.

Results of rank 0 to 2 are read as scalars, column vectors and matrices. A product of factors under
a sum is a graph: its indices are the vertices, a factor with two indices is an edge, one with a
single index a weight on its vertex. Summing over an index removes a vertex: two edges that meet
there become a matrix product, one edge a product with a vector. What stays on the free indices is
multiplied entry by entry. Nothing here knows of layers; what fits no such reading has no matrix
form, and is printed with its indices.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer

from symbackprop.equations.nodes import (
    Access,
    And,
    Compare,
    Delta,
    Index,
    LogSumExp,
    Not,
    Or,
    Reduction,
    Stop,
    Sum,
    Where,
    free_indices,
)
from symbackprop.report.entries import (
    common_factor,
    entry_form,
    factors_of,
    function_name,
    ordered_terms,
    relation,
    scaled,
    softmax_of,
)
from symbackprop.report.formula import (
    ONE,
    ONES,
    Apply,
    Constant,
    Formula,
    Hadamard,
    Indicator,
    Named,
    Norm,
    Plus,
    Power,
    Root,
    Times,
    Transpose,
    times,
    walk,
)
from symbackprop.report.naming import Names

Axes = tuple[Index, ...]


class _NoMatrixForm(Exception):
    """Raised inside this module where a reading without indices does not exist."""


@dataclass(frozen=True)
class Factor:
    """An array of rank 0, 1 or 2 inside a product; `inverted` ones divide, entry by entry."""

    formula: Formula
    axes: Axes
    inverted: bool = False


def matrix_form(rhs: Expr, indices: Axes, names: Names) -> Formula | None:
    """The right-hand side of an equation over `indices` without them; None where there is none."""
    try:
        return _Reader(names).array(_apart(rhs, itertools.count()), indices)
    except _NoMatrixForm:
        return None


def _apart(expr: Expr, fresh: Iterator[int]) -> Expr:
    """The same expression, each bound index with a name that occurs nowhere else."""
    if not expr.has(Reduction):
        return expr
    if isinstance(expr, Reduction):
        own = {i: Index(f"_{next(fresh)}", i.extent) for i in expr.bound}
        return expr.func(_apart(expr.body.xreplace(own), fresh), *own.values())
    return expr.func(*(_apart(a, fresh) for a in expr.args))


@dataclass(frozen=True)
class _Reader:
    names: Names

    def array(self, expr: Expr, axes: Axes) -> Formula:
        """The array of `expr` for all values of `axes`; what lacks an axis is repeated along it."""
        if len(axes) > 2 or not free_indices(expr) <= set(axes):
            raise _NoMatrixForm
        if isinstance(expr, sympy.Add):
            return self._sum(expr, axes)
        return self._product(expr, axes)

    def _sum(self, expr: sympy.Add, axes: Axes) -> Formula:
        content, primitive = common_factor(expr)
        if content != 1:
            return scaled(content, [self.array(primitive, axes)], [])
        found = softmax_of(expr)
        if found is not None:
            return self._by_rows("logsoftmax", found[0], found[1], axes)
        terms = []
        for term in ordered_terms(expr):
            minus = bool(term.as_coeff_Mul()[0] < 0)
            terms.append((minus, self._product(-term if minus else term, axes)))
        return Plus(tuple(terms))

    def _product(self, expr: Expr, axes: Axes) -> Formula:
        coefficient, factors, bound = self._factors(expr)
        scalars = [f for f in factors if not f.axes]
        arrays = [f for f in factors if f.axes]
        core = _contract(arrays, bound, axes)
        above = [f.formula for f in scalars if not f.inverted]
        below = [f.formula for f in scalars if f.inverted]
        return scaled(coefficient, [*above, *core], below)

    def _factors(self, expr: Expr) -> tuple[sympy.Rational, list[Factor], list[Index]]:
        """A product with every sum in it opened: coefficient, factors, summed indices."""
        parts = factors_of(expr)
        coefficient, factors, bound = parts.coefficient, [], []
        for part in parts.above:
            scale, found, summed = self._factor(part)
            coefficient *= scale
            factors += found
            bound += summed
        for part in parts.below:
            axes = self._natural(part)
            factors.append(Factor(self.array(part, axes), axes, inverted=True))
        return coefficient, factors, bound

    def _factor(self, expr: Expr) -> tuple[sympy.Rational, list[Factor], list[Index]]:
        if isinstance(expr, Sum):
            norm = self._norm(expr)
            if norm is not None:
                return norm[0], [Factor(norm[1], ())], []
            coefficient, factors, bound = self._factors(expr.body)
            return coefficient, factors, [*bound, *expr.bound]
        if isinstance(expr, Access):
            return Integer(1), *self._access(expr)
        if isinstance(expr, Where) and expr.args[2] == 0:
            coefficient, factors, bound = self._factors(expr.args[1] * expr.args[0])
            return coefficient, factors, bound
        if isinstance(expr, sympy.Pow) and expr.exp == 2 and isinstance(expr.base, Access):
            found, bound = self._access(expr.base)
            if len(found) == 1 and found[0].axes:
                return Integer(1), found * 2, bound
        return Integer(1), [self._atom(expr)], []

    def _norm(self, expr: Sum) -> tuple[sympy.Rational, Formula] | None:
        """Σ f², over every index of f, as the squared norm of f."""
        coefficient, body = expr.body.as_coeff_Mul()
        if not (isinstance(body, sympy.Pow) and body.exp == 2 and len(expr.bound) <= 2):
            return None
        if free_indices(body.base) != set(expr.bound):
            return None
        axes = self._natural(body.base)
        return coefficient, Norm(self.array(body.base, axes), frobenius=len(axes) == 2)

    def _access(self, expr: Access) -> tuple[list[Factor], list[Index]]:
        """A tensor, and for each axis read through labels their one-hot matrix and a sum.

        A matrix of one column, read there, is a vector; of one row, the transpose of one.
        """
        axes: list[Index] = []
        labels: list[Factor] = []
        summed: list[Index] = []
        for index, extent in zip(expr.indices, expr.tensor.shape, strict=True):
            if extent == 1 and index == 0:
                continue
            if isinstance(index, Index):
                axes.append(index)
                continue
            label = self._labels(index)
            read = Index(f"_{expr.tensor.name}_{len(axes)}_{label.name}", extent)
            axes.append(read)
            summed.append(read)
            labels.append(Factor(self.names.one_hot(index.tensor), (label, read)))
        if len(set(axes)) < len(axes) or len(axes) > 2:
            raise _NoMatrixForm
        if expr.tensor.rank > 2:
            raise _NoMatrixForm
        whole: Formula = self.names.whole(expr.tensor)
        if expr.tensor.rank == 2 and len(axes) == 1 and expr.indices[0] == 0:
            whole = Transpose(whole)
        return [Factor(whole, tuple(axes)), *labels], summed

    def _labels(self, expr: Expr) -> Index:
        """The index n of an integer vector's entry y[n]."""
        if isinstance(expr, Access) and expr.tensor.kind == "integer" and expr.tensor.rank == 1:
            index = expr.indices[0]
            if isinstance(index, Index):
                return index
        raise _NoMatrixForm

    def _atom(self, expr: Expr) -> Factor:
        axes = self._natural(expr)
        return Factor(self._entrywise(expr, axes), axes)

    def _natural(self, expr: Expr) -> Axes:
        """The order of axes in which the tensors inside `expr` have them."""
        free = free_indices(expr)
        if len(free) > 2:
            raise _NoMatrixForm
        for access in sorted(expr.atoms(Access), key=sympy.default_sort_key):
            order = tuple(dict.fromkeys(i for i in access.indices if i in free))
            if len(order) == len(free):
                return order
        if isinstance(expr, Delta) and len(free) == 2:
            return self._delta_axes(expr)
        return tuple(sorted(free, key=lambda i: i.name))

    def _delta_axes(self, expr: Delta) -> Axes:
        a, b = sorted(expr.args, key=lambda i: isinstance(i, Index))
        if isinstance(a, Index):
            return (a, b)
        if not isinstance(b, Index):
            raise _NoMatrixForm
        return (self._labels(a), b)

    def _entrywise(self, expr: Expr, axes: Axes) -> Formula:
        """The formula of one factor, with exactly these axes."""
        if isinstance(expr, sympy.Add):
            return self.array(expr, axes)
        if not axes:
            return self._scalar(expr)
        if isinstance(expr, Delta):
            return self._delta(expr, axes)
        if isinstance(expr, LogSumExp) and len(expr.bound) == 1 and len(axes) == 1:
            body = self.array(expr.body, (*axes, *expr.bound))
            return Apply("logsumexp", (body,))
        if isinstance(expr, (Compare, And, Or, Not)):
            return Indicator(relation(expr, lambda e: self._masked(e, axes)))
        if isinstance(expr, Where):
            said = relation(expr.args[0], lambda e: self._masked(e, axes))
            return Apply("where", (said, *(self._argument(a, axes) for a in expr.args[1:])))
        if isinstance(expr, sympy.exp):
            found = softmax_of(expr.args[0])
            if found is not None:
                return self._by_rows("softmax", found[0], found[1], axes)
        if isinstance(expr, sympy.Pow):
            return self._power(expr, axes)
        if isinstance(expr, Stop):
            return Apply("stop", (self._argument(expr.args[0], axes),))
        if isinstance(expr, sympy.Function):
            arguments = tuple(self._argument(a, axes) for a in expr.args)
            return Apply(function_name(expr), arguments)
        raise _NoMatrixForm

    def _scalar(self, expr: Expr) -> Formula:
        """A factor without free indices; with sums inside, only where they are norms."""
        if expr.has(Access):
            for access in expr.atoms(Access):
                if access.indices:
                    raise _NoMatrixForm
        return entry_form(expr, self.names)

    def _argument(self, expr: Expr, axes: Axes) -> Formula:
        """An argument of an entrywise function: a plain number stays one."""
        return self.array(expr, axes) if free_indices(expr) else self._scalar(expr)

    def _masked(self, expr: Expr, axes: Axes) -> Formula:
        if any(i in axes for i in (expr, *expr.args)) and not isinstance(expr, Access):
            raise _NoMatrixForm
        return self._argument(expr, axes)

    def _delta(self, expr: Delta, axes: Axes) -> Formula:
        natural = self._delta_axes(expr)
        if set(natural) != set(axes):
            raise _NoMatrixForm
        if all(isinstance(i, Index) for i in expr.args):
            return Constant("identity")
        labels = next(i for i in expr.args if not isinstance(i, Index))
        matrix = self.names.one_hot(labels.tensor)
        return matrix if natural == axes else Transpose(matrix)

    def _power(self, expr: sympy.Pow, axes: Axes) -> Formula:
        if free_indices(expr.exp):
            raise _NoMatrixForm
        base = self.array(expr.base, axes)
        if expr.exp == sympy.Rational(1, 2):
            return Root(base)
        return Power(base, self._scalar(expr.exp), entrywise=True)

    def _by_rows(self, function: str, logits: Expr, index: Index, axes: Axes) -> Formula:
        """softmax and log-softmax along the rows of a matrix, or of a vector."""
        if index not in axes:
            raise _NoMatrixForm
        others = tuple(i for i in axes if i != index)
        rows = Apply(function, (self.array(logits, (*others, index)),))
        return rows if axes == (*others, index) else Transpose(rows)


def _contract(factors: list[Factor], bound: Iterable[Index], axes: Axes) -> list[Formula]:
    """The product of `factors` summed over `bound`, as factors over `axes`."""
    waiting = list(bound)
    factors = _merged(factors)
    while waiting:
        degree = {v: sum(len(f.axes) == 2 and v in f.axes for f in factors) for v in waiting}
        vertex = min(waiting, key=lambda v: degree[v] != 2)
        if degree[vertex] > 2:
            raise _NoMatrixForm
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
        return 0 if formula.barred else 1
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
        return times(transpose(f) for f in reversed(formula.factors))
    base = formula.base if isinstance(formula, Power) and not formula.entrywise else formula
    if isinstance(base, Apply) and base.function == "diag":
        return formula
    return Transpose(formula)


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
    raise _NoMatrixForm


def _transposes(formula: Formula) -> int:
    return sum(isinstance(part, Transpose) for part in walk(formula))


def _diagonal(weight: Formula) -> Formula:
    """The diagonal matrix of a vector; of 1 / v, the inverse of that of v."""
    if isinstance(weight, Hadamard) and weight.factors[0] == (False, ONE):
        parts = [diagonal for _, diagonal in weight.factors[1:]]
        if len(parts) == 1:
            inverse = Plus(((True, ONE),))
            return Power(Apply("diag", (parts[0],)), inverse)
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
