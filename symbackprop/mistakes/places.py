"""The places in a right-hand side, and what is known around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sympy import Expr, Symbol

from symbackprop.derivation.model import Line
from symbackprop.equations.masks import Compare, Delta
from symbackprop.equations.nodes import Access, Digit, Index, TensorSymbol
from symbackprop.equations.reductions import Reduction
from symbackprop.equations.system import Equation


@dataclass(frozen=True)
class Place:
    """One place: the expression there, and the whole right-hand side with another put there.

    `indices` are the equation's, `bound` those of the reductions around the place. `is_position`:
    it is (part of) an index expression, so that its value says where to read.
    """

    node: Expr
    indices: tuple[Index, ...]
    put: Callable[[Expr], Expr]
    bound: tuple[Index, ...] = ()
    is_position: bool = False
    is_whole: bool = False


@dataclass(frozen=True)
class Scope:
    """Around a line: the tensors that are known there, which are cotangents, forward equations."""

    line: Line
    tensors: tuple[TensorSymbol, ...]
    cotangents: frozenset[TensorSymbol]
    forward: Mapping[TensorSymbol, Equation]
    extents: tuple[Symbol, ...]


Variant = tuple[Expr, str]  # what stands there by mistake, and the words for it
Kind = Callable[[Place, Scope], Iterator[Variant]]


def places(rhs: Expr, indices: tuple[Index, ...]) -> Iterator[Place]:
    """Every place of a right-hand side, from the whole to its parts."""
    return _within(Place(rhs, indices, lambda expr: expr, is_whole=True))


def _within(place: Place) -> Iterator[Place]:
    yield place
    node = place.node
    bound = place.bound + (node.bound if isinstance(node, Reduction) else ())
    inside = place.is_position or _states_a_position(node)
    for k in _expressions(node):

        def put(expr: Expr, k: int = k) -> Expr:
            return place.put(node.func(*node.args[:k], expr, *node.args[k + 1 :]))

        yield from _within(Place(node.args[k], place.indices, put, bound, inside))


def _expressions(node: Expr) -> range:
    """Which arguments are expressions: not a tensor's name, an operator, a bound index."""
    first = 1 if isinstance(node, Access | Compare) else 0
    return range(first, 1 if isinstance(node, Reduction) else len(node.args))


def _states_a_position(node: Expr) -> bool:
    if isinstance(node, Compare):
        return bool(node.args[1].is_integer and node.args[2].is_integer)
    return isinstance(node, Access | Delta | Digit)


def shown(expr: Expr, most: int = 60) -> str:
    """An expression in a message, cut where it is long."""
    text = str(expr)
    return text if len(text) <= most else f"{text[: most - 1]}…"
