"""Edits of terms and factors that a gradient lacks, or has too many of."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symbackprop.auditing.repairs.code import POWER, PRODUCT, SUM
from symbackprop.auditing.repairs.places import Change, Place
from symbackprop.auditing.repairs.words import PARAMETER, Word


def added_term(place: Place) -> Iterator[Change]:
    """A term is missing that stands in scope: the gradient by another way, the next step's."""
    if not (place.whole or (place.root and place.ref)) or isinstance(place.node, ast.Constant):
        return
    inner, text = place.unlikely + 0.7 * (not place.scope.backward), place.operand(SUM)
    for rank, (word, cost) in enumerate(_terms(place)[:14]):
        cost += inner + 0.05 * rank
        yield place.instead(f"{text} + {word.text}", SUM, cost)
        yield place.instead(f"{text} - {word.text}", SUM, cost + 0.5)


def _terms(place: Place) -> list[tuple[Word, float]]:
    """What could be added to what is assigned: gradients first, of parameters to such alone."""
    target, reads = place.scope.target, place.scope.reads
    found = []
    for word, cost in place.scope.likely:
        if word.text != target.text:
            cost += 0.5 * (not word.cotangent) + 0.5 * (word.text in reads)
            cost += 0.7 * (_shaped(word) != _shaped(target))
            cost -= 0.5 * (word.last.startswith(target.last))
            found.append((word, cost))
    return sorted(found, key=lambda pair: pair[1])


def product_term(place: Place) -> Iterator[Change]:
    """A parameter that is used twice has a second path to the loss: its product is missing."""
    scope = place.scope
    if not place.whole and not (place.root and place.ref):
        return
    if not (scope.target.parameter or scope.hands_out):
        return
    back = [w for w in scope.arrays if w.cotangent and not _shaped(w)][:6]
    forward = [w for w in scope.arrays if not w.cotangent and not w.parameter][:8]
    text, rank = place.operand(SUM), 0
    for one in back:
        for two in forward:
            for left, right in ((one.text, two.text), (two.text, one.text)):
                if f"{left}.T @ {right}" not in text:
                    rank += 1
                    cost = place.unlikely + 1.0 * scope.hands_out + 0.02 * rank
                    yield place.instead(f"{text} + {left}.T @ {right}", SUM, cost)


def _shaped(word: Word) -> bool:
    """Whether a gradient has the shape of a parameter."""
    return bool(PARAMETER.match(word.stem))


def penalty(place: Place) -> Iterator[Change]:
    """The term of the l2 penalty is missing."""
    above = place.parent
    product = isinstance(above, ast.BinOp) and isinstance(above.op, ast.Mult) and place.ref
    if place.index or not (place.whole or product) or isinstance(place.node, ast.Constant):
        return
    inner = place.unlikely + 0.7 * (not place.scope.backward)
    if not place.scope.hands_out:
        inner += 1.0 * (not (place.scope.target.parameter or place.scope.updates))
    text = place.operand(SUM)
    parameters = [(w, c) for w, c in place.scope.likely if not w.cotangent]
    parameters = sorted(parameters, key=lambda pair: pair[1] - 0.5 * pair[0].parameter)[:4]
    target = place.scope.target
    if place.scope.reads & {target.text}:
        parameters = [(target, 0.0), *parameters]
    for i, coefficient in enumerate(place.scope.coefficients[:5]):
        for j, (word, _) in enumerate(parameters):
            cost = inner + 0.3 * i + 0.3 * j
            term = f"{coefficient} * {word.text}"
            yield place.instead(f"{text} + {term}", SUM, cost)
            yield place.instead(f"{text} + 2 * {term}", SUM, cost + 0.1)
            for size in place.scope.sizes[:1]:
                yield place.instead(f"{text} + {term} / {size}", SUM, cost + 0.3)
                yield place.instead(f"{text} + {size} * {term}", SUM, cost + 0.6)


def factor_in_scope(place: Place) -> Iterator[Change]:
    """A factor is missing that stands in scope: a mask, a scale."""
    if not (place.root or place.factor) or isinstance(place.node, (ast.Compare, ast.Constant)):
        return
    product = place.operand(PRODUCT)
    inner = place.unlikely + 1.0 * (not place.scope.backward)
    likely = place.scope.likely
    words = [(w, c + 0.5 * w.parameter) for w, c in likely if not w.cotangent]
    words = sorted(words, key=lambda pair: pair[1])
    scalars = [(w, 1.0) for w in place.scope.words if w.holds == "scalar"]
    for rank, (word, cost) in enumerate([*words[:12], *scalars[:4]]):
        yield place.instead(f"{product} * {word.text}", PRODUCT, inner + cost + 0.05 * rank)


def lost_term(place: Place) -> Iterator[Change]:
    """A term too many."""
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)) and not place.index:
        yield place.kept(node.left, 1.5 * isinstance(node.left, ast.Constant))
        if isinstance(node.op, ast.Add):
            yield place.kept(node.right, 0.5 + 1.5 * isinstance(node.right, ast.Constant))
        elif not isinstance(node.left, ast.Constant):
            yield place.instead(f"-{place.code.operand(node.right, POWER)}", PRODUCT, 1.0)


def term_of_the_file(place: Place) -> Iterator[Change]:
    """A term is missing that the file adds elsewhere, there with other numbers."""
    if not place.whole or isinstance(place.node, ast.Constant):
        return
    text, seen = place.operand(SUM), set()
    for term in place.scope.lexicon.terms:
        for rank, known in enumerate(place.scope.renumbered(term[2:])):
            if known not in seen and known not in text:
                seen.add(known)
                cost = rank + 0.03 * len(seen) + place.unlikely
                yield place.instead(f"{text} {term[0]} {known}", SUM, cost)


def row_of_sums(place: Place) -> Iterator[Change]:
    """The mean along an axis is not taken off, as the derivative of a softmax or a norm asks."""
    if not place.whole or isinstance(place.node, ast.Constant):
        return
    text = place.operand(SUM)
    for axis in ("0", "-1, keepdims=True"):
        yield place.instead(f"{text} - np.mean({text}, axis={axis})", SUM, place.unlikely)
    for word, cost in place.scope.likely[:4]:
        product = f"{place.operand(PRODUCT)} * {word.text}"
        total = f"np.sum({product}, axis=-1, keepdims=True)"
        yield place.instead(f"{word.text} * ({text} - {total})", PRODUCT, cost + 1.0)
        yield place.instead(
            f"{text} - {word.text} * np.sum({text}, axis=-1, keepdims=True)", SUM, cost + 1.0
        )
