"""Sums of products: factors leave the sum where they can, the rest become matrix products."""

from __future__ import annotations

import itertools

from sympy import Add, Expr, Integer, Mul, Pow

from symbackprop.equations.masks import Delta
from symbackprop.equations.nodes import Access, Index, free_indices
from symbackprop.equations.reductions import Sum
from symbackprop.equations.renaming import substituted
from symbackprop.program.contractions import contract
from symbackprop.program.ranges import guarded_sum
from symbackprop.program.scatters import is_scatter, lower_scatter, stays_below
from symbackprop.program.scope import Axes, Labelled, Scope


def lower_sum(expr: Sum, scope: Scope) -> Labelled:
    """Σ body: term by term where a term is a product of values along different indices."""
    if is_scatter(expr):
        return lower_scatter(expr, scope)
    body, bound = _collapse(expr.body, expr.bound)
    if not bound:
        return scope.lower(body)
    split = guarded_sum(body, bound)
    if split is not None:
        return scope.lower(split)
    if isinstance(body, Add):
        content, rest = common_factor(body)
        if content != 1:
            return scope.scale(scope.lower(Sum(rest, *bound)), content)
        if _apart(body, bound, scope):
            return scope.lower(Add(*(Sum(term, *bound) for term in body.args)))
    return _sum_of_product(body, bound, scope)


def common_factor(expr: Add) -> tuple[Expr, Expr]:
    """The number that SymPy has distributed over a sum, and the sum without it; else 1.

    Where a term stands without a number, none has been.
    """
    content, rest = expr.primitive()
    before, after = (
        any(abs(term.as_coeff_Mul()[0]) == 1 for term in Add.make_args(e)) for e in (expr, rest)
    )
    return (content, rest) if after and not before else (Integer(1), expr)


def _collapse(body: Expr, bound: Axes) -> tuple[Expr, Axes]:
    """Σ_k δ(k, e) f(k) = f(e), for a position e that an integer tensor or an index gives."""
    for delta in [f for f in Mul.make_args(body) if isinstance(f, Delta)]:
        for index, other in itertools.permutations(delta.args):
            plain = isinstance(other, (Access, Index)) and not other.has(index)
            if index in bound and plain and stays_below(other, index.extent):
                rest = Mul(*(f for f in Mul.make_args(body) if f is not delta))
                remaining = tuple(i for i in bound if i != index)
                return _collapse(substituted(rest, {index: other}), remaining)
    return body, bound


def _apart(body: Add, bound: Axes, scope: Scope) -> bool:
    """Whether the terms are better summed one by one than added up entry by entry first.

    So where adding up needs an array larger than any that the terms need, or where a term does not
    depend on an index that the sum runs over.
    """
    terms = [free_indices(term) for term in body.args]
    union = set().union(*terms)
    if any(not set(bound) <= term for term in terms):
        return True
    largest = max(scope.weight(free_indices(f)) for t in body.args for f in Mul.make_args(t))
    return scope.weight(union) > largest


def _sum_of_product(body: Expr, bound: Axes, scope: Scope) -> Labelled:
    """Σ of a product: numbers and factors that do not know the bound indices are pulled out."""
    inside: list[Labelled] = []
    outside: list[Expr] = []
    for factor in Mul.make_args(body):
        if set(bound).isdisjoint(free_indices(factor)):
            outside.append(factor)
            continue
        base, exponent = factor.as_base_exp()
        if isinstance(factor, Pow) and exponent == 2:
            inside += [scope.lower(base)] * 2
        else:
            inside.append(scope.lower(factor))
    used = {i for factor in inside for i in factor.axes}
    terms = scope.missing(tuple(used), bound)
    total = contract(inside, tuple(i for i in bound if i in used), scope)
    number = terms
    factors: list[Expr] = []
    for factor in outside:
        constant = scope.number(factor)
        if constant is None:
            factors.append(factor)
        else:
            number *= constant
    if factors:
        total = scope.apply("multiply", total, scope.lower(Mul(*factors)))
    return scope.scale(total, number)


def lower_product(expr: Expr, scope: Scope) -> Labelled:
    """Π body; an index that the body does not depend on raises it to the power of its extent.

    In floats: whole numbers would soon be larger than an integer of the machine.
    """
    body = scope.lower(expr.body)
    power = scope.missing(body.axes, expr.bound)
    number = scope.graph.number(body.value)
    if number is not None:
        return scope.scalar(number**power)
    if scope.graph.kind(body.value) == "integer":
        body = Labelled(scope.graph.real(body.value), body.axes)
    found = scope.reduce("prod", body, expr.bound)
    if power == 1:
        return found
    return scope.apply("power", found, scope.scalar(Integer(1) * power))
