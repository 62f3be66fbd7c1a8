"""Indices replaced by positions, in expressions that may bind indices of the same names."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr

from symbackprop.equations.nodes import Index, free_indices
from symbackprop.equations.renaming import fresh_bound


def substituted(expr: Expr, mapping: Mapping[Index, Expr]) -> Expr:
    """The expression with indices replaced; bound ones step aside, so that none captures."""
    taken = {i.name for e in (*mapping, *mapping.values()) for i in free_indices(e)}
    return fresh_bound(expr, taken).xreplace(dict(mapping))
