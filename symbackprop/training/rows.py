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


def _arrays(spec: Spec, source: str | Mapping[str, object]) -> dict[str, Array]:
    if isinstance(source, Mapping):
        return _inline(spec, source)
    if source in PICTURES:
        pictures = PICTURES[source]()
        return {d.name: _picture_array(spec, d, pictures) for d in spec.inputs}
    path = Path(spec.source.path).parent / source
    if path.suffix not in (".npz", ".csv"):
        raise CallError(
            f"unknown data {quoted(source)}",
            did_you_mean(
                source, PICTURES, "write digits, mnist5k, or a path to a .npz or .csv file"
            ),
        )
    if not path.is_file():
        raise CallError(f"there is no file {path}", "write its path relative to the spec's folder")
    if path.suffix == ".npz":
        return _named(spec, read_npz(path))
    table = read_csv(path)
    return {d.name: _from_columns(spec, d, table) for d in spec.inputs}


def _inline(spec: Spec, source: Mapping[str, object]) -> dict[str, Array]:
    arrays = {}
    names = [d.name for d in spec.inputs]
    for name, value in source.items():
        if name not in names:
            known = f"the inputs are {', '.join(names)}"
            raise CallError(
                f"data gives {quoted(name)}, which is no input", did_you_mean(name, names, known)
            )
        try:
            arrays[name] = np.array(_floats(value), dtype=np.float64)
        except (TypeError, ValueError):
            raise CallError(
                f"data of input '{name}' is not a rectangular list of numbers",
                f"write nested lists of the shape {_shown(_shape(spec, spec_input(spec, name)))}",
            ) from None
    return _named(spec, arrays)


def _floats(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_floats(item) for item in value]
    if isinstance(value, (int, float, Fraction)):
        return float(value)
    raise TypeError(value)


def spec_input(spec: Spec, name: str) -> InputDeclaration:
    """The declaration of an input that the spec has."""
    return next(d for d in spec.inputs if d.name == name)


def _named(spec: Spec, arrays: Mapping[str, Array]) -> dict[str, Array]:
    for d in spec.inputs:
        if d.name not in arrays:
            there = ", ".join(arrays) or "nothing"
            fix = f"give it an array of shape {_shown(_shape(spec, d))}"
            raise CallError(
                f"the data has no array '{d.name}'; it has {there}",
                did_you_mean(d.name, arrays, fix),
            )
        if arrays[d.name].dtype.kind not in "biuf":
            raise CallError(
                f"array '{d.name}' holds {arrays[d.name].dtype}, not numbers",
                "write real numbers, integers or booleans",
            )
    return {d.name: arrays[d.name] for d in spec.inputs}


def _from_columns(spec: Spec, d: InputDeclaration, table: Mapping[str, Array]) -> Array:
    shape = _shape(spec, d)
    fixed = _fixed(d, shape)
    return gather_columns(table, d.name, math.prod(fixed)).reshape(-1, *fixed)


def _fixed(d: InputDeclaration, shape: Shape) -> tuple[int, ...]:
    """The extents of one row of an input. Raises CallError unless they are numbers."""
    fixed = tuple(size for size in shape[1:] if isinstance(size, int))
    if not shape or isinstance(shape[0], int) or len(fixed) != len(shape) - 1:
        raise CallError(
            f"input '{d.name}' is {_shown(shape)}, which rows of numbers cannot fill",
            "use an .npz file, or a shape such as [N, 64] whose first extent alone is open",
        )
    return fixed


def _picture_array(spec: Spec, d: InputDeclaration, pictures: Pictures) -> Array:
    fixed = _fixed(d, _shape(spec, d))
    size, pixels = math.prod(fixed), pictures.images.shape[1]
    if d.kind == "labels":
        classes = _resolved(spec, d.classes)
        if classes != pictures.classes:
            raise CallError(
                f"input '{d.name}' has {classes} classes, {pictures.name} has {pictures.classes}",
                f"write classes: {pictures.classes}",
            )
        if size == 1:
            return pictures.labels.reshape(-1, *fixed)
    elif d.kind in ("real", "distribution"):
        if size == pixels and d.kind == "real":
            return pictures.images.reshape(-1, *fixed)
        if size == pictures.classes:
            return np.eye(pictures.classes)[pictures.labels].reshape(-1, *fixed)
    raise CallError(
        f"{d.kind} input '{d.name}' is {_shown(_shape(spec, d))}, but {pictures.name} has images "
        f"of {pixels} numbers and labels of {pictures.classes} classes",
        f"write [N, {pixels}] for images, {{shape: [N], classes: {pictures.classes}}} for labels",
    )


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


def _shape(spec: Spec, d: InputDeclaration) -> Shape:
    return tuple(_resolved(spec, size) for size in d.shape)


def _resolved(spec: Spec, size: int | str | None) -> int | str:
    assert size is not None
    return spec.dims.get(size, size) if isinstance(size, str) else size


def _shown(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"
