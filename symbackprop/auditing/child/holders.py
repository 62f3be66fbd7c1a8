"""Where arrays stand inside an object: attributes, entries of dictionaries and lists, nested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Set
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

_DEEPEST, _MOST = 4, 500


@dataclass(frozen=True)
class Cell:
    """One place that holds a value; `path` leads to it: ("layers", 0, "W")."""

    path: tuple[str | int, ...]
    get: Callable[[], Any]
    put: Callable[[Any], None]

    @property
    def last(self) -> str:
        """The name it goes by: the last part of the path that is a name, if nothing follows."""
        return str(self.path[-1])

    @property
    def joined(self) -> str:
        """The whole path as one name: layers0W."""
        return "_".join(str(part) for part in self.path)


def cells(holder: Any, only: Set[str] | None = None) -> list[Cell]:
    """Every place in the holder where a number, an array or None stands.

    With `only`, no others of the holder's own entries are looked into.
    """
    found: list[Cell] = []
    _collect(holder, (), 0, found, set(), only)
    return found


def _collect(
    holder: Any,
    path: tuple[str | int, ...],
    depth: int,
    found: list[Cell],
    seen: set[int],
    only: Set[str] | None = None,
) -> None:
    if depth > _DEEPEST or id(holder) in seen:
        return
    seen.add(id(holder))
    for key, value, put in _entries(holder):
        if len(found) >= _MOST:
            return
        if (only is not None and key not in only) or isinstance(value, ModuleType):
            continue
        if is_value(value):
            found.append(Cell((*path, key), _getter(holder, key), put))
        elif not callable(value) or hasattr(value, "__dict__"):
            _collect(value, (*path, key), depth + 1, found, seen)


def is_value(value: Any) -> bool:
    """Whether it is an array, a number or None, or a nested list of numbers."""
    if value is None or isinstance(value, (np.ndarray, np.generic, int, float)):
        return True
    return isinstance(value, list) and _is_matrix(value)


def _is_matrix(value: list[Any]) -> bool:
    """Numbers, or lists of as many numbers each: an array spelled out."""
    if not value:
        return False
    if all(isinstance(v, (int, float, np.generic)) for v in value):
        return True
    rows = all(isinstance(v, list) and _is_matrix(v) for v in value)
    return rows and len({len(v) for v in value}) == 1


def _entries(holder: Any) -> Iterator[tuple[str | int, Any, Callable[[Any], None]]]:
    if isinstance(holder, MutableMapping):
        for key in list(holder):
            if isinstance(key, (str, int)):
                yield key, holder[key], _putter(holder, key)
    elif isinstance(holder, (list, tuple)):
        for position, value in enumerate(list(holder)):
            yield position, value, _putter(holder, position)
    elif hasattr(holder, "__dict__") and not isinstance(holder, type):
        for name, value in list(vars(holder).items()):
            yield name, value, _putter(vars(holder), name)


def _getter(holder: Any, key: Any) -> Callable[[], Any]:
    inside = holder if isinstance(holder, (MutableMapping, list, tuple)) else vars(holder)
    return lambda: inside[key] if not isinstance(inside, MutableMapping) else inside.get(key)


def _putter(holder: Any, key: Any) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        holder[key] = value

    return put
