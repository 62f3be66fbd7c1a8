"""FLOAT: the reference evaluator's numbers as Python floats, with IEEE's infinities and NaN."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from symbackprop.equations.evaluate_numbers import FUNCTIONS, OPERATORS, Arithmetic, Value, one_of


def quotient(p: int, q: int) -> float:
    """The nearest float, which may be infinite."""
    try:
        return p / q
    except OverflowError:
        return math.inf if p > 0 else -math.inf


def _float_power(base: Value, exponent: Value) -> Value:
    try:
        result = base**exponent
    except (ZeroDivisionError, OverflowError):
        result = 1j
    if isinstance(result, complex):
        with np.errstate(all="ignore"):
            result = float(np.float_power(base, exponent))
    return result


def _float_function(name: str) -> Callable[[Value], Value]:
    fast = getattr(math, "atan" if name == "arctan" else name)
    if name == "erf":
        return fast  # type: ignore[no-any-return]
    ieee = getattr(np, name)

    def function(x: Value) -> Value:
        try:
            return fast(x)
        except (ValueError, OverflowError):
            with np.errstate(all="ignore"):
                return float(ieee(float(x)))

    return function


def _float_log_sum_exp(values: list[Value]) -> Value:
    """Shifted by the largest value, so that it is finite for finite values."""
    largest = max(values)
    if not math.isfinite(largest) or any(math.isnan(v) for v in values):
        return sum(values) if any(math.isnan(v) for v in values) else largest
    return largest + math.log(sum(math.exp(v - largest) for v in values))


FLOAT = Arithmetic(
    name="float",
    pi=math.pi,
    rational=quotient,
    power=_float_power,
    total=sum,
    log_sum_exp=_float_log_sum_exp,
    constant=lambda number: number,
    functions={name: _float_function(name) for name in FUNCTIONS},
    comparisons=OPERATORS,
    choose=one_of,
)
