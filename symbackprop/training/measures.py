"""What is recorded beside the losses: how well an output tells an input that it was made without.

Such an input is one that `forward` does not read: labels, or numbers to predict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import CallError

Array = NDArray[Any]


@dataclass(frozen=True)
class Measure:
    """A figure for a true input and an output: `finish` of the mean, over all rows, of `value`.

    `fits(true, output, classes)` says whether the two are a pair to take it of; `classes` is None
    for an input that is no labels. `wants` says what such a pair is.
    """

    fits: Callable[[Array, Array, int | None], bool]
    value: Callable[[Array, Array], float]
    finish: Callable[[float], float]
    wants: str


@dataclass(frozen=True)
class Chosen:
    """A measure, the input and the output that it is taken of."""

    name: str
    true: str
    output: str

    def value(self, arrays: Mapping[str, Array], outputs: Mapping[str, Array]) -> float:
        return MEASURES[self.name].value(arrays[self.true], outputs[self.output])

    def finish(self, mean: float) -> float:
        return MEASURES[self.name].finish(mean)


def choose(
    names: tuple[str, ...],
    trues: Mapping[str, Array],
    outputs: Mapping[str, Array],
    classes: Mapping[str, int],
) -> tuple[Chosen, ...]:
    """The first pair of a true input and an output that fits, for each measure named.

    With none named, accuracy if there is such a pair. Raises CallError for a name without one.
    """
    chosen = []
    for name in names or ("accuracy",):
        measure = MEASURES[name]
        pairs = (
            Chosen(name, true, output)
            for true, array in trues.items()
            for output, given in outputs.items()
            if measure.fits(array, given, classes.get(true))
        )
        pair = next(pairs, None)
        if pair is not None:
            chosen.append(pair)
        elif names:
            raise CallError(f"there is nothing to measure {name} of", f"it wants {measure.wants}")
    return tuple(chosen)


def _scores(true: Array, output: Array, classes: int | None) -> bool:
    return classes is not None and output.shape == (*true.shape, classes)


def _accuracy(true: Array, output: Array) -> float:
    return float(np.mean(output.argmax(axis=-1) == true))


def _probabilities(true: Array, output: Array, classes: int | None) -> bool:
    if not _scores(true, output, classes):
        return False
    return bool((output >= 0).all() and (np.abs(output.sum(axis=-1) - 1) < 1e-3).all())


def _bits(true: Array, output: Array) -> float:
    """-log₂ p[true]; a probability that rounds to 0 counts as the least number above it."""
    chosen = np.take_along_axis(output, true[..., None], axis=-1)
    return float(-np.log2(np.maximum(chosen, np.finfo(output.dtype).tiny)).mean())


def _numbers(true: Array, output: Array, classes: int | None) -> bool:
    return classes is None and true.dtype.kind == "f" and true.shape == output.shape


def _square(true: Array, output: Array) -> float:
    return float(np.mean((output - true) ** 2))


MEASURES: Mapping[str, Measure] = {
    "accuracy": Measure(
        _scores,
        _accuracy,
        float,
        "labels that forward does not read, and an output with a score for each class of each",
    ),
    "bits": Measure(
        _probabilities,
        _bits,
        float,
        "labels that forward does not read, and an output with a probability for each class of "
        "each",
    ),
    "rmse": Measure(
        _numbers,
        _square,
        lambda mean: float(np.sqrt(mean)),
        "an input of numbers that forward does not read, and an output of its shape",
    ),
}
