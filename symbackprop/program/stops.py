"""What differentiation takes for a constant is none where values are computed."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr

from symbackprop.equations.nodes import Stop
from symbackprop.equations.system import Equation


def without_stops(equation: Equation) -> Equation:
    """The same for values: what differentiation takes for a constant is none."""
    if not equation.rhs.has(Stop):
        return equation
    return replace(equation, rhs=_plain(equation.rhs))


def _plain(expr: Expr) -> Expr:
    if not expr.has(Stop):
        return expr
    if isinstance(expr, Stop):
        return _plain(expr.args[0])
    return expr.func(*(_plain(a) if isinstance(a, Expr) else a for a in expr.args))
