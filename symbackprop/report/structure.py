"""How expressions are taken apart for print: signs, fractions, the order of terms and factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Integer, Rational

from symbackprop.equations.masks import And, Compare, Delta, Not, Or, Where
from symbackprop.equations.nodes import Access, Index, PointwiseFunction, free_indices
from symbackprop.equations.reductions import LogSumExp, Reduction, Sum
from symbackprop.report.formula import (
    Formula,
    Fraction,
    Number,
    negative,
    times,
)


def common_factor(expr: sympy.Add) -> tuple[Rational, Expr]:
    """A number to stand before the bracket, and what stays inside; 1 where the terms differ."""
    content, primitive = expr.primitive()
    alike = all(abs(t.as_coeff_Mul()[0]) == 1 for t in sympy.Add.make_args(primitive))
    return (content, primitive) if alike else (Integer(1), expr)


def ordered_terms(expr: sympy.Add) -> list[Expr]:
    """Positive terms first: sums, products, lone names; 1 in front (1 - h), numbers behind.

    Of two like terms the simpler one comes first. In a recurrence what other steps give comes
    after what this step gives.
    """
    terms = sympy.Add.make_args(expr)
    leads = any(t.as_coeff_Mul()[0] < 0 for t in terms)
    steps = {i for t in terms for i in _shifted(t)}

    def rank(term: Expr) -> int:
        if term.is_Rational:
            return 0 if leads or (term == 1 and expr.has(Access)) else 6
        if _shifted(term):
            return 4
        if _lone(term):
            return 3 if free_indices(term) & steps else 5
        return 1 if term.has(Sum) else 2

    def order(term: Expr) -> tuple[Any, ...]:
        minus = bool(term.as_coeff_Mul()[0] < 0)
        return minus, rank(term), len(term.atoms(Access)), sympy.default_sort_key(term)

    return sorted(terms, key=order)


def _shifted(term: Expr) -> set[Index]:
    """The indices that the term reads at other places, as t - 1."""
    positions = {p for a in term.atoms(Access) for p in a.indices if p.is_Add}
    return {i for p in positions for i in free_indices(p)}


def _lone(term: Expr) -> bool:
    return isinstance(term.as_coeff_Mul()[1], Access)


@dataclass(frozen=True)
class Factors:
    """A product as coefficient · above / below; every factor is free of signs."""

    coefficient: Rational
    above: tuple[Expr, ...]
    below: tuple[Expr, ...]


def factors_of(expr: Expr) -> Factors:
    """Take a product apart; √n / n, as SymPy has it, is 1 / √n."""
    coefficient, rest = expr.as_coeff_Mul()
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in sympy.Mul.make_args(rest):
        if isinstance(factor, sympy.Pow) and factor.exp.is_Rational and factor.exp < 0:
            below.append(factor.base**-factor.exp)
        elif _is_root(factor) and coefficient.q % factor.base == 0:
            coefficient *= factor.base
            below.append(factor)
        elif factor != 1:
            above.append(factor)
    return Factors(coefficient, tuple(above), tuple(below))


def _is_root(factor: Expr) -> bool:
    return isinstance(factor, sympy.Pow) and factor.base.is_Integer and factor.exp == Rational(1, 2)


def scaled(coefficient: Rational, above: list[Formula], below: list[Formula]) -> Formula:
    """coefficient · Π above / Π below, small denominators going below the bar."""
    number = abs(coefficient)
    if number.q != 1 and (below or number.q <= 100) and number.p < 100:
        above, below = [Number(Integer(number.p)), *above], [Number(Integer(number.q)), *below]
    else:
        above = [Number(number), *above]
    value = times(above)
    if below:
        value = Fraction(value, times(below))
    return negative(value) if coefficient < 0 else value


def place(factor: Expr, order: tuple[Index, ...]) -> tuple[Any, ...]:
    """Numbers and extents, scalars, entries, functions, sums in brackets, masks, and Σ last.

    Of two entries the one that has the first index of the result comes first.
    """
    if isinstance(factor, Reduction):
        rank = 6
    elif isinstance(factor, (Compare, Delta, And, Or, Not, Where)):
        rank = 5
    elif isinstance(factor, sympy.Add):
        rank = 4
    elif isinstance(factor, Access):
        rank = 2 if factor.indices else 1
        first = [p for p, i in enumerate(order) if i in factor.indices]
        return rank, min(first, default=len(order)), sympy.default_sort_key(factor)
    else:
        rank = 3 if free_indices(factor) else 0
    return rank, 0, sympy.default_sort_key(factor)


def softmax_of(exponent: Expr) -> tuple[Expr, Index, LogSumExp] | None:
    """f, k and the LogSumExp where the exponent is f[k] - LogSumExp(f[j]; j)."""
    for term in sympy.Add.make_args(exponent):
        normaliser = -term
        if not isinstance(normaliser, LogSumExp) or len(normaliser.bound) != 1:
            continue
        logits, bound = exponent + normaliser, normaliser.bound[0]
        for index in sorted(free_indices(logits), key=lambda i: i.name):
            if index.extent == bound.extent and normaliser.body.xreplace({bound: index}) == logits:
                return logits, index, normaliser
    return None


def gathered(expr: Expr) -> Expr:
    """The same expression, numbers and extents taken out of sums, so that nested sums are one."""
    if not expr.has(Sum):
        return expr
    parts = tuple(gathered(a) for a in expr.args)
    expr = expr if parts == expr.args else expr.func(*parts)
    if not isinstance(expr, Sum):
        return expr
    factors = sympy.Mul.make_args(expr.body)
    inside = [f for f in factors if f.has(Access, Index)]
    if not inside or len(inside) == len(factors):
        return expr
    outside = [f for f in factors if not f.has(Access, Index)]
    return sympy.Mul(*outside, Sum(sympy.Mul(*inside), *expr.bound))


def function_name(expr: Expr) -> str:
    """What a function is called in print."""
    if isinstance(expr, PointwiseFunction):
        return expr.table_name
    return "arctan" if isinstance(expr, sympy.atan) else str(expr.func.__name__)
