"""The table of pointwise functions as functions of numbers, from the definitions' own text.

The text is walked here, apart from the spec's parser, so that a mistake there shows.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from symbackprop.equations.evaluate_numbers import Arithmetic, Value
from symbackprop.layers.pointwise import POINTWISE

Scope = Mapping[str, Value]
Compiled = Callable[[Scope], Value]

_COMPARISONS = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


@functools.cache
def pointwise(name: str, arithmetic: Arithmetic) -> Callable[..., Value]:
    """The function of that row of the table; parameters with a default may be left out."""
    if name in arithmetic.functions:
        return arithmetic.functions[name]
    row = POINTWISE[name]
    assert row.definition is not None, f"{name} is a primitive without arithmetic"
    parameters = [parameter.partition("=") for parameter in row.parameters.split(",")]
    names = [parameter.strip() for parameter, _, _ in parameters]
    scope = {n.strip(): _number(text.strip(), arithmetic) for n, sign, text in parameters if sign}
    body = _compile(ast.parse(row.definition, mode="eval").body, row.definition, arithmetic)

    def function(*arguments: Value) -> Value:
        value = body({**scope, **dict(zip(names, arguments, strict=False))})
        return functools.reduce(_unless_nan, arguments, value)

    return function


def _unless_nan(value: Value, argument: Value) -> Value:
    """What is no number stays none, also where a condition would take the other case for it."""
    nan = argument != argument
    return np.where(nan, np.nan, value) if np.any(nan) else value


def _number(text: str, arithmetic: Arithmetic) -> Value:
    exact = Fraction(text)
    return int(exact) if exact.denominator == 1 else arithmetic.rational(*exact.as_integer_ratio())


def _compile(node: ast.expr, text: str, arithmetic: Arithmetic) -> Compiled:
    """The function of the parameters' values that a definition's syntax tree stands for."""

    def inner(child: ast.expr) -> Compiled:
        return _compile(child, text, arithmetic)

    if isinstance(node, ast.Constant):
        constant = _number(ast.get_source_segment(text, node) or "", arithmetic)
        return lambda scope: constant
    if isinstance(node, ast.Name):
        name = node.id
        return (lambda scope: arithmetic.pi) if name == "pi" else (lambda scope: scope[name])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operand = inner(node.operand)
        return lambda scope: operand(scope) * -1
    if isinstance(node, ast.BinOp):
        return _binary(node.op, inner(node.left), inner(node.right), arithmetic)
    if isinstance(node, ast.Compare):
        left, right = inner(node.left), inner(node.comparators[0])
        compare = arithmetic.comparisons[_COMPARISONS[type(node.ops[0])]]
        return lambda scope: compare(left(scope), right(scope))
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name), ast.dump(node)
    arguments = [inner(argument) for argument in node.args]
    if node.func.id == "where":
        mask, a, b = arguments
        choose = arithmetic.choose
        return lambda scope: choose(mask(scope), lambda: a(scope), lambda: b(scope))
    function = pointwise(node.func.id, arithmetic)
    return lambda scope: function(*(argument(scope) for argument in arguments))


def _binary(op: ast.operator, left: Compiled, right: Compiled, arithmetic: Arithmetic) -> Compiled:
    power = arithmetic.power
    if isinstance(op, ast.Sub):
        return lambda scope: left(scope) + right(scope) * -1
    if isinstance(op, ast.Div):
        return lambda scope: left(scope) * power(right(scope), -1)
    if isinstance(op, ast.Pow):
        return lambda scope: power(left(scope), right(scope))
    combine = {ast.Add: operator.add, ast.Mult: operator.mul}[type(op)]
    return lambda scope: combine(left(scope), right(scope))
