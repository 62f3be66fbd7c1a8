"""Edits of steps, ranges and slices."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symbackprop.auditing.repairs.code import ATOM, PRODUCT, SUM, Spot
from symbackprop.auditing.repairs.places import Change, Place, called


def other_step(place: Place) -> Iterator[Change]:
    """A step too early or too late: h[t] for h[t - 1], a range that ends one short."""
    node, code = place.node, place.code
    above = place.parent
    steps = isinstance(above, ast.Call) and called(above) in ("range", "arange")
    if not (place.index or steps):
        return
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        if isinstance(node.right, ast.Constant):
            left = code.operand(node.left, SUM)
            sign = "+" if isinstance(node.op, ast.Sub) else "-"
            yield place.kept(node.left)
            yield place.instead(f"{left} {sign} {code.says(node.right)}", SUM, 0.3)
    elif isinstance(node, ast.Name) and isinstance(above, (ast.BinOp, ast.Tuple)) and place.index:
        yield place.instead(f"{place.text} - 1", SUM, 0.5)
        yield place.instead(f"{place.text} + 1", SUM, 0.6)
        yield place.instead(f"2 * {place.text}", PRODUCT, 0.8)
    elif isinstance(node, (ast.Name, ast.Attribute)) or (
        isinstance(node, ast.Call) and called(node) == "len"
    ):
        yield place.instead(f"{place.text} - 1", SUM)
        yield place.instead(f"{place.text} + 1", SUM, 0.2)


def other_range(place: Place) -> Iterator[Change]:
    """The steps are walked in the wrong direction, or one of them is left out."""
    node, code = place.node, place.code
    if isinstance(node, ast.Call) and called(node) == "reversed" and node.args:
        yield place.kept(node.args[0])
    elif isinstance(node, ast.Call) and called(node) == "range":
        inner = isinstance(place.parent, ast.Call) and called(place.parent) == "reversed"
        if not inner:
            yield place.instead(f"reversed({place.text})", ATOM)
        if len(node.args) == 1:
            end = code.operand(node.args[0], SUM)
            yield place.instead(f"range(1, {code.says(node.args[0])})", ATOM, 0.3)
            yield place.instead(f"range({end} - 1, -1, -1)", ATOM, 1.0)
        elif len(node.args) == 2:
            yield place.instead(f"range({code.says(node.args[1])})", ATOM, 0.3)
    elif place.node is getattr(place.parent, "iter", None) and not isinstance(node, ast.Call):
        yield place.instead(f"{place.operand(ATOM)}[::-1]", ATOM, 0.5)


def other_slice(place: Place) -> Iterator[Change]:
    """Another part of an array: x[1:] for x[:-1], a flip too many or too few."""
    node = place.node
    if not isinstance(node, ast.Subscript):
        return
    old = place.code.says(node.slice)
    base = place.code.operand(node.value, ATOM)
    forms = [":-1", "1:", ":", "::-1"]
    if old in forms:
        for new in (f for f in forms if f != old):
            yield place.instead(f"{base}[{new}]", ATOM)
    if "," in old:
        start, end = place.code.span(node.slice)
        parts = [p.strip() for p in old.strip("()").split(",")]
        for i in range(len(parts)):
            for j in range(i + 1, len(parts)):
                turned = _exchanged(parts, i, j)
                if turned != parts:
                    yield Change((Spot(start, end, ", ".join(turned)),), 0.5)
    if "::-1" in old:
        yield place.kept(node.value, 0.3)


def _exchanged(parts: list[str], i: int, j: int) -> list[str]:
    parts = list(parts)
    parts[i], parts[j] = parts[j], parts[i]
    return parts


def guarded_step(place: Place) -> Iterator[Change]:
    """Before the first step, or after the last, there is nothing; h[-1] is the last step's."""
    node, code = place.node, place.code
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.BinOp):
        step = code.operand(node.slice.left, SUM)
        if isinstance(node.slice.op, ast.Sub):
            yield place.instead(f"{place.text} * ({step} > 0)", PRODUCT)
        elif isinstance(node.slice.op, ast.Add):
            for size in place.scope.sizes[:3]:
                yield place.instead(f"{place.text} * ({step} < {size} - 1)", PRODUCT, 0.3)
