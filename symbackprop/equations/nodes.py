"""Indexed tensors as SymPy expressions; `reductions` and `masks` have nodes of their own.

Grammar of a right-hand side:

    rhs   := SymPy Add | Mul | Pow | exp, log, tanh … over rhs | number | extent symbol
           | Access(tensor, index expression, …)
           | Sum | Prod | Max | Min | LogSumExp (body; bound Index, …)
           | ArgMax | ArgMin (body; bound Index, …)      row-major position of the first extremum
           | Where(mask, rhs, rhs)  |  Stop(rhs)  |  PointwiseFunction(rhs, …)
           | Partial(Access, Access)                      only in a chain-rule step
    mask  := Compare(op, rhs, rhs) | And | Or | Not | Delta(index expr, index expr)
           | Access of a mask tensor                      a number, 0 or 1
    index expression := integer SymPy over Index, extents, Access of an integer tensor, Digit

A bound index never has the name of a free index of its equation or of an index bound around
it; `fresh_bound` renames before expressions are joined, so that a substitution never captures.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import sympy
from sympy import Expr, Integer, Symbol


class Index(Symbol):  # type: ignore[misc]
    """An index i with 0 <= i < extent; two indices are equal if name and extent are."""

    __slots__ = ("extent",)
    extent: Expr

    def __new__(cls, name: str, extent: Any) -> Index:
        return _index(cls, name, sympy.sympify(extent))  # type: ignore[arg-type]

    def __getnewargs_ex__(self) -> tuple[tuple[str, Expr], dict[str, Any]]:
        return (self.name, self.extent), {}

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*Symbol._hashable_content(self), self.extent)


@functools.lru_cache(maxsize=65536)
def _index(cls: type[Index], name: str, extent: Expr) -> Index:
    index = Symbol.__xnew__(cls, name, integer=True, nonnegative=True)
    index.extent = extent
    return index  # type: ignore[no-any-return]


class TensorSymbol(Symbol):  # type: ignore[misc]
    """The name of a tensor inside an expression, with its shape; kind is real, integer or mask.

    The entries of an integer tensor are labels 0 <= y < classes.
    """

    __slots__ = ("classes", "kind", "shape")
    shape: tuple[Expr, ...]
    kind: str
    classes: Expr | None

    def __new__(
        cls, name: str, shape: Iterable[Any], kind: str = "real", classes: Any = None
    ) -> TensorSymbol:
        below = None if classes is None else sympy.sympify(classes)
        extents = tuple(sympy.sympify(s) for s in shape)
        return _tensor_symbol(cls, name, extents, kind, below)  # type: ignore[arg-type]

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.shape, self.kind, self.classes), {}

    def _hashable_content(self) -> tuple[Any, ...]:
        classes = () if self.classes is None else (self.classes,)
        return (*Symbol._hashable_content(self), self.kind, *self.shape, *classes)

    _iterable = False  # SymPy takes what has __getitem__ for a sequence

    def __getitem__(self, indices: Any) -> Access:
        return Access(self, *(indices if isinstance(indices, tuple) else (indices,)))

    @property
    def rank(self) -> int:
        return len(self.shape)


@functools.lru_cache(maxsize=65536)
def _tensor_symbol(
    cls: type[TensorSymbol], name: str, shape: tuple[Expr, ...], kind: str, classes: Expr | None
) -> TensorSymbol:
    tensor = Symbol.__xnew__(cls, name, real=True)
    tensor.shape = shape
    tensor.kind = kind
    tensor.classes = classes
    return tensor  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=4096)
def extent(name: str) -> Symbol:
    """The symbol of a run-time extent such as N: a positive integer."""
    return Symbol(name, integer=True, positive=True)


class Node(Expr):  # type: ignore[misc]
    """A real-valued node of the grammar above."""

    is_commutative = True
    is_real = True

    def __new__(cls, *args: Any) -> Any:
        return Expr.__new__(cls, *(sympy.sympify(a) for a in args))

    def _eval_is_integer(self) -> bool | None:
        return None

    def _sympystr(self, printer: Any) -> str:
        return f"{type(self).__name__}({', '.join(printer.doprint(a) for a in self.args)})"


class Access(Node):
    """x[a, b]: one entry of a tensor; the first argument is its TensorSymbol."""

    def __new__(cls, tensor: TensorSymbol, *indices: Any) -> Access:
        assert isinstance(tensor, TensorSymbol), tensor
        assert len(indices) == tensor.rank, (tensor.name, tensor.shape, indices)
        return Expr.__new__(cls, tensor, *(sympy.sympify(i) for i in indices))  # type: ignore[no-any-return]

    @property
    def tensor(self) -> TensorSymbol:
        return self.args[0]  # type: ignore[no-any-return]

    @property
    def indices(self) -> tuple[Expr, ...]:
        return self.args[1:]  # type: ignore[no-any-return]

    def _sympystr(self, printer: Any) -> str:
        return f"{self.tensor.name}[{', '.join(printer.doprint(i) for i in self.indices)}]"

    def _eval_is_integer(self) -> bool | None:
        return True if self.tensor.kind != "real" else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.tensor.kind != "real" else None


class Stop(Node):
    """A value that differentiation takes for a constant."""


class Partial(Node):
    """∂y[i]/∂x[u] of the one equation that defines y, all other tensors held fixed.

    It stands only in the first step of a backward line: the chain rule, before it is worked out.
    """

    def __new__(cls, of: Access, by: Access) -> Partial:
        return Expr.__new__(cls, of, by)  # type: ignore[no-any-return]


class Digit(Node):
    """The digit (flat // place) mod size of a flattened position: how a reshape reads."""

    is_integer = True
    is_nonnegative = True

    def __new__(cls, flat: Any, place: Any, size: Any) -> Any:
        flat, place, size = (sympy.sympify(a) for a in (flat, place, size))
        if all(a.is_Integer for a in (flat, place, size)):
            return Integer((int(flat) // int(place)) % int(size))
        return Expr.__new__(cls, flat, place, size)


class PointwiseFunction(sympy.Function):  # type: ignore[misc]
    """Base of the functions that the pointwise table defines; `table_name` is its row."""

    table_name: str
    is_real = True

    @classmethod
    def eval(cls, *args: Expr) -> Expr | None:
        return None


@functools.cache
def pointwise_function(name: str) -> type[PointwiseFunction]:
    """The SymPy function class for a row of the pointwise table that has a definition."""
    return type(name, (PointwiseFunction,), {"table_name": name, "__module__": __name__})


def tensors(expr: Expr) -> list[TensorSymbol]:
    """Every tensor that the expression reads, each once, by name."""
    return sorted(tensor_set(expr), key=lambda t: t.name)


@functools.lru_cache(maxsize=65536)
def tensor_set(expr: Any) -> frozenset[TensorSymbol]:
    """The tensors that the expression reads."""
    if isinstance(expr, TensorSymbol):
        return frozenset((expr,))
    return frozenset().union(*map(tensor_set, expr.args)) if expr.args else frozenset()


@functools.lru_cache(maxsize=65536)
def kinds(expr: Any) -> frozenset[type]:
    """The classes of its nodes, and those that they are made of."""
    return frozenset(type(expr).__mro__).union(*map(kinds, expr.args))


@functools.lru_cache(maxsize=65536)
def free_indices(expr: Any) -> frozenset[Index]:
    """The indices that the expression depends on."""
    if isinstance(expr, Index):
        return frozenset((expr,))
    free: frozenset[Index] = frozenset().union(*map(free_indices, expr.args))
    return free.difference(getattr(expr, "bound", ()))  # a reduction's
