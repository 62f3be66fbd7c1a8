"""Renaming indices: so that nothing is captured, and so that like forms are seen as equal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from sympy import Basic, Expr

from symbackprop.equations.nodes import Index, free_indices
from symbackprop.equations.reductions import Reduction


def fresh_name(base: str, taken: set[str]) -> str:
    """`base`, or `base` with the first number that makes it new: k, k1, k2, …"""
    stem = base.rstrip("0123456789") or base
    if base not in taken:
        return base
    number = 1
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def fresh_bound(expr: Expr, taken: Collection[str]) -> Expr:
    """The same expression, bound indices named away from `taken` and what encloses them."""
    if not expr.has(Reduction):
        return expr
    if isinstance(expr, Reduction):
        inner = set(taken)
        free = {i.name for i in free_indices(expr.body)}
        names: dict[Index, Index] = {}
        for index in expr.bound:
            name = index.name if index.name not in inner else fresh_name(index.name, inner | free)
            inner.add(name)
            if name != index.name:
                names[index] = Index(name, index.extent)
        body = expr.body
        if names:
            # inner binders step aside first, so that no new name is captured
            body = fresh_bound(body, inner).xreplace(names)
        return expr.func(fresh_bound(body, inner), *(names.get(i, i) for i in expr.bound))
    return expr.func(*(fresh_bound(a, taken) if isinstance(a, Expr) else a for a in expr.args))


def substituted(expr: Expr, mapping: Mapping[Index, Expr]) -> Expr:
    """The expression with indices replaced; bound ones step aside, so that none captures."""
    taken = {i.name for e in (*mapping, *mapping.values()) for i in free_indices(e)}
    return fresh_bound(expr, taken).xreplace(dict(mapping))


def alpha(expr: Expr, depth: int = 0) -> Expr:
    """The expression, bound indices named by depth, so that α-equal ones are equal."""
    if not expr.has(Reduction):
        return expr
    if isinstance(expr, Reduction):
        names = {i: Index(f"_{depth + k}", i.extent) for k, i in enumerate(expr.bound)}
        body = alpha(expr.body.xreplace(names), depth + len(names))
        return expr.func(body, *names.values())
    return expr.func(*(alpha(a, depth) if isinstance(a, Expr) else a for a in expr.args))


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
