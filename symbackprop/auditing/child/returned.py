"""What a stranger's function gave back, as gradients by the spec's names.

Gradients come back by name, in order, as attributes of the object, or as the change of the
parameters: (before - after) / rate.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symbackprop.auditing.child.arguments import Settings
from symbackprop.auditing.child.binding import Call
from symbackprop.auditing.child.holders import Cell, cells, is_value
from symbackprop.auditing.child.layouts import Array, restored
from symbackprop.auditing.child.leaves import (
    Leaf,
    Nonsense,
    as_said,
    is_numeric,
    leaves_of,
    loss_in,
    numbers,
    says_loss,
)
from symbackprop.auditing.child.names import along, gradient_meanings, says_gradient
from symbackprop.auditing.child.source import definition, returned_names

_NEAR = 0.5  # of the parameters: what came back so near to them are new values
_MANY = 5  # numbers from which that tells without a rate


@dataclass(frozen=True)
class Outcome:
    """Gradients by name, as far as there are any, and how they were found.

    way: returned, attributes, or change for the change of the parameters, which `rate` divided,
    None where it is not known. `after` are the parameters afterwards. `ordered` tells that names
    came from the order alone, `open` that what was returned may be gradients or new values.
    """

    gradients: Mapping[str, Array]
    way: str
    loss: float | None = None
    rate: float | None = None
    after: Mapping[str, Array] = field(default_factory=dict)
    ordered: bool = False
    open: bool = False


def outcome(
    value: Any,
    call: Call,
    settings: Settings,
    tree: ast.Module,
    shapes: Mapping[str, tuple[int, ...]],
) -> Outcome:
    """The gradients in what came back, or else in what was changed. Raises Nonsense."""
    node = definition(tree, settings.function)
    leaves = list(leaves_of(value, returned_names(node) if node else ""))
    after = _after(call, settings, shapes)
    loss = loss_in(leaves, len(shapes))
    found, ordered = _by_name(leaves, settings, shapes, call.order)
    own = {k.name: k for k in settings.known}
    arrays = {
        n: restored(numbers(leaf), own[n], settings.layout, shapes[n]) for n, leaf in found.items()
    }
    named = any(says_gradient(leaf.path[-1]) for leaf in found.values() if leaf.path)
    before = {
        n: restored(np.asarray(a), own[n], settings.layout, shapes[n])
        for n, a in call.before.items()
        if n in shapes
    }
    many = sum(a.size for a in arrays.values()) >= _MANY
    step = (call.rate is not None or many) and _are_new_values(arrays, before)
    open_ = bool(arrays) and not named
    if open_ and (settings.reading == "change" or (step and not settings.reading)):
        changes = {n: before[n] - arrays[n] for n in arrays if arrays[n].shape == before[n].shape}
        odd = {n: a for n, a in arrays.items() if n not in changes}
        changed_ = _change({**changes, **odd}, call, loss, {**after, **arrays}, ordered)
        return replace(changed_, open=True)
    changed = {n: a for n, a in after.items() if n in shapes and not _same(a, before[n])}
    if len(arrays) >= max(len(changed), 1):
        return Outcome(arrays, "returned", loss, call.rate, after, ordered, open_)
    kept = _kept(call.owner, settings, shapes)
    if len(kept) > len(changed):
        return Outcome(kept, "attributes", loss, call.rate, after)
    if changed:
        changes = {
            n: before[n] - a if a.shape == before[n].shape else a
            for n, a in after.items()
            if n in shapes
        }
        return _change(changes, call, loss, after, False)
    raise _nonsense(value, leaves, shapes)


def _change(
    changes: Mapping[str, Array],
    call: Call,
    loss: float | None,
    after: Mapping[str, Array],
    ordered: bool,
) -> Outcome:
    rate = call.rate
    scaled = {n: a / rate if rate else a for n, a in changes.items()}
    return Outcome(scaled, "change", loss, rate, after, ordered)


def _by_name(
    leaves: Sequence[Leaf],
    settings: Settings,
    shapes: Mapping[str, tuple[int, ...]],
    order: Sequence[str],
) -> tuple[dict[str, Leaf], bool]:
    """The leaves that are gradients or new values; whether the order alone told which is which."""
    if settings.returned:
        return as_said(leaves, settings.returned, shapes), False
    known = [k for k in settings.known if k.name in shapes]
    found: dict[str, Leaf] = {}
    for wording in (lambda leaf: leaf.path[-1], lambda leaf: along(leaf.path)):
        left = [leaf for leaf in leaves if leaf.path and leaf not in found.values()]
        words = [wording(leaf) for leaf in left]
        free = [k for k in known if k.name not in found]
        meant = gradient_meanings([w for w in words if words.count(w) == 1], free)
        for leaf, word in zip(left, words, strict=True):
            if word in meant and words.count(word) == 1:
                found[meant[word]] = leaf
    if len(found) == len(shapes):
        return found, False
    arrays = [leaf for leaf in leaves if is_numeric(leaf)]
    if len(arrays) == len(shapes) + 1:
        scalars = [leaf for leaf in arrays if np.ndim(leaf.value) == 0]
        if len(scalars) == 1 or says_loss(arrays[0]):
            arrays.remove(scalars[0] if len(scalars) == 1 else arrays[0])
    if len(arrays) == len(shapes) and not any(leaf in found.values() for leaf in arrays[:0]):
        in_order = _in_order(arrays, settings, shapes, order)
        agrees = all(in_order[name] is leaf for name, leaf in found.items())
        if agrees or len(found) < len(shapes) / 2:
            return in_order, True
    return found, False


def _in_order(
    arrays: Sequence[Leaf],
    settings: Settings,
    shapes: Mapping[str, tuple[int, ...]],
    order: Sequence[str],
) -> dict[str, Leaf]:
    """The order in which most shapes fit; of those the arguments', then the spec's."""
    own = {k.name: k for k in settings.known}
    names = list(shapes)
    weights = [n for n in names if len(shapes[n]) > 1]
    biases = [n for n in names if len(shapes[n]) <= 1]
    handed = [n for n in order if n in shapes]
    orders = [handed, names, weights + biases, biases + weights, names[::-1]]

    def fitting(candidate: Sequence[str]) -> int:
        return sum(
            restored(numbers(leaf), own[n], settings.layout, shapes[n]).shape == shapes[n]
            for n, leaf in zip(candidate, arrays, strict=True)
        )

    whole = [o for o in orders if len(o) == len(arrays)]
    best = max(whole, key=fitting)
    return dict(zip(best, arrays, strict=True))


def _after(
    call: Call, settings: Settings, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, Array]:
    """The parameters afterwards, where they can be read back; of several places the changed one."""
    own = {k.name: k for k in settings.known}
    found: dict[str, Array] = {}
    for name, places in call.cells.items():
        for cell in places:
            value = cell.get()
            if not is_value(value) or value is None:
                continue
            try:
                array = np.asarray(value, float)
            except (TypeError, ValueError):
                continue
            shape = np.shape(call.before[name])
            array = restored(array, own[name], settings.layout, shapes.get(name, shape))
            if name not in found or not _same(array, found[name]):
                before = restored(
                    np.asarray(call.before[name]), own[name], settings.layout, array.shape
                )
                if name not in found or _same(found[name], before):
                    found[name] = array
    return found


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.array_equal(a, b))


def _are_new_values(arrays: Mapping[str, Array], before: Mapping[str, Array]) -> bool:
    """Whether a small step leads from the parameters to these arrays."""
    pairs = [
        (a, before[n]) for n, a in arrays.items() if n in before and a.shape == before[n].shape
    ]
    if not pairs:
        return False
    a = np.concatenate([p.ravel() for p, _ in pairs])
    b = np.concatenate([q.ravel() for _, q in pairs])
    return bool(np.linalg.norm(a - b) < _NEAR * np.linalg.norm(b))


def _kept(
    owner: Any, settings: Settings, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, Array]:
    """Gradients that the object or the module keeps: self.dW1, self.grads["W1"]."""
    known = [k for k in settings.known if k.name in shapes]
    own = {k.name: k for k in known}
    here = [c for c in cells(owner) if any(says_gradient(str(p)) for p in c.path)]
    found: dict[str, Array] = {}
    wordings: tuple[Callable[[Cell], str], ...] = (lambda c: c.last, lambda c: along(c.path))
    for wording in wordings:
        words = [wording(c) for c in here]
        left = [k for k in known if k.name not in found]
        meant = gradient_meanings([w for w in words if words.count(w) == 1], left, new=False)
        for cell, word in zip(here, words, strict=True):
            value = cell.get()
            if word in meant and words.count(word) == 1 and value is not None:
                leaf = Leaf(tuple(map(str, cell.path)), value)
                name = meant[word]
                found[name] = restored(numbers(leaf), own[name], settings.layout, shapes[name])
    return found


def _nonsense(
    value: Any, leaves: Sequence[Leaf], shapes: Mapping[str, tuple[int, ...]]
) -> Nonsense:
    wanted = f"the gradients by {', '.join(shapes)}"
    if not leaves:
        came = "None" if value is None else f"an empty {type(value).__name__}"
        return Nonsense(
            f"it returns {came} and changes no parameter",
            f"return {wanted}, or change the parameters by a step",
        )
    if len(leaves) == 1 and not leaves[0].path:
        plain = f"{type(value).__name__} of shape {list(np.shape(value))}"
        came = plain if is_value(value) else f"a {type(value).__name__}"
    else:
        came = f"{len(leaves)} values: {', '.join('.'.join(leaf.path) for leaf in leaves[:8])}"
    return Nonsense(
        f"it returns {came}; wanted are {wanted}",
        f"say which is which, in order: --returns {','.join(shapes)}, - for any other",
    )
