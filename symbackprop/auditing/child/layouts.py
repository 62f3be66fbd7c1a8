"""How a stranger lays arrays out: examples in columns, weights transposed, biases of rank 2.

The spec's own layout comes first; the others are tried where shapes speak against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.auditing.child.names import Known

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Layout:
    """examples: rows or columns. weights: as in the spec, or transposed. biases: flat, row, column.

    `flat`: axes of extent 1 are left out. `targets`: flat labels also get an axis.
    """

    examples: str = "rows"
    transposed: bool = False
    biases: str = "flat"
    flat: bool = False

    @property
    def words(self) -> str:
        """What differs from the spec, for a reader; nothing for the spec's own."""
        said = []
        if self.examples == "columns":
            said.append("examples in columns")
        if self.transposed:
            said.append("weights transposed")
        if self.biases != "flat":
            said.append(f"biases as a {self.biases}")
        if self.flat:
            said.append("no axes of extent 1")
        return ", ".join(said)


SPEC = Layout()
COLUMNS = Layout("columns", True, "column")
LAYOUTS = (
    SPEC,
    Layout(biases="row"),
    COLUMNS,
    Layout(flat=True),
    Layout(transposed=True),
    Layout(transposed=True, biases="row"),
    Layout("columns", False, "column"),
    Layout("columns", True, "flat"),
    Layout(biases="column"),
    Layout("columns", False, "flat"),
)


def layouts_of(known: Sequence[Known], columns: bool) -> Iterator[Layout]:
    """The layouts that differ for this spec, the spec's first; with `columns`, those alone."""
    seen = set()
    for layout in LAYOUTS:
        if columns and layout.examples != "columns":
            continue
        effect = tuple(_effect(k, layout) for k in known)
        if effect not in seen:
            seen.add(effect)
            yield layout


def _effect(known: Known, layout: Layout) -> tuple[Any, ...]:
    """What the layout does to a tensor, as a value that can be compared."""
    return (*_steps(known, layout), layout.flat)


def _steps(known: Known, layout: Layout) -> list[str]:
    steps = []
    if known.role == "parameter":
        if known.rank == 2 and layout.transposed:
            steps.append("transpose")
        if known.rank == 1 and layout.biases != "flat":
            steps.append(layout.biases)
    elif known.rank == 2 and known.examples == 0 and layout.examples == "columns":
        steps.append("transpose")
    elif (known.rank, known.examples, known.kind, layout.examples) == (1, 0, "real", "columns"):
        steps.append("row")
    return steps


def laid_out(array: Array, known: Known, layout: Layout) -> Array:
    """The spec's array as the stranger has it; a new one, in C order."""
    found = np.asarray(array)
    for step in _steps(known, layout):
        if step == "transpose":
            found = found.T
        else:
            found = found.reshape((1, -1) if step == "row" else (-1, 1))
    if layout.flat:
        keep = [n for axis, n in enumerate(found.shape) if n > 1 or axis == known.examples]
        found = found.reshape(keep)
    return np.array(found, order="C")


def restored(array: Array, known: Known, layout: Layout, shape: tuple[int, ...]) -> Array:
    """The stranger's array as the spec has it, as far as shapes allow; else as it came.

    Axes of extent 1 may come and go: (1, n) is taken for (n,), but not for (n, 1).
    """
    found = np.asarray(array)
    if "transpose" in _steps(known, layout) and found.ndim == 2:
        found = found.T
    if found.ndim != len(shape) and bare(found.shape) == bare(shape):
        found = found.reshape(shape)
    return found


def bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without axes of extent 1."""
    return tuple(n for n in shape if n != 1)
