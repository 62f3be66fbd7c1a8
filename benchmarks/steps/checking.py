"""What a step must do before it is timed: the losses and parameters of plain float64 NumPy.

The reference differentiates the textbook's formulas with HIPS autograd, in float64, and knows
nothing of any contender.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

Arrays = Mapping[str, Any]
# Of the loss, and of what a step changes, by dtype; and the rounding of the parameters themselves.
TOLERANCES = {"float32": 3e-4, "float64": 1e-9}


class Refused(Exception):
    """A contender whose step is not the step of its network."""


def reference(
    workload: Any, params: Arrays, batches: Sequence[Arrays]
) -> tuple[list[float], dict[str, Any]]:
    """The losses of one step a batch, in turn, and the parameters after them."""
    from benchmarks.steps.contenders.hips import start

    copied = {name: array.copy() for name, array in params.items()}
    contender = start(workload, copied, batches, threads=1, folder=None)
    losses = [contender.step(**batch) for batch in contender.keywords]
    return losses, dict(contender.params())


def hold(
    name: str, dtype: str, losses: tuple[Sequence[float], Sequence[float]], *arrays: Arrays
) -> None:
    """Hold losses (came, expected) and parameters (before, after, expected) against each other.

    For each parameter |after - expected| <= tolerance |expected - before| + rounding |before|, in
    the Euclidean norm. Raises Refused with the first that differs.
    """
    before, after, expected = arrays
    tolerance, rounding = TOLERANCES[dtype], 2 * float(np.finfo(dtype).eps)
    for came, wanted in zip(*losses, strict=True):
        if not abs(came - wanted) <= tolerance * abs(wanted):
            raise Refused(f"{name}: loss {came:.9g}, expected {wanted:.9g}")
    if set(after) != set(expected):
        raise Refused(f"{name}: parameters {sorted(after)}, expected {sorted(expected)}")
    for key, wanted in expected.items():
        if after[key].shape != wanted.shape:
            raise Refused(f"{name}: {key} {after[key].shape}, expected {wanted.shape}")
        step = float(np.linalg.norm(wanted - before[key]))
        error = float(np.linalg.norm(after[key] - wanted))
        if not error <= tolerance * step + rounding * float(np.linalg.norm(before[key])):
            raise Refused(f"{name}: {key} is off by {error / step:.2g} of what the step changes")


def checker(workload: Any, params: Arrays, batches: Sequence[Arrays]) -> Callable[..., None]:
    """A function (contender, losses, parameters) that raises Refused where they are wrong."""
    expected_losses, expected = reference(workload, params, batches)

    def check(name: str, losses: Sequence[float], after: Arrays) -> None:
        hold(name, workload.dtype, (losses, expected_losses), params, after, expected)

    return partial(check)
