"""What has to hold for an expression to have a value: no divisor is 0, no root is of less than 0.

A tensor may be read for a part of a line only if it has a value wherever the line has one: to read
√v for v asks for v >= 0, which arctan(v) does not, and the derivative of √v does.
"""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow
from sympy.core.function import Function

from symbackprop.equations.masks import Mask, Where
from symbackprop.equations.nodes import kinds
from symbackprop.equations.reductions import Sum

Demand = tuple[str, Expr]
Demands = frozenset[Demand]

_PARTIAL = frozenset({"log", "log1p", "tan"})  # the functions that are not defined everywhere
_GUARDS = (Mask, Where)


def demands(expr: Expr) -> Demands:
    """What the expression asks for, anywhere in it."""
    found: set[Demand] = set()
    for node in expr.atoms(Pow, Function):
        if isinstance(node, Pow):
            if not (node.exp.is_integer or _is_nonnegative(node.base)):
                found.add(("at least 0", node.base))
            if not (node.exp.is_nonnegative or node.base.is_nonzero):
                found.add(("not 0", node.base))
        elif node.func.__name__ in _PARTIAL:
            found.add((node.func.__name__, node.args[0]))
    return frozenset(found)


def granted(term: Expr) -> Demands:
    """What holds wherever a product has a value: what its factors ask for, in its sums too.

    A factor with a mask or a `where` in it may have a value without its parts.
    """
    found: Demands = frozenset()
    for factor in Mul.make_args(term):
        if isinstance(factor, Sum):
            found |= granted(factor.body)
        elif kinds(factor).isdisjoint(_GUARDS):
            found |= demands(factor)
    return found


def granted_by_terms(expr: Expr) -> Demands:
    """What holds wherever a sum of terms has a value: what those ask for that nothing guards."""
    terms = (t for t in Add.make_args(expr) if kinds(t).isdisjoint(_GUARDS))
    return frozenset().union(*map(granted, terms))


def _is_nonnegative(expr: Expr) -> bool:
    """Whether it is a square, or a sum or product of such."""
    if isinstance(expr, Sum):
        return _is_nonnegative(expr.body)
    if isinstance(expr, Add | Mul):
        return all(map(_is_nonnegative, expr.args))
    return bool(expr.is_nonnegative)
