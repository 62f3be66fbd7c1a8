"""The optimizers: each a formula for the next value of one parameter, computed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Optimizer(Protocol):
    """`memory` names the arrays, shaped like the parameter and first zero, that it keeps."""

    @property
    def rate(self) -> float: ...

    @property
    def memory(self) -> tuple[str, ...]: ...

    def update(
        self,
        parameter: Array,
        gradient: Array,
        memory: tuple[Array, ...],
        step: int,
        scratch: Array,
    ) -> None:
        """Change `parameter` and `memory` in place; `step` counts from 1; `gradient` is kept.

        `scratch` is an array like the parameter, of which nothing is read.
        """


@dataclass(frozen=True)
class Sgd:
    """θ ← θ − rate g (Robbins and Monro, 1951)."""

    rate: float = 0.1
    memory = ()

    def update(
        self,
        parameter: Array,
        gradient: Array,
        memory: tuple[Array, ...],
        step: int,
        scratch: Array,
    ) -> None:
        np.multiply(gradient, self.rate, out=scratch)
        np.subtract(parameter, scratch, out=parameter)


@dataclass(frozen=True)
class Momentum:
    """v ← momentum v − rate g;  θ ← θ + v (Polyak, 1964, the heavy ball)."""

    rate: float = 0.1
    momentum: float = 0.9
    memory = ("velocity",)

    def update(
        self,
        parameter: Array,
        gradient: Array,
        memory: tuple[Array, ...],
        step: int,
        scratch: Array,
    ) -> None:
        (velocity,) = memory
        np.multiply(velocity, self.momentum, out=velocity)
        np.multiply(gradient, self.rate, out=scratch)
        np.subtract(velocity, scratch, out=velocity)
        np.add(parameter, velocity, out=parameter)


@dataclass(frozen=True)
class Adagrad:
    """s ← s + g²;  θ ← θ − rate g / (√s + ε) (Duchi, Hazan and Singer, 2011)."""

    rate: float = 0.1
    epsilon: float = 1e-8
    memory = ("squares",)

    def update(
        self,
        parameter: Array,
        gradient: Array,
        memory: tuple[Array, ...],
        step: int,
        scratch: Array,
    ) -> None:
        (squares,) = memory
        np.multiply(gradient, gradient, out=scratch)
        np.add(squares, scratch, out=squares)
        np.sqrt(squares, out=scratch)
        np.add(scratch, self.epsilon, out=scratch)
        np.divide(gradient, scratch, out=scratch)
        np.multiply(scratch, self.rate, out=scratch)
        np.subtract(parameter, scratch, out=parameter)


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba, 2015, algorithm 1).

    m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;
    θ ← θ − rate m̂ / (√v̂ + ε), with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ).
    """

    rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    memory = ("first", "second")

    def update(
        self,
        parameter: Array,
        gradient: Array,
        memory: tuple[Array, ...],
        step: int,
        scratch: Array,
    ) -> None:
        first, second = memory
        np.subtract(gradient, first, out=scratch)
        np.multiply(scratch, 1 - self.beta1, out=scratch)
        np.add(first, scratch, out=first)
        np.multiply(gradient, gradient, out=scratch)
        np.subtract(scratch, second, out=scratch)
        np.multiply(scratch, 1 - self.beta2, out=scratch)
        np.add(second, scratch, out=second)
        np.multiply(second, 1 / (1 - self.beta2**step), out=scratch)
        np.sqrt(scratch, out=scratch)
        np.add(scratch, self.epsilon, out=scratch)
        np.divide(first, scratch, out=scratch)
        np.multiply(scratch, self.rate / (1 - self.beta1**step), out=scratch)
        np.subtract(parameter, scratch, out=parameter)


AnyOptimizer = Sgd | Momentum | Adagrad | Adam
OPTIMIZERS: Mapping[str, type[AnyOptimizer]] = {
    "sgd": Sgd,
    "momentum": Momentum,
    "adagrad": Adagrad,
    "adam": Adam,
}
