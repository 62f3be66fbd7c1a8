"""Random values for what a system takes as given, consistent with what it says about them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import Expr

from symbackprop.equations.evaluate import Undefined, extent_of
from symbackprop.equations.nodes import Access, Index, TensorSymbol
from symbackprop.equations.system import System

Array = np.ndarray[Any, np.dtype[Any]]

# One denominator for all entries, so that sums of products stay short; a prime, so that the
# values are generic: nothing stands on a kink and no two are tied.
_DENOMINATOR = 97
_RANGES = ((-96, 96), (5, 96), (100, 190))
_POSITIVE = _RANGES[1]
_ATTEMPTS = 24
_ENTRIES = 2_000_000  # of all tensors together, each a Fraction
_NUMBERS = 50_000_000  # of all tensors together, each a float
_AXES = 32  # of one tensor, which every NumPy can have
_STEPS = 3  # of two, the step before the first, read around the end, is the one after it
_EXTENTS = (3, 5, 7, 4, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73)


class TooLarge(Exception):
    """A network with more numbers than can be drawn and evaluated exactly."""


@dataclass(frozen=True)
class Instance:
    """Run-time extents, and inputs, parameters and states as arrays of exact numbers or floats."""

    extents: Mapping[str, int]
    given: Mapping[str, Array]


def run_time_extents(system: System) -> dict[str, int]:
    """Small numbers for the run-time extents, different from each other and from fixed extents.

    Primes, so that no extent is the product of others; only where 3, 5 and 7 are taken, 4 is. None
    is 2: an array that is one too short would be spread along it.
    """
    fixed = {int(size) for symbol in _tensors(system) for size in symbol.shape if size.is_Integer}
    free = [number for number in _EXTENTS if number not in fixed]
    return _large_enough(system, free)


def small_extents(system: System) -> dict[str, int]:
    """The smallest run-time extents that differ from each other: for what is dear to compute."""
    return _large_enough(system, range(2, 100), _STEPS)


def least_extents(system: System) -> dict[str, int]:
    """Run-time extents of 1, or the least that no extent made of them is below 1."""
    return _large_enough(system, [*(1 for _ in system.extents), *range(2, 100)])


def _large_enough(system: System, numbers: Iterable[int], steps: int = 1) -> dict[str, int]:
    """Different numbers for the run-time extents, so that no extent made of them is below 1.

    Those along which an equation reads other steps are at least `steps`.
    """
    free, stepped = list(numbers), _stepped(system)
    extents = {}
    for symbol in system.extents:
        least = steps if symbol in stepped else 1
        extents[symbol.name] = next(number for number in free if number >= least)
        free.remove(extents[symbol.name])
    made = sorted({e for symbol in _tensors(system) for e in symbol.shape}, key=str)
    while short := next((e for e in made if extent_of(e, extents) < 1), None):
        least = min((s.name for s in short.free_symbols), key=lambda name: extents[name])
        extents[least] = next(number for number in free if number > extents[least])
        free.remove(extents[least])
    return extents


def _stepped(system: System) -> set[Expr]:
    """The extents of indices that an equation reads shifted, as t in h[t - 1]."""
    positions = (p for e in system.equations for a in e.rhs.atoms(Access) for p in a.indices)
    return {index.extent for p in positions if p.is_Add for index in p.atoms(Index)}


def first_defined(
    system: System,
    attempt: Callable[[Instance], Any],
    seed: int = 0,
    extents: Mapping[str, int] | None = None,
    exact: bool = True,
) -> Any:
    """What `attempt` returns for the first drawn instance for which it does not raise Undefined.

    The entries are drawn from (-1, 1) first, then from positive ranges, since a network may take
    the logarithm or the root of what it is given. Raises the last Undefined if none will do,
    TooLarge for too many entries. Without `extents`, those of `run_time_extents` are taken.
    """
    extents = extents or run_time_extents(system)
    _refuse_large(system, extents, _ENTRIES if exact else _NUMBERS)
    last = Undefined("nothing was drawn")
    for instance in _instances(system, seed, extents, exact):
        try:
            return attempt(instance)
        except Undefined as undefined:
            last = undefined
    raise last


def _instances(
    system: System, seed: int, extents: Mapping[str, int], exact: bool
) -> Iterator[Instance]:
    names = [symbol.name for symbol in _given(system)]
    for number in range(_ATTEMPTS):
        chance = np.random.default_rng(1000 * seed + number)
        one = _RANGES[number] if number < len(_RANGES) else None
        ranges = {name: one or _RANGES[chance.integers(len(_RANGES))] for name in names}
        yield Instance(extents, _draw(system, extents, ranges, chance, exact))


def _refuse_large(system: System, extents: Mapping[str, int], most: int) -> None:
    shapes = [_shape(symbol, extents) for symbol in _tensors(system)]
    axes = max(map(len, shapes), default=0)
    if axes > _AXES:
        raise TooLarge(f"too large: a tensor of {axes} axes")
    entries = sum(map(math.prod, shapes))
    if entries > most:
        shown = f"{entries:,}" if entries < 1e18 else f"{float(min(entries, 10**300)):.0e}"
        raise TooLarge(f"too large: {shown} numbers")


def _tensors(system: System) -> list[TensorSymbol]:
    return [*_given(system), *(equation.tensor for equation in system.equations)]


def _given(system: System) -> list[TensorSymbol]:
    inputs, parameters = system.inputs, system.parameters
    return [
        *(i.symbol for i in inputs),
        *(p.symbol for p in parameters),
        *(s.symbol for s in system.states),
    ]


def _draw(
    system: System,
    extents: Mapping[str, int],
    ranges: Mapping[str, tuple[int, int]],
    chance: np.random.Generator,
    exact: bool,
) -> dict[str, Array]:
    """States are positive, as a running variance has to be."""
    drawn: dict[str, Array] = {}
    for given in system.inputs:
        symbol = given.symbol
        shape = _shape(symbol, extents)
        if given.distribution:
            weights = chance.integers(1, 97, shape)
            weights = _over(weights, 1) if exact else weights.astype(float)
            drawn[symbol.name] = weights / weights.sum(axis=-1, keepdims=True)
        elif symbol.kind == "real":
            drawn[symbol.name] = _reals(shape, ranges[symbol.name], 1, chance, exact)
        else:
            below = 2 if symbol.kind == "mask" else _classes(given.classes, extents)
            drawn[symbol.name] = _labels(below, shape, chance)
    for parameter in system.parameters:
        shape = _shape(parameter.symbol, extents)
        scale = max(1, math.isqrt(math.prod(shape[:-1])))
        name = parameter.symbol.name
        drawn[name] = _reals(shape, ranges[name], scale, chance, exact)
    for state in system.states:
        shape = _shape(state.symbol, extents)
        drawn[state.symbol.name] = _reals(shape, _POSITIVE, 1, chance, exact)
    return drawn


def _labels(below: int, shape: tuple[int, ...], chance: np.random.Generator) -> Array:
    """The least and the greatest label, one of them twice, and any others, in any order."""
    labels = chance.integers(0, below, math.prod(shape))
    ends = [0, below - 1, 0][: labels.size]
    labels[: len(ends)] = ends
    return chance.permutation(labels).reshape(shape)


def _classes(classes: Expr | None, extents: Mapping[str, int]) -> int:
    assert classes is not None, "integer inputs state their classes"
    return extent_of(classes, extents)


def _shape(symbol: TensorSymbol, extents: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(extent_of(size, extents) for size in symbol.shape)


def _reals(
    shape: tuple[int, ...],
    bounds: tuple[int, int],
    scale: int,
    chance: np.random.Generator,
    exact: bool,
) -> Array:
    """Numbers in the range, over `scale`: the root of the number of terms they are summed in."""
    if not exact:
        return _single(chance.uniform(*bounds, shape) / (_DENOMINATOR * scale))
    numerators = chance.integers(bounds[0], bounds[1] + 1, shape)
    return _over(np.where(numerators == 0, 1, numerators), _DENOMINATOR * scale)


def _single(numbers: Array) -> Array:
    """The nearest numbers that single precision has too."""
    return np.asarray(numbers).astype(np.float32).astype(float)


def _over(numerators: Array, denominator: int) -> Array:
    """Quotients as Fractions."""
    quotients = np.empty(numerators.shape, dtype=object)
    quotients.ravel()[:] = [Fraction(n, denominator) for n in numerators.ravel().tolist()]
    return quotients
