"""Index form: an expression for one entry, written out with Σ and subscripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import sympy
from sympy import Expr, Rational

from symbackprop.equations.masks import And, Compare, Delta, Not, Or, Where
from symbackprop.equations.nodes import Access, Digit, Index, Partial, Stop, TensorSymbol
from symbackprop.equations.ranges import untold
from symbackprop.equations.reductions import (
    ArgMax,
    ArgMin,
    LogSumExp,
    Max,
    Min,
    Prod,
    Reduction,
    Sum,
)
from symbackprop.report.conditions import conditions, is_masked, relation, written
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
    Listing,
    Named,
    Norm,
    Number,
    Plus,
    Power,
    Relation,
    Root,
    negative,
)
from symbackprop.report.languages import say
from symbackprop.report.naming import Names
from symbackprop.report.positions import Position, positions
from symbackprop.report.structure import (
    common_factor,
    factors_of,
    function_name,
    ordered_terms,
    place,
    scaled,
    softmax_of,
)


@dataclass(frozen=True)
class _Scope:
    """The names, the indices of the result, in whose order factors stand, and masks that hold."""

    names: Names
    order: tuple[Index, ...]
    held: tuple[Expr, ...] = ()  # masks that hold here


def entry_form(expr: Expr, names: Names, order: tuple[Index, ...] = ()) -> Formula:
    """The formula of one entry; `order` holds the indices of the left-hand side."""
    return _write(expr, _Scope(names, names.order(order)))


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


def signed(term: Expr, scope: _Scope) -> tuple[bool, Formula]:
    """Whether a term is subtracted, and its formula without the sign."""
    minus = bool(term.as_coeff_Mul()[0] < 0)
    return minus, _write(-term if minus else term, scope)


def _mul(expr: Expr, scope: _Scope) -> Formula:
    factors = factors_of(expr)
    return _scaled(factors.coefficient, factors.above, scope, factors.below)


def _scaled(
    coefficient: Rational, above: Iterable[Expr], scope: _Scope, below: Iterable[Expr] = ()
) -> Formula:
    def at(factor: Expr) -> tuple[Any, ...]:
        return place(factor, scope.order)

    others, found = positions(above)
    top = [_write(f, scope) for f in sorted(others, key=at)]
    top += [_position(p, scope) for p in found]
    return scaled(coefficient, top, [_write(f, scope) for f in sorted(below, key=at)])


def _position(position: Position, scope: _Scope) -> Formula:
    place = Listing(tuple(_write(i, scope) for i in position.place))
    return Indicator(Relation("==", place, _write(position.extremum, scope)))


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


def _sum_of_exp(expr: LogSumExp, scope: _Scope) -> Formula:
    """Σ e^z, over what is not masked: a score of -10^30 counts as minus infinity."""
    body: Expr = expr.body
    given: tuple[Formula, ...] = ()
    if is_masked(body):
        given = written([body.args[0]], lambda e: _write(e, scope))
        body = body.args[1]
    return Big("sum", _bound(expr, scope), Apply("exp", (_write(body, scope),)), given)


def _log_sum_exp(expr: LogSumExp, scope: _Scope) -> Formula:
    return Apply("log", (_sum_of_exp(expr, scope),))


def _reduction(expr: Reduction, scope: _Scope) -> Formula:
    operator = type(expr).__name__.lower()
    return Big(operator, _bound(expr, scope), _write(expr.body, scope))


def _bound(expr: Reduction, scope: _Scope) -> tuple[Formula, ...]:
    """The bound indices; p < 2 where what it reads does not tell how far p runs."""
    long = untold(expr)
    names = {index: scope.names.entry(index) for index in expr.bound}
    return tuple(
        Relation("<", name, _write(index.extent, scope)) if index in long else name
        for index, name in names.items()
    )


def _sum(expr: Sum, scope: _Scope) -> Formula:
    """A sum of all squares of a tensor as its squared norm; conditions on indices below Σ."""
    square = expr.body
    if isinstance(square, sympy.Pow) and square.exp == 2 and isinstance(square.base, Access):
        indices = square.base.indices
        if (
            len(indices) <= 2
            and len(set(indices)) == len(indices)
            and set(indices) == set(expr.bound)
        ):
            return Norm(scope.names.whole(square.base.tensor), frobenius=len(indices) == 2)
    if isinstance(square, sympy.exp) and is_masked(square.args[0]):
        return _sum_of_exp(LogSumExp(square.args[0], *expr.bound), scope)
    body, masks = conditions(expr.body, expr.bound)
    given = written(masks, lambda e: _write(e, scope))
    return Big("sum", _bound(expr, scope), _write(body, scope), given)


def _delta(expr: Delta, scope: _Scope) -> Formula:
    """A plain index stands before what it is compared with; δ means one thing on a page."""
    a, b = sorted(expr.args, key=lambda i: not isinstance(i, Index))
    left, right = _write(a, scope), _write(b, scope)
    if isinstance(right, Named) and scope.names.notation.cotangents != "delta":
        return Kronecker(left, right)
    return Indicator(Relation("==", left, right))


def _mask(expr: Expr, scope: _Scope) -> Formula:
    return Indicator(relation(expr, lambda e: _write(e, scope)))


def _where(expr: Where, scope: _Scope) -> Formula:
    mask, then, otherwise = expr.args
    if mask in scope.held:
        return _write(then, scope)
    said = relation(mask, lambda e: _write(e, scope))
    inside = replace(scope, held=(*scope.held, mask))
    here = partial(say, scope.names.notation)
    words = (here("if"), here("otherwise"), here("{then} if {mask} else {other}"))
    return Cases(said, _write(then, inside), _write(otherwise, scope), words)


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


def _function(expr: Expr, scope: _Scope) -> Formula:
    return Apply(function_name(expr), tuple(_write(a, scope) for a in expr.args))


def _floor(expr: Expr, scope: _Scope) -> Formula:
    """⌊(T - 3)/2⌋: SymPy's T/2 - 3/2 over one denominator."""
    above, below = sympy.fraction(sympy.together(expr.args[0]))
    quotient = _write(above, scope)
    return Apply("floor", (quotient if below == 1 else Fraction(quotient, _write(below, scope)),))


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
    sympy.floor: _floor,
    sympy.Function: _function,
    sympy.NumberSymbol: _constant,
}
