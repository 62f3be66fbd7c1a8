"""Edits of signs, factors, numbers and powers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symbackprop.auditing.repairs.code import (
    ATOM,
    POWER,
    PRODUCT,
    SIGNED,
    SIGNS,
    SUM,
    SUMS,
    Spot,
)
from symbackprop.auditing.repairs.places import Change, Place, called

COMPARED = {
    ">": ("<", "<=", ">="),
    "<": (">", ">=", "<="),
    ">=": ("<", "<=", ">"),
    "<=": (">", ">=", "<"),
    "==": ("!=",),
    "!=": ("==",),
}


def turned_difference(place: Place) -> Iterator[Change]:
    """p - t was written as t - p."""
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and not place.index:
        constant = isinstance(node.left, ast.Constant)
        left, right = place.code.operand(node.right, SUM), place.code.operand(node.left, PRODUCT)
        yield place.instead(f"{left} - {right}", SUM, 1.5 if constant else 0.0)


def other_sign(place: Place) -> Iterator[Change]:
    """A term is added where it is subtracted, or the other way round."""
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, SUMS) and not place.index:
        old = SIGNS[type(node.op)]
        yield Change((place.code.sign(node.left, node.right, old, "-" if old == "+" else "+"),))


def lost_minus(place: Place) -> Iterator[Change]:
    """A minus is missing before a whole term."""
    if place.root and not isinstance(place.node, ast.UnaryOp):
        inner = place.unlikely
        bare = 1.0 if isinstance(place.node, ast.Constant) else 0.0
        yield place.instead(f"-{place.operand(PRODUCT)}", SIGNED, inner + bare)


def extra_minus(place: Place) -> Iterator[Change]:
    """A minus too many."""
    if isinstance(place.node, ast.UnaryOp) and isinstance(place.node.op, ast.USub):
        yield place.kept(place.node.operand, 2.0 if place.index else 0.0)


def known_factor(place: Place) -> Iterator[Change]:
    """A factor is missing: 2, 1/2, the number of examples, the rate."""
    if not place.root or isinstance(place.node, (ast.Compare, ast.Constant)):
        return
    inner = place.unlikely
    product = place.operand(PRODUCT)
    yield place.instead(f"2 * {product}", PRODUCT, inner)
    yield place.instead(f"{product} / 2", PRODUCT, inner + 0.3)
    for rank, size in enumerate(place.scope.sizes[:6]):
        yield place.instead(f"{product} / {size}", PRODUCT, inner + 0.25 * rank)
        yield place.instead(f"{product} * {size}", PRODUCT, inner + 0.5 + 0.25 * rank)
    for rate in place.scope.rates[:2]:
        yield place.instead(f"{rate} * {product}", PRODUCT, inner + 1.0)
    for size in place.scope.sizes[:2]:
        yield place.instead(f"2 * {product} / {size}", PRODUCT, inner + 1.0)
    for i, size in enumerate(place.scope.sizes[:3]):
        for other in place.scope.sizes[i + 1 : 3]:
            yield place.instead(f"{product} / ({size} * {other})", PRODUCT, inner + 1.5)


def factor_of_the_file(place: Place) -> Iterator[Change]:
    """A factor is missing that the file writes elsewhere: a mask, a scale, a slope."""
    if not place.root or isinstance(place.node, (ast.Compare, ast.Constant)):
        return
    product, seen = place.operand(PRODUCT), set()
    for factor in place.scope.lexicon.factors:
        for rank, known in enumerate(place.scope.renumbered(factor[2:])):
            if known not in seen and known not in place.text:
                seen.add(known)
                cost = rank + 0.02 * len(seen) + place.unlikely
                yield place.instead(f"{product} {factor[0]} {known}", PRODUCT, cost)
                other = "/" if factor[0] == "*" else "*"
                yield place.instead(f"{product} {other} {known}", PRODUCT, cost + 1.5)


def extra_factor(place: Place) -> Iterator[Change]:
    """A factor too many: 2, the number of examples, a slope taken twice."""
    node = place.node
    if not isinstance(node, ast.BinOp) or place.index:
        return
    if isinstance(node.op, (ast.Mult, ast.Div)):
        plain = 0.0 if isinstance(node.right, (ast.Constant, ast.Name)) else 0.7
        yield place.kept(node.left, plain)
    if isinstance(node.op, ast.Mult):
        plain = 0.0 if isinstance(node.left, (ast.Constant, ast.Name)) else 1.2
        yield place.kept(node.right, plain)


def divided_for_multiplied(place: Place) -> Iterator[Change]:
    """Divided where it is to be multiplied, or the other way round."""
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        old = SIGNS[type(node.op)]
        new = "/" if old == "*" else "*"
        yield Change((place.code.sign(node.left, node.right, old, new),))


def mean_for_sum(place: Place) -> Iterator[Change]:
    """A mean where a sum belongs, or a sum where a mean does."""
    node = place.node
    other = {"sum": "mean", "mean": "sum", "maximum": "minimum", "argmax": "argmin"}
    if isinstance(node, ast.Call) and called(node) in other:
        end = place.code.span(node.func)[1]
        name = called(node)
        yield Change((Spot(end - len(name), end, other[name]),))


def other_number(place: Place) -> Iterator[Change]:
    """A number is one off, twice or half as large, of the other sign; an index is one off."""
    node = place.node
    minus = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if minus and isinstance(node, ast.UnaryOp) else node
    above = isinstance(place.parent, ast.UnaryOp) and isinstance(place.parent.op, ast.USub)
    if not isinstance(inner, ast.Constant) or above or not place.value:
        return
    if isinstance(inner.value, bool) or not isinstance(inner.value, (int, float)):
        return
    value = -inner.value if minus else inner.value
    others: list[float]
    if isinstance(value, int):
        others = [value + 1, value - 1, 2 * value, -value]
        others += [value // 2] if value % 2 == 0 else []
        others += [0.5] if value in (1, 2) and not place.index else []
    else:
        others = [2 * value, value / 2, value + 1, value - 1, -value, 1.0 if value else 0.5]
    for rank, other in enumerate(dict.fromkeys(others)):
        if other != value:
            yield place.instead(repr(other), SIGNED if other < 0 else ATOM, 0.3 * rank)


def complement(place: Place) -> Iterator[Change]:
    """a where 1 - a belongs, or 1 - a where a does."""
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        if isinstance(node.left, ast.Constant) and node.left.value == 1:
            yield place.kept(node.right)
    elif place.ref and not place.index and not isinstance(place.parent, ast.Attribute):
        yield place.instead(f"1 - {place.text}", SUM, 0.8)


def other_power(place: Place) -> Iterator[Change]:
    """A square is missing or too many: 1 - a for 1 - a**2, a*2 for a**2."""
    node, code = place.node, place.code
    if isinstance(node, ast.BinOp):
        two = isinstance(node.right, ast.Constant) and node.right.value in (2, 2.0, 0.5, 3)
        if isinstance(node.op, ast.Pow):
            yield place.kept(node.left)
            yield Change((code.sign(node.left, node.right, "**", "*"),), 0.5)
        elif isinstance(node.op, ast.Mult) and two:
            yield Change((code.sign(node.left, node.right, "*", "**"),), 0.0)
    above = place.parent
    added = isinstance(above, ast.BinOp) and isinstance(above.op, (*SUMS, ast.Div, ast.Mult))
    if not place.index and place.value and added and not isinstance(node, ast.Constant):
        inner = 0.0 if isinstance(above, ast.BinOp) and isinstance(above.op, SUMS) else 1.0
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
            yield place.instead(f"{place.operand(ATOM)} ** 2", POWER, inner + 0.3)


def other_comparison(place: Place) -> Iterator[Change]:
    """The mask is turned round, or its edge is on the other side."""
    node = place.node
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        old = SIGNS.get(type(node.ops[0]), "")
        for rank, new in enumerate(COMPARED.get(old, ())):
            spot = place.code.sign(node.left, node.comparators[0], old, new)
            yield Change((spot,), 0.3 * rank)
