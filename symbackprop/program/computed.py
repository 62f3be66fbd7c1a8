"""Equations as they are computed: what is a constant for differentiation alone is none here, and
no digits are lost where a sigmoid comes near its target.

σ(u) - y = ((1 - y) - y e) / (1 + e)  for u > 0, else ((1 - y) e - y) / (1 + e),  e = exp(-|u|)

Where y is 1 and u large, the left side has only the digits that σ(u) has beside 1: none at all from
u = 17 in float32. The exponential is that of softplus, which the loss of such a sigmoid has. It is
for cotangents on which the error falls undamped: those of what u is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sympy import Add, Expr, Integer, exp

from symbackprop.derivation.model import Derivation, Line
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Access, Stop, TensorSymbol, pointwise_function, tensors
from symbackprop.equations.renaming import substituted
from symbackprop.equations.system import Equation

_SIGMOID, _ABS = pointwise_function("sigmoid"), pointwise_function("abs")


def computed(derivation: Derivation) -> Callable[[Line], Equation]:
    """The equation of a line as it is computed."""
    targets = [given.symbol for given in derivation.system.inputs]
    forward = [line.equation for line in derivation.forward]
    sigmoids = {e.tensor: e for e in forward if isinstance(e.rhs, _SIGMOID)}

    def spread(total: Add, of: TensorSymbol | None) -> Expr:
        """A sum with its p - y in the form that keeps digits, p = σ(u) with `of` in u."""
        for p in total.args:
            factor, sigmoid = p.as_coeff_Mul()
            u = _argument(sigmoid, sigmoids)
            if u is None or of not in tensors(u):
                continue
            for y in total.args:
                target = -y / factor
                if isinstance(target, Access) and target.tensor in targets:
                    return total - p - y + factor * _apart(u, target)
        return total

    def of(line: Line) -> Equation:
        rhs = _without_stops(line.equation.rhs)
        for total in rhs.atoms(Add) if sigmoids or rhs.has(_SIGMOID) else ():
            rhs = rhs.xreplace({total: spread(total, line.of)})
        return line.equation if rhs is line.equation.rhs else replace(line.equation, rhs=rhs)

    return of


def _apart(u: Expr, y: Expr) -> Expr:
    """σ(u) - y."""
    e = exp(-_ABS(u))
    return Where(Compare(">", u, Integer(0)), (1 - y) - y * e, (1 - y) * e - y) / (1 + e)


def _argument(expr: Expr, sigmoids: Mapping[TensorSymbol, Equation]) -> Expr | None:
    """The u of σ(u), or of an entry of a tensor that is one; None for anything else."""
    if isinstance(expr, _SIGMOID):
        return expr.args[0]
    if not (isinstance(expr, Access) and expr.tensor in sigmoids):
        return None
    equation = sigmoids[expr.tensor]
    places = dict(zip(equation.indices, expr.indices, strict=True))
    return substituted(equation.rhs.args[0], places)


def _without_stops(expr: Expr) -> Expr:
    if not expr.has(Stop):
        return expr
    if isinstance(expr, Stop):
        return _without_stops(expr.args[0])
    return expr.func(*(_without_stops(a) if isinstance(a, Expr) else a for a in expr.args))
