"""What the ranges of indices say about index expressions."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Expr, Integer, Mul

from symbackprop.equations.masks import Compare
from symbackprop.equations.nodes import Access, Digit, Index
from symbackprop.equations.reductions import ArgMax, ArgMin

Bound = Any  # a SymPy expression, or None where it is not known


def bounds(value: Expr) -> tuple[Bound, Bound]:
    """The least and greatest value of an index expression; None where it is not known."""
    low: Expr = Integer(0)
    high: Expr = Integer(0)
    for term in sympy.Add.make_args(value):
        coefficient, rest = term.as_coeff_Mul()
        if not rest.has(Index, Access):
            least = greatest = term
        elif isinstance(rest, Index):
            ends = (Integer(0), coefficient * (rest.extent - 1))
            least, greatest = ends if coefficient > 0 else ends[::-1]
        elif (greatest_entry := _greatest_entry(rest)) is not None:
            ends = (Integer(0), coefficient * greatest_entry)
            least, greatest = ends if coefficient > 0 else ends[::-1]
        else:
            indices = [f for f in Mul.make_args(term) if isinstance(f, Index)]
            others = Mul(*(f for f in Mul.make_args(term) if not isinstance(f, Index)))
            if len(indices) != 1 or others.has(Index) or not others.is_nonnegative:
                return None, None
            least, greatest = Integer(0), others * (indices[0].extent - 1)
        low, high = low + least, high + greatest
    return sympy.expand(low), sympy.expand(high)


def _greatest_entry(node: Expr) -> Expr | None:
    """The greatest value of a digit, a label or a position."""
    if isinstance(node, Digit):
        return node.args[2] - 1
    if isinstance(node, Access) and node.tensor.classes is not None:
        return node.tensor.classes - 1
    if isinstance(node, ArgMax | ArgMin):
        return sympy.prod(i.extent for i in node.bound) - 1
    return None


def digit(flat: Expr, place: Expr, size: Expr) -> Expr:
    """(flat // place) mod size, as a plainer index expression where the ranges allow one.

    Multiples of place · size leave by the mod, what is below `place` by the division.
    """
    terms = [t for t in sympy.Add.make_args(sympy.expand(flat))]
    terms = [t for t in terms if not (t / (place * size)).is_integer]
    whole = sympy.Add(*(t for t in terms if (t / place).is_integer))
    low, high = bounds(sympy.Add(*terms) - whole)
    if low == 0 and high is not None and (place - 1 - high).is_nonnegative:
        quotient = sympy.expand(whole / place)
        least, greatest = bounds(quotient)
        if least == 0 and greatest is not None and (size - 1 - greatest).is_nonnegative:
            return quotient
    return Digit(flat, place, size)


def decided(expr: Expr) -> Expr:
    """The expression, comparisons of index expressions decided where their ranges do."""
    if not expr.has(Compare):
        return expr
    arguments = [decided(a) if isinstance(a, Expr) else a for a in expr.args]
    expr = expr if tuple(arguments) == expr.args else expr.func(*arguments)
    if isinstance(expr, Compare) and expr.args[1].is_integer and expr.args[2].is_integer:
        return _settled(expr)
    return expr


def _settled(comparison: Compare) -> Expr:
    """1 or 0 where a op b holds for all, or for no, values of the indices."""
    op, a, b = comparison.op, comparison.args[1], comparison.args[2]
    if op in (">", ">="):
        op, a, b = {">": "<", ">=": "<="}[op], b, a
    low, high = bounds(a - b)
    if op == "<":
        op, low, high = "<=", _plus_one(low), _plus_one(high)
    if op == "<=":
        if high is not None and high.is_nonpositive:
            return Integer(1)
        if low is not None and low.is_positive:
            return Integer(0)
    return comparison


def _plus_one(bound: Bound) -> Bound:
    return None if bound is None else bound + 1
