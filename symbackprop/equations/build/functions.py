"""What array statements and index statements share: operators, masks, pointwise functions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

import sympy
from sympy import Expr, Rational

from symbackprop.equations import masks, nodes
from symbackprop.equations.build.scope import Scope
from symbackprop.equations.masks import Compare, Delta, Mask, Not
from symbackprop.equations.nodes import Access, Index
from symbackprop.layers.pointwise import POINTWISE
from symbackprop.spec.syntax import Place

PRIMITIVES: Mapping[str, type[sympy.Function]] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "arctan": sympy.atan,
    "erf": sympy.erf,
    "sqrt": sympy.sqrt,
}


def apply_pointwise(name: str, arguments: Sequence[Expr], named: Mapping[str, Expr]) -> Expr:
    """The function of that row of the pointwise table, its defaults filled in."""
    bound = pointwise_signature(name).bind(*arguments, **named)
    bound.apply_defaults()
    filled = [sympy.sympify(a) for a in bound.arguments.values()]
    if name in PRIMITIVES:
        return PRIMITIVES[name](*filled)
    function = nodes.pointwise_function(name)(*filled)
    return _number(function) if all(a.is_number for a in filled) else function


def _number(expr: Expr) -> Expr:
    """A function of numbers by its definition: relu(-3) is 0."""
    from symbackprop.equations.pointwise import definition

    if not expr.args:
        return expr
    expr = expr.func(*map(_number, expr.args))
    if not isinstance(expr, nodes.PointwiseFunction):
        return expr
    parameters, body = definition(expr.table_name)
    return _number(body.xreplace(dict(zip(parameters, expr.args, strict=True))))


def pointwise_signature(name: str) -> inspect.Signature:
    """What a call may pass: `x, slope=0.01` read as a signature of exact numbers."""
    parameters = []
    for written in POINTWISE[name].parameters.split(", "):
        own, _, default = written.partition("=")
        value = Rational(default) if default else inspect.Parameter.empty
        parameters.append(
            inspect.Parameter(own, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value)
        )
    return inspect.Signature(parameters)


def combine(scope: Scope, op: str, a: Expr, b: Expr, places: tuple[Place, Place]) -> Expr:
    """a op b for the entries of two operands."""
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            if b == 0:
                scope.fail(places[1], "division by zero", "divide by something else")
            return a / b
        case "**":
            return a**b
        case "&":
            return masks.And(
                *(require_mask(scope, m, p, "&") for m, p in zip((a, b), places, strict=True))
            )
    assert op == "|", op
    return masks.Or(*(require_mask(scope, m, p, "|") for m, p in zip((a, b), places, strict=True)))


def compare(op: str, a: Expr, b: Expr) -> Expr:
    """A mask; equality of index expressions is Kronecker's delta."""
    if op in ("==", "!=") and a.is_integer and b.is_integer and (a.has(Index) or b.has(Index)):
        return Delta(a, b) if op == "==" else Not(Delta(a, b))
    return Compare(op, a, b)


def require_mask(scope: Scope, value: Expr, place: Place, operator: str) -> Expr:
    """The value, if it is a mask; else a fault."""
    if is_mask(value):
        return value
    scope.fail(
        place,
        f"'{operator}' takes masks, but this is a number",
        "compare it, as in x > 0, or declare the input with kind: mask",
    )


def is_mask(value: Expr) -> bool:
    """Whether the value is 0 or 1 by its form."""
    if isinstance(value, Access):
        return value.tensor.kind == "mask"
    return isinstance(value, Mask) or value in (sympy.S.Zero, sympy.S.One)
