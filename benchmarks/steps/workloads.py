"""The eight networks: their specs, the extents they are timed at, and their batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SPECS = Path(__file__).parent / "specs"


@dataclass(frozen=True)
class Workload:
    """A network with the run-time extents of its batches and the rate of its descent.

    The rate is such that a step changes the parameters by far more than their rounding.
    """

    name: str
    spec: str
    expert: str
    extents: Mapping[str, int]
    rate: float
    dtype: str = "float32"

    @property
    def path(self) -> Path:
        return SPECS / f"{self.spec}.yaml"


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", "xor", "xor", {"N": 4}, 0.5, "float64"),
        Workload("W2", "digits", "dense", {"N": 32}, 0.1),
        Workload("W3", "wide", "dense", {"N": 128}, 0.1),
        Workload("W4", "large", "large", {"N": 256}, 0.1),
        Workload("W5", "lenet", "lenet", {"N": 64}, 0.05),
        Workload("W6", "lstm", "lstm", {"N": 32, "T": 64}, 0.1),
        Workload("W7", "transformer", "transformer", {"N": 8, "T": 128}, 0.05),
        Workload("W8", "factors", "factors", {"N": 1024}, 10.0),
    )
}


def batches(spec: Any, extents: Mapping[str, int], count: int, seed: int = 0) -> list[Any]:
    """Batches of normal reals (float64) and uniform labels, by the names of the spec's inputs."""
    rng, known = np.random.default_rng(seed), {**spec.dims, **extents}
    drawn: list[dict[str, Any]] = [{} for _ in range(count)]
    for batch in drawn:
        for given in spec.inputs:
            shape = [known.get(extent, extent) for extent in given.shape]
            if given.kind == "labels":
                classes = known.get(given.classes, given.classes)
                batch[given.name] = rng.integers(0, classes, shape)
            else:
                batch[given.name] = rng.standard_normal(shape)
    return drawn


def parameters(module: Any, seed: int = 0) -> dict[str, Any]:
    """What the module starts training with, in float64, a little disturbed: no bias is zero."""
    rng = np.random.default_rng(seed)
    started = module.init_params(seed=seed, dtype=np.float64)
    return {k: v + 0.02 * rng.standard_normal(v.shape) for k, v in started.items()}


def reals(arrays: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """Copies of the arrays, the real ones of the dtype."""
    return {
        name: np.array(array, dtype if array.dtype.kind == "f" else None, order="C")
        for name, array in arrays.items()
    }
