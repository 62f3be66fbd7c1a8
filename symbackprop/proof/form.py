"""The form of an expression: what is left of it when all names are gone.

A form is the expression in prefix notation, with every tensor, extent and index written as a number
in the order in which they first occur; there, its shape, kind or extent is told too. So two
expressions have the same form only if they differ in nothing but names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sympy import Expr

from symbackprop.equations.masks import Compare
from symbackprop.equations.nodes import Access, Index, Partial, TensorSymbol
from symbackprop.equations.system import Equation

Form = tuple[Any, ...]


class Writer:
    """Writes expressions one after the other, in which a name always means the same."""

    def __init__(self, *facts: Collection[TensorSymbol]) -> None:
        """`facts` are the tensors of which something is known, which the form tells as well."""
        self.tensors: dict[TensorSymbol, int] = {}
        self.differentiated: list[TensorSymbol] = []
        self._facts = facts
        self._extents: dict[str, int] = {}
        self._bound: dict[Index, int] = {}
        self._free: dict[Index, int] = {}
        self._written: list[Any] = []

    def form(self) -> Form:
        """What was written so far."""
        return tuple(self._written)

    def equation(self, role: str, equation: Equation) -> None:
        """A tensor, its definition, and what that is for: h may move with x, or stand still."""
        self._written.append(role)
        self._tensor(equation.tensor)
        self.side(equation.indices, equation.rhs)

    def side(self, indices: Iterable[Index], expr: Expr) -> None:
        """An expression over these indices, which the form knows by their places."""
        self._free = {index: k for k, index in enumerate(indices)}
        self._written.append("side")
        for index in self._free:
            self._expr(index.extent)
        self._expr(expr)

    def _expr(self, expr: Any) -> None:
        written = self._written
        if isinstance(expr, Index):
            self._index(expr)
        elif isinstance(expr, TensorSymbol):
            self._tensor(expr)
        elif isinstance(expr, Access):
            written.append(Access)
            self._tensor(expr.tensor)
            for position in expr.indices:
                self._expr(position)
        elif expr.is_Rational:
            written += ("number", expr.p, expr.q)
        elif expr.is_Symbol:
            written += ("extent", self._extents.setdefault(expr.name, len(self._extents)))
        elif isinstance(expr, Compare):
            written += (Compare, expr.op)
            for argument in expr.args[1:]:
                self._expr(argument)
        else:
            if isinstance(expr, Partial):
                self.differentiated.append(expr.args[0].tensor)
            written += (expr.func, len(expr.args))
            for argument in expr.args:
                self._expr(argument)

    def _index(self, index: Index) -> None:
        if index in self._free:
            self._written += ("free", self._free[index])
            return
        known = index in self._bound
        self._written += ("bound", self._bound.setdefault(index, len(self._bound)))
        if not known:
            self._expr(index.extent)

    def _tensor(self, tensor: TensorSymbol) -> None:
        known = tensor in self.tensors
        self._written += ("tensor", self.tensors.setdefault(tensor, len(self.tensors)))
        if not known:
            known_of = (tensor in fact for fact in self._facts)
            self._written += (tensor.kind, *known_of, tensor.rank)
            for size in tensor.shape:
                self._expr(size)
            if tensor.classes is not None:
                self._expr(tensor.classes)
