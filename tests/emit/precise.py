"""What a float ought to be, to 50 digits, and by how many units in the last place it is off.

The oracle walks the definitions of the pointwise table over dual numbers of mpmath: a value and its
slope along one direction. It knows nothing of the derivation or of the generated code.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from symbackprop.equations.evaluate_numbers import OPERATORS, Arithmetic, value_of
from symbackprop.equations.evaluate_pointwise import pointwise
from symbackprop.layers.pointwise import POINTWISE

Number = Any
DIGITS = 50
# As many as tell 1 from 1 + the smallest float, and 50 more.
WORKING = {np.dtype(np.float32): 100, np.dtype(np.float64): 400}


@dataclass(frozen=True, eq=False)
class Dual:
    """A number that moves: its value and its slope, both mpf."""

    value: Number
    slope: Number

    def __add__(self, other: Any) -> Dual:
        return Dual(self.value + _value(other), self.slope + _slope(other))

    def __mul__(self, other: Any) -> Dual:
        a, b = self.value, _value(other)
        return Dual(a * b, _product(self.slope, b) + _product(a, _slope(other)))

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Any) -> Dual:
        return self + -other

    def __rsub__(self, other: Any) -> Dual:
        return -self + other

    def __truediv__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            return self * other**-1
        return Dual(self.value / other, self.slope / other)

    def __rtruediv__(self, other: Any) -> Dual:
        return self**-1 * other

    def __pow__(self, power: Any) -> Dual:
        a = self.value
        if power < 0 and a == 0:
            return Dual(a.context.inf, -a.context.inf)
        if power == 2:  # also of what is negative
            return self * self
        steep = a == 0 and 0 < power < 1
        rate = a.context.inf if steep else power * a ** (power - 1)
        return Dual(a**power, _product(rate, self.slope))

    __radd__ = __add__
    __rmul__ = __mul__


def _value(number: Any) -> Number:
    return number.value if isinstance(number, Dual) else number


def _slope(number: Any) -> Number:
    return number.slope if isinstance(number, Dual) else 0


def _product(a: Number, b: Number) -> Number:
    """A slope of 0 stays 0 beside an infinite one: what does not move has no part in it."""
    return 0 if a == 0 or b == 0 else a * b


@functools.cache
def arithmetic(digits: int) -> Arithmetic:
    """Dual numbers of so many digits as the reference evaluator knows numbers."""
    own = mpmath.MPContext()
    own.dps = digits
    two_over_root_pi = 2 / own.sqrt(own.pi)
    slopes: dict[str, Callable[[Number, Number], Number]] = {
        "exp": lambda x, y: y,
        "log": lambda x, y: own.inf if x == 0 else 1 / x,
        "sqrt": lambda x, y: own.inf if y == 0 else 1 / (2 * y),
        "sin": lambda x, y: own.cos(x),
        "cos": lambda x, y: -own.sin(x),
        "tan": lambda x, y: 1 / own.cos(x) ** 2,
        "sinh": lambda x, y: own.cosh(x),
        "cosh": lambda x, y: own.sinh(x),
        "tanh": lambda x, y: 1 / own.cosh(x) ** 2,
        "arctan": lambda x, y: 1 / (1 + x * x),
        "erf": lambda x, y: two_over_root_pi * own.exp(-x * x),
    }

    def function(name: str) -> Callable[[Any], Dual]:
        at = getattr(own, "atan" if name == "arctan" else name)

        def value_and_slope(x: Any) -> Dual:
            y = at(_value(x))
            rate = slopes[name](_value(x), y)
            return Dual(y, _product(rate, _slope(x)))

        return value_and_slope

    def comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
        return lambda a, b: bool(compare(_value(a), _value(b)))

    return Arithmetic(
        name=f"duals of {digits} digits",
        pi=+own.pi,
        rational=lambda p, q: own.mpf(p) / q,
        power=lambda base, exponent: (own.mpf(base) if isinstance(base, int) else base) ** exponent,
        total=lambda values: functools.reduce(lambda a, b: a + b, values),
        log_sum_exp=lambda values: NotImplemented,
        constant=value_of,
        functions={name: function(name) for name in slopes},
        comparisons={op: comparison(compare) for op, compare in OPERATORS.items()},
        choose=lambda mask, a, b: a() if mask else b(),
    )


Vocabulary = dict[str, Callable[..., Any]]
Truth = Callable[[Vocabulary, Sequence[Dual]], Dual]


@functools.cache
def vocabulary(digits: int) -> Vocabulary:
    """Every row of the pointwise table, over duals; and `where`."""
    numbers = arithmetic(digits)
    found = {name: pointwise(name, numbers) for name in POINTWISE}
    return {**found, "where": lambda mask, a, b: a if mask else b}


def pointwise_truth(text: str) -> Truth:
    """The function of x that an expression of pointwise functions is, in Python's own syntax."""
    code = compile(text, "<expression>", "eval")
    return lambda known, x: eval(code, {"__builtins__": {}}, {**known, "x": x[0]})


