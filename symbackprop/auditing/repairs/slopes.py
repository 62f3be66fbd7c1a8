"""Edits of the derivatives of activations: forgotten, of another function, taken twice."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from symbackprop.auditing.repairs.code import ATOM, PRODUCT
from symbackprop.auditing.repairs.places import Change, Place
from symbackprop.auditing.repairs.words import Word

NAMED = r"([\w.\[\]\"']+)"
SLOPES = re.compile(
    rf"(?:(.*) \* )?{NAMED} \* \(1 - \2\)|1 - {NAMED} \*\* 2|{NAMED} > 0|"
    rf"\w*(?:prime|deriv|grad)\w*\({NAMED}\)|d\w+\({NAMED}\)"
)


def slope(place: Place) -> Iterator[Change]:
    """The derivative of the activation is forgotten."""
    if not place.root or isinstance(place.node, (ast.Compare, ast.Constant)):
        return
    product = place.operand(PRODUCT)
    inner = place.unlikely
    if not place.scope.hands_out:
        inner += 1.5 * (not place.scope.backward) + 1.0 * place.scope.target.parameter
    for text, cost in slopes(place):
        yield place.instead(f"{product} * {text}", PRODUCT, inner + cost)


def half_slope(place: Place) -> Iterator[Change]:
    """One of the two factors of a * (1 - a) is missing."""
    if not place.root or not isinstance(place.node, ast.BinOp):
        return
    product = place.operand(PRODUCT)
    factors: list[ast.expr] = [place.node]
    for factor in factors:  # which grows meanwhile
        if isinstance(factor, ast.BinOp) and isinstance(factor.op, ast.Mult):
            factors += [factor.left, factor.right]
    texts = [place.code.says(f) for f in factors]
    for text in texts:
        one = re.fullmatch(r"1(?:\.0)? - ([\w.\[\]]+)", text)
        if one and one[1] not in texts:
            yield place.instead(f"{product} * {one[1]}", PRODUCT)
        elif text in place.scope.values and f"1 - {text}" not in texts:
            yield place.instead(f"{product} * (1 - {text})", PRODUCT, 0.5)


def slope_too_many(place: Place) -> Iterator[Change]:
    """The derivative of the activation is taken twice, or of an output that has none."""
    node = place.node
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
        return
    if isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Mult):
        slope = f"{ast.unparse(node.left.right)} * ({ast.unparse(node.right)})"
        found = re.fullmatch(r"(.+) \* \(1(?:\.0)? - (.+)\)", slope)
        if found and found[1] == found[2]:
            yield place.kept(node.left.left)


def other_slope(place: Place) -> Iterator[Change]:
    """The derivative of another activation: a * (1 - a) where 1 - a**2 belongs."""
    node = place.node
    text = ast.unparse(node) if isinstance(node, ast.expr) else ""
    found = SLOPES.fullmatch(text)
    if not found or place.index:
        return
    before, named = found[1] or "", next(g for g in found.groups()[1:] if g)
    for other, cost in slopes(place):
        near = 0.0 if named in other else 0.7
        whole = f"{before} * {other}" if before else other
        tight = PRODUCT if before or " * (1" in other else ATOM
        if whole.replace("(", "").replace(")", "") != text.replace("(", "").replace(")", ""):
            yield place.instead(whole, tight, near + 0.5 * cost)


def slopes(place: Place) -> Iterator[tuple[str, float]]:
    """Derivatives of activations that could belong to what is assigned, with their costs."""
    lexicon = place.scope.lexicon
    forms = [(f"{name}(·)", 0.0) for name in lexicon.derivatives]
    forms += [("· * (1 - ·)", lexicon.lacks("sigm", "logistic", "exp(-", "exp( -"))]
    forms += [("(1 - · ** 2)", lexicon.lacks("tanh"))]
    forms += [("(· > 0)", lexicon.lacks("relu", "maximum", "> 0", "clip"))]
    forms += [("(1 - np.tanh(·) ** 2)", 0.3 + lexicon.lacks("tanh"))]
    forms += [(f"{f}(·) * (1 - {f}(·))", 0.4) for f in lexicon.functions if "sig" in f]
    for rank, (word, cost) in enumerate(_primals(place)[:7]):
        for form, unlikely in forms:
            yield form.replace("·", word.text), cost + unlikely + 0.08 * rank


def _primals(place: Place) -> list[tuple[Word, float]]:
    """The values of the forward pass that could belong to what is assigned."""
    likely = place.scope.likely
    ranked = [(w, cost + 1.5 * w.cotangent + 0.7 * w.parameter) for w, cost in likely]
    if isinstance(place.step.node, ast.Return):
        own = place.scope.arrays
        ranked = [(w, 0.2 * i) for i, w in enumerate(own)]
    return sorted(ranked, key=lambda pair: pair[1])
