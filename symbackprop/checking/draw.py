"""Random values for what a system takes as given, consistent with what it says about them."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Expr

from symbackprop.equations.evaluate import Undefined, extent_of
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.equations.system import System

Array = np.ndarray[Any, np.dtype[Any]]

# One denominator for all entries, so that sums of products stay short; a prime, so that the
# values are generic: nothing stands on a kink and no two are tied.
_DENOMINATOR = 97
_RANGES = ((-96, 96), (5, 96), (100, 190))
_ATTEMPTS = 24
_ENTRIES = 2_000_000  # of all tensors together, each a Fraction
_AXES = 32  # of one tensor, which every NumPy can have
_EXTENTS = (3, 5, 2, 4, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73)


class TooLarge(Exception):
    """A network with more numbers than can be drawn and evaluated exactly."""


@dataclass(frozen=True)
class Instance:
    """Run-time extents, and the inputs and parameters as arrays of ints and Fractions."""

    extents: Mapping[str, int]
    given: Mapping[str, Array]


def run_time_extents(system: System) -> dict[str, int]:
    """Small numbers for the run-time extents, different from each other and from fixed extents.

    Primes, so that no extent is the product of others; only where 2, 3 and 5 are taken, 4 is.
    """
    fixed = {int(size) for symbol in _tensors(system) for size in symbol.shape if size.is_Integer}
    free = (number for number in _EXTENTS if number not in fixed)
    return {symbol.name: next(free) for symbol in system.extents}


def small_extents(system: System) -> dict[str, int]:
    """The smallest run-time extents that differ from each other: for what is dear to compute."""
    return {symbol.name: 2 + k for k, symbol in enumerate(system.extents)}


def first_defined(
    system: System,
    attempt: Callable[[Instance], Any],
    seed: int = 0,
    extents: Mapping[str, int] | None = None,
) -> Any:
    """What `attempt` returns for the first drawn instance for which it does not raise Undefined.

    The entries are drawn from (-1, 1) first, then from positive ranges, since a network may take
    the logarithm or the root of what it is given. Raises the last Undefined if none will do,
    TooLarge for too many entries. Without `extents`, those of `run_time_extents` are taken.
    """
    extents = extents or run_time_extents(system)
    _refuse_large(system, extents)
    last = Undefined("nothing was drawn")
    for instance in _instances(system, seed, extents):
        try:
            return attempt(instance)
        except Undefined as undefined:
            last = undefined
    raise last


def _instances(system: System, seed: int, extents: Mapping[str, int]) -> Iterator[Instance]:
    names = [symbol.name for symbol in _given(system)]
    for number in range(_ATTEMPTS):
        chance = random.Random(1000 * seed + number)
        one = _RANGES[number] if number < len(_RANGES) else None
        ranges = {name: one or chance.choice(_RANGES) for name in names}
        yield Instance(extents, _draw(system, extents, ranges, chance))


def _refuse_large(system: System, extents: Mapping[str, int]) -> None:
    shapes = [_shape(symbol, extents) for symbol in _tensors(system)]
    axes = max(map(len, shapes), default=0)
    if axes > _AXES:
        raise TooLarge(f"too large: a tensor of {axes} axes")
    entries = sum(map(math.prod, shapes))
    if entries > _ENTRIES:
        shown = f"{entries:,}" if entries < 1e18 else f"{float(min(entries, 10**300)):.0e}"
        raise TooLarge(f"too large: {shown} numbers")


def _tensors(system: System) -> list[TensorSymbol]:
    return [*_given(system), *(equation.tensor for equation in system.equations)]


def _given(system: System) -> list[TensorSymbol]:
    return [i.symbol for i in system.inputs] + [p.symbol for p in system.parameters]


def _draw(
    system: System,
    extents: Mapping[str, int],
    ranges: Mapping[str, tuple[int, int]],
    chance: random.Random,
) -> dict[str, Array]:
    drawn: dict[str, Array] = {}
    for given in system.inputs:
        symbol = given.symbol
        shape = _shape(symbol, extents)
        if given.distribution:
            drawn[symbol.name] = _distribution(shape, chance)
        elif symbol.kind == "real":
            drawn[symbol.name] = _rationals(shape, ranges[symbol.name], 1, chance)
        else:
            below = 2 if symbol.kind == "mask" else _classes(given.classes, extents)
            drawn[symbol.name] = _filled(shape, functools.partial(chance.randrange, below))
    for parameter in system.parameters:
        shape = _shape(parameter.symbol, extents)
        scale = max(1, math.isqrt(math.prod(shape[:-1])))
        drawn[parameter.symbol.name] = _rationals(
            shape, ranges[parameter.symbol.name], scale, chance
        )
    return drawn


def _classes(classes: Expr | None, extents: Mapping[str, int]) -> int:
    assert classes is not None, "integer inputs state their classes"
    return extent_of(classes, extents)


def _shape(symbol: TensorSymbol, extents: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(extent_of(size, extents) for size in symbol.shape)


def _filled(shape: tuple[int, ...], draw: Callable[[], Any]) -> Array:
    flat = np.empty(math.prod(shape), dtype=object)
    flat[:] = [draw() for _ in range(math.prod(shape))]
    return flat.reshape(shape)


def _rationals(
    shape: tuple[int, ...], bounds: tuple[int, int], scale: int, chance: random.Random
) -> Array:
    """Fractions in the range, over `scale`: the root of the number of terms they are summed in."""
    return _filled(shape, lambda: Fraction(chance.randint(*bounds) or 1, _DENOMINATOR * scale))


def _distribution(shape: tuple[int, ...], chance: random.Random) -> Array:
    """Positive rows along the last axis that sum to exactly 1."""
    weights = _filled(shape, lambda: Fraction(chance.randint(1, 96)))
    return weights / weights.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]
