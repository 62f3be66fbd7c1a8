"""Numbers that know how fast they change: derivatives at a point, exactly (Clifford 1873).

This is the one place that says what a derivative is where there is none. A function has the
derivative of the branch that its definition takes at the point: so relu, where(x > 0, x, 0), has 0
at 0; |x|, x sign(x) with sign(0) = 0, has 0 at 0; maximum(a, b), where(a >= b, a, b), follows a
where they tie; max and min follow the first place that attains them. What a mask or a position
depends on does not move it. Where a slope is infinite, as that of sqrt at 0, there is no value,
also where what it is multiplied with is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from symbackprop.equations.evaluate_numbers import EXACT, OPERATORS, Value


@dataclass(frozen=True, eq=False, slots=True)
class Dual:
    """value + rate ε, with ε² = 0: a number, and its derivative along what moves."""

    value: Value
    rate: Value

    def __add__(self, other: Value) -> Dual:
        return Dual(self.value + fixed(other), self.rate + rate(other))

    def __mul__(self, other: Value) -> Dual:
        a = fixed(other)
        return Dual(self.value * a, self.rate * a + self.value * rate(other))

    __radd__ = __add__
    __rmul__ = __mul__


def fixed(number: Value) -> Value:
    """The number without its rate."""
    return number.value if type(number) is Dual else number


def rate(number: Value) -> Value:
    """How fast the number changes; what is no Dual stands still."""
    return number.rate if type(number) is Dual else 0


_EXACT = EXACT.functions

# f'(x) of each primitive, in x and f(x).
SLOPES: Mapping[str, Callable[[Value, Value], Value]] = {
    "exp": lambda x, y: y,
    "log": lambda x, y: _power(x, -1),
    "sqrt": lambda x, y: _power(y * 2, -1),
    "sin": lambda x, y: _EXACT["cos"](x),
    "cos": lambda x, y: -_EXACT["sin"](x),
    "tan": lambda x, y: 1 + y * y,
    "sinh": lambda x, y: _EXACT["cosh"](x),
    "cosh": lambda x, y: _EXACT["sinh"](x),
    "tanh": lambda x, y: 1 - y * y,
    "arctan": lambda x, y: _power(1 + x * x, -1),
    "erf": lambda x, y: _EXACT["exp"](-x * x) * 2 / _EXACT["sqrt"](EXACT.pi),
}


def _function(name: str) -> Callable[[Value], Value]:
    exact, slope = _EXACT[name], SLOPES[name]

    def function(x: Value) -> Value:
        if type(x) is not Dual:
            return exact(x)
        value = exact(x.value)
        return Dual(value, slope(x.value, value) * x.rate)

    return function


def _power(base: Value, exponent: Value) -> Value:
    if type(base) is not Dual and type(exponent) is not Dual:
        return EXACT.power(base, exponent)
    b, e = fixed(base), fixed(exponent)
    value, moved = EXACT.power(b, e), 0
    if type(base) is Dual and e:
        moved = e * EXACT.power(b, e - 1) * rate(base)
    if rate(exponent):
        moved = moved + value * _EXACT["log"](b) * rate(exponent)
    return Dual(value, moved)


def _log_sum_exp(values: Iterable[Value]) -> Value:
    exp, log = DUALS.functions["exp"], DUALS.functions["log"]
    return log(sum(exp(value) for value in values))


def _comparison(op: str) -> Callable[[Value, Value], bool]:
    """Of rational numbers at once; EXACT compares the others."""
    compare, exactly = OPERATORS[op], EXACT.comparisons[op]

    def comparison(a: Value, b: Value) -> bool:
        a, b = fixed(a), fixed(b)
        return compare(a, b) if type(a) is int is type(b) else exactly(a, b)

    return comparison


DUALS = replace(
    EXACT,
    name="duals",
    power=_power,
    total=sum,
    log_sum_exp=_log_sum_exp,
    constant=fixed,
    functions={name: _function(name) for name in SLOPES},
    comparisons={op: _comparison(op) for op in OPERATORS},
)
