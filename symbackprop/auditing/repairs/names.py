"""Edits of which value stands where: names, functions, pairs, flags of calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from symbackprop.auditing.repairs.code import ATOM, Spot, tightness
from symbackprop.auditing.repairs.places import Change, Place, called
from symbackprop.auditing.repairs.words import Word, likeness


def other_name(place: Place) -> Iterator[Change]:
    """One value where another belongs: W1 for W2, a1 for z1, self.h for self.x."""
    if not place.ref:
        return
    old = Word(place.text, place.scope.lexicon.holds(place.text))
    others = [(w, likeness(old, w)) for w in place.scope.words if w.text != place.text]
    if isinstance(place.parent, ast.Subscript) and place.parent.value is place.node:
        others = [(w, cost) for w, cost in others if "[" not in w.text]
    ranked = sorted(others, key=lambda pair: pair[1])[:16]
    for rank, (word, cost) in enumerate(ranked):
        yield place.instead(word.text, ATOM, cost + 0.06 * rank)
        if place.first_of > 1:
            yield place.everywhere(word.text, ATOM, cost + 0.06 * rank)


def exchanged_names(place: Place) -> Iterator[Change]:
    """Two names stand where the other belongs, each time: delta[i] * x[j] for delta[j] * x[i]."""
    if place.node is not getattr(place.step.node, "value", None):
        return
    holds, own = place.scope.lexicon.holds, set(ast.walk(place.node))
    found = {text: [n for n in nodes if n in own] for text, nodes in place.said.items()}
    names = [t for t, nodes in found.items() if nodes and t in place.scope.values]
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if holds(one) == holds(other) and one not in other and other not in one:
                spots = [place.code.instead(n, other, ATOM) for n in found[one]]
                spots += [place.code.instead(n, one, ATOM) for n in found[other]]
                yield Change(tuple(spots), 0.0 if holds(one) == "index" else 0.7)


def other_function(place: Place) -> Iterator[Change]:
    """One function where another belongs: the derivative of another activation."""
    node = place.node
    if not isinstance(node, ast.Call):
        return
    name, end = called(node), place.code.span(node.func)[1]
    own = [f for f in place.scope.lexicon.functions if f != name]
    if isinstance(node.func, ast.Name) or place.code.says(node.func).startswith("self."):
        others = own
    else:
        others = list(_SIBLINGS.get(name, ()))
    for rank, other in enumerate(others[:8]):
        near = (
            0.0
            if bool(re.search("prime|deriv|^d", name)) == bool(re.search("prime|deriv|^d", other))
            else 1.0
        )
        yield Change((Spot(end - len(name), end, other),), near + 0.1 * rank)


_SIBLINGS = {
    "exp": ("log", "tanh"),
    "tanh": ("sinh", "cosh"),
    "sinh": ("cosh", "tanh"),
    "cosh": ("sinh", "tanh"),
    "sin": ("cos",),
    "cos": ("sin",),
    "log": ("exp", "log1p"),
    "sqrt": ("square",),
    "square": ("sqrt",),
    "abs": ("sign",),
    "sign": ("abs",),
    "zeros_like": ("ones_like",),
    "ones_like": ("zeros_like",),
    "less": ("greater",),
    "greater": ("less",),
}


def call_around(place: Place) -> Iterator[Change]:
    """The value itself where a function of it belongs: z * (1 - z), z not yet being activated."""
    if not place.ref or place.index or not place.value:
        return
    functions = [*place.scope.lexicon.functions, *place.scope.lexicon.elementary]
    if isinstance(place.parent, ast.Call) and called(place.parent) in functions:
        return
    inner = -1.0 if place.scope.hands_out and place.step.scope is not place.reach.entry else 0.0
    for rank, function in enumerate(functions[:6]):
        text = f"{function}({place.text})"
        yield place.instead(text, ATOM, inner + 0.6 + 0.2 * rank)
        if place.first_of > 1:
            yield place.everywhere(text, ATOM, inner + 0.3 + 0.2 * rank)


def call_off_everywhere(place: Place) -> Iterator[Change]:
    """A function of the value where the value belongs, each time: sigmoid(a) * (1 - sigmoid(a))."""
    node = place.node
    if isinstance(node, ast.Call) and len(node.args) == 1 and place.first_of > 1:
        inner = node.args[0]
        yield place.everywhere(place.code.says(inner), tightness(inner))
        for word, cost in place.scope.likely[:6]:
            yield place.everywhere(word.text, ATOM, cost + 0.5)
    elif isinstance(node, ast.Call) and len(node.args) == 1 and not place.index:
        for word, cost in place.scope.likely[:6]:
            yield place.instead(word.text, ATOM, cost + 1.0)


def value_of_name(place: Place) -> Iterator[Change]:
    """The value before the activation is meant, which has no name of its own; or one that is
    computed anew from what has been updated since."""
    ref = place.reach.ref(place.node) if place.ref and not place.index else None
    for writer in place.reach.feeding(place.step, ref)[:1] if ref else ():
        value = getattr(writer.node, "value", None)
        plain = isinstance(writer.node, ast.Assign) and writer is not place.step
        given = value.args if plain and isinstance(value, ast.Call) else []
        given = [g for g in given if not isinstance(g, (ast.Constant, ast.Starred))]
        if len(given) == 1:
            inner = given[0]
            yield place.instead(place.code.says(inner), tightness(inner))
            if place.first_of > 1:
                yield place.everywhere(place.code.says(inner), tightness(inner))


def swapped_pair(place: Place) -> Iterator[Change]:
    """Two values have changed places: in a tuple, a list, a dict, a call."""
    node, code = place.node, place.code
    if isinstance(node, (ast.Tuple, ast.List)):
        parts = node.elts
    elif isinstance(node, ast.Dict):
        parts = node.values
    elif isinstance(node, ast.Call):
        parts = node.args
    else:
        return
    for i, one in enumerate(parts[:12]):
        for other in parts[i + 1 : 12]:
            if code.says(one) != code.says(other) and not isinstance(one, ast.Starred):
                there = code.instead(other, code.says(one), ATOM)
                here = code.instead(one, code.says(other), ATOM)
                yield Change((here, there), 0.2 * (i > 0))


def flag_of_call(place: Place) -> Iterator[Change]:
    """A flag such as derivative=True is missing in a call, or there where it must not be."""
    node, code = place.node, place.code
    if not isinstance(node, ast.Call) or called(node) not in place.reach.named:
        return
    forms = place.scope.lexicon.flags.get(called(node), ())
    own = [k.arg for k in node.keywords]
    end = code.span(node)[1] - 1
    if not own and len(node.args) == 1:
        for form in forms:
            yield Change((Spot(end, end, f", {form}"),))
    elif len(node.args) + len(own) == 2:
        first = node.args[0] if node.args else node.keywords[0].value
        yield Change((Spot(code.span(first)[1], end, ""),), 0.3)
