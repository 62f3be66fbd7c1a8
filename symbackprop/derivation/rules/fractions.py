"""Fractions over powers of one divisor, where what stands above them cancels.

f/d + g/d² = (f d + g)/d²        where f d + g is one term
u sign(u) = abs(u)
"""

from __future__ import annotations

import sympy
from sympy import Add, Expr, Mul, Pow

from symbackprop.equations.nodes import Access, pointwise_function

sign = pointwise_function("sign")
absolute = pointwise_function("abs")


def over_one_divisor(expr: Expr) -> Expr:
    """The expression with such fractions as one, which loses no digits where d is large."""
    if isinstance(expr, Access) or not any(map(_is_fraction, expr.atoms(Pow))):
        return expr
    arguments = [over_one_divisor(a) if isinstance(a, Expr) else a for a in expr.args]
    if tuple(arguments) != expr.args:
        expr = expr.func(*arguments)
    return _one_fraction(expr) if isinstance(expr, Add) else expr


def _is_fraction(factor: Expr) -> bool:
    """1/d, 1/d², … for a sum d."""
    whole = isinstance(factor, Pow) and factor.exp.is_Integer and factor.exp < 0
    return whole and isinstance(factor.base, Add)


def _one_fraction(total: Add) -> Expr:
    powers: dict[Expr, dict[Expr, Expr]] = {}  # of each divisor, in the terms that have it
    for term in total.args:
        for factor in filter(_is_fraction, Mul.make_args(term)):
            powers.setdefault(factor.base, {})[term] = -factor.exp
    for divisor in sorted(powers, key=sympy.default_sort_key):
        terms = powers[divisor]
        highest = max(terms.values())
        if len(set(terms.values())) < 2:
            continue
        above = Add(*(_expanded(term * divisor**highest) for term in terms))
        if not isinstance(above, Add):
            return Add(above / divisor**highest, *(t for t in total.args if t not in terms))
    return total


def _expanded(product: Expr) -> Expr:
    """The terms of a product multiplied out, with abs(u) for u sign(u)."""
    return Add(*(_magnitudes(t) for t in Add.make_args(sympy.expand_mul(product))))


def _magnitudes(term: Expr) -> Expr:
    factors = list(Mul.make_args(term))
    for found in [f for f in factors if isinstance(f, sign)]:
        if found.args[0] in factors:
            factors.remove(found)
            factors[factors.index(found.args[0])] = absolute(found.args[0])
    return Mul(*factors)
