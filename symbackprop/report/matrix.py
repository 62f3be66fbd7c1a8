"""Matrix form: the same equation without indices, where one exists.

Results of rank 0 to 2 are read as scalars, column vectors and matrices; `contraction` turns sums of
products into matrix products. Nothing here knows of layers. What fits no such reading has no matrix
form, and is printed with its indices.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer

from symbackprop.equations.masks import And, Compare, Delta, Not, Or, Where
from symbackprop.equations.nodes import Access, Index, Stop, free_indices
from symbackprop.equations.reductions import LogSumExp, Reduction, Sum
from symbackprop.report.contraction import Axes, Factor, NoMatrixForm, contract
from symbackprop.report.entries import entry_form
from symbackprop.report.formula import (
    Apply,
    Constant,
    Formula,
    Indicator,
    Norm,
    Plus,
    Power,
    Root,
    Transpose,
)
from symbackprop.report.naming import Names
from symbackprop.report.structure import (
    common_factor,
    factors_of,
    function_name,
    ordered_terms,
    relation,
    scaled,
    softmax_of,
)


def matrix_form(rhs: Expr, indices: Axes, names: Names) -> Formula | None:
    """The right-hand side of an equation over `indices` without them; None where there is none."""
    try:
        return _Reader(names).array(_apart(rhs, itertools.count()), indices)
    except NoMatrixForm:
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
            raise NoMatrixForm
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
        core = contract(arrays, bound, axes)
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
                if index.extent != extent:  # a part of the tensor, as concat's gradient reads it
                    raise NoMatrixForm
                axes.append(index)
                continue
            label = self._labels(index)
            read = Index(f"_{expr.tensor.name}_{len(axes)}_{label.name}", extent)
            axes.append(read)
            summed.append(read)
            labels.append(Factor(self.names.one_hot(index.tensor), (label, read)))
        if len(set(axes)) < len(axes) or len(axes) > 2:
            raise NoMatrixForm
        if expr.tensor.rank > 2:
            raise NoMatrixForm
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
        raise NoMatrixForm

    def _atom(self, expr: Expr) -> Factor:
        axes = self._natural(expr)
        return Factor(self._entrywise(expr, axes), axes)

    def _natural(self, expr: Expr) -> Axes:
        """The order of axes in which the tensors inside `expr` have them."""
        free = free_indices(expr)
        if len(free) > 2:
            raise NoMatrixForm
        for access in sorted(expr.atoms(Access), key=sympy.default_sort_key):
            order = tuple(dict.fromkeys(i for i in access.indices if i in free))
            if len(order) == len(free):
                return order
        if isinstance(expr, Delta) and len(free) == 2:
            return self._delta_axes(expr)
        return tuple(sorted(free, key=lambda i: (i.name.startswith("_"), i.name)))

    def _delta_axes(self, expr: Delta) -> Axes:
        a, b = sorted(expr.args, key=lambda i: isinstance(i, Index))
        if isinstance(a, Index):
            return (a, b)
        if not isinstance(b, Index):
            raise NoMatrixForm
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
        raise NoMatrixForm

    def _scalar(self, expr: Expr) -> Formula:
        """A factor without free indices; with sums inside, only where they are norms."""
        if expr.has(Access):
            for access in expr.atoms(Access):
                if access.indices:
                    raise NoMatrixForm
        return entry_form(expr, self.names)

    def _argument(self, expr: Expr, axes: Axes) -> Formula:
        """An argument of an entrywise function: a plain number stays one."""
        return self.array(expr, axes) if free_indices(expr) else self._scalar(expr)

    def _masked(self, expr: Expr, axes: Axes) -> Formula:
        if any(i in axes for i in (expr, *expr.args)) and not isinstance(expr, Access):
            raise NoMatrixForm
        return self._argument(expr, axes)

    def _delta(self, expr: Delta, axes: Axes) -> Formula:
        natural = self._delta_axes(expr)
        if set(natural) != set(axes):
            raise NoMatrixForm
        if all(isinstance(i, Index) for i in expr.args):
            if axes[0].extent != axes[1].extent:
                raise NoMatrixForm
            return Constant("identity")
        labels = next(i for i in expr.args if not isinstance(i, Index))
        matrix = self.names.one_hot(labels.tensor)
        return matrix if natural == axes else Transpose(matrix)

    def _power(self, expr: sympy.Pow, axes: Axes) -> Formula:
        if free_indices(expr.exp):
            raise NoMatrixForm
        base = self.array(expr.base, axes)
        if expr.exp == sympy.Rational(1, 2):
            return Root(base)
        return Power(base, self._scalar(expr.exp), entrywise=True)

    def _by_rows(self, function: str, logits: Expr, index: Index, axes: Axes) -> Formula:
        """softmax and log-softmax along the rows of a matrix, or of a vector."""
        if index not in axes:
            raise NoMatrixForm
        others = tuple(i for i in axes if i != index)
        rows = Apply(function, (self.array(logits, (*others, index)),))
        return rows if axes == (*others, index) else Transpose(rows)
