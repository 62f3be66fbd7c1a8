"""The reasons of rules, whose mathematics the derivation states once, for all formats, languages.

It stands between dollars, in the notation of Python: `Σ[i](δ(u, i) * f[i]) == f[u]`, where [m] is 1
where m holds. The words around it are a phrase of the catalogues, with {a}, {b}, … in its place.
"""

from __future__ import annotations

import ast
from functools import cache
from string import ascii_lowercase

from sympy import Rational

from symbackprop.notation import Notation
from symbackprop.report.display import Display
from symbackprop.report.formula import (
    Apply,
    Big,
    Formula,
    Fraction,
    Indicator,
    Kronecker,
    Named,
    Number,
    Plus,
    Power,
    Relation,
    Times,
    negative,
)
from symbackprop.report.words import Words, phrased

_ALONE = "{a}"  # mathematics without a word


def reason(why: str, notation: Notation) -> Words:
    """What is said of a rule, in the notation's language."""
    phrase, statements = worded(why)
    formulas = [read(statement) for statement in statements]
    if phrase == _ALONE:
        return (formulas[0],)
    return phrased(
        notation,
        phrase,
        **{name: (formula,) for name, formula in zip(ascii_lowercase, formulas, strict=False)},
    )


def worded(why: str) -> tuple[str, tuple[str, ...]]:
    """The phrase, with names of places for the mathematics, and that."""
    pieces = why.split("$")
    statements = tuple(pieces[1::2])
    names = [f"{{{name}}}" for name in ascii_lowercase[: len(statements)]]
    phrase = "".join(a + b for a, b in zip(pieces[::2], [*names, ""], strict=True))
    return phrase, statements


@cache
def read(statement: str) -> Formula:
    """The formula that a statement is."""
    return _formula(ast.parse(statement, mode="eval").body)


def _formula(node: ast.expr) -> Formula:
    match node:
        case ast.Constant(value=int(number)):
            return Number(Rational(number))
        case ast.Name(id=name):
            return Named(Display(name))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return negative(_formula(operand))
        case ast.BinOp(left=left, op=operator, right=right):
            return _joined(operator, _formula(left), _formula(right))
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return Relation("==", _formula(left), _formula(right))
        case ast.List(elts=[condition]):
            return Indicator(_formula(condition))
        case ast.Subscript(value=ast.Name(id=name), slice=index):
            return Named(Display(name), (_formula(index),))
        case ast.Call(func=ast.Subscript(value=ast.Name(id="Σ"), slice=index), args=[body]):
            return Big("sum", (_formula(index),), _formula(body))
        case ast.Call(func=ast.Name(id="δ"), args=[left, right]):
            return Kronecker(_formula(left), _formula(right))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return Apply(name, tuple(map(_formula, arguments)))
    raise AssertionError(f"no notation for {ast.unparse(node)}")


def _joined(operator: ast.operator, left: Formula, right: Formula) -> Formula:
    match operator:
        case ast.Add() | ast.Sub():
            minus = isinstance(operator, ast.Sub)
            before = left.terms if isinstance(left, Plus) else ((False, left),)
            return Plus((*before, (minus, right)))
        case ast.Mult():
            return Times((*(left.factors if isinstance(left, Times) else (left,)), right))
        case ast.Div():
            return Fraction(left, right)
        case ast.Pow():
            return Power(left, right)
    raise AssertionError(f"no notation for {operator}")
