"""Whole arrays against the loops: the same values, and derivatives by complex steps."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_evaluate_recurrence import (
    EXTENTS,
    RNN,
    N,
    T,
    U,
    a,
    after,
    arrays,
    c,
    h,
    j,
    k,
    n,
    t,
)

from symbackprop.equations import evaluate_arrays as by_arrays
from symbackprop.equations.build import build
from symbackprop.equations.evaluate import EXACT, evaluate_system, extent_of
from symbackprop.equations.evaluate_arrays import evaluate_arrays
from symbackprop.equations.evaluate_pointwise import pointwise
from symbackprop.equations.masks import And, Compare, Delta, Where
from symbackprop.equations.nodes import Index, Stop, TensorSymbol
from symbackprop.equations.reductions import ArgMax, LogSumExp, Max, Sum
from symbackprop.equations.system import Equation
from symbackprop.layers.pointwise import POINTWISE
from symbackprop.spec import parse
from tests.derivation.specs import specs

x, out, loss = TensorSymbol("x", (N, 3)), TensorSymbol("out", (N, 3)), TensorSymbol("loss", ())


def drawn(system, extents, seed: int) -> dict[str, np.ndarray]:
    chance = random.Random(seed)
    given_ = {}
    for symbol in [i.symbol for i in system.inputs] + [p.symbol for p in system.parameters]:
        shape = tuple(extent_of(size, extents) for size in symbol.shape)
        array = np.empty(shape, object)
        for at in np.ndindex(*shape):
            below = {"integer": symbol.classes, "mask": 2}.get(symbol.kind)
            real = Fraction(chance.randrange(-199, 200, 2), 171)
            array[at] = real if below is None else chance.randrange(int(below))
        given_[symbol.name] = array
    return given_


def numbers(array: np.ndarray) -> np.ndarray:
    whole = all(isinstance(v, int) for v in array.ravel())
    return array.astype(int if whole and array.size else float)


@given(specs(), st.integers(0, 10**6), st.sampled_from([4_000_000, 7]))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_spec_has_the_values_that_loops_give(text: str, seed: int, box: int) -> None:
    """The small box makes every equation be computed piece by piece."""
    system = build(parse(text))
    given_ = drawn(system, {"N": 4}, seed)
    expected = evaluate_system(system.equations, given_, {"N": 4}, EXACT)
    whole, by_arrays._BOX = by_arrays._BOX, box
    try:
        fast = {name: numbers(array) for name, array in given_.items()}
        found = evaluate_arrays(system.equations, fast, {"N": 4})
    finally:
        by_arrays._BOX = whole
    for equation in system.equations:
        name = equation.tensor.name
        exact = expected[name].astype(float)
        scale = float(np.abs(exact).max(initial=1.0))
        np.testing.assert_allclose(found[name], exact, rtol=1e-9, atol=1e-12 * scale)


CELL = [
    Equation(h, (n, t, k), sympy.tanh(c[n, t, k] * a[n, t, k])),
    Equation(
        c, (n, t, k), after(c[n, t + 1, k] / 2) + after(LogSumExp(h[n, t + 1, j] * U[j, k], j), 1)
    ),
]


@pytest.mark.parametrize("equations", [[RNN], CELL], ids=["rnn", "a reverse group"])
def test_recurrences_have_the_values_that_loops_give(equations) -> None:
    given_ = arrays()
    expected = evaluate_system(equations, given_, EXTENTS, EXACT)
    found = evaluate_arrays(equations, given_, EXTENTS)
    for name in ("h", "c")[: len(equations)]:
        np.testing.assert_allclose(found[name], expected[name].astype(float), rtol=1e-13)


def test_a_scatter_reads_nothing_where_its_delta_is_zero() -> None:
    m = Index("m", 2)
    scatter = Equation(out, (n, k), Sum(Delta(k, 2 * m) * x[n, 2 * m + k * 0] + x[n, m], m))
    values = np.arange(6.0).reshape(2, 3)
    found = evaluate_arrays([scatter], {"x": values}, {"N": 2})["out"]
    expected = values[:, :2].sum(1, keepdims=True) + values * [1, 0, 1]
    np.testing.assert_array_equal(found, expected)


def test_a_read_outside_is_not_a_number_unless_it_is_guarded() -> None:
    shifted = Equation(out, (n, k), x[n, k - 1])
    found = evaluate_arrays([shifted], {"x": np.ones((2, 3))}, {"N": 2})["out"]
    assert np.isnan(found[:, 0]).all() and (found[:, 1:] == 1).all()
    guarded = Equation(out, (n, k), Where(Compare(">=", k, 1), x[n, k - 1], 7))
    found = evaluate_arrays([guarded], {"x": np.ones((2, 3))}, {"N": 2})["out"]
    assert (found[:, 0] == 7).all() and (found[:, 1:] == 1).all()


def test_a_complex_step_differentiates_what_is_smooth_there_and_stops_at_stop_gradient() -> None:
    body = sympy.erf(x[n, k]) * Max(x[n, j], j) + abs(x[n, k]) * Stop(x[n, 0])
    equations = [
        Equation(out, (n, k), body + Where(And(Compare(">", x[n, k], 0), 1), x[n, k] ** 2, 0)),
        Equation(loss, (), Sum(out[n, k], n, k)),
    ]
    values = np.array([[0.5, -1.0, 2.0], [-0.25, 0.75, -3.0]])
    at = np.zeros((2, 3))
    at[0, 2] = 1e-30
    found = evaluate_arrays(equations, {"x": values + 1j * at}, {"N": 2})["loss"]
    slope = sum(math.erf(v) for v in values[0]) + 2 * 2 / math.sqrt(math.pi) * math.exp(-4)
    assert found.imag * 1e30 == pytest.approx(slope + 0.5 + 4, rel=1e-14)


def test_the_first_extremum_wins() -> None:
    first = TensorSymbol("first", (N,))
    found = evaluate_arrays(
        [Equation(first, (n,), ArgMax(x[n, k], k))],
        {"x": np.array([[1, 4, 4], [2, 2, 2]])},
        {"N": 2},
    )
    assert found["first"].tolist() == [1, 0]


@pytest.mark.parametrize("name", sorted(POINTWISE))
def test_pointwise_functions_by_arrays(name: str) -> None:
    required = [p for p in POINTWISE[name].parameters.split(",") if "=" not in p]
    values = np.linspace(0.1, 3, 9)
    columns = [values + shift for shift in range(len(required))]
    found = pointwise(name, by_arrays.ARRAYS)(*columns)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    expected = [float(pointwise(name, EXACT)(*map(Fraction, row))) for row in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_long_sum_of_few_axes_is_not_much_memory() -> None:
    steps = Index("s", T)
    total = Equation(loss, (), Sum(a[n, steps, k] * a[n, steps, j], n, steps, k, j))
    big = {"a": np.ones((2, 200_000, 3))}
    assert evaluate_arrays([total], big, {"N": 2, "T": 200_000})["loss"] == 3_600_000
