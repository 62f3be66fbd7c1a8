"""Reductions of an expression over bound indices."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Basic, Expr, Integer

from symbackprop.equations.nodes import Index, Node


class Reduction(Node):
    """A reduction of `body` over the bound indices."""

    def __new__(cls, body: Any, *bound: Index) -> Any:
        assert all(isinstance(i, Index) for i in bound), bound
        if not bound:
            return sympy.sympify(body)
        return Expr.__new__(cls, sympy.sympify(body), *bound)

    @property
    def body(self) -> Expr:
        return self.args[0]

    @property
    def bound(self) -> tuple[Index, ...]:
        return self.args[1:]  # type: ignore[no-any-return]

    @property
    def free_symbols(self) -> set[Basic]:
        return self.body.free_symbols - set(self.bound)  # type: ignore[no-any-return]

    def _sympystr(self, printer: Any) -> str:
        bound = ", ".join(i.name for i in self.bound)
        return f"{type(self).__name__}[{bound}]({printer.doprint(self.body)})"


class Sum(Reduction):
    """Σ body over the bound indices; a sum of zero is zero, nested sums are one."""

    def __new__(cls, body: Any, *bound: Index) -> Any:
        body = sympy.sympify(body)
        if body == 0:
            return Integer(0)
        if isinstance(body, Sum):
            return Reduction.__new__(cls, body.body, *bound, *body.bound)
        return Reduction.__new__(cls, body, *bound)


class Prod(Reduction):
    """Π body."""


class Max(Reduction):
    """The largest body."""


class Min(Reduction):
    """The smallest body."""


class LogSumExp(Reduction):
    """log Σ exp(body)."""


class ArgMax(Reduction):
    """Row-major position, over the bound indices, of the first place that attains the maximum."""

    is_integer = True
    is_nonnegative = True


class ArgMin(Reduction):
    """Row-major position of the first place that attains the minimum."""

    is_integer = True
    is_nonnegative = True
