"""The numbers that the reference evaluator computes with.

EXACT   int and Fraction for as long as a value is rational, and as an entry of a tensor not too
        long; from the first transcendental function on, mpf numbers of 50 digits, or of 400 within
        `finer`. What has no real value raises Undefined.
FLOAT   in `evaluate_floats`: Python floats, with IEEE's infinities and NaN.

An entry may also be a SymPy expression, or `Traced`: a value together with the expression that
it is the value of, so that a comparison of expressions is decided at the point. EXACT takes both.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import sympy

Value = Any

DIGITS = 50
FINER = 400  # digits that tell a small number from one that vanishes
BITS = 20_000  # of a rational entry
LARGEST = 10**1000  # that a function is taken of which grows as exp does
HUGE = 2**1023  # as a double, an integer below this is finite
_GROWING = ("exp", "sinh", "cosh")
_MP = mpmath.MPContext()
_MP.dps = FINER
_PI = +_MP.pi
_MP.dps = DIGITS

FUNCTIONS: Mapping[str, Any] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "arctan": sympy.atan,
    "erf": sympy.erf,
}

OPERATORS: Mapping[str, Callable[[Value, Value], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class Undefined(ArithmeticError):
    """An expression has no real value at this point, such as log(-1) or 1/0."""


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """A number domain. Addition and multiplication are Python's `+` and `*`.

    `choose` is the first of two values where a mask holds, else the second, each computed when
    called for. `stored` is what becomes of a value as an entry of a tensor.
    """

    name: str
    pi: Value
    rational: Callable[[int, int], Value]
    power: Callable[[Value, Value], Value]
    total: Callable[[Iterable[Value]], Value]
    log_sum_exp: Callable[[list[Value]], Value]
    constant: Callable[[Value], Value]
    functions: Mapping[str, Callable[[Value], Value]]
    comparisons: Mapping[str, Callable[[Value, Value], bool]]
    choose: Callable[[Value, Callable[[], Value], Callable[[], Value]], Value]
    stored: Callable[[Value], Value] = lambda value: value
    exact: bool = False  # whether 0 times anything is 0


class Known(sympy.Dummy):  # type: ignore[misc]
    """A symbol that stands for a number; SymPy is slow with long numbers, quick with symbols."""

    __slots__ = ("value",)
    value: Value

    def __new__(cls, value: Value) -> Known:
        known = sympy.Dummy.__new__(cls, "c", real=True)
        known.value = value
        return known  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False, slots=True)
class Traced:
    """A value and the SymPy expression, in `Known` symbols, that it is the value of."""

    value: Value
    expr: sympy.Expr

    def __add__(self, other: Value) -> Traced:
        return Traced(value_of(self) + value_of(other), self.expr + symbolic(other))

    def __mul__(self, other: Value) -> Traced:
        return Traced(value_of(self) * value_of(other), self.expr * symbolic(other))

    __radd__ = __add__
    __rmul__ = __mul__


def value_of(number: Value) -> Value:
    """The number itself, or the value of a traced one."""
    return number.value if isinstance(number, Traced) else number


def symbolic(number: Value) -> sympy.Expr:
    """The number as a SymPy expression: a short fraction as it is, a long number as a symbol."""
    if isinstance(number, Traced):
        return number.expr
    if isinstance(number, sympy.Expr):
        return number
    if isinstance(number, int | Fraction) and abs(number.numerator) < 10 > number.denominator:
        return sympy.Rational(number.numerator, number.denominator)
    return Known(number)


def one_of(mask: Value, a: Callable[[], Value], b: Callable[[], Value]) -> Value:
    return a() if mask else b()


def _short(number: Value) -> Value:
    """A rational of at most BITS bits as it is, else of 50 digits: squares double in length."""
    if isinstance(number, Traced):
        return Traced(_short(number.value), number.expr)
    if isinstance(number, int | Fraction):
        bits = max(number.numerator.bit_length(), number.denominator.bit_length())
        return number if bits <= BITS else multiprecision(number)
    return number


@contextmanager
def finer() -> Iterator[None]:
    """What is computed within has FINER digits where it is not rational."""
    with _MP.workdps(FINER):
        yield


def is_fine() -> bool:
    """Whether what is computed now is computed in FINER digits."""
    return int(_MP.dps) >= FINER


def multiprecision(number: Value) -> Any:
    """A rational number or a float as an mpf of 50 digits."""
    return _MP.convert(number)


def _exact_power(base: Value, exponent: Value) -> Value:
    if isinstance(base, Traced) or isinstance(exponent, Traced):
        value = _exact_power(value_of(base), value_of(exponent))
        return Traced(value, symbolic(base) ** symbolic(exponent))
    if isinstance(base, sympy.Expr) or isinstance(exponent, sympy.Expr):
        return sympy.Pow(symbolic(base), symbolic(exponent))
    if base == 0 and exponent < 0:
        raise Undefined(f"0 to the power {exponent}")
    if isinstance(exponent, int):
        below = isinstance(base, int) and exponent < 0  # else a position stays a whole number
        return Fraction(base) ** exponent if below else base**exponent
    if base < 0:
        raise Undefined(f"{base} to the power {exponent}")
    return _MP.power(base, exponent)


def _exact_total(values: Iterable[Value]) -> Value:
    """The sum; traced terms are added once, in the end, since SymPy's sums are slow to grow."""
    number: Value = 0
    traced = []
    for value in values:
        if isinstance(value, Traced):
            traced.append(value)
        else:
            number = number + value
    if not traced:
        return number
    total = sum((t.value for t in traced), number)
    return Traced(total, sympy.Add(symbolic(number), *(t.expr for t in traced)))


def _exact_log_sum_exp(values: list[Value]) -> Value:
    exp, log = EXACT.functions["exp"], EXACT.functions["log"]
    return log(_exact_total(exp(value) for value in values))


def _exact_constant(number: Value) -> Value:
    return value_of(number)


def _exact_function(name: str) -> Callable[[Value], Value]:
    on_symbols = FUNCTIONS[name]
    on_numbers = getattr(_MP, "atan" if name == "arctan" else name)

    def function(x: Value) -> Value:
        if isinstance(x, Traced):
            return Traced(function(x.value), on_symbols(x.expr))
        if isinstance(x, sympy.Expr):
            return on_symbols(x)
        if (name == "log" and x <= 0) or (name == "sqrt" and x < 0):
            raise Undefined(f"{name}({x})")
        if name in _GROWING and abs(x) > LARGEST:
            raise Undefined(f"{name}({x}) has too many digits")
        return on_numbers(x)

    return function


def _exact_comparison(compare: Callable[[Value, Value], bool]) -> Callable[[Value, Value], bool]:
    def comparison(a: Value, b: Value) -> bool:
        a, b = value_of(a), value_of(b)
        if isinstance(a, _MP.mpf) != isinstance(b, _MP.mpf):
            a, b = multiprecision(a), multiprecision(b)
        return bool(compare(a, b))

    return comparison


EXACT = Arithmetic(
    name="exact",
    pi=_PI,
    rational=Fraction,
    power=_exact_power,
    total=_exact_total,
    log_sum_exp=_exact_log_sum_exp,
    constant=_exact_constant,
    functions={name: _exact_function(name) for name in FUNCTIONS},
    comparisons={name: _exact_comparison(compare) for name, compare in OPERATORS.items()},
    choose=one_of,
    stored=_short,
    exact=True,
)
