"""Index form: an expression for one entry, written out with Σ and subscripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Integer, Rational

from symbackprop.equations.nodes import (
    Access,
    And,
    ArgMax,
    ArgMin,
    Compare,
    Delta,
    Digit,
    Index,
    LogSumExp,
    Max,
    Min,
    Not,
    Or,
    Partial,
    PointwiseFunction,
    Prod,
    Reduction,
    Stop,
    Sum,
    TensorSymbol,
    Where,
    free_indices,
)
from symbackprop.report.formula import (
    ONE,
    Apply,
    Big,
    Cases,
    Constant,
    Derivative,
    Formula,
    Fraction,
    Indicator,
    Kronecker,
    Named,
    Negation,
    Norm,
    Number,
    Plus,
    Power,
    Relation,
    Root,
    negative,
    times,
)
from symbackprop.report.naming import Names


@dataclass(frozen=True)
class _Scope:
    """The names, and the indices of the result: factors stand in their order."""

    names: Names
    order: tuple[Index, ...]


def entry_form(expr: Expr, names: Names, order: tuple[Index, ...] = ()) -> Formula:
    """The formula of one entry; `order` holds the indices of the left-hand side."""
    return _write(expr, _Scope(names, order))


def _write(expr: Expr, scope: _Scope) -> Formula:
    for kind, write in _WRITERS.items():
        if isinstance(expr, kind):
            return write(expr, scope)
    raise AssertionError(f"no notation for {type(expr).__name__}")


def _number(expr: Rational, scope: _Scope) -> Formula:
    return negative(Number(-expr)) if expr < 0 else Number(expr)


def _symbol(expr: Any, scope: _Scope) -> Formula:
    return scope.names.entry(expr)


def _access(expr: Access, scope: _Scope) -> Formula:
    return scope.names.entry(expr.tensor, tuple(_write(i, scope) for i in expr.indices))


def _add(expr: sympy.Add, scope: _Scope) -> Formula:
    """A sum; SymPy's habit of spreading numbers over the terms is undone."""
    content, primitive = common_factor(expr)
    if content != 1:
        return _scaled(content, [primitive], scope)
    return Plus(tuple(signed(term, scope) for term in ordered_terms(expr)))


def common_factor(expr: sympy.Add) -> tuple[Rational, Expr]:
    """A number to stand before the bracket, and what stays inside; 1 where the terms differ."""
    content, primitive = expr.primitive()
    alike = all(abs(t.as_coeff_Mul()[0]) == 1 for t in sympy.Add.make_args(primitive))
    return (content, primitive) if alike else (Integer(1), expr)


def signed(term: Expr, scope: _Scope) -> tuple[bool, Formula]:
    """Whether a term is subtracted, and its formula without the sign."""
    minus = bool(term.as_coeff_Mul()[0] < 0)
    return minus, _write(-term if minus else term, scope)


def ordered_terms(expr: sympy.Add) -> list[Expr]:
    """Positive terms first: sums, products, lone names; 1 in front (1 - h), numbers behind."""
    terms = sympy.Add.make_args(expr)
    leads = any(t.as_coeff_Mul()[0] < 0 for t in terms)

    def rank(term: Expr) -> int:
        if term.is_Rational:
            return 0 if leads or term == 1 else 4
        return 1 if term.has(Sum) else 2 if not _lone(term) else 3

    return sorted(
        terms,
        key=lambda t: (bool(t.as_coeff_Mul()[0] < 0), rank(t), sympy.default_sort_key(t)),
    )


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


def _mul(expr: Expr, scope: _Scope) -> Formula:
    factors = factors_of(expr)
    return _scaled(factors.coefficient, factors.above, scope, factors.below)


def _scaled(
    coefficient: Rational, above: Iterable[Expr], scope: _Scope, below: Iterable[Expr] = ()
) -> Formula:
    def place(factor: Expr) -> tuple[Any, ...]:
        return _place(factor, scope.order)

    return scaled(
        coefficient,
        [_write(f, scope) for f in sorted(above, key=place)],
        [_write(f, scope) for f in sorted(below, key=place)],
    )


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


def _place(factor: Expr, order: tuple[Index, ...]) -> tuple[Any, ...]:
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


def _power(expr: sympy.Pow, scope: _Scope) -> Formula:
    if expr.exp.is_Rational and expr.exp < 0:
        return Fraction(ONE, _write(expr.base**-expr.exp, scope))
    if expr.exp == Rational(1, 2):
        return Root(_write(expr.base, scope))
    return Power(_write(expr.base, scope), _write(expr.exp, scope))


def _exp(expr: Expr, scope: _Scope) -> Formula:
    """A softmax as e^z / Σ e^z."""
    found = softmax_of(expr.args[0])
    if found is None:
        return Apply("exp", (_write(expr.args[0], scope),))
    logits, _, normaliser = found
    above = Apply("exp", (_write(logits, scope),))
    return Fraction(above, _sum_of_exp(normaliser, scope))


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


