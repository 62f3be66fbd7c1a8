"""Values to inspect a network at, where there are no data: drawn at small run-time extents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from symbackprop.equations.evaluate import extent_of
from symbackprop.equations.system import Draw, Input, System

Array = np.ndarray[Any, np.dtype[Any]]

ROWS = 8  # examples, where there is room
ROOM = 2**15  # entries of the largest tensor that all examples together may have


def rows_within(system: System, extents: Mapping[str, int], counted: str) -> int:
    """How many examples to look at: ROWS, or as many as the largest tensor has room for."""
    one = {**extents, counted: 1}
    tensors = [e.tensor for e in system.equations]
    largest = max((math.prod(extent_of(s, one) for s in t.shape) for t in tensors), default=1)
    return max(2, min(ROWS, ROOM // max(largest, 1)))


def small_extents(system: System) -> dict[str, int]:
    """The same number for every run-time extent, so that no extent is below 1; of the first, which
    counts the examples, no more than there is room for.
    """
    for number in (ROWS, 2 * ROWS, 4 * ROWS, 16 * ROWS):
        extents = {symbol.name: number for symbol in system.extents}
        if _allowed(system, extents):
            break
    for symbol in system.extents[:1]:
        fewer = {**extents, symbol.name: rows_within(system, extents, symbol.name)}
        extents = fewer if _allowed(system, fewer) else extents
    return extents


def _allowed(system: System, extents: Mapping[str, int]) -> bool:
    """Whether no extent is below 1."""
    shapes = {size for e in system.equations for size in e.tensor.shape}
    return all(extent_of(size, extents) >= 1 for size in shapes)


def drawn(inputs: tuple[Input, ...], extents: Mapping[str, int], seed: int) -> dict[str, Array]:
    """Inputs from their own laws; others normal, labels and masks any alike."""
    chance = np.random.default_rng(seed)
    return {i.symbol.name: _draw(i, extents, chance) for i in inputs}


def _draw(given: Input, extents: Mapping[str, int], chance: np.random.Generator) -> Array:
    symbol = given.symbol
    shape = tuple(extent_of(size, extents) for size in symbol.shape)
    if given.draw is not None:
        return _by_law(given.draw, shape, chance)
    if given.distribution:
        return chance.dirichlet(np.ones(shape[-1]), shape[:-1])
    if symbol.kind == "mask":
        return chance.random(shape) < 0.5
    if symbol.kind == "integer":
        assert given.classes is not None
        return chance.integers(0, extent_of(given.classes, extents), shape)
    return chance.standard_normal(shape)


def _by_law(draw: Draw, shape: tuple[int, ...], chance: np.random.Generator) -> Array:
    numbers = [float(p) for p in draw.parameters]
    if draw.law == "bernoulli":
        return chance.random(shape) < numbers[0]
    first, second = numbers
    if draw.law == "normal":
        return chance.normal(first, second, shape)
    return chance.uniform(first, second, shape)
