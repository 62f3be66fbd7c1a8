"""The stranger's lines: where a fault stands, and what the derivation calls a stranger's name."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Mapping

import numpy as np

from symbackprop.auditing.calling import Came
from symbackprop.auditing.child.names import canonical
from symbackprop.auditing.model import Correction
from symbackprop.auditing.points import WATCHED, Array, Right
from symbackprop.auditing.repairs import blamed
from symbackprop.auditing.search import Fault
from symbackprop.auditing.target import Target
from symbackprop.auditing.world import World

_CLOSE = 1e-4


def of_fault(aim: Target, fault: Fault, world: World, seen: Came | None) -> int:
    """The line that computes what the fault makes of the derivation's line; 0 where none does.

    It is the one after which a variable of the stranger's has these values; else the one that
    assigns a gradient which the fault alone spoils.
    """
    tensor = fault.line.equation.tensor.name
    values = world.values(WATCHED, fault.change, {tensor: tensor})
    if seen is not None and values is not None and values[tensor].size > 1:
        for (line, _), array in seen.seen.items():
            if _same(array, values[tensor]):
                return line
    return of_gradient(aim, fault.gradients[0]) if len(fault.gradients) == 1 else 0


def of_gradient(aim: Target, name: str) -> int:
    """The line that computes a gradient of the stranger's; 0 where none bears its name."""
    return blamed(aim.text, aim.function, name) or 0


def _same(array: Array, values: Array) -> bool:
    return any(
        form.shape == values.shape and bool(np.allclose(form, values, rtol=_CLOSE, atol=1e-12))
        for form in _forms(np.asarray(array, float))
    )


def _forms(array: Array) -> Iterator[Array]:
    """The array, transposed, and without axes of extent 1."""
    yield array
    if array.ndim == 2:
        yield array.T
    bare = array.squeeze()
    if bare.ndim != array.ndim:
        yield bare
    yield bare[:, None] if bare.ndim == 1 else bare


def of_assignment(tree: ast.Module, name: str) -> int:
    """The first line that assigns a variable or an attribute of that name; 0 where none does."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in (t for whole in targets for t in ast.walk(whole)):
            if isinstance(target, ast.Name) and target.id == name:
                return target.lineno
            if isinstance(target, ast.Attribute) and target.attr == name:
                return target.lineno
    return 0


def first_line(correction: Correction) -> int:
    """The first of the lines that are changed or moved away."""
    before, after = correction.before.splitlines(), correction.after.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    gone = [first for kind, first, *_ in matcher.get_opcodes() if kind in ("replace", "delete")]
    return correction.line + (gone[0] if gone else 0)


def shapes_of(point: Right, names: Mapping[str, tuple[int, ...]]) -> dict[str, list[int]]:
    """The shapes that the derivation has for tensors of these names."""
    found = {}
    for name in names:
        same = [t for t in point.values if canonical(t) == canonical(name)]
        if same:
            found[same[0]] = list(point.values[same[0]].shape)
    return found
