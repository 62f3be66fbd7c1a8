"""A factor by which a line, or one term of it, was multiplied: fitted, then named.

The way back is linear in every cotangent, so that one evaluation with a term doubled tells what
any other factor would give. A factor has a name where the same one holds at every point: a plain
number, or one times an extent, one over it, or the learning rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy
from sympy import Expr

from symbackprop.auditing.compare import Compared
from symbackprop.auditing.points import Array
from symbackprop.auditing.world import Change, World
from symbackprop.derivation.model import Line
from symbackprop.equations.nodes import Access, TensorSymbol, extent

_CLOSE = 1e-4
_NOTHING = 1e-6
RATE = "learning rate"  # the name of its value at a point


@dataclass(frozen=True)
class Factor:
    """The factor's name, and its value as an expression over extents; whether it is a plain one."""

    name: str
    value: Expr
    plain: bool = True


@dataclass(frozen=True)
class Scaled:
    """A line with one of its terms, or all of it, times a factor."""

    line: Line
    term: Expr | None
    factor: Factor

    def kind(self) -> str:
        """What a reader calls it."""
        if self.factor.name == "0":
            return "missing term"
        return "opposite sign" if self.factor.name == "-1" else "wrong factor"


def terms(line: Line) -> Iterator[tuple[Expr | None, Expr]]:
    """The whole line doubled, then each of its terms doubled; None stands for the whole."""
    rhs = line.equation.rhs
    yield None, 2 * rhs
    if isinstance(rhs, sympy.Add):
        for term in rhs.args:
            yield term, rhs + term


def fitted(
    world: World,
    base: Change,
    line: Line,
    doubled: Expr,
    wanted: Sequence[str],
    found: Mapping[str, Sequence[Compared]],
    now: Callable[[int, str], Array],
) -> tuple[tuple[float, ...], frozenset[str]] | None:
    """The factor at each point, and the gradients that it explains; `now` are those without it."""
    change = base | Change({line.equation.tensor.name: doubled})
    explained = set(wanted)
    values: list[float] = []
    for number in range(len(world.points)):
        twice = world.gradients(number, change, sorted(explained))
        if twice is None:
            return None
        slopes = {n: a - now(number, n) for n, a in twice.items()}
        ratio = _ratio(slopes, found, number, now, explained)
        if ratio is None:
            return None
        explained = {
            n
            for n in explained
            if found[n][number].agrees_with(now(number, n) + (ratio - 1) * slopes[n])
        }
        if not explained:
            return None
        values.append(ratio)
    return tuple(values), frozenset(explained)


def _ratio(
    slopes: Mapping[str, Array],
    found: Mapping[str, Sequence[Compared]],
    number: int,
    now: Callable[[int, str], Array],
    names: set[str],
) -> float | None:
    """The factor of the gradient with the steadiest one."""
    best: tuple[float, float] | None = None
    for name in sorted(names):
        one = found[name][number]
        if not one.fits:
            continue
        slope = slopes[name].ravel()
        assert one.came is not None
        rest = (one.came - now(number, name)).ravel()
        size = float(slope @ slope)
        if size == 0 or not np.isfinite(size):
            continue
        ratio = float(slope @ rest) / size
        error = float(np.linalg.norm(rest - ratio * slope)) / (size**0.5)
        if best is None or error < best[0]:
            best = (error, 1 + ratio)
    return best[1] if best else None


def named(
    values: Sequence[float], extents: Sequence[Mapping[str, int]], rates: Sequence[float | None]
) -> Factor | None:
    """The factor as a reader would write it; None where the points do not agree on one."""
    candidates: list[tuple[str, list[float]]] = [("", [1.0] * len(values))]
    for name in extents[0]:
        candidates.append((name, [float(e[name]) for e in extents]))
    for name in extents[0]:
        candidates.append((f"1/{name}", [1.0 / e[name] for e in extents]))
    if all(r is not None for r in rates):
        known = [float(r) for r in rates if r is not None]
        candidates.append(("rate", known))
        candidates.append(("1/rate", [1 / r for r in known]))
    for name, units in candidates:
        ratios = [v / u for v, u in zip(values, units, strict=True)]
        middle = float(np.median(ratios))
        if not name and max(map(abs, ratios)) < _NOTHING:
            return Factor("0", sympy.Integer(0))
        if middle and all(abs(r - middle) <= _CLOSE * abs(middle) for r in ratios):
            return _written(middle, name)
    return None


def _written(number: float, unit: str) -> Factor:
    fraction = Fraction(number).limit_denominator(1000)
    plain = abs(float(fraction) - number) <= _CLOSE * abs(number)
    exact = fraction if plain else Fraction(number)
    value = sympy.Rational(exact.numerator, exact.denominator)
    text = str(fraction) if plain else f"{number:.6g}"
    if not unit:
        return Factor(text, value, plain)
    below = unit.startswith("1/")
    name = unit.removeprefix("1/")
    known = Access(TensorSymbol(RATE, ())) if name == "rate" else extent(name)
    scale = known ** (-1 if below else 1)
    if below:
        above, _, under = text.partition("/")
        return Factor(
            f"{above}/({under} {name})" if under else f"{above}/{name}", value * scale, plain
        )
    if text in ("1", "-1"):
        return Factor(text.replace("1", name), value * scale, plain)
    above, _, under = text.partition("/")
    whole = name if above == "1" else f"-{name}" if above == "-1" else f"{above} {name}"
    return Factor(f"{whole}/{under}" if under else whole, value * scale, plain)
