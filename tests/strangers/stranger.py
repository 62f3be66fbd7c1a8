"""A stranger's spec beside the same mathematics, written by hand with PyTorch's operations.

    @case('''
    inputs: {x: [N, 4], y: [N]}
    params: {w: {shape: [4]}}
    loss: mean((x @ w - y)**2)
    ''', y=between(0.5, 2.0))
    def least_squares(x, y, w):
        return ((x @ w - y) ** 2).mean()

The parameters of the function are tensors of the spec. It returns the loss, or a dict of the
losses and of any other outputs, by name.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]


@dataclass(frozen=True)
class Case:
    """A spec's text, the reference, and how to draw what is not simply normal."""

    text: str
    reference: Callable[..., Any]
    draws: Mapping[str, Draw]

    @property
    def name(self) -> str:
        return self.reference.__name__

    def expected(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """What the reference makes of the tensors, by the names of losses and outputs."""
        wanted = inspect.signature(self.reference).parameters
        made = self.reference(**{name: tensors[name] for name in wanted})
        return made if isinstance(made, dict) else {"loss": made}


def case(spec: str, **draws: Draw) -> Callable[[Callable[..., Any]], Case]:
    """Makes a case of the reference below it; the spec is named after it."""

    def made(reference: Callable[..., Any]) -> Case:
        text = f"name: {reference.__name__}\n{textwrap.dedent(spec).lstrip()}"
        return Case(text, reference, draws)

    return made


def between(low: float, high: float) -> Draw:
    """Uniform entries."""
    return lambda rng, shape: rng.uniform(low, high, shape)


def normal(std: float) -> Draw:
    """Normal entries around zero."""
    return lambda rng, shape: std * rng.normal(size=shape)


def signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Entries of -1 and 1."""
    return rng.choice([-1.0, 1.0], shape)


def with_zeros(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal entries, the first of every row 0."""
    entries = rng.normal(size=shape)
    entries[..., 0] = 0.0
    return entries


def positive_definite(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A symmetric matrix with eigenvalues of at least 1."""
    half = rng.normal(size=shape)
    return half @ half.T + np.eye(shape[0])


def sizes(names: Iterable[str], fixed: set[int], primes: Iterable[int]) -> dict[str, int]:
    """A prime for each run-time extent, different from each other and from the fixed extents."""
    free = iter(p for p in primes if p not in fixed)
    return {name: next(free) for name in names}


def draw(
    kind: str, shape: tuple[int, ...], classes: int, own: Draw | None, rng: np.random.Generator
) -> Array:
    """The array of one input or parameter. `kind` real, integer, mask or distribution."""
    if own is not None:
        return own(rng, shape)
    if kind == "integer":
        return rng.integers(classes, size=shape)
    if kind == "mask":
        return rng.random(shape) < 0.6
    if kind == "distribution":
        rows = rng.uniform(0.1, 1.0, shape)
        return rows / rows.sum(axis=-1, keepdims=True)
    return rng.normal(size=shape) * 0.7
