"""The reference evaluator against NumPy, SciPy-free oracles and hand-worked values."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.equations.evaluate import (
    EXACT,
    FLOAT,
    Entries,
    Environment,
    Traced,
    Undefined,
    evaluate,
    evaluate_equation,
    evaluate_system,
    extent_of,
)
from symbackprop.equations.evaluate_pointwise import pointwise
from symbackprop.equations.masks import And, Compare, Delta, Not, Or, Where
from symbackprop.equations.nodes import (
    Access,
    Digit,
    Index,
    Stop,
    TensorSymbol,
    extent,
    pointwise_function,
)
from symbackprop.equations.reductions import ArgMax, ArgMin, LogSumExp, Max, Min, Prod, Sum
from symbackprop.equations.system import Equation
from symbackprop.layers.pointwise import POINTWISE

N = extent("N")
EXTENTS = {"N": 3}
n, i, j, k = Index("n", N), Index("i", 5), Index("j", 2), Index("k", 7)
x = TensorSymbol("x", (N, 5))
w = TensorSymbol("w", (5, 2))
t = TensorSymbol("t", (N, 2))
loss = TensorSymbol("loss", ())
labels = TensorSymbol("labels", (N,), "integer")
mask = TensorSymbol("mask", (N, 5), "mask")


def fractions(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    numbers = np.random.default_rng(seed).integers(-9, 10, shape)
    return np.vectorize(lambda v: Fraction(int(v), 7), otypes=[object])(numbers)


def floats(array: np.ndarray) -> np.ndarray:
    return np.asarray(array).astype(float)


def environment(arithmetic=EXACT, **tensors) -> Environment:
    return Environment({a: Entries.of(b) for a, b in tensors.items()}, EXTENTS, arithmetic)


def test_a_contraction_is_exact_and_equals_einsum() -> None:
    equation = Equation(t, (n, j), Sum(x[n, i] * w[i, j], i) / N)
    given_ = {"x": fractions((3, 5)), "w": fractions((5, 2), 1)}
    exact = evaluate_equation(equation, given_, EXTENTS)
    assert all(isinstance(value, Fraction) for value in exact.ravel())
    assert (exact == given_["x"].dot(given_["w"]) / 3).all()
    fast = evaluate_equation(equation, {a: floats(b) for a, b in given_.items()}, EXTENTS, FLOAT)
    np.testing.assert_allclose(floats(fast), floats(exact), rtol=1e-14)


@given(
    extents=st.lists(st.sampled_from([2, 3, 5]), min_size=3, max_size=3),
    left=st.permutations("nij"),
    right=st.permutations("ijk"),
    out=st.sampled_from(["nk", "kn", "ink", "n", ""]),
)
@settings(max_examples=40, deadline=None)
def test_any_product_of_two_tensors_equals_einsum(extents, left, right, out) -> None:
    sizes = dict(zip("nijk", [*extents, 7], strict=True))
    index = {name: Index(name, size) for name, size in sizes.items()}
    shape = lambda names: tuple(sizes[name] for name in names)  # noqa: E731
    a, b = TensorSymbol("a", shape(left)), TensorSymbol("b", shape(right))
    c = TensorSymbol("c", shape(out))
    bound = [index[name] for name in "nijk" if name not in out]
    body = Access(a, *(index[s] for s in left)) * Access(b, *(index[s] for s in right))
    rng = np.random.default_rng(0)
    arrays = {"a": rng.normal(size=shape(left)), "b": rng.normal(size=shape(right))}
    equation = Equation(c, tuple(index[name] for name in out), Sum(body, *bound))
    expected = np.einsum(
        f"{''.join(left)},{''.join(right)}->{out}", arrays["a"], arrays["b"], optimize=False
    )
    found = evaluate_equation(equation, arrays, {}, FLOAT)
    np.testing.assert_allclose(floats(found), expected, rtol=1e-12, atol=1e-12)


def test_reductions_equal_numpy_and_the_first_extremum_wins() -> None:
    values = np.array([[1, 4, 4, 0, 0], [2, 2, 2, 2, 2], [-3, -1, -2, -5, -5]])
    at = lambda expr: [evaluate(expr, environment(x=values), {n: row}) for row in range(3)]  # noqa: E731
    assert at(Max(x[n, i], i)) == values.max(1).tolist()
    assert at(Min(x[n, i], i)) == values.min(1).tolist()
    assert at(Prod(x[n, i], i)) == values.prod(1).tolist()
    assert at(ArgMax(x[n, i], i)) == values.argmax(1).tolist() == [1, 0, 1]
    assert at(ArgMin(x[n, i], i)) == values.argmin(1).tolist() == [3, 0, 3]
    m = Index("m", N)
    assert evaluate(ArgMax(x[m, i], m, i), environment(x=values)) == values.argmax() == 1
    assert evaluate(ArgMin(x[m, i], m, i), environment(x=values)) == values.argmin() == 13


def test_logsumexp_is_shifted_in_floats_and_exact_to_thirty_digits_otherwise() -> None:
    expr = LogSumExp(x[n, i], i)
    big = np.array([[1000.0, 1001, 999, 0, -1000]] * 3)
    found = evaluate(expr, environment(FLOAT, x=big), {n: 0})
    assert found == pytest.approx(1001 + math.log(1 + math.exp(-1) + math.exp(-2)), rel=1e-15)
    exact = evaluate(expr, environment(x=fractions((3, 5))), {n: 2})
    with mpmath.workdps(60):
        row = [mpmath.mpf(v.numerator) / v.denominator for v in fractions((3, 5))[2]]
        expected = mpmath.log(sum(map(mpmath.exp, row)))
        assert abs(mpmath.mpf(exact._mpf_) - expected) < mpmath.mpf(10) ** -48


def test_gather_scatter_masks_and_digits() -> None:
    chosen = np.array([4, 0, 3])
    values = fractions((3, 5))
    scope = environment(x=values, labels=chosen, mask=values > 0)
    assert [evaluate(x[n, labels[n]], scope, {n: r}) for r in range(3)] == [
        values[r, c] for r, c in enumerate(chosen)
    ]
    scattered = [
        [evaluate(Delta(i, labels[n]), scope, {n: r, i: c}) for c in range(5)] for r in range(3)
    ]
    assert (np.array(scattered) == np.eye(5)[chosen]).all()
    m, flat = Index("m", 15), TensorSymbol("flat", (15,))
    read = evaluate_equation(
        Equation(flat, (m,), x[Digit(m, 5, 3), Digit(m, 1, 5)]), {"x": values}, EXTENTS
    )
    assert (read == values.ravel()).all()
    point = {n: 1, i: 2}
    a, b = bool(values[1, 2] > 0), bool(values[1, 2] < 1)
    left, right = mask[n, i], Compare("<", x[n, i], 1)
    assert evaluate(And(left, right), scope, point) == int(a and b)
    assert evaluate(Or(left, Not(right)), scope, point) == int(a or not b)


@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "==", "!="])
@pytest.mark.parametrize("arithmetic", [EXACT, FLOAT], ids=["exact", "float"])
def test_comparisons_between_rational_and_transcendental_values(op, arithmetic) -> None:
    values = np.array([[Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(0)]] * 3)
    for c, value in enumerate([0, 1, -1, 2, 0]):
        found = evaluate(
            Compare(op, sympy.exp(x[n, i]), 1), environment(arithmetic, x=values), {n: 0, i: c}
        )
        assert found == int(eval(f"{math.exp(value)!r} {op} 1"))


def test_the_branch_not_taken_is_not_evaluated() -> None:
    shifted = Where(Compare("<", i, 2), x[n, i + 3], 1 / (i - i * 1 + x[n, 0] * 0 + 1))
    values = fractions((3, 5))
    assert evaluate(shifted, environment(x=values), {n: 1, i: 1}) == values[1, 4]
    assert evaluate(shifted, environment(x=values), {n: 1, i: 4}) == 1


def test_an_access_out_of_range_names_the_equation() -> None:
    equation = Equation(t, (n, j), x[n, j + 4], "shift")
    with pytest.raises(AssertionError, match=r"t \(shift\): axis 1 of x \(3, 5\) is read at 5"):
        evaluate_equation(equation, {"x": fractions((3, 5))}, EXTENTS)
    with pytest.raises(AssertionError, match=r"axis 1 of x \(3, 5\) is read at -1"):
        evaluate_equation(Equation(t, (n, j), x[n, j - 1]), {"x": fractions((3, 5))}, EXTENTS)


def test_an_index_bound_by_nothing_is_refused() -> None:
    with pytest.raises(AssertionError, match="t: index i is bound by nothing"):
        evaluate_equation(Equation(t, (n, j), x[n, i]), {"x": fractions((3, 5))}, EXTENTS)


@pytest.mark.parametrize(
    ("rhs", "message"),
    [
        (1 / x[n, 0], "t (quotient): 0 to the power -1"),
        (sympy.log(x[n, 0]), "t (quotient): log(0)"),
        (sympy.sqrt(x[n, 0] - 1), "t (quotient): -1 to the power 1/2"),
    ],
)
def test_no_real_value_is_an_error_in_exact_arithmetic(rhs, message) -> None:
    values = np.full((3, 5), Fraction(0), dtype=object)
    with pytest.raises(Undefined) as error:
        evaluate_equation(Equation(t, (n, j), rhs, "quotient"), {"x": values}, EXTENTS)
    assert str(error.value) == message


def test_floats_follow_ieee() -> None:
    values = np.array([[0.0, -1.0, 1e308, math.nan, math.inf]] * 3)
    at = lambda expr: evaluate(expr, environment(FLOAT, x=values), {n: 0})  # noqa: E731
    assert at(1 / x[n, 0]) == math.inf
    assert at(sympy.log(x[n, 0])) == -math.inf
    assert math.isnan(at(sympy.log(x[n, 1])))
    assert math.isnan(at(sympy.sqrt(x[n, 1])))
    assert at(x[n, 2] ** 2) == math.inf
    assert at(sympy.exp(x[n, 2])) == math.inf
    assert at(sympy.sinh(x[n, 1] * x[n, 2])) == -math.inf
    assert math.isnan(at(Compare(">", x[n, 1], 0) * x[n, 4]))
    assert at(Where(Compare(">", x[n, 1], 0), x[n, 3], 2)) == 2
    assert math.isnan(at(Max(x[n, i], i)))
    assert at(ArgMax(x[n, i], i)) == 3
    assert math.isnan(at(LogSumExp(x[n, i], i)))


def test_symbols_as_entries_give_the_expanded_expression() -> None:
    a = sympy.symbols("a:5")
    values = np.array([a] * 3, dtype=object)
    found = evaluate(Sum(x[n, i] ** 2, i), environment(x=values), {n: 0})
    assert found == sum(s**2 for s in a)
    soft = evaluate(sympy.exp(x[n, 1] - LogSumExp(x[n, i], i)), environment(x=values), {n: 0})
    assert soft.subs(dict.fromkeys(a, 0)) == sympy.Rational(1, 5)


def test_a_traced_entry_decides_comparisons_by_its_value_and_keeps_its_expression() -> None:
    s = sympy.Symbol("s")
    values = fractions((3, 5))
    values[0, 2] = Traced(Fraction(-1, 2), s)
    relu = pointwise_function("relu")
    scope = environment(x=values)
    assert evaluate(relu(x[n, 2]), scope, {n: 0}) == 0
    found = evaluate(x[n, 2] ** 2 * Stop(x[n, 2]) + sympy.tanh(x[n, 2]), scope, {n: 0})
    assert sympy.simplify(found.expr - (-(s**2) / 2 + sympy.tanh(s))) == 0
    assert float(found.value) == pytest.approx(-1 / 8 + math.tanh(-0.5), rel=1e-15)


ORACLES = {
    "sigmoid": lambda v: 1 / (1 + math.exp(-v)),
    "softplus": lambda v: math.log1p(math.exp(v)),
    "relu": lambda v: max(v, 0),
    "leaky_relu": lambda v: v if v > 0 else 0.01 * v,
    "elu": lambda v: v if v > 0 else math.expm1(v),
    "selu": lambda v: 1.0507009873554805 * (v if v > 0 else 1.6732632423543772 * math.expm1(v)),
    "gelu": lambda v: v * 0.5 * math.erfc(-v / math.sqrt(2)),
    "silu": lambda v: v / (1 + math.exp(-v)),
    "mish": lambda v: v * math.tanh(math.log1p(math.exp(v))),
    "softsign": lambda v: v / (1 + abs(v)),
    "hard_sigmoid": lambda v: min(max(v / 6 + 0.5, 0), 1),
    "hard_tanh": lambda v: min(max(v, -1), 1),
    "relu6": lambda v: min(max(v, 0), 6),
    "abs": abs,
    "sign": np.sign,
    "log1p": math.log1p,
    "expm1": math.expm1,
    "gelu_tanh": lambda v: v / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))),
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "arctan": math.atan,
    "erf": math.erf,
}


@pytest.mark.parametrize("name", sorted(ORACLES))
@given(value=st.fractions(-8, 8, max_denominator=50))
@settings(max_examples=20, deadline=None)
def test_pointwise_functions_equal_textbook_formulas(name, value) -> None:
    if name in ("log", "sqrt", "log1p"):
        value = abs(value) + Fraction(1, 9)
    for arithmetic in (EXACT, FLOAT):
        argument = value if arithmetic is EXACT else float(value)
        found = pointwise(name, arithmetic)(argument)
        assert float(found) == pytest.approx(ORACLES[name](float(value)), rel=1e-12, abs=1e-14)


def test_every_row_of_the_table_has_a_value() -> None:
    for name, row in POINTWISE.items():
        required = [p for p in row.parameters.split(",") if "=" not in p]
        numbers = [Fraction(p + 1, 3) for p in range(len(required))]
        exact = pointwise(name, EXACT)(*numbers)
        fast = pointwise(name, FLOAT)(*map(float, numbers))
        assert float(exact) == pytest.approx(fast, rel=1e-12), name


def test_a_system_is_evaluated_in_order() -> None:
    equations = (
        Equation(t, (n, j), Sum(x[n, i] * w[i, j], i)),
        Equation(loss, (), Sum(t[n, j] ** 2, n, j) / (2 * N)),
    )
    given_ = {"x": fractions((3, 5)), "w": fractions((5, 2), 1)}
    found = evaluate_system(equations, given_, EXTENTS)
    assert found["loss"].shape == ()
    assert found["loss"][()] == (given_["x"].dot(given_["w"]) ** 2).sum() / 6


def test_extents() -> None:
    assert extent_of(N * 4, {"N": 3}) == 12
    assert extent_of(N * extent("d"), {"N": 3, "d": 5}) == 15


def test_an_extent_may_be_a_quotient_rounded_down() -> None:
    assert extent_of(sympy.floor((N - 3) / 2) + 1, {"N": 8}) == 3
    assert extent_of(sympy.floor((N - 3) / 2) + 1, {"N": 9}) == 4
    assert extent_of(N - 2, {"N": 5}) == 3
