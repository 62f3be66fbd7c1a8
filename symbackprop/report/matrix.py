"""Matrix form: the same equation without indices, where one exists.

Results of rank 0 to 2 are read as scalars, column vectors and matrices; of higher rank, as one
matrix for each value of the indices that stay: S_nh. `reads` reads tensors so, `contraction` turns
sums of products into matrix products. Nothing here knows of layers. What fits no such reading has
no matrix form, and is printed with its indices.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer

from symbackprop.equations.masks import And, Compare, Delta, Not, Or, Where
from symbackprop.equations.nodes import Access, Index, Stop, TensorSymbol, free_indices
from symbackprop.equations.ranges import untold
from symbackprop.equations.reductions import LogSumExp, Reduction, Sum
from symbackprop.report.conditions import conditions, relation, written
from symbackprop.report.contraction import Axes, Factor, NoMatrixForm, contract
from symbackprop.report.entries import entry_form
from symbackprop.report.formula import (
    Apply,
    Big,
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
from symbackprop.report.reads import Reads, choices
from symbackprop.report.structure import (
    common_factor,
    factors_of,
    function_name,
    ordered_terms,
    scaled,
    softmax_of,
)


@dataclass(frozen=True)
class MatrixForm:
    """left = right, for all values of the indices that stand below the left-hand side."""

    left: Formula
    right: Formula


def matrix_form(
    lhs: Access,
    rhs: Expr,
    names: Names,
    steps: Mapping[TensorSymbol, int],
    needed: frozenset[Index],
) -> MatrixForm | None:
    """An equation with two indices at most left out, row and column; None where there is none.

    `steps` tells the axis of the steps of tensors that have one; `needed` indices stay.
    """
    for fixed in choices(lhs, rhs, steps, needed):
        reads = Reads(names, lhs.indices, fixed, steps)
        try:
            (left,), _ = reads.access(lhs)
            right = _Reader(reads).array(_apart(rhs, itertools.count(), fixed), left.axes)
        except NoMatrixForm:
            continue
        return MatrixForm(left.formula, right)
    return None


def _apart(expr: Expr, fresh: Iterator[int], fixed: frozenset[Index]) -> Expr:
    """The same expression, each bound index with a name that occurs nowhere else."""
    if not expr.has(Reduction):
        return expr
    if isinstance(expr, Reduction):
        own = {i: i if i in fixed else Index(f"_{next(fresh)}", i.extent) for i in expr.bound}
        return expr.func(_apart(expr.body.xreplace(own), fresh, fixed), *own.values())
    return expr.func(*(_apart(a, fresh, fixed) for a in expr.args))


@dataclass(frozen=True)
class _Reader:
    reads: Reads

    def array(self, expr: Expr, axes: Axes) -> Formula:
        """The array of `expr` for all values of `axes`; what lacks an axis is repeated along it."""
        if len(axes) > self.reads.most or not self.reads.free(expr) <= set(axes):
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
            return self._by_sample("logsoftmax", found[0], found[1], axes)
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
            axes = self.reads.natural(part)
            factors.append(Factor(self.array(part, axes), axes, inverted=True))
        return coefficient, factors, bound

    def _factor(self, expr: Expr) -> tuple[sympy.Rational, list[Factor], list[Index]]:
        if isinstance(expr, Sum):
            norm = self._norm(expr)
            if norm is not None:
                return norm[0], [Factor(norm[1], ())], []
            staying = tuple(i for i in expr.bound if i in self.reads.fixed)
            if staying:
                return Integer(1), [self._staying(expr, staying)], []
            coefficient, factors, bound = self._factors(expr.body)
            return coefficient, factors, [*bound, *expr.bound]
        if isinstance(expr, Access):
            return Integer(1), *self.reads.access(expr)
        if isinstance(expr, Where) and expr.args[2] == 0:
            coefficient, factors, bound = self._factors(expr.args[1] * expr.args[0])
            return coefficient, factors, bound
        if isinstance(expr, sympy.Pow) and expr.exp == 2 and isinstance(expr.base, Access):
            found, bound = self.reads.access(expr.base)
            if len(found) == 1 and found[0].axes:
                return Integer(1), found * 2, bound
        return Integer(1), [self._atom(expr)], []

    def _staying(self, expr: Sum, staying: tuple[Index, ...]) -> Factor:
        """A sum of matrix products, or over steps, over an index that stays: Σ_t X_tᵀ Z_t."""
        if not untold(expr).isdisjoint(staying):
            raise NoMatrixForm
        if len(expr.bound) == len(staying) and not self.reads.are_steps(staying, expr.body):
            raise NoMatrixForm
        body, masks = conditions(expr.body, staying)
        if any(not free_indices(mask) <= self.reads.fixed for mask in masks):
            raise NoMatrixForm
        inner = Sum(body, *(i for i in expr.bound if i not in staying))
        axes = self.reads.natural(inner)
        bound = tuple(self.reads.names.entry(i) for i in staying)
        given = written(masks, self._scalar)
        return Factor(Big("sum", bound, self.array(inner, axes), given), axes)

    def _norm(self, expr: Sum) -> tuple[sympy.Rational, Formula] | None:
        """Σ f², over every index of f, as the squared norm of f."""
        coefficient, body = expr.body.as_coeff_Mul()
        if not (isinstance(body, sympy.Pow) and body.exp == 2 and len(expr.bound) <= 2):
            return None
        if self.reads.free(body.base) != set(expr.bound):
            return None
        axes = self.reads.natural(body.base)
        return coefficient, Norm(self.array(body.base, axes), frobenius=len(axes) == 2)

    def _atom(self, expr: Expr) -> Factor:
        axes = self.reads.natural(expr)
        return Factor(self._entrywise(expr, axes), axes)

    def _entrywise(self, expr: Expr, axes: Axes) -> Formula:
        """The formula of one factor, with exactly these axes."""
        if isinstance(expr, sympy.Add):
            return self.array(expr, axes)
        if not axes:
            return self._scalar(expr)
        if isinstance(expr, Delta):
            return self._delta(expr, axes)
        if isinstance(expr, LogSumExp) and len(expr.bound) == 1 and len(axes) == 1:
            body = self.array(expr.body, self.reads.names.order((*axes, *expr.bound)))
            return Apply("logsumexp", (body,))
        if isinstance(expr, (Compare, And, Or, Not)):
            return Indicator(relation(expr, lambda e: self._masked(e, axes)))
        if isinstance(expr, Where):
            said = relation(expr.args[0], lambda e: self._masked(e, axes))
            return Apply("where", (said, *(self._argument(a, axes) for a in expr.args[1:])))
        if isinstance(expr, sympy.exp):
            found = softmax_of(expr.args[0])
            if found is not None:
                return self._by_sample("softmax", found[0], found[1], axes)
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
        for access in expr.atoms(Access):
            if access.indices and not free_indices(access) <= self.reads.fixed:
                raise NoMatrixForm
        return entry_form(expr, self.reads.names)

    def _argument(self, expr: Expr, axes: Axes) -> Formula:
        """An argument of an entrywise function: a plain number stays one."""
        return self.array(expr, axes) if self.reads.free(expr) else self._scalar(expr)

    def _masked(self, expr: Expr, axes: Axes) -> Formula:
        if any(i in axes for i in (expr, *expr.args)) and not isinstance(expr, Access):
            raise NoMatrixForm
        return self._argument(expr, axes)

    def _delta(self, expr: Delta, axes: Axes) -> Formula:
        natural = self.reads.delta_axes(expr)
        if set(natural) != set(axes):
            raise NoMatrixForm
        if all(isinstance(i, Index) for i in expr.args):
            if axes[0].extent != axes[1].extent:
                raise NoMatrixForm
            return Constant("identity")
        _, matrix = self.reads.one_hot(expr)
        return matrix if natural == axes else Transpose(matrix)

    def _power(self, expr: sympy.Pow, axes: Axes) -> Formula:
        if self.reads.free(expr.exp):
            raise NoMatrixForm
        base = self.array(expr.base, axes)
        if expr.exp == sympy.Rational(1, 2):
            return Root(base)
        return Power(base, self._scalar(expr.exp), entrywise=True)

    def _by_sample(self, function: str, logits: Expr, index: Index, axes: Axes) -> Formula:
        """softmax and log-softmax of a vector, or along what is a sample in a matrix."""
        if index not in axes:
            raise NoMatrixForm
        others = tuple(i for i in axes if i != index)
        along = self.reads.names.order((*others, index))
        found = Apply(function, (self.array(logits, along),))
        return found if axes == along else Transpose(found)
