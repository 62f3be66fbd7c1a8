"""The rows that a spec trains on: one array for each input, checked against its declaration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import CallError
from symbackprop.spec.fields import LARGEST
from symbackprop.spec.syntax import InputDeclaration, Spec
from symbackprop.training.dataset import Dataset, Drawing
from symbackprop.training.filling import Wanted, fill, shown, wanted
from symbackprop.training.plan import Plan, at_key

Array = NDArray[Any]


@dataclass(frozen=True)
class Rows:
    """Arrays by input; those in `by_row` have one entry a row along their first axis.

    `extents` gives every run-time extent its size; `counted` is the one that counts the rows,
    None where no input has such an axis (then there is one row: everything). `drawn` inputs are
    still to be made; `held_out` is how many of the last rows are not to be trained on, where the
    source says so.
    """

    arrays: Mapping[str, Array]
    extents: Mapping[str, int]
    counted: str | None
    by_row: frozenset[str]
    drawn: Mapping[str, Drawing] = field(default_factory=dict)
    held_out: int | None = None

    @property
    def count(self) -> int:
        return 1 if self.counted is None else self.extents[self.counted]

    def extents_of(self, most: int) -> dict[str, int]:
        """The run-time extents of a batch of so many rows, or of all where there are fewer."""
        counted = {} if self.counted is None else {self.counted: min(most, self.count)}
        return {**self.extents, **counted}

    def take(self, which: NDArray[np.intp]) -> Rows:
        """These rows only, in this order."""
        if self.counted is None:
            return self
        arrays = {
            name: array.take(which, axis=0) if name in self.by_row else array
            for name, array in self.arrays.items()
        }
        extents = {**self.extents, self.counted: len(which)}
        return dataclasses.replace(self, arrays=arrays, extents=extents)

    def complete(self, rng: np.random.Generator) -> Rows:
        """With the inputs that are drawn, drawn."""
        if not self.drawn:
            return self
        made = {name: draw(rng, self.arrays) for name, draw in self.drawn.items()}
        return dataclasses.replace(self, arrays={**self.arrays, **made}, drawn={})


def read_rows(spec: Spec, plan: Plan, dtype: str) -> Rows:
    """The rows that the plan names. Raises SpecError where they are not what the inputs declare."""
    assert plan.source is not None
    inputs = wanted(spec)
    try:
        rows = assemble(inputs, fill(inputs, plan.source, Path(spec.source.path).parent), dtype)
        if rows.counted is None and plan.batch is not None:
            message = f"no input has an axis of rows to take {plan.batch} of at a time"
            raise CallError(message, "write batch: full")
        if rows.counted is None and plan.validation:
            raise CallError("no input has an axis of rows to hold out", "write validation: 0")
    except CallError as fault:
        if "data" in spec.train:
            raise at_key(spec, "data", fault) from None
        message = f"train names no data, and the embedded digits do not fit: {fault.message}"
        fix = "write data: and a .npz or .csv file with an array or column for each input"
        raise at_key(spec, "data", CallError(message, fix)) from None
    return rows


def assemble(inputs: Wanted, dataset: Dataset, dtype: str) -> Rows:
    """The dataset as rows for the inputs, in the dtypes that a module takes; reals in `dtype`."""
    arrays = {**dataset.arrays, **_samples(dataset)}
    extents = _extents(inputs, arrays)
    kinds = {"labels": "int64", "mask": "bool"}
    typed = {}
    for name, d in inputs.items():
        array = arrays[name][:1] if name in dataset.drawn else arrays[name]
        _check_values(d, array)
        typed[name] = _typed(name, array, kinds.get(d.kind, dtype))

    def drawn(name: str) -> Drawing:
        draw, own = dataset.drawn[name], typed[name].dtype
        return lambda rng, arrays: draw(rng, arrays).astype(own)

    counted = _counted(inputs)
    by_row = frozenset(n for n, d in inputs.items() if counted and d.shape[:1] == (counted,))
    return Rows(
        {name: typed[name] for name in inputs if name not in dataset.drawn},
        extents,
        counted,
        by_row,
        {name: drawn(name) for name in dataset.drawn},
        dataset.held_out,
    )


def _samples(dataset: Dataset) -> dict[str, Array]:
    """Each drawn input as it is for the first row, as often as there are rows."""
    rng = np.random.default_rng(0)
    first = {name: array[:1] for name, array in dataset.arrays.items()}
    samples = {}
    for name, draw in dataset.drawn.items():
        count = len(next(iter(dataset.arrays.values())))
        sample = draw(rng, first)
        samples[name] = np.broadcast_to(sample, (count, *sample.shape[1:]))
    return samples


def split(rows: Rows, fraction: float, seed: int) -> tuple[Rows, Rows | None]:
    """The rows to train on and those held out, at least one of each; None with a fraction of 0."""
    if not fraction or rows.count < 2:
        return rows, None
    count = rows.count
    if rows.held_out is not None:
        first = count - rows.held_out
        return rows.take(np.arange(first)), rows.take(np.arange(first, count))
    held = min(max(1, round(count * fraction)), count - 1)
    # Those held out stay as drawn, so that a batch of them is not of rows stored together.
    order = np.random.default_rng([seed, 0]).permutation(count)
    return rows.take(np.sort(order[held:])), rows.take(order[:held])


def _extents(inputs: Wanted, arrays: Mapping[str, Array]) -> dict[str, int]:
    """The size of every run-time extent, which all inputs agree on, in order of appearance."""
    extents: dict[str, tuple[int, str]] = {}
    for d in inputs.values():
        shape, came = d.shape, arrays[d.name].shape
        fits = len(shape) == len(came) and all(
            isinstance(declared, str) or declared == size
            for declared, size in zip(shape, came, strict=True)
        )
        if not fits:
            raise CallError(
                f"input '{d.name}' is {shown(shape)} but its data is {shown(came)}",
                "make the two agree",
            )
        for declared, size in zip(shape, came, strict=True):
            if isinstance(declared, str):
                first, where = extents.setdefault(declared, (size, d.name))
                if first != size:
                    raise CallError(
                        f"extent {declared} is {first} in '{where}' but {size} in '{d.name}'",
                        "give both the same number of rows",
                    )
    for name, (size, where) in extents.items():
        if size == 0:
            raise CallError(f"extent {name} is 0 in '{where}'", "give at least one row")
    return {name: size for name, (size, _) in extents.items()}


def _counted(inputs: Wanted) -> str | None:
    """The run-time extent that counts the rows: a first axis, and no other axis of any input."""
    shapes = [d.shape for d in inputs.values()]
    inner = {size for shape in shapes for size in shape[1:]}
    first = [shape[0] for shape in shapes if shape and isinstance(shape[0], str)]
    return next((str(size) for size in first if size not in inner), None)


def _check_values(d: InputDeclaration, array: Array) -> None:
    """Labels are whole numbers in their range, masks 0 or 1, distributions sum to 1."""
    if d.kind == "labels":
        classes = d.classes if isinstance(d.classes, int) else LARGEST
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
