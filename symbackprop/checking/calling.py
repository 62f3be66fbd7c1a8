"""How the functions of a generated module are called, and what they hand out as plain arrays."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.checking.draw import Array, Instance
from symbackprop.derivation.model import Derivation


@dataclass(frozen=True)
class Case:
    """A module with what to call it with: parameters, inputs, what it would draw, states.

    `training` is passed where it is not None, to the functions that take it.
    """

    module: Any
    derivation: Derivation
    instance: Instance
    params: Mapping[str, Array]
    inputs: Mapping[str, Array]
    state: Mapping[str, Array]
    training: bool | None = None

    def call(self, function: str, /, **changed: Any) -> Any:
        """Call with what the function takes, and what is changed of it; states are copies."""
        called = getattr(self.module, function)
        taken = inspect.signature(called).parameters
        given: dict[str, Any] = {"params": self.params, **self.inputs}
        if self.state:
            given["state"] = {name: array.copy() for name, array in self.state.items()}
        if self.training is not None:
            given["training"] = self.training
        if self.training is False:
            given |= self.instance.extents  # those that only drawn inputs tell
        given |= changed
        with spoiled_memory():
            return called(**{name: value for name, value in given.items() if name in taken})

    def workspace(self, dtype: Any) -> Any:
        """A workspace of the module in that dtype; nothing is in it that was not put there."""
        takes = inspect.signature(self.module.Workspace).parameters
        kind = {"dtype": dtype} if "dtype" in takes else {}
        with spoiled_memory():
            return self.module.Workspace(**self.instance.extents, **kind)


@contextmanager
def spoiled_memory() -> Iterator[None]:
    """`np.empty` hands out NaN, or whole numbers that are no positions.

    Memory that is used again often holds just what ought to have been computed into it.
    """
    empty = np.empty

    def spoiled(shape: Any, dtype: Any = float, *rest: Any, **named: Any) -> Array:
        array = empty(shape, dtype, *rest, **named)
        array.fill(np.iinfo(array.dtype).min if array.dtype.kind in "iu" else np.nan)
        return array

    vars(np)["empty"] = spoiled
    try:
        yield
    finally:
        vars(np)["empty"] = empty


def case(
    derivation: Derivation,
    module: Any,
    instance: Instance,
    dtype: Any,
    training: bool | None = None,
) -> Case:
    """The module with the drawn values, real ones in that dtype."""
    system, given = derivation.system, instance.given
    dtypes = {"real": dtype, "integer": np.int64, "mask": np.bool_}

    def arrays(symbols: Any) -> dict[str, Array]:
        return {s.name: np.asarray(given[s.name]).astype(dtypes[s.kind]) for s in symbols}

    return Case(
        module,
        derivation,
        instance,
        arrays(p.symbol for p in system.parameters),
        arrays(i.symbol for i in system.inputs),
        arrays(s.symbol for s in system.states),
        training,
    )


def dense(gradient: Any, shape: tuple[int, ...]) -> Array:
    """A gradient as an array; one that is handed out as rows and their values is summed up."""
    if not isinstance(gradient, tuple):
        return np.asarray(gradient)
    rows, values = (np.asarray(part) for part in gradient)
    whole = np.zeros(shape, values.dtype)
    if rows.size and (rows.min() < 0 or rows.max() >= shape[0]):
        raise ValueError(f"rows {rows.min()} to {rows.max()} of a gradient of {shape[0]} rows")
    np.add.at(whole, rows.ravel(), values.reshape(-1, *shape[1:]))
    return whole
