"""Random points at which gradients are compared, and what is right there.

Extents that are free take different values from point to point, primes that no fixed extent has;
two points in a row have the same ones, so that values of the call before fit and are seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symbackprop.auditing.child.names import Known
from symbackprop.checking.draw import (
    Instance,
    first_defined,
    run_time_extents,
    small_extents,
)
from symbackprop.checking.sizes import cotangent_sizes
from symbackprop.checking.values import cotangent_arrays, forward_arrays
from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.evaluate import extent_of
from symbackprop.equations.system import System

Array = np.ndarray[Any, np.dtype[Any]]

SEEDS = 6
TURNS = (2, 2, 0, 0, 1, 1)  # the smallest, then primes, then others; each twice in a row
RATES = (0.03125, 0.0625, 0.03125, 0.046875, 0.03125, 0.0625)  # exact in binary
WATCHED = 2  # the point at which a stranger's variables are looked at: its extents are primes


@dataclass(frozen=True)
class Right:
    """A point with the values of all tensors, by name; `sizes` are those that cotangents add up."""

    instance: Instance
    rate: float
    values: Mapping[str, Array]
    sizes: Mapping[str, Array]

    @property
    def extents(self) -> Mapping[str, int]:
        return self.instance.extents


def points_of(derivation: Derivation, loss: LossDerivation) -> list[Right]:
    """The points. Raises TooLarge, Undefined."""
    system = derivation.system
    base = run_time_extents(system)
    found = []
    for number in range(SEEDS):
        extents = _extents(system, base, TURNS[number])

        def attempt(drawn: Instance) -> tuple[Instance, dict[str, Array]]:
            return drawn, forward_arrays(derivation, drawn)

        instance, forward = first_defined(system, attempt, number, extents, exact=False)
        values = cotangent_arrays(loss, forward, instance.extents)
        sizes = cotangent_sizes(loss, forward, instance.extents)
        found.append(Right(instance, RATES[number], values, sizes))
    return found


def _extents(system: System, base: Mapping[str, int], turn: int) -> dict[str, int]:
    """The smallest extents, primes, or as many other primes: all free extents differ."""
    primes = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)
    taken = sorted(base.values())
    others = [p for p in primes if p not in taken and p > max(taken, default=0)]
    names = list(base)
    if turn == 2:
        return small_extents(system)
    if turn == 0 or len(others) < len(names):
        return dict(base)
    shift = (turn - 1) * len(names)
    chosen = (others * 2)[shift : shift + len(names)]
    return dict(zip(names, chosen, strict=True))


def known_of(derivation: Derivation) -> list[Known]:
    """What the child needs to know of the spec's tensors."""
    system = derivation.system
    free = set(system.extents)

    def one(symbol: Any, role: str) -> Known:
        along = [axis for axis, size in enumerate(symbol.shape) if size in free]
        return Known(symbol.name, role, symbol.kind, symbol.rank, along[0] if along else -1)

    found = [one(i.symbol, "input") for i in system.inputs]
    found += [one(p.symbol, "parameter") for p in system.parameters]
    found += [one(s.symbol, "state") for s in system.states]
    found += [Known(e.name, "extent", "integer", 0) for e in system.extents]
    given = {k.name for k in found}
    defined = (e.tensor for e in system.equations if e.tensor.name not in given)
    return [*found, *(one(tensor, "tensor") for tensor in defined)]


def shapes_of(
    loss: LossDerivation, names: Sequence[str], extents: Mapping[str, int]
) -> dict[str, tuple[int, ...]]:
    """The shape of each gradient."""
    tensors = {name: loss.gradients[name].equation.tensor for name in names}
    return {n: tuple(extent_of(s, extents) for s in t.shape) for n, t in tensors.items()}


def write(
    folder: Path, points: Sequence[Right], known: Sequence[Known], loss: LossDerivation,
    names: Sequence[str],
) -> None:  # fmt: skip
    """The points as files that the child reads."""
    for number, point in enumerate(points):
        arrays = {k.name: point.values[k.name] for k in known if k.name in point.values}
        extents = {f"extent {n}": np.array(v) for n, v in point.extents.items()}
        shapes = shapes_of(loss, names, point.extents)
        sized = {f"shape {n}": np.array(s, int) for n, s in shapes.items()}
        arrays |= {**extents, **sized, "rate": np.array(point.rate)}
        np.savez(folder / f"point{number}.npz", **arrays)  # type: ignore[arg-type]
