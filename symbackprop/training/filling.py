"""Filling the inputs of a spec from what its `data:` names: each source by its own way.

Pictures fill inputs by kind and size, tables by their columns; every other source holds an array
for each input, by its name. All functions raise CallError where an input stays empty.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import CallError
from symbackprop.spec.errors import did_you_mean, quoted
from symbackprop.spec.syntax import InputDeclaration, Spec
from symbackprop.training.dataset import Dataset
from symbackprop.training.sources import (
    PICTURES,
    SOURCES,
    Pictures,
    gather_columns,
    read_csv,
    read_npz,
)

Array = NDArray[Any]
Shape = tuple[int | str, ...]
Wanted = Mapping[str, InputDeclaration]


def wanted(spec: Spec) -> Wanted:
    """The inputs that rows have to fill, extents that the spec knows as numbers.

    What the module draws itself is none of them.
    """

    def known(size: int | str) -> int | str:
        return spec.dims.get(size, size) if isinstance(size, str) else size

    return {
        d.name: dataclasses.replace(
            d,
            shape=tuple(known(size) for size in d.shape),
            classes=None if d.classes is None else known(d.classes),
        )
        for d in spec.inputs
        if d.draw is None
    }


def fill(inputs: Wanted, source: str | Mapping[str, object], folder: Path) -> Dataset:
    """What the source holds for the inputs; paths are relative to `folder`."""
    if isinstance(source, Mapping):
        return named(inputs, Dataset(_inline(inputs, source)))
    if source in PICTURES:
        pictures = PICTURES[source]()
        return Dataset({name: _picture_array(d, pictures) for name, d in inputs.items()})
    if source in SOURCES:
        return named(inputs, SOURCES[source](inputs))
    path = folder / source
    if path.suffix not in (".npz", ".csv"):
        known = (*PICTURES, *SOURCES)
        fix = f"write {', '.join(known)}, or a path to a .npz or .csv file"
        raise CallError(f"unknown data {quoted(source)}", did_you_mean(source, known, fix))
    if not path.is_file():
        raise CallError(f"there is no file {path}", "write its path relative to the spec's folder")
    if path.suffix == ".npz":
        return named(inputs, Dataset(read_npz(path)))
    table = read_csv(path)
    return Dataset({name: _from_columns(d, table) for name, d in inputs.items()})


def shown(shape: Shape) -> str:
    """A shape as specs write it: `[N, 64]`."""
    return f"[{', '.join(map(str, shape))}]"


def _inline(inputs: Wanted, source: Mapping[str, object]) -> dict[str, Array]:
    arrays = {}
    for name, value in source.items():
        if name not in inputs:
            known = f"the inputs are {', '.join(inputs)}"
            raise CallError(
                f"data gives {quoted(name)}, which is no input", did_you_mean(name, inputs, known)
            )
        try:
            arrays[name] = np.array(_floats(value), dtype=np.float64)
        except (TypeError, ValueError):
            raise CallError(
                f"data of input '{name}' is not a rectangular list of numbers",
                f"write nested lists of the shape {shown(inputs[name].shape)}",
            ) from None
    return arrays


def _floats(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_floats(item) for item in value]
    if isinstance(value, (int, float, Fraction)):
        return float(value)
    raise TypeError(value)


def named(inputs: Wanted, dataset: Dataset) -> Dataset:
    """The dataset with those arrays alone that inputs are called by, each of numbers."""
    arrays = dataset.arrays
    for name, d in inputs.items():
        if name in dataset.drawn:
            continue
        if name not in arrays:
            there = ", ".join((*arrays, *dataset.drawn)) or "nothing"
            fix = f"give it an array of shape {shown(d.shape)}"
            raise CallError(
                f"the data has no array '{name}'; it has {there}", did_you_mean(name, arrays, fix)
            )
        if arrays[name].dtype.kind not in "biuf":
            raise CallError(
                f"array '{name}' holds {arrays[name].dtype}, not numbers",
                "write real numbers, integers or booleans",
            )
    kept = {name: arrays[name] for name in inputs if name in arrays}
    drawn = {name: dataset.drawn[name] for name in inputs if name in dataset.drawn}
    return dataclasses.replace(dataset, arrays=kept, drawn=drawn)


def _from_columns(d: InputDeclaration, table: Mapping[str, Array]) -> Array:
    fixed = _fixed(d)
    return gather_columns(table, d.name, math.prod(fixed)).reshape(-1, *fixed)


def _fixed(d: InputDeclaration) -> tuple[int, ...]:
    """The extents of one row of an input. Raises CallError unless they are numbers."""
    fixed = tuple(size for size in d.shape[1:] if isinstance(size, int))
    if not d.shape or isinstance(d.shape[0], int) or len(fixed) != len(d.shape) - 1:
        raise CallError(
            f"input '{d.name}' is {shown(d.shape)}, which rows of numbers cannot fill",
            "use an .npz file, or a shape such as [N, 64] whose first extent alone is open",
        )
    return fixed


def _picture_array(d: InputDeclaration, pictures: Pictures) -> Array:
    fixed = _fixed(d)
    size, pixels = math.prod(fixed), pictures.images.shape[1]
    if d.kind == "labels":
        if d.classes != pictures.classes:
            raise CallError(
                f"input '{d.name}' has {d.classes} classes, {pictures.name} has {pictures.classes}",
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
        f"{d.kind} input '{d.name}' is {shown(d.shape)}, but {pictures.name} has images "
        f"of {pixels} numbers and labels of {pictures.classes} classes",
        f"write [N, {pixels}] for images, {{shape: [N], classes: {pictures.classes}}} for labels",
    )
