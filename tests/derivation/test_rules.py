"""Each rule is an identity: both sides agree at random rational points, and it does fire."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Expr, Mul, exp, log

from symbackprop.derivation.collapse import collapsed, pulled
from symbackprop.derivation.rules.collect import factored, merged
from symbackprop.derivation.rules.fractions import over_one_divisor
from symbackprop.derivation.rules.recognise import mirrored, recognise
from symbackprop.derivation.scalar import partial_derivative
from symbackprop.equations.evaluate import EXACT, evaluate_equation
from symbackprop.equations.masks import Compare, Delta, Where
from symbackprop.equations.nodes import (
    Access,
    Digit,
    Index,
    TensorSymbol,
    extent,
    pointwise_function,
)
from symbackprop.equations.pointwise import computed, definition
from symbackprop.equations.reductions import LogSumExp, Sum
from symbackprop.equations.system import Equation
from symbackprop.layers.pointwise import POINTWISE

N = extent("N")
n, k, j = Index("n", N), Index("k", 5), Index("j", 5)
z = TensorSymbol("z", (N, 5))
w = TensorSymbol("w", (N,))
c = TensorSymbol("c", (N, 5))
y = TensorSymbol("y", (N,), "integer", 5)
sigmoid, softplus = pointwise_function("sigmoid"), pointwise_function("softplus")
Z, C, W = Access(z, n, k), Access(c, n, k), Access(w, n)
TOTAL = Sum(exp(Access(z, n, j)), j)
LSE = LogSumExp(Access(z, n, j), j)


def values(rhs: Expr, numbers: list[int]) -> np.ndarray[Any, Any]:
    """The right-hand side for every n and k, at tensors filled from the numbers."""
    given_values = {
        "z": np.array([Fraction(m, 17) for m in numbers[:15]], object).reshape(3, 5),
        "c": np.array([Fraction(m, 13) for m in numbers[15:30]], object).reshape(3, 5),
        "w": np.array([Fraction(m, 7) for m in numbers[30:33]], object),
        "y": np.array([abs(m) % 5 for m in numbers[33:36]], object),
    }
    equation = Equation(TensorSymbol("out", (N, 5)), (n, k), rhs)
    return evaluate_equation(equation, given_values, {"N": 3}, EXACT)


def agree(a: Expr, b: Expr, numbers: list[int]) -> bool:
    pairs = zip(values(a, numbers).flat, values(b, numbers).flat, strict=True)
    return all(abs(float(p) - float(q)) <= 1e-14 * (1 + abs(float(p))) for p, q in pairs)


NUMBERS = st.lists(st.integers(-40, 40), min_size=36, max_size=36)

RECOGNISED = {
    "sigmoid": (1 / (1 + exp(-Z)), sigmoid(Z)),
    "sigmoid of the mirror": (exp(Z) / (1 + exp(Z)), sigmoid(Z)),
    "squared": (exp(-Z) / (1 + exp(-Z)) ** 2, (1 - sigmoid(Z)) * sigmoid(Z)),
    "softplus": (log(1 + exp(Z)), softplus(Z)),
    "log sigmoid": (log(sigmoid(Z)), -softplus(-Z)),
    "log of the rest": (log(1 - sigmoid(Z)), -softplus(Z)),
    "log1p": (pointwise_function("log1p")(-sigmoid(Z)), -softplus(Z)),
    "logsumexp": (log(TOTAL), LSE),
    "log of a mean": (log(TOTAL / 5), LSE + log(sympy.Rational(1, 5))),
    "softmax": (exp(Z) / TOTAL, exp(Z - LSE)),
    "shifted softmax": (
        exp(Z - W) / Sum(exp(Access(z, n, j) - W), j),
        exp(Z - LSE),
    ),
    "log softmax": (log(exp(Z) / TOTAL), Z - LSE),
    "shift": (LogSumExp(W + Access(z, n, j), j), W + LSE),
}


@pytest.mark.parametrize("name", RECOGNISED)
def test_spellings_are_recognised(name: str) -> None:
    before, after = RECOGNISED[name]
    assert recognise(before) == after


@pytest.mark.parametrize("name", RECOGNISED)
@settings(max_examples=10, deadline=None)
@given(numbers=NUMBERS)
def test_recognition_is_an_identity(name: str, numbers: list[int]) -> None:
    before, _ = RECOGNISED[name]
    assert agree(before, recognise(before), numbers)


def test_a_wrong_identity_is_seen() -> None:
    assert not agree(log(1 + exp(Z)), softplus(-Z), list(range(-18, 18)))


magnitude, sign = pointwise_function("abs"), pointwise_function("sign")
ONE = C / (1 + Z**2) ** 2
TWO = C / (1 + Z**2) + W * Z / (1 + Z**2) ** 2

COLLECTED: dict[str, tuple[Callable[[Expr], Expr], Expr, Expr]] = {
    "merge": (merged, C * Z - C * sigmoid(Z) * Z + Z * (1 - C) - Z, -C * sigmoid(Z) * Z),
    "multiply out": (merged, (1 - C) * Z - C * (1 - Z), Z - C),
    "join": (
        merged,
        W * Where(Compare(">", Z, 0), exp(Z), 0) + W * Where(Compare(">", Z, 0), 0, C),
        W * Where(Compare(">", Z, 0), exp(Z), C),
    ),
    "factor": (factored, Z * C / N - Z * Z / N, Z * (C - Z) / N),
    "numbers": (factored, (2 * Z - 2 * C) * W, 2 * W * (Z - C)),
    "mirror": (mirrored, sigmoid(-Z) * C + sigmoid(Z), (1 - sigmoid(Z)) * C + sigmoid(Z)),
    "one divisor": (over_one_divisor, C / (1 + Z**2) - C * Z**2 / (1 + Z**2) ** 2 + W, ONE + W),
    "magnitude": (
        over_one_divisor,
        (1 / (1 + magnitude(Z)) - Z * sign(Z) / (1 + magnitude(Z)) ** 2) * C,
        C / (1 + magnitude(Z)) ** 2,
    ),
    "two numerators": (over_one_divisor, C / (1 + Z**2) - Z, C / (1 + Z**2) - Z),
    "no cancellation": (over_one_divisor, TWO, TWO),
}


@pytest.mark.parametrize("name", COLLECTED)
@settings(max_examples=10, deadline=None)
@given(numbers=NUMBERS)
def test_collecting_is_an_identity(name: str, numbers: list[int]) -> None:
    rule, before, after = COLLECTED[name]
    assert rule(before) == after
    assert agree(before, after, numbers)


u = Index("u", 5)
COLLAPSED = {
    "index": (Sum(Access(z, n, j) * Delta(k, j), j), Z),
    "two": (Sum(Access(c, n, j) * Delta(j, u) * Delta(k, u), j, u), C),
    "gather leaves": (Sum(Access(z, n, j) * Delta(j, Access(y, n)), j), Access(z, n, Access(y, n))),
    "scatter stays": (Delta(k, Access(y, n)) * W, Delta(k, Access(y, n)) * W),
    "nothing": (Sum(sympy.S.Zero, j), sympy.S.Zero),
    "idle index": (Sum(Access(z, n, k) * W, j), 5 * Z * W),
    "shift": (
        Sum(Access(z, n, j) * Delta(k, j + 2), j),
        Where(Compare(">=", k - 2, 0), Access(z, n, k - 2), 0),
    ),
}


@pytest.mark.parametrize(
    "name", ["index", "two", "gather leaves", "scatter stays", "nothing", "idle index"]
)
@settings(max_examples=10, deadline=None)
@given(numbers=NUMBERS)
def test_deltas_collapse(name: str, numbers: list[int]) -> None:
    before, after = COLLAPSED[name]
    assert collapsed(before) == after
    assert agree(before, after, numbers)


def test_a_shifted_index_leaves_a_guard() -> None:
    before, after = COLLAPSED["shift"]
    assert collapsed(before) == after


def test_all_digits_of_a_position_give_the_position() -> None:
    f, a, b = Index("f", 15), Index("a", 3), Index("b", 5)
    v = TensorSymbol("v", (15,))
    before = Sum(Access(v, f) * Delta(a, Digit(f, 5, 3)) * Delta(b, Digit(f, 1, 5)), f)
    assert collapsed(before) == Access(v, 5 * a + b)


def test_factors_leave_a_sum() -> None:
    assert pulled(Sum(W * Access(z, n, j), j)) == W * Sum(Access(z, n, j), j)


DIFFERENTIABLE = sorted(set(POINTWISE))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@settings(max_examples=20, deadline=None)
@given(x=st.integers(1, 399), negative=st.booleans())
def test_derivatives_of_the_pointwise_table(name: str, x: int, negative: bool) -> None:
    """By central differences of the definition itself, off the kinks, with 50 digits."""
    point = Fraction(2 * x + 1, 202) * (
        -1 if negative and name not in ("log", "sqrt", "log1p") else 1
    )
    count = POINTWISE[name].parameters.count(",") + 1
    rest = [sympy.Rational(1, 3), sympy.Rational(2, 3)][: count - 1]
    function = _function(name)
    slope = partial_derivative(function(Z, *rest), 0)
    h = Fraction(1, 10**15)
    numbers = {"z": point}
    high, low = (_at(function(Z, *rest), numbers["z"] + s * h) for s in (1, -1))
    expected = (high - low) / (2 * h)
    got = _at(slope, point)
    assert abs(float(got) - float(expected)) < 1e-12 * (1 + abs(float(expected)))


@pytest.mark.parametrize("name", [n for n, row in POINTWISE.items() if row.computed])
@settings(max_examples=20, deadline=None)
@given(x=st.integers(-400, 400))
def test_computed_forms_equal_the_definitions(name: str, x: int) -> None:
    parameters, defined = definition(name)
    _, by = computed(name)
    fill = dict(zip(parameters, [Z, sympy.Rational(1, 3)], strict=False))
    point = Fraction(x, 37)
    a, b = _at(defined.xreplace(fill), point), _at(by.xreplace(fill), point)
    assert abs(float(a) - float(b)) < 1e-14 * (1 + abs(float(a)))


def _function(name: str) -> Callable[..., Expr]:
    from symbackprop.equations.build.functions import apply_pointwise

    return lambda *arguments: apply_pointwise(name, arguments, {})


def _at(rhs: Expr, point: Fraction) -> Any:
    equation = Equation(TensorSymbol("out", (N, 5)), (n, k), rhs)
    filled = np.empty((1, 5), object)
    filled[:] = point
    return evaluate_equation(equation, {"z": filled}, {"N": 1}, EXACT)[0, 0]


def test_sums_in_rules_do_not_capture() -> None:
    """A bound index that has the name of one put in steps aside."""
    inner = Sum(Access(z, n, j) * W, j)
    before = Sum(Mul(inner, Delta(k, u), Access(c, n, u)), u)
    assert collapsed(before) == Mul(inner, C)
