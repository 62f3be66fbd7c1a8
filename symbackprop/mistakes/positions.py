"""Mistakes in where a tensor is read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from sympy import Add, Expr, Integer

from symbackprop.equations.masks import And, Compare, Delta, Where
from symbackprop.equations.nodes import Access, Index
from symbackprop.equations.ranges import decided
from symbackprop.mistakes.places import Place, Scope, Variant, shown


def swapped_axes(place: Place, scope: Scope) -> Iterator[Variant]:
    """W[j, i] for W[i, j], of two axes of one extent."""
    node = place.node
    if isinstance(node, Access):
        for a, b in itertools.combinations(range(node.tensor.rank), 2):
            if node.tensor.shape[a] == node.tensor.shape[b]:
                positions = list(node.indices)
                positions[a], positions[b] = positions[b], positions[a]
                wrong = Access(node.tensor, *positions)
                yield wrong, f"{shown(wrong)} where {shown(node)} belongs"


def wrong_index(place: Place, scope: Scope) -> Iterator[Variant]:
    """x[n, j] for x[n, i], of two indices of one extent that both mean something there."""
    node = place.node
    if isinstance(node, Access | Delta):
        first = 1 if isinstance(node, Access) else 0
        known = dict.fromkeys((*place.indices, *place.bound))
        for k in range(first, len(node.args)):
            for index in sorted(node.args[k].atoms(Index), key=str):
                for other in known:
                    if other != index and other.extent == index.extent:
                        position = node.args[k].xreplace({index: other})
                        wrong = node.func(*node.args[:k], position, *node.args[k + 1 :])
                        yield wrong, f"{shown(wrong)} where {shown(node)} belongs"


def wrong_shift(place: Place, scope: Scope) -> Iterator[Variant]:
    """h[t] , h[t - 2] or h[t + 1] for h[t - 1]; nothing is read outside the tensor."""
    node = place.node
    if isinstance(node, Access):
        for k, position in enumerate(node.indices):
            if isinstance(position, Add) and position.has(Index):
                constant, _ = position.as_coeff_Add()
                for moved in (-constant, 1, -1, -2 * constant):
                    yield from _read_at(node, k, position + moved)


def wrong_stride(place: Place, scope: Scope) -> Iterator[Variant]:
    """x[i + p] or x[3 i + p] for x[2 i + p]; nothing is read outside the tensor."""
    node = place.node
    if isinstance(node, Access):
        for k, position in enumerate(node.indices):
            for term in Add.make_args(position):
                stride, index = term.as_coeff_Mul()
                if isinstance(index, Index) and stride != 1:
                    yield from _read_at(node, k, position - term + index)
                    yield from _read_at(node, k, position + index)


def _read_at(node: Access, axis: int, position: Expr) -> Iterator[Variant]:
    """The access with another position, 0 where that is outside the tensor."""
    positions = list(node.indices)
    extent, positions[axis] = node.tensor.shape[axis], position
    wrong = Access(node.tensor, *positions)
    inside = And(Compare(">=", position, 0), Compare("<", position, extent))
    words = f"{shown(wrong)} where {shown(node)} belongs"
    yield Where(decided(inside), wrong, Integer(0)), words


def moved_delta(place: Place, scope: Scope) -> Iterator[Variant]:
    """δ(a + 1, b) or δ(a - 1, b) for δ(a, b)."""
    node = place.node
    if isinstance(node, Delta):
        a, b = node.args
        for by in (1, -1):
            wrong = Delta(a + by, b)
            yield wrong, f"{shown(wrong)} where {shown(node)} belongs"