def exact(
    truth: Truth, point: Sequence[float], along: int | None, dtype: np.dtype[Any], more: int = 0
) -> tuple[Number, Number]:
    """Value and slope along one entry at a point, to 50 digits, and to so many `more`."""
    one = arithmetic(WORKING[dtype] + more).rational(1, 1)
    x = [Dual(one * float(v), one * int(k == along)) for k, v in enumerate(point)]
    y = truth(vocabulary(WORKING[dtype] + more), x)
    return (y.value, y.slope) if isinstance(y, Dual) else (one * y, one * 0)


INFINITE, LOST, FLUSHED = "not finite", "lost", "flushed"


@dataclass(frozen=True)
class Error:
    """How far a float is off: `ulps`, and a `fault` where that is no matter of rounding."""

    ulps: float
    fault: str = ""


def error(came: float, true: Number, dtype: np.dtype[Any], beside: float = 0.0) -> Error:
    """In units in the last place of the float that is nearest to the true value.

    Where that is above the largest float an infinity of its sign is right. Faults: `not finite`
    where the true value can be represented; `flushed`: 0 for what only subnormal numbers hold;
    `lost`: no digit is right. A true value below `beside` counts as a part of that: its error is
    measured in units of `beside`.
    """
    limits = np.finfo(dtype)
    largest, smallest = mpmath.mpf(float(limits.max)), float(limits.tiny)
    last = float(limits.smallest_subnormal)
    if mpmath.isnan(true):
        return Error(0.0 if np.isnan(came) else np.inf)
    if abs(true) >= largest * (1 + mpmath.mpf(float(limits.eps)) / 4):
        right = np.isinf(came) and (came > 0) == (true > 0)
        near = np.isfinite(came) and abs(came) >= float(limits.max) * (1 - 1e-5)
        return Error(0.0) if right or near else Error(np.inf, INFINITE)
    if not np.isfinite(came):
        return Error(np.inf, INFINITE)
    size = max(abs(true), mpmath.mpf(beside))
    exponent = max(mpmath.frexp(size)[1] - 1, int(limits.minexp)) if size else int(limits.minexp)
    unit = mpmath.mpf(2) ** (exponent - int(limits.nmant))
    off = float(abs(mpmath.mpf(float(came)) - true) / unit)
    if came == 0 and last < abs(true) < smallest:
        return Error(off, FLUSHED)
    return Error(off, LOST if off >= 2.0 ** (int(limits.nmant) - 1) and true else "")


def places(dtype: np.dtype[Any], per_decade: float, near: Iterable[float]) -> np.ndarray[Any, Any]:
    """0, and 1e-30 to 1e30 of both signs; each place `near`, its neighbours, and what is 1% off."""
    decades = np.linspace(-30, 30, round(60 * per_decade) + 1)
    found = [0.0, *(10.0**decades)]
    for place in near:
        one = dtype.type(place)
        beside = [np.nextafter(one, dtype.type(far)) for far in (0, np.inf)]
        found += [float(one), *map(float, beside), float(one) * 0.99, float(one) * 1.01]
    both = np.array([*found, *(-v for v in found)]).astype(dtype)
    return np.unique(both[np.isfinite(both)] + dtype.type(0))  # no -0
