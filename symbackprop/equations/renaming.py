"""Renaming indices: so that nothing is captured, and so that like forms are seen as equal."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from sympy import Basic, Expr

from symbackprop.equations.nodes import Index, free_indices, kinds
from symbackprop.equations.reductions import Reduction


def fresh_name(base: str, taken: set[str]) -> str:
    """`base`, or `base` with the first number that makes it new: k, k1, k2, …"""
    if base not in taken:
        return base
    plain, number = stem(base), 1
    while f"{plain}{number}" in taken:
        number += 1
    return f"{plain}{number}"


def fresh_bound(expr: Expr, taken: Collection[str]) -> Expr:
    """The same expression, bound indices named away from `taken` and what encloses them."""
    return _rebound(expr, taken, fresh_name)


def plain_bound(expr: Expr, taken: Collection[str]) -> Expr:
    """The same, each bound index with the plainest name that is free: j3 becomes j."""
    return _rebound(expr, taken, lambda name, names: fresh_name(stem(name), names))


def _rebound(expr: Expr, taken: Collection[str], choose: Callable[[str, set[str]], str]) -> Expr:
    if Reduction not in kinds(expr):
        return expr
    if not isinstance(expr, Reduction):
        return expr.func(
            *(_rebound(a, taken, choose) if isinstance(a, Expr) else a for a in expr.args)
        )
    inner = set(taken)
    free = {i.name for i in free_indices(expr)}
    names: dict[Index, Index] = {}
    for index in expr.bound:
        name = choose(index.name, inner | free)
        inner.add(name)
        if name != index.name:
            names[index] = Index(name, index.extent)
    # inner binders step aside first, so that no new name is captured
    aside = _rebound(expr.body, inner, fresh_name) if names else expr.body
    body = _rebound(aside.xreplace(names), inner, choose)
    return expr.func(body, *(names.get(i, i) for i in expr.bound))


def stem(name: str) -> str:
    """The name without the number at its end."""
    return name.rstrip("0123456789") or name


def substituted(expr: Expr, mapping: Mapping[Index, Expr]) -> Expr:
    """The expression with indices replaced; bound ones step aside, so that none captures."""
    taken = {i.name for e in (*mapping, *mapping.values()) for i in free_indices(e)}
    return fresh_bound(expr, taken).xreplace(dict(mapping))


def alpha(expr: Expr, depth: int = 0) -> Expr:
    """The expression, bound indices named by depth, so that α-equal ones are equal."""
    if Reduction not in kinds(expr):
        return expr
    if isinstance(expr, Reduction):
        names = {i: Index(f"_{depth + k}", i.extent) for k, i in enumerate(expr.bound)}
        body = alpha(expr.body.xreplace(names), depth + len(names))
        return expr.func(body, *names.values())
    return expr.func(*(alpha(a, depth) if isinstance(a, Expr) else a for a in expr.args))


@functools.lru_cache(maxsize=65536)
def positional(expr: Expr) -> tuple[Expr, tuple[Index, ...]]:
    """The expression with its free indices numbered as they first appear, and those indices.

    Two expressions that differ only in the names of indices have the same first part.
    """
    order = tuple(dict.fromkeys(_indices_in_order(expr, frozenset())))
    return numbered(expr, order), order


def numbered(expr: Expr, order: Sequence[Index]) -> Expr:
    """The expression with those free indices named by their position, and bound ones by depth."""
    names = {i: Index(f"#{k}", i.extent) for k, i in enumerate(order)}
    return alpha(expr.xreplace(names))


def _indices_in_order(expr: Expr, bound: frozenset[Basic]) -> Iterator[Index]:
    if isinstance(expr, Index):
        if expr not in bound:
            yield expr
    elif isinstance(expr, Reduction):
        yield from _indices_in_order(expr.body, bound | set(expr.bound))
    else:
        for argument in expr.args:
            yield from _indices_in_order(argument, bound)
