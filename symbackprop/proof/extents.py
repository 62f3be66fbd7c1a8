"""The extents of an instance: small different primes, in every shape others.

A fixed extent is taken smaller too where it is nothing but the length of axes: where no position is
reckoned with it. A shift has room along every run-time extent.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr

from symbackprop.equations.evaluate_environment import extent_of
from symbackprop.equations.masks import Compare, Delta
from symbackprop.equations.nodes import Access, Digit, Index
from symbackprop.equations.reductions import ArgMax, ArgMin
from symbackprop.proof.statements import Statement

_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
_KEPT = 3  # an extent up to this is small enough
_FARTHEST = 20  # a shift up to this has room along a run-time extent


@dataclass(frozen=True)
class _Lengths:
    """The extents that a statement speaks of: run-time, fixed, those made of others, and `tied`,
    with which positions are reckoned; and the farthest shift of a position.
    """

    run_time: tuple[str, ...]
    fixed: frozenset[int]
    made: tuple[Expr, ...]
    tied: frozenset[Expr]
    shift: int

    @property
    def large(self) -> list[int]:
        """The fixed extents that may be smaller."""
        return sorted(n for n in self.fixed if n > _KEPT and n not in self.tied)


def may_shrink(statement: Statement) -> bool:
    """Whether a fixed extent may be smaller than it is."""
    return bool(_lengths(statement).large)


def sizes(statement: Statement, shape: int, smaller: bool, least: int = 0) -> dict[Any, int]:
    """A number for each run-time extent, by name; a smaller one for each fixed that may have it.

    Run-time extents are larger than `least`.
    """
    lengths = _lengths(statement)
    large = lengths.large if smaller else []
    free = [p for p in _PRIMES if p not in lengths.fixed - set(large)]
    names = lengths.run_time
    chosen = _others([p for p in free if p > max(lengths.shift + 1, least)], len(names), shape)
    extents: dict[Any, int] = dict(zip(names, chosen, strict=True))
    free = [p for p in free if p not in chosen]
    extents |= dict(zip(large, _others(free, len(large), shape), strict=True))
    return _large_enough(extents, lengths.made)


@functools.lru_cache(maxsize=64)
def _lengths(statement: Statement) -> _Lengths:
    indices = {i for expr in statement.exprs for i in expr.atoms(Index)}
    indices |= {i for side in (statement.before, statement.after) for i in side.indices}
    every = {i.extent for i in indices}
    for tensor in statement.tensors:
        every |= {*tensor.shape, *([] if tensor.classes is None else [tensor.classes])}
    symbols = {s.name for size in every for s in size.free_symbols}
    for expr in statement.exprs:
        symbols |= {s.name for s in expr.free_symbols if s.is_positive and s.is_integer}
    return _Lengths(
        tuple(sorted(symbols)),
        frozenset(int(size) for size in every if size.is_Integer),
        tuple(sorted((e for e in every if not e.is_Integer), key=str)),
        frozenset(size for expr in statement.exprs for size in _tied(expr)),
        max((n for expr in statement.exprs for n in _shifts(expr)), default=0),
    )


def _others(primes: list[int], number: int, shape: int) -> list[int]:
    """So many primes, none in the place where another shape has it, as small as that allows."""
    pool = primes[: number + number % 2]
    turned = pool[shape // 2 :] + pool[: shape // 2]
    return (turned[::-1] if shape % 2 else turned)[:number]


def _large_enough(extents: dict[Any, int], made: tuple[Expr, ...]) -> dict[Any, int]:
    """The run-time extents, larger where an extent made of them would be below 1."""
    while short := next((e for e in made if extent_of(e, extents) < 1), None):
        least = min((s.name for s in short.free_symbols), key=lambda name: (extents[name], name))
        taken = set(extents.values())
        extents[least] = next(p for p in _PRIMES if p > extents[least] and p not in taken)
    return extents


def _tied(expr: Any) -> Iterator[Expr]:
    """The extents that positions are reckoned with: what is added to, compared or made of them."""
    if isinstance(expr, Access):
        for position, size in zip(expr.indices, expr.tensor.shape, strict=True):
            if _length(position) != size:
                yield from (size, *_extents_in(position))
    if isinstance(expr, Delta) and len(set(map(_length, expr.args))) > 1:
        yield from _extents_in(expr)
    if isinstance(expr, Compare) and not all(isinstance(e, Index) for e in expr.args[1:]):
        yield from (size for e in expr.args[1:] for size in _extents_in(e))
    if isinstance(expr, Digit) or (isinstance(expr, ArgMax | ArgMin) and len(expr.bound) > 1):
        yield from _extents_in(expr)
    for argument in expr.args:
        yield from _tied(argument)


def _length(position: Expr) -> Expr | None:
    """The extent that all values of a position are below, where it is plainly that of an axis."""
    if isinstance(position, Index):
        return position.extent
    if isinstance(position, Access):
        return position.tensor.classes
    if isinstance(position, ArgMax | ArgMin) and len(position.bound) == 1:
        return position.bound[0].extent
    return None


def _extents_in(expr: Any) -> Iterator[Expr]:
    """The extents of the indices and labels that stand in it as numbers, and its whole numbers."""
    if isinstance(expr, Index):
        yield expr.extent
    elif isinstance(expr, Access):
        if expr.tensor.classes is not None:
            yield expr.tensor.classes
    elif expr.is_Integer:
        yield expr
    else:
        for argument in expr.args:
            yield from _extents_in(argument)


def _shifts(expr: Expr) -> Iterator[int]:
    """The numbers that positions are moved by."""
    for node in expr.atoms(Access, Compare, Delta):
        for position in node.args:
            if position.has(Index):
                whole = (int(n) for n in position.atoms(sympy.Integer))
                yield from (abs(n) for n in whole if abs(n) <= _FARTHEST)
