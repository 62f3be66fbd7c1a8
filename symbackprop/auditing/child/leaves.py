"""The single values inside what a stranger's function gave back, with the names they go by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.auditing.child.holders import is_value
from symbackprop.auditing.child.layouts import Array
from symbackprop.auditing.child.names import canonical
from symbackprop.auditing.child.source import Names

_LOSSES = (
    "loss",
    "cost",
    "j",
    "error",
    "l",
    "value",
    "objective",
    "e",
    "mse",
    "sse",
    "total",
    "nll",
)
_LARGEST = 4_000_000  # numbers in one array that is taken back


class Nonsense(Exception):
    """What came back cannot be taken for gradients; `fix` says what would help."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


@dataclass(frozen=True)
class Leaf:
    """One value inside what came back, with the path of names that leads to it."""

    path: tuple[str, ...]
    value: Any


def leaves_of(
    value: Any, names: Names, path: tuple[str, ...] = (), depth: int = 0
) -> Iterator[Leaf]:
    """The arrays and numbers in a value; tuples take the names of the return statement."""
    if isinstance(names, str) and names:
        path = (*path, names)
        names = ""
    if depth > 5:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves_of(inner, str(key), path, depth + 1)
    elif hasattr(value, "_asdict"):
        yield from leaves_of(value._asdict(), "", path, depth + 1)
    elif isinstance(value, (list, tuple)) and not is_value(value):
        given = names if isinstance(names, tuple) and len(names) == len(value) else ()
        for position, inner in enumerate(value):
            name = given[position] if given else str(position)
            yield from leaves_of(inner, name or str(position), path, depth + 1)
    elif value is not None and not is_value(value) and hasattr(value, "__dict__"):
        for name, inner in vars(value).items():
            yield from leaves_of(inner, name, path, depth + 1)
    elif value is not None:
        yield Leaf(path, value)


def as_said(
    leaves: Sequence[Leaf], names: Sequence[str], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, Leaf]:
    if len(leaves) != len(names):
        raise Nonsense(
            f"--returns names {len(names)} values, the function returns {len(leaves)}",
            "name them all, in order; - for one that is no gradient",
        )
    return {n: leaf for n, leaf in zip(names, leaves, strict=True) if n in shapes}


def is_numeric(leaf: Leaf) -> bool:
    return leaf.value is not None and not isinstance(leaf.value, (str, bytes, bool))


def numbers(leaf: Leaf) -> Array:
    """The leaf as an array of floats. Raises Nonsense."""
    name = ".".join(leaf.path) or "it"
    try:
        array = np.asarray(leaf.value)
    except ValueError as wrong:
        raise Nonsense(f"{name} is no array: {wrong}", "return arrays of numbers") from None
    if array.dtype.kind not in "fiub":
        kind = type(leaf.value).__name__ if array.dtype == object else str(array.dtype)
        raise Nonsense(f"{name} holds no numbers, but {kind}", "return arrays of real numbers")
    if array.size > _LARGEST:
        raise Nonsense(f"{name} has the shape {array.shape}", "return the gradients alone")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        return array.astype(float)
    return array if array.dtype.kind == "f" else array.astype(float)


def says_loss(leaf: Leaf) -> bool:
    return any(canonical(part) in _LOSSES for part in leaf.path[-1:])


def loss_in(leaves: Sequence[Leaf], gradients: int) -> float | None:
    """The loss, where one number is called so or stands before the gradients."""
    scalars = [leaf for leaf in leaves if is_numeric(leaf) and np.ndim(leaf.value) == 0]
    called = [leaf for leaf in scalars if says_loss(leaf) or "loss" in "".join(leaf.path).lower()]
    chosen = called or (scalars if len(scalars) == 1 and len(leaves) == gradients + 1 else [])
    if not chosen:
        return None
    value = chosen[0].value
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
