"""Where an extremum lies, along several axes at once: (p, q) = argmax."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy
from sympy import Expr

from symbackprop.equations.masks import Delta
from symbackprop.equations.nodes import Digit
from symbackprop.equations.reductions import ArgMax, ArgMin


@dataclass(frozen=True)
class Position:
    """The extremum lies at `place`, one index expression for each of its bound indices."""

    place: tuple[Expr, ...]
    extremum: Expr


def positions(factors: Iterable[Expr]) -> tuple[list[Expr], list[Position]]:
    """Factors δ(p, digit of the position), one for each axis, as one; and the other factors."""
    others = list(factors)
    found = []
    for extremum in dict.fromkeys(e for f in others if (e := _extremum(f)) is not None):
        digits = [Digit(extremum, place, size) for place, size in _radix(extremum)]
        deltas = [next((f for f in others if _says(f, digit)), None) for digit in digits]
        if None not in deltas:
            place = tuple(_other(d, g) for d, g in zip(deltas, digits, strict=True))
            found.append(Position(place, extremum))
            others = [f for f in others if f not in deltas]
    return others, found


def _extremum(factor: Expr) -> Expr | None:
    """The position that a factor δ(p, digit) speaks of."""
    for side in factor.args if isinstance(factor, Delta) else ():
        if isinstance(side, Digit) and isinstance(side.args[0], (ArgMax, ArgMin)):
            return side.args[0]
    return None


def _radix(extremum: Expr) -> list[tuple[Expr, Expr]]:
    """Place and size of each bound index's digit in the row-major position."""
    extents = [i.extent for i in extremum.bound]
    return [(sympy.prod(extents[k + 1 :]), extent) for k, extent in enumerate(extents)]


def _says(factor: Expr, digit: Expr) -> bool:
    return isinstance(factor, Delta) and digit in factor.args


def _other(delta: Expr, digit: Expr) -> Expr:
    a, b = delta.args
    return b if a == digit else a
