"""Whether a stranger's gradients agree with the derived ones: by the size of what is added up.

A gradient agrees where it differs by less than rounding makes of the terms that it sums. So single
precision is accepted, and any order of summation; a wrong term is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from symbackprop.auditing.calling import Came
from symbackprop.auditing.points import Array, Right
from symbackprop.derivation.model import LossDerivation

TOLERANCE = 1e-5  # of the terms, in double precision
_COARSE = {2: 1e-2, 4: 2e-5}  # by the bytes of a coarser float
_FLOOR = 1e-3  # of the largest terms, added to those of each entry; of all values, for a zero
_ABOVE = 100.0  # times the largest entry: the most that terms count
_ROUNDING = 1e-12  # of the terms: what is left of them where they cancel


@dataclass(frozen=True)
class Compared:
    """What the stranger gave for one gradient at one point, and what is right there.

    `slack` is what each entry may differ by; `scale` the terms that it is relative to.
    """

    came: Array | None
    right: Array
    slack: Array

    @property
    def fits(self) -> bool:
        """Whether there is an array of numbers of the right shape."""
        return (
            self.came is not None
            and self.came.shape == self.right.shape
            and bool(np.isfinite(self.came).all())
        )

    def agrees_with(self, values: Array) -> bool:
        """Whether what came equals these values, which stand for the right ones."""
        if not self.fits or values.shape != self.right.shape:
            return False
        assert self.came is not None
        with np.errstate(all="ignore"):
            slack = np.maximum(self.slack, TOLERANCE * np.abs(values))
            return bool((np.abs(self.came - values) <= slack).all())

    @property
    def agrees(self) -> bool:
        """Whether what came is right."""
        return self.agrees_with(self.right)

    @property
    def difference(self) -> float:
        """The largest difference, relative to the largest right entry."""
        if not self.fits:
            return float("nan")
        assert self.came is not None
        largest = float(np.abs(self.right).max(initial=0.0)) or 1.0
        return float(np.abs(self.came - self.right).max(initial=0.0)) / largest


def compared(
    loss: LossDerivation, names: Sequence[str], points: Sequence[Right], came: Sequence[Came]
) -> dict[str, list[Compared]]:
    """Every gradient at every point."""
    found: dict[str, list[Compared]] = {}
    for name in names:
        tensor = loss.gradients[name].equation.tensor.name
        found[name] = [
            _one(name, point, one, point.values[tensor], scale_of(point, tensor))
            for point, one in zip(points, came, strict=False)
        ]
    return found


def scale_of(point: Right, tensor: str) -> Array:
    """The size of the terms of each entry of a cotangent, but little above its largest entry.

    Along a recurrence sizes multiply, and soon any difference would be small beside them: only
    where the gradient is zero but for rounding do they count alone.
    """
    sizes = np.abs(point.sizes[tensor]) + np.abs(point.values[tensor])
    scale: Array = sizes + _FLOOR * sizes.max(initial=0.0) + 1e-300
    largest = float(np.abs(point.values[tensor]).max(initial=0.0))
    anywhere = max(float(np.abs(array).max(initial=0)) for array in point.values.values())
    if largest <= _ROUNDING * anywhere:
        return scale + _FLOOR * anywhere
    return np.minimum(scale, _ABOVE * largest) + _ROUNDING * scale


def _one(name: str, point: Right, came: Came, right: Array, scale: Array) -> Compared:
    array = came.gradients.get(name)
    slack = scale * TOLERANCE
    if array is not None and array.dtype.itemsize in _COARSE:
        slack = scale * _COARSE[array.dtype.itemsize]
    after = came.after.get(name)
    if came.way == "change" and after is not None and array is not None:
        slack = slack + _rounding(after, point.values[name], came.rate or 1.0)
    return Compared(None if array is None else np.asarray(array, float), right, slack)


def _rounding(after: Array, before: Array, rate: float) -> Array:
    """What is lost in after = before - rate · gradient; more where `after` is single precision."""
    single = bool((after.astype(np.float32).astype(float) == after).all())
    unit = np.finfo(np.float32 if single else float).eps
    size = np.abs(before).max(initial=0.0)
    return np.asarray(4 * unit * size / abs(rate))


def losses_agree(name: str, points: Sequence[Right], came: Sequence[Came]) -> bool | None:
    """Whether the losses that came are right; None where none came."""
    pairs = [
        (one.loss, float(point.values[name]))
        for point, one in zip(points, came, strict=False)
        if one.loss is not None
    ]
    if not pairs:
        return None
    return all(abs(a - b) <= 1e-4 * (abs(b) + 1e-3) for a, b in pairs if a is not None)


def right_files(
    loss: LossDerivation, names: Sequence[str], points: Sequence[Right]
) -> Mapping[str, Array]:
    """What an edit of the stranger's source is held against in the child."""
    arrays: dict[str, Array] = {}
    for number, point in enumerate(points):
        for name in names:
            tensor = loss.gradients[name].equation.tensor.name
            arrays[f"{number} gradient {name}"] = point.values[tensor]
            arrays[f"{number} scale {name}"] = scale_of(point, tensor)
    return arrays
