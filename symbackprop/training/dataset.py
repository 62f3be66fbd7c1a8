"""What a source of data holds, before it is held against the inputs of a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import CallError
from symbackprop.spec.syntax import InputDeclaration

Array = NDArray[Any]
# An array for one input of a batch, from a generator and the batch's other arrays.
Drawing = Callable[[np.random.Generator, Mapping[str, Array]], Array]


@dataclass(frozen=True)
class Dataset:
    """Arrays by the input that each fills, one row along the first axis.

    `drawn` inputs are made anew for every batch. `held_out` is how many of the rows, the last
    ones, are held out; None leaves it to the plan, which holds out a random part of them.
    """

    arrays: Mapping[str, Array]
    drawn: Mapping[str, Drawing] = field(default_factory=dict)
    held_out: int | None = None


def check_classes(
    inputs: Mapping[str, InputDeclaration], source: str, classes: Mapping[str, int]
) -> None:
    """Raise CallError for an input of labels that declares another number than the source has."""
    for name, count in classes.items():
        declared = inputs[name].classes if name in inputs else None
        if isinstance(declared, int) and declared != count:
            raise CallError(
                f"input '{name}' has {declared} classes, {source} has {count}",
                f"write classes: {count}",
            )
