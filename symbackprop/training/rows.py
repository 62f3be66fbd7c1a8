"""The rows that a spec trains on: one array for each input, checked against its declaration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import CallError
from symbackprop.spec.errors import Fault, SpecError, did_you_mean, quoted
from symbackprop.spec.fields import LARGEST
from symbackprop.spec.syntax import InputDeclaration, Spec
from symbackprop.training.plan import Plan, place_in
from symbackprop.training.sources import (
    Pictures,
    digits,
    gather_columns,
    mnist5k,
    read_csv,
    read_npz,
)

Array = NDArray[Any]
Shape = tuple[int | str, ...]
PICTURES = {"digits": digits, "mnist5k": mnist5k}


@dataclass(frozen=True)
class Rows:
    """Arrays by input; those in `by_row` have one entry a row along their first axis.

    `extents` gives every run-time extent its size; `counted` is the one that counts the rows,
    None where no input has such an axis (then there is one row: everything).
    """

    arrays: Mapping[str, Array]
    extents: Mapping[str, int]
    counted: str | None
    by_row: frozenset[str]

    @property
    def count(self) -> int:
        return 1 if self.counted is None else self.extents[self.counted]

    def take(self, which: NDArray[np.intp]) -> Rows:
        """These rows only, in this order."""
        if self.counted is None:
            return self
        arrays = {
            name: array.take(which, axis=0) if name in self.by_row else array
            for name, array in self.arrays.items()
        }
        return Rows(arrays, {**self.extents, self.counted: len(which)}, self.counted, self.by_row)


def read_rows(spec: Spec, plan: Plan, dtype: str) -> Rows:
    """The rows that the plan names. Raises SpecError where they are not what the inputs declare."""
    try:
        arrays = _arrays(spec, plan.source)
        extents = _extents(spec, arrays)
        for declaration in spec.inputs:
            _check_values(spec, declaration, arrays[declaration.name])
        counted = _counted(spec)
        _check_plan(plan, counted)
        kinds = {"labels": "int64", "mask": "bool"}
        typed = {
            d.name: _typed(d.name, arrays[d.name], kinds.get(d.kind, dtype)) for d in spec.inputs
        }
    except CallError as fault:
        message, fix = fault.message, fault.fix
        if "data" not in spec.train:
            message = f"train names no data, and the embedded digits do not fit: {message}"
            fix = "write data: and a .npz or .csv file with an array or column for each input"
        raise SpecError(spec.source, [Fault(place_in(spec.source, "data"), message, fix)]) from None
    by_row = frozenset(d.name for d in spec.inputs if counted and d.shape[:1] == (counted,))
    return Rows(typed, extents, counted, by_row)


def _extents(spec: Spec, arrays: Mapping[str, Array]) -> dict[str, int]:
    """The size of every run-time extent, which all inputs agree on, in order of appearance."""
    extents: dict[str, tuple[int, str]] = {}
    for d in spec.inputs:
        shape, came = _shape(spec, d), arrays[d.name].shape
        fits = len(shape) == len(came) and all(
            isinstance(wanted, str) or wanted == size
            for wanted, size in zip(shape, came, strict=True)
        )
        if not fits:
            raise CallError(
                f"input '{d.name}' is {_shown(shape)} but its data is {_shown(came)}",
                "make the two agree",
            )
        for wanted, size in zip(shape, came, strict=True):
            if isinstance(wanted, str):
                first, where = extents.setdefault(wanted, (size, d.name))
                if first != size:
                    raise CallError(
                        f"extent {wanted} is {first} in '{where}' but {size} in '{d.name}'",
                        "give both the same number of rows",
                    )
    for name, (size, where) in extents.items():
        if size == 0:
            raise CallError(f"extent {name} is 0 in '{where}'", "give at least one row")
    return {name: size for name, (size, _) in extents.items()}


def _counted(spec: Spec) -> str | None:
    """The run-time extent that counts the rows: a first axis, and no other axis of any input."""
    shapes = [_shape(spec, d) for d in spec.inputs]
    inner = {size for shape in shapes for size in shape[1:]}
    first = [shape[0] for shape in shapes if shape and isinstance(shape[0], str)]
    return next((str(size) for size in first if size not in inner), None)


def _check_plan(plan: Plan, counted: str | None) -> None:
    if counted is None and plan.batch is not None:
        raise CallError(
            f"no input has an axis of rows to take {plan.batch} of at a time", "write batch: full"
        )
    if counted is None and plan.validation:
        raise CallError("no input has an axis of rows to hold out", "write validation: 0")


def _check_values(spec: Spec, d: InputDeclaration, array: Array) -> None:
    """Labels are whole numbers in their range, masks 0 or 1, distributions sum to 1."""
    if d.kind == "labels":
        declared = _resolved(spec, d.classes)
        classes = declared if isinstance(declared, int) else LARGEST
        wrong = (array != np.floor(array)) | (array < 0) | (array >= classes)
        wanted = f"a whole number from 0 to below {classes}"
    elif d.kind == "mask":
        wrong = (array != 0) & (array != 1)
        wanted = "0 or 1"
    elif d.kind == "distribution":
        wrong = np.abs(array.sum(axis=-1) - 1) > 1e-3
        if wrong.any():
            row = int(np.argmax(wrong.reshape(-1)))
            total = array.sum(axis=-1).reshape(-1)[row]
            raise CallError(
                f"row {row} of distribution '{d.name}' sums to {total:g}, not 1",
                "divide every row by its sum",
            )
        return
    else:
        return
    if wrong.any():
        value = array.reshape(-1)[int(np.argmax(wrong.reshape(-1)))]
        raise CallError(f"input '{d.name}' holds {value:g}, not {wanted}", "correct the data")


def _typed(name: str, array: Array, dtype: str) -> Array:
    """The array in the dtype that the module takes. Raises CallError for a number beyond it."""
    with np.errstate(all="ignore"):
        typed: Array = array.astype(dtype)
    beyond = np.isinf(typed) & np.isfinite(array)
    if beyond.any():
        value = array[beyond][0]
        raise CallError(
            f"input '{name}' holds {value:g}, which is beyond {dtype}",
            "scale the data down, or take --dtype float64",
        )
    return typed
