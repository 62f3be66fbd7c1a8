"""Conditions, as numbers that are 0 or 1, and the choice between two values by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy import Basic, Expr, Integer, Symbol

from symbackprop.equations.nodes import Index, Node


class Mask(Node):
    """A number that is 0 or 1."""

    is_integer = True
    is_nonnegative = True


class Delta(Mask):
    """Kronecker's δ(a, b) of two index expressions: 1 where they are equal, else 0."""

    def __new__(cls, a: Any, b: Any) -> Any:
        a, b = sympy.sympify(a), sympy.sympify(b)
        if (_is_only_zero(a) and b == 0) or (_is_only_zero(b) and a == 0):
            return Integer(1)
        difference = a - b
        if difference == 0:
            return Integer(1)
        if difference.is_Integer:
            return Integer(0)
        return Expr.__new__(cls, *sorted((a, b), key=sympy.default_sort_key))


def _is_only_zero(expr: Any) -> bool:
    """An index of extent 1."""
    return isinstance(expr, Index) and expr.extent == 1


class Compare(Mask):
    """[a op b] with op one of < <= > >= == !=; `op` is a Symbol of that name."""

    def __new__(cls, op: Any, a: Any, b: Any) -> Any:
        op = op if isinstance(op, Symbol) else Symbol(op)
        a, b = sympy.sympify(a), sympy.sympify(b)
        if a.is_Rational and b.is_Rational:
            return Integer(int(COMPARISONS[op.name](a, b)))
        return Expr.__new__(cls, op, a, b)

    @property
    def op(self) -> str:
        return self.args[0].name  # type: ignore[no-any-return]

    @property
    def free_symbols(self) -> set[Basic]:
        return self.args[1].free_symbols | self.args[2].free_symbols  # type: ignore[no-any-return]


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
}


class And(Mask):
    """All of the masks."""

    def __new__(cls, *masks: Any) -> Any:
        return _joined(cls, masks, neutral=1)


class Or(Mask):
    """Any of the masks."""

    def __new__(cls, *masks: Any) -> Any:
        return _joined(cls, masks, neutral=0)


def _joined(cls: type[Mask], masks: tuple[Any, ...], neutral: int) -> Any:
    """The masks but for the neutral ones; a number where one of them decides, or none is left."""
    given = [sympy.sympify(m) for m in masks]
    left = [m for m in given if m != neutral]
    if any(m.is_Integer for m in left) or not left:
        return Integer(1 - neutral if left else neutral)
    return left[0] if len(left) == 1 else Expr.__new__(cls, *left)


class Not(Mask):
    """1 - mask."""

    def __new__(cls, mask: Any) -> Any:
        mask = sympy.sympify(mask)
        if mask.is_Integer:
            return Integer(1 - int(mask))
        return mask.args[0] if isinstance(mask, Not) else Expr.__new__(cls, mask)


class Where(Node):
    """`a` where the mask holds, `b` elsewhere; the branch not taken does not count, even if NaN."""

    def __new__(cls, mask: Any, a: Any, b: Any) -> Any:
        mask, a, b = sympy.sympify(mask), sympy.sympify(a), sympy.sympify(b)
        if mask.is_Integer:
            return a if mask == 1 else b
        if a == 1 and b == 0:
            return mask
        if a == 0 and b == 1:
            return Not(mask)
        return a if a == b else Expr.__new__(cls, mask, a, b)
