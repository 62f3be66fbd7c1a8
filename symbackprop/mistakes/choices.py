"""Mistakes in functions and conditions."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy import Expr

from symbackprop.equations.masks import And, Compare, Mask, Not, Or, Where
from symbackprop.equations.nodes import pointwise_function
from symbackprop.equations.reductions import ArgMax, ArgMin, Max, Min, Prod, Sum
from symbackprop.mistakes.places import Place, Scope, Variant, shown

# Functions that are taken for one another.
_PAIRS = (
    (sympy.tanh, pointwise_function("sigmoid")),
    (sympy.sin, sympy.cos),
    (sympy.sinh, sympy.cosh),
    (sympy.exp, pointwise_function("softplus")),
    (sympy.exp, sympy.log),
    (sympy.erf, sympy.tanh),
    (sympy.atan, sympy.tan),
    (pointwise_function("relu"), pointwise_function("softplus")),
    (Max, Min),
    (ArgMax, ArgMin),
    (Sum, Prod),
    (And, Or),
)


def wrong_function(place: Place, scope: Scope) -> Iterator[Variant]:
    """tanh for σ, the minimum for the maximum; or no function at all: x for f(x)."""
    node = place.node
    for a, b in (*_PAIRS, *((b, a) for a, b in _PAIRS)):
        if type(node) is a:
            yield b(*node.args), f"{_name(b)} where {_name(a)} belongs"
    if node.is_Function and len(node.args) == 1:
        yield node.args[0], f"{_name(node.func)} is forgotten"


def _name(function: type) -> str:
    return str(getattr(function, "table_name", function.__name__))


_CLOSE: dict[str, tuple[str, ...]] = {
    ">": (">=", "<"),
    ">=": (">", "<="),
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    "==": ("!=",),
    "!=": ("==",),
}


def wrong_comparison(place: Place, scope: Scope) -> Iterator[Variant]:
    """a >= b or a < b for a > b."""
    node = place.node
    if isinstance(node, Compare):
        for op in _CLOSE[node.op]:
            yield Compare(op, *node.args[1:]), f"{op} where {node.op} belongs in {shown(node)}"


def lost_guard(place: Place, scope: Scope) -> Iterator[Variant]:
    """a, b, or the other way round, for `a` where a mask holds and `b` elsewhere."""
    node = place.node
    if isinstance(node, Where):
        mask, a, b = node.args
        yield a, f"the condition {shown(mask)} is lost"
        yield Where(mask, b, a), f"the condition {shown(mask)} the other way round"
        if b != 0:
            yield b, f"what holds where {shown(mask)} is lost"
        for part in _parts(mask):
            yield Where(part, a, b), f"of the condition {shown(mask)} only {shown(part)} is left"
    elif isinstance(node, Mask) and not isinstance(node, Compare) and not place.is_position:
        yield Not(node), f"{shown(node)} the other way round"


def _parts(mask: Expr) -> Iterator[Expr]:
    """The condition with one of several left out."""
    if isinstance(mask, And | Or):
        for k in range(len(mask.args)):
            yield mask.func(*mask.args[:k], *mask.args[k + 1 :])
