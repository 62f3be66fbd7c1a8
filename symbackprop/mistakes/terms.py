"""Mistakes in sums and products."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy import Add, Expr, Integer, Mul, Pow, Rational, Symbol

from symbackprop.equations.nodes import Access, Index
from symbackprop.equations.reductions import Sum
from symbackprop.mistakes.places import Place, Scope, Variant, shown


def opposite_sign(place: Place, scope: Scope) -> Iterator[Variant]:
    """-f for f; a - b for a + b."""
    if place.is_position:
        return
    node = place.node
    if place.is_whole:
        yield -node, "the sign is opposite"
    if isinstance(node, Add):
        for term in node.args:
            yield node - 2 * term, f"the sign of {shown(term)} is opposite"


def missing_term(place: Place, scope: Scope) -> Iterator[Variant]:
    """a for a + b."""
    if isinstance(place.node, Add) and not place.is_position:
        for k, term in enumerate(place.node.args):
            rest = Add(*place.node.args[:k], *place.node.args[k + 1 :])
            yield rest, f"the term {shown(term)} is missing"


def dropped_factor(place: Place, scope: Scope) -> Iterator[Variant]:
    """a for a b."""
    if isinstance(place.node, Mul) and not place.is_position:
        for k, factor in enumerate(place.node.args):
            rest = Mul(*place.node.args[:k], *place.node.args[k + 1 :])
            yield rest, f"the factor {shown(factor)} is missing"


def wrong_factor(place: Place, scope: Scope) -> Iterator[Variant]:
    """f for c f, c f for f, c f for f/c, with c = 2, a number that stands there, or an extent."""
    node = place.node
    if place.is_position:
        return
    factors = Mul.make_args(node) if isinstance(node, Mul) or place.is_whole else ()
    constant = [f for f in factors if _is_constant(f) and f != -1]
    for factor in constant:
        yield node / factor, f"the factor {factor} is missing"
        yield node / factor**2, f"the factor {factor} is turned over"
    if place.is_whole:
        yield 2 * node, "a factor 2 too many"
        yield node / 2, "a factor 1/2 too many"
        for extent in _extents(node, scope):
            if not any(f.has(extent) for f in constant):
                yield node / extent, f"a factor 1/{extent} too many"
        for a, b in _pairs(constant, scope):
            yield node.xreplace({a: b}), f"the extent {b} where {a} belongs"


def _is_constant(factor: Expr) -> bool:
    return not factor.has(Access, Index)


def _extents(node: Expr, scope: Scope) -> list[Expr]:
    """What a mean instead of a sum may divide by: run-time extents, and those of summed indices."""
    summed = [i.extent for s in node.atoms(Sum) for i in s.bound]
    return sorted({*scope.extents, *summed} - {Integer(1)}, key=sympy.default_sort_key)


def _pairs(constant: list[Expr], scope: Scope) -> Iterator[tuple[Symbol, Symbol]]:
    read = {s for factor in constant for s in factor.free_symbols}
    yield from ((a, b) for a in scope.extents if a in read for b in scope.extents if b != a)


def wrong_power(place: Place, scope: Scope) -> Iterator[Variant]:
    """f for f², f³ for f², f for 1/f, …"""
    node = place.node
    if place.is_position or not isinstance(node, Pow) or not node.exp.is_Rational:
        return
    if _is_constant(node.base):
        return
    base, power = node.args
    likely = (Integer(1), power + 1, power - 1, -power, power / 2, power + Rational(1, 2))
    for wrong in likely:
        if wrong not in (0, power):
            yield base**wrong, f"{shown(base)} to the power {wrong}, not {power}"
