"""Scalar derivatives of single nodes: the only place where calculus is asked of SymPy."""

from __future__ import annotations

import functools

from sympy import Add, Expr, Integer, Mul, Pow, Symbol

from symbackprop.derivation.rules.recognise import recognise
from symbackprop.equations.masks import Mask, Where
from symbackprop.equations.nodes import PointwiseFunction, Stop
from symbackprop.equations.pointwise import definition


def partial_derivative(node: Expr, position: int) -> Expr:
    """∂f/∂a_position of f(a_0, a_1, …), one function or power, at its own arguments."""
    if isinstance(node, Pow) and position == 0:
        # SymPy writes bᵉ e / b, which is not finite at b = 0
        return node.exp * node.base ** (node.exp - 1)
    dummies = tuple(
        a if a.is_number else Symbol(f"_a{k}", real=True) for k, a in enumerate(node.args)
    )
    derivative = _of_dummies(node.func, dummies, position)
    back = {d: a for d, a in zip(dummies, node.args, strict=True) if d is not a}
    return derivative.xreplace(back)


@functools.lru_cache(maxsize=1024)
def _of_dummies(function: type[Expr], dummies: tuple[Expr, ...], position: int) -> Expr:
    if issubclass(function, PointwiseFunction):
        parameters, body = definition(function.table_name)
        derived = recognise(derivative(body, parameters[position]))
        return derived.xreplace(dict(zip(parameters, dummies, strict=True)))
    return function(*dummies).diff(dummies[position])


def derivative(expr: Expr, x: Symbol) -> Expr:
    """d expr / dx of a scalar expression; masks and stopped values are constants."""
    if expr == x:
        return Integer(1)
    if isinstance(expr, Mask | Stop) or x not in expr.free_symbols:
        return Integer(0)
    if isinstance(expr, Add):
        return Add(*(derivative(a, x) for a in expr.args))
    if isinstance(expr, Mul):
        terms = []
        for k, factor in enumerate(expr.args):
            others = Mul(*expr.args[:k], *expr.args[k + 1 :])
            terms.append(derivative(factor, x) * others)
        return Add(*terms)
    if isinstance(expr, Where):
        mask, a, b = expr.args
        return Where(mask, derivative(a, x), derivative(b, x))
    assert isinstance(expr, Pow) or expr.is_Function, expr
    return Add(
        *(
            partial_derivative(expr, k) * derivative(a, x)
            for k, a in enumerate(expr.args)
            if x in a.free_symbols
        )
    )
