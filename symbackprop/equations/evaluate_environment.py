"""What names stand for while expressions are evaluated: tensors by entries, extents by numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sympy import Expr

from symbackprop.equations.evaluate_numbers import EXACT, Arithmetic, Value

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Entries:
    """A tensor's entries in row-major order."""

    shape: tuple[int, ...]
    flat: list[Value]

    @staticmethod
    def of(array: Any) -> Entries:
        """The entries of an array, as Python numbers."""
        import numpy as np

        array = np.asarray(array)
        return Entries(array.shape, array.ravel().tolist())

    @staticmethod
    def empty(shape: tuple[int, ...]) -> Entries:
        """No entries yet, but their places."""
        return Entries(shape, [None] * math.prod(shape))

    def position(self, point: Iterable[int]) -> int:
        """Where in `flat` an entry is."""
        position = 0
        for index, size in zip(point, self.shape, strict=True):
            position = position * size + index
        return position

    def array(self) -> np.ndarray[Any, np.dtype[Any]]:
        """The entries as an array of objects."""
        import numpy as np

        array = np.empty(len(self.flat), dtype=object)
        array[:] = self.flat
        return array.reshape(self.shape)


@dataclass(frozen=True)
class Environment:
    """What the names in an expression stand for: tensors and run-time extents, by name.

    Tensors are `Entries`, and arrays for the evaluation of whole arrays. A fixed extent stands for
    itself, or for what `extents` has by that number.
    """

    tensors: Mapping[str, Any]
    extents: Mapping[Any, int]
    arithmetic: Arithmetic = EXACT


def extent_of(size: Expr, extents: Mapping[Any, int]) -> int:
    """An extent as a number: an integer, a run-time extent, or an expression of them."""
    if size.is_Integer:
        return extents.get(size.p, size.p)
    if size.is_Symbol:
        return extents[size.name]
    value = size.subs({s: extents[s.name] for s in size.free_symbols})
    assert value.is_Integer, (size, value)
    return int(value)