def _sum_of_exp(expr: LogSumExp, scope: _Scope) -> Formula:
    exponential = Apply("exp", (_write(expr.body, scope),))
    return Big("sum", tuple(scope.names.entry(i) for i in expr.bound), exponential)


def _log_sum_exp(expr: LogSumExp, scope: _Scope) -> Formula:
    return Apply("log", (_sum_of_exp(expr, scope),))


def _reduction(expr: Reduction, scope: _Scope) -> Formula:
    operator = type(expr).__name__.lower()
    bound = tuple(scope.names.entry(i) for i in expr.bound)
    return Big(operator, bound, _write(expr.body, scope))


def _sum(expr: Sum, scope: _Scope) -> Formula:
    """A sum of all squares of a tensor as its squared norm."""
    square = expr.body
    if isinstance(square, sympy.Pow) and square.exp == 2 and isinstance(square.base, Access):
        indices = square.base.indices
        if (
            len(indices) <= 2
            and len(set(indices)) == len(indices)
            and set(indices) == set(expr.bound)
        ):
            return Norm(scope.names.whole(square.base.tensor), frobenius=len(indices) == 2)
    return _reduction(expr, scope)


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


def _delta(expr: Delta, scope: _Scope) -> Formula:
    """A plain index stands before what it is compared with."""
    a, b = sorted(expr.args, key=lambda i: not isinstance(i, Index))
    left, right = _write(a, scope), _write(b, scope)
    if isinstance(right, Named):
        return Kronecker(left, right)
    return Indicator(Relation("==", left, right))


def _mask(expr: Expr, scope: _Scope) -> Formula:
    return Indicator(relation(expr, lambda e: _write(e, scope)))


_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


def relation(mask: Expr, form: Callable[[Expr], Formula]) -> Formula:
    """What a mask says, its parts written by `form`."""
    if isinstance(mask, Compare):
        return Relation(mask.op, form(mask.args[1]), form(mask.args[2]))
    if isinstance(mask, Not) and isinstance(mask.args[0], Compare):
        opposite = _OPPOSITE[mask.args[0].op]
        return Relation(opposite, form(mask.args[0].args[1]), form(mask.args[0].args[2]))
    if isinstance(mask, Not):
        return Negation(relation(mask.args[0], form))
    if isinstance(mask, (And, Or)):
        operator = "and" if isinstance(mask, And) else "or"
        joined = relation(mask.args[0], form)
        for part in mask.args[1:]:
            joined = Relation(operator, joined, relation(part, form))
        return joined
    if isinstance(mask, Delta):
        return Relation("==", form(mask.args[0]), form(mask.args[1]))
    return form(mask)


def _where(expr: Where, scope: _Scope) -> Formula:
    mask, then, otherwise = expr.args
    said = relation(mask, lambda e: _write(e, scope))
    return Cases(said, _write(then, scope), _write(otherwise, scope))


def _stop(expr: Stop, scope: _Scope) -> Formula:
    return Apply("stop", (_write(expr.args[0], scope),))


def _partial(expr: Partial, scope: _Scope) -> Formula:
    of, by = (_write(a, scope) for a in expr.args)
    return Derivative(of, by)


def _digit(expr: Digit, scope: _Scope) -> Formula:
    """floor(flat / place) mod size."""
    flat, place, size = (_write(a, scope) for a in expr.args)
    quotient = flat if place == ONE else Apply("floor", (Fraction(flat, place),))
    return Apply("mod", (quotient, size))


def function_name(expr: Expr) -> str:
    """What a function is called in print."""
    if isinstance(expr, PointwiseFunction):
        return expr.table_name
    return "arctan" if isinstance(expr, sympy.atan) else str(expr.func.__name__)


def _function(expr: Expr, scope: _Scope) -> Formula:
    return Apply(function_name(expr), tuple(_write(a, scope) for a in expr.args))


def _constant(expr: Expr, scope: _Scope) -> Formula:
    return Constant("pi" if expr is sympy.pi else "e")


_WRITERS: Mapping[type, Callable[[Any, _Scope], Formula]] = {
    Access: _access,
    sympy.Rational: _number,
    TensorSymbol: _symbol,
    sympy.Symbol: _symbol,
    sympy.Add: _add,
    sympy.Mul: _mul,
    LogSumExp: _log_sum_exp,
    Sum: _sum,
    Prod: _reduction,
    Max: _reduction,
    Min: _reduction,
    ArgMax: _reduction,
    ArgMin: _reduction,
    Delta: _delta,
    Compare: _mask,
    And: _mask,
    Or: _mask,
    Not: _mask,
    Where: _where,
    Stop: _stop,
    Partial: _partial,
    Digit: _digit,
    sympy.exp: _exp,
    sympy.Pow: _power,
    sympy.Function: _function,
    sympy.NumberSymbol: _constant,
}
