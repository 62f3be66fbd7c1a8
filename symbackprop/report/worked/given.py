"""What a worked example starts from: small values drawn for whatever no equation defines."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Expr

from symbackprop.equations.evaluate import extent_of
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.equations.system import Input, Parameter, System

Array = np.ndarray[Any, np.dtype[Any]]

# In twentieths: first signed, then positive, then above 1, since a network may take roots and
# logarithms of what it is given.
RANGES = ((-19, 19), (1, 19), (21, 39))
_POSITIVE = RANGES[1]
_TWENTIETHS = 20


@dataclass(frozen=True)
class Given:
    """Run-time extents, and inputs, parameters and states as arrays of exact numbers, by name.

    `drawn` are the names that were drawn, with `seed`; the others were handed in.
    """

    extents: Mapping[str, int]
    arrays: Mapping[str, Array]
    drawn: tuple[str, ...]
    seed: int


def complete(
    system: System,
    extents: Mapping[str, int],
    supplied: Mapping[str, Array],
    seed: int,
    bounds: tuple[int, int],
) -> Given:
    """What was supplied, and the rest drawn: decimals within `bounds`, in twentieths."""
    chance = random.Random(seed)
    arrays: dict[str, Array] = {}
    drawn = []
    for name, declared in declarations(system).items():
        made = _draw(declared, extents, chance, bounds)  # also of what is not needed, so that
        if name in supplied:  # supplying one leaves the others as they were
            arrays[name] = supplied[name]
        else:
            arrays[name] = made
            if not _stated(declared):
                drawn.append(name)
    return Given(dict(extents), arrays, tuple(drawn), seed)


Declared = Input | Parameter | TensorSymbol  # the symbol alone for a state


def declarations(system: System) -> dict[str, Declared]:
    """Everything that no equation defines, by name, in order."""
    states = {state.symbol.name: state.symbol for state in system.states}
    declared: tuple[Input | Parameter, ...] = (*system.inputs, *system.parameters)
    return {d.symbol.name: d for d in declared} | states


def symbol_of(declared: Declared) -> TensorSymbol:
    return declared if isinstance(declared, TensorSymbol) else declared.symbol


def shape_of(symbol: TensorSymbol, extents: Mapping[str, int]) -> tuple[int, ...]:
    """The shape at these run-time extents."""
    return tuple(extent_of(size, extents) for size in symbol.shape)


def small_extents(system: System, known: Mapping[str, int]) -> dict[str, int]:
    """Known run-time extents, and for the others small numbers that no extent is below 1 with."""
    numbers = itertools.count(2)
    extents = {e.name: known[e.name] if e.name in known else next(numbers) for e in system.extents}
    tensors = [*system.given, *(equation.tensor for equation in system.equations)]
    made = sorted({size for tensor in tensors for size in tensor.shape}, key=str)
    for _ in range(100):
        short = next((size for size in made if extent_of(size, extents) < 1), None)
        free = sorted(s.name for s in short.free_symbols if s.name not in known) if short else []
        if not free:
            break
        extents[free[0]] = next(numbers)
    return extents


def _stated(declared: Declared) -> bool:
    """Whether the spec itself says the values."""
    return isinstance(declared, Parameter) and declared.init.values is not None


def _draw(
    declared: Declared,
    extents: Mapping[str, int],
    chance: random.Random,
    bounds: tuple[int, int],
) -> Array:
    shape = shape_of(symbol_of(declared), extents)
    if isinstance(declared, Parameter) and declared.init.values is not None:
        return exact_array(declared.init.values)
    if isinstance(declared, TensorSymbol):
        return _filled(shape, lambda: _real(chance, _POSITIVE))
    if isinstance(declared, Input):
        if declared.distribution:
            rows = [_row(shape[-1], chance) for _ in range(math.prod(shape[:-1]))]
            return exact_array(rows).reshape(shape)
        if declared.symbol.kind == "mask":
            likely = declared.draw.parameters[0] if declared.draw else Fraction(1, 2)
            return _filled(shape, lambda: int(chance.random() < float(likely)))
        if declared.symbol.kind == "integer":
            below = classes_of(declared.classes, extents)
            return _filled(shape, lambda: int(chance.random() * below))
    return _filled(shape, lambda: _real(chance, bounds))


def classes_of(classes: Expr | None, extents: Mapping[str, int]) -> int:
    assert classes is not None, "integer inputs state their classes"
    return extent_of(classes, extents)


def _real(chance: random.Random, bounds: tuple[int, int]) -> Fraction:
    """A number in the range that is not zero."""
    low, high = bounds
    numerator = low + int(chance.random() * (high - low + 1))
    return Fraction(numerator or 1, _TWENTIETHS)


def _row(size: int, chance: random.Random) -> list[Fraction]:
    """Numbers that sum to 1: twentieths, where there are enough of them."""
    if size > _TWENTIETHS // 2:
        return [Fraction(1, size)] * size
    cuts = sorted(chance.sample(range(1, _TWENTIETHS), size - 1))
    ends = itertools.pairwise((0, *cuts, _TWENTIETHS))
    return [Fraction(b - a, _TWENTIETHS) for a, b in ends]


def _filled(shape: tuple[int, ...], number: Any) -> Array:
    array = np.empty(math.prod(shape), dtype=object)
    array[:] = [number() for _ in range(array.size)]
    return array.reshape(shape)


def exact_array(values: Any) -> Array:
    """A nested sequence of numbers as an array of them."""
    shape, inner = [], values
    while isinstance(inner, Sequence):
        shape.append(len(inner))
        inner = inner[0]
    flat = [values]
    for _ in shape:
        flat = [item for part in flat for item in part]
    array = np.empty(len(flat), dtype=object)
    array[:] = flat
    return array.reshape(shape)
