"""Functions of the pointwise table, lowered by their own equations."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from sympy import E, Expr, Rational, pi

from symbackprop.layers.pointwise import POINTWISE
from symbackprop.program.graph import COMPARISON_FUNCTIONS
from symbackprop.program.scope import Labelled, Scope
from symbackprop.spec import expression
from symbackprop.spec.syntax import Binary, Call, Compare, Expression, Name, Number, Unary

# What array libraries have as one function: no need for the equation.
DIRECT: Mapping[str, str] = {
    "log1p": "log1p",
    "expm1": "expm1",
    "sign": "sign",
    "abs": "absolute",
    "maximum": "maximum",
    "minimum": "minimum",
}
_BINARY = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_CONSTANTS: Mapping[str, Expr] = {"pi": pi, "e": E}


def apply_table(name: str, parts: list[Labelled], scope: Scope) -> Labelled:
    """A function of the table: directly, or by the form of its equation that is safe to compute."""
    row = POINTWISE[name]
    text = row.computed or row.definition
    if name in DIRECT or text is None:
        return scope.apply(DIRECT.get(name, name), *parts)
    parameters = [p.partition("=") for p in row.parameters.split(", ")]
    known = {p[0]: part for p, part in zip(parameters, parts, strict=False)}
    for parameter, _, default in parameters[len(parts) :]:
        known[parameter] = scope.scalar(Rational(default))
    return _lower(_parsed(text), known, scope)


_parsed = functools.lru_cache(maxsize=None)(expression)


def _lower(node: Expression, known: Mapping[str, Labelled], scope: Scope) -> Labelled:
    match node:
        case Number(value=value):
            return scope.scalar(Rational(value.numerator, value.denominator))
        case Name(id=name):
            return known[name] if name in known else scope.scalar(_CONSTANTS[name])
        case Unary(op="-", of=of):
            return scope.apply("negative", _lower(of, known, scope))
        case Binary(op="**", left=left, right=Number(value=power)):
            base = _lower(left, known, scope)
            assert power.denominator == 1 and power > 0, power
            return functools.reduce(
                lambda total, _: scope.apply("multiply", total, base), range(int(power) - 1), base
            )
        case Binary(op=op, left=left, right=right):
            parts = (_lower(part, known, scope) for part in (left, right))
            return scope.apply(_BINARY[op], *parts)
        case Compare(op=op, left=left, right=right):
            parts = (_lower(part, known, scope) for part in (left, right))
            return scope.apply(COMPARISON_FUNCTIONS[op], *parts)
        case Call(function="where", args=inner):
            return scope.apply("where", *(_lower(part, known, scope) for part in inner))
        case Call(function=function, args=inner):
            return apply_table(function, [_lower(part, known, scope) for part in inner], scope)
    raise AssertionError(f"{node} has no place in the pointwise table")
