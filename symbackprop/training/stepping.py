"""One update of the parameters of one loss: the schedule's rate, the clipped gradients, the rule.

A gradient is an array, or (rows, values) for a table of which only those rows were read: then the
optimizer's formula is applied to those rows of the table and of its memory, and nothing else is
touched.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.training.optimizers import AnyOptimizer

Array = NDArray[Any]
Gradient = Array | tuple[Array, Array]


@dataclass(frozen=True)
class Rule:
    """How a loss is stepped: by which formula, every how many steps of the run.

    Gradients whose norm, over all of the loss's parameters, is above `clip` are scaled down to it
    (Pascanu, Mikolov and Bengio, 2013).
    """

    optimizer: AnyOptimizer
    clip: float | None = None
    every: int = 1


@dataclass(frozen=True)
class Schedule:
    """What the rates are multiplied by, from step to step.

    constant: 1. cosine: (1 + cos(π s / S)) / 2 at step s of S (Loshchilov and Hutter, 2017). step:
    `factor` to the number of whole periods of `period` epochs so far. In the first `warmup` steps
    it also grows from near 0, in proportion to the step.
    """

    shape: str = "constant"
    warmup: int = 0
    factor: float = 0.1
    period: int = 10

    def at(self, step: int, per_epoch: int, total: int) -> float:
        """The factor of the step that follows `step` steps, out of `total`."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        if self.shape == "cosine":
            return rise * (1 + math.cos(math.pi * step / total)) / 2
        if self.shape == "step":
            return rise * self.factor ** (step // per_epoch // self.period)
        return rise


def update(
    rule: Rule,
    factor: float,
    step: int,
    params: Mapping[str, Array],
    gradients: Mapping[str, Gradient],
    memory: Mapping[str, tuple[Array, ...]],
    scratch: Mapping[str, Array],
) -> None:
    """Step the parameters that `memory` names; `step` counts from 1, `factor` is the schedule's."""
    merged = {name: _merged(gradients[name]) for name in memory}
    shrink = 1.0 if rule.clip is None else min(1.0, rule.clip / max(_norm(merged), 1e-30))
    optimizer = rule.optimizer
    if factor != 1:
        optimizer = dataclasses.replace(optimizer, rate=optimizer.rate * factor)
    for name, gradient in merged.items():
        rows, values = gradient if isinstance(gradient, tuple) else (None, gradient)
        if shrink < 1:
            # Not in place: two parameters may have one gradient, in one array.
            values = values * values.dtype.type(shrink)
        if rows is None:
            optimizer.update(params[name], values, memory[name], step, scratch[name])
            continue
        held = (params[name], *memory[name])
        present, *kept = (array[rows] for array in held)
        optimizer.update(present, values, tuple(kept), step, np.empty_like(present))
        for array, changed in zip(held, (present, *kept), strict=True):
            array[rows] = changed


def _merged(gradient: Gradient) -> Gradient:
    """Rows that stand several times, once, with their values added up."""
    if not isinstance(gradient, tuple):
        return gradient
    rows, values = gradient
    distinct, positions = np.unique(rows, return_inverse=True)
    totals = np.zeros((len(distinct), *values.shape[1:]), values.dtype)
    if rows.size:
        # Along flat arrays, add.at is several times as fast as along rows.
        width = values[0].size
        flat = (positions[:, None] * width + np.arange(width)).reshape(-1)
        np.add.at(totals.reshape(-1), flat, values.reshape(-1))
    return distinct, totals


def _norm(gradients: Mapping[str, Gradient]) -> float:
    total = 0.0
    for gradient in gradients.values():
        values = gradient[1] if isinstance(gradient, tuple) else gradient
        flat = values.reshape(-1)
        total += float(np.dot(flat, flat))
    return math.sqrt(total)
