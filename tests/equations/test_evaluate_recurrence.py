"""Recurrences in the reference evaluator against loops in NumPy and hand-worked values."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy

from symbackprop.equations.evaluate import (
    EXACT,
    FLOAT,
    Entries,
    Environment,
    Known,
    Traced,
    evaluate_all,
    evaluate_equation,
    evaluate_system,
    extent_of,
)
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Index, TensorSymbol, extent, pointwise_function
from symbackprop.equations.recurrence import NoRecurrence
from symbackprop.equations.reductions import LogSumExp, Sum
from symbackprop.equations.system import Equation

N, T = extent("N"), extent("T")
EXTENTS = {"N": 2, "T": 5}
n, t, k, j = Index("n", N), Index("t", T), Index("k", 3), Index("j", 3)
a, h, c = (TensorSymbol(name, (N, T, 3)) for name in "ahc")
U, start = TensorSymbol("U", (3, 3)), TensorSymbol("start", (N, 3))
sigmoid = pointwise_function("sigmoid")


def before(read, initial=0, shift=1):
    return Where(Compare(">=", t, shift), read, initial)


def after(read, initial=0, shift=1):
    return Where(Compare("<", t, T - shift), read, initial)


def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "a": rng.normal(size=(2, 5, 3)),
        "U": rng.normal(size=(3, 3)),
        "start": rng.normal(size=(2, 3)),
    }


def fractions(seed: int = 0) -> dict[str, np.ndarray]:
    return {
        name: np.vectorize(lambda v: Fraction(round(v * 16), 16), otypes=[object])(array)
        for name, array in arrays(seed).items()
    }


RNN = Equation(h, (n, t, k), sympy.tanh(a[n, t, k] + before(Sum(h[n, t - 1, j] * U[j, k], j))))


def test_an_rnn_is_a_loop() -> None:
    given = arrays()
    state, expected = np.zeros((2, 3)), []
    for step in range(5):
        state = np.tanh(given["a"][:, step] + state @ given["U"])
        expected.append(state)
    found = evaluate_system([RNN], given, EXTENTS, FLOAT)["h"].astype(float)
    np.testing.assert_allclose(found, np.stack(expected, 1), rtol=1e-14)
    exact = evaluate_equation(RNN, given, EXTENTS, EXACT).astype(float)
    np.testing.assert_allclose(exact, np.stack(expected, 1), rtol=1e-12)


def test_the_initial_value_is_read_before_the_first_step_alone() -> None:
    given = fractions()
    linear = Equation(h, (n, t, k), a[n, t, k] + before(h[n, t - 1, k] / 2, start[n, k]))
    found = evaluate_equation(linear, given, EXTENTS)
    expected = given["a"].copy()
    expected[:, 0] = expected[:, 0] + given["start"]
    for step in range(1, 5):
        expected[:, step] = expected[:, step] + expected[:, step - 1] / 2
    assert (found == expected).all()
    assert all(isinstance(value, Fraction) for value in found.ravel())


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shift", [1, 2, 4, 7])
def test_any_shift_either_way(reverse, shift) -> None:
    given = fractions(shift)
    read = after(h[n, t + shift, k] * 2, shift=shift) if reverse else None
    read = read if reverse else before(h[n, t - shift, k] * 2, shift=shift)
    found = evaluate_equation(Equation(h, (n, t, k), a[n, t, k] + read), given, EXTENTS)
    expected = given["a"].copy()
    for step in reversed(range(5)) if reverse else range(5):
        other = step + shift if reverse else step - shift
        if 0 <= other < 5:
            expected[:, step] = expected[:, step] + 2 * expected[:, other]
    assert (found == expected).all()


def test_two_tensors_that_read_each_other_in_any_order_of_writing() -> None:
    """c reads c and h one step earlier; h reads c of the same step."""
    cell = Equation(
        c,
        (n, t, k),
        before(c[n, t - 1, k] / 2) + a[n, t, k] * before(Sum(h[n, t - 1, j] * U[j, k], j), 1),
    )
    out = Equation(h, (n, t, k), sigmoid(a[n, t, k]) * sympy.tanh(c[n, t, k]))
    given = arrays()
    cells, states = np.zeros((2, 3)), np.zeros((2, 3))
    expected = []
    for step in range(5):
        x = given["a"][:, step]
        cells = cells / 2 + x * (states @ given["U"] if step else 1)
        states = np.tanh(cells) / (1 + np.exp(-x))
        expected.append(states)
    for order in ([cell, out], [out, cell]):
        found = evaluate_system(order, given, EXTENTS, FLOAT)["h"].astype(float)
        np.testing.assert_allclose(found, np.stack(expected, 1), rtol=1e-13)


def test_the_partition_function_of_a_chain() -> None:
    """α_t[k] = a_t[k] + log Σ_j exp(α_{t-1}[j] + U[j, k]); its end sums over all 3^5 paths."""
    alpha = TensorSymbol("alpha", (T, 3))
    x = TensorSymbol("x", (T, 3))
    chain = Equation(alpha, (t, k), x[t, k] + before(LogSumExp(alpha[t - 1, j] + U[j, k], j)))
    rng = np.random.default_rng(3)
    given = {"x": rng.normal(size=(5, 3)), "U": rng.normal(size=(3, 3))}
    found = evaluate_equation(chain, given, EXTENTS, FLOAT).astype(float)
    total = sum(
        np.exp(
            sum(given["x"][s, p] for s, p in enumerate(path))
            + sum(given["U"][p, q] for p, q in itertools.pairwise(path))
        )
        for path in np.ndindex(3, 3, 3, 3, 3)
    )
    assert np.log(np.exp(found[-1]).sum()) == pytest.approx(np.log(total), rel=1e-13)


def test_a_recurrence_along_the_first_axis_after_what_it_reads_and_before_what_reads_it() -> None:
    x, s, out = TensorSymbol("x", (T,)), TensorSymbol("s", (T,)), TensorSymbol("out", ())
    x2 = TensorSymbol("x2", (T,))
    equations = [
        Equation(x2, (t,), 2 * x[t]),
        Equation(s, (t,), x2[t] + before(s[t - 1])),
        Equation(out, (), Sum(s[t], t)),
    ]
    found = evaluate_system(equations, {"x": np.array([1, 2, 3, 4, 5])}, EXTENTS)
    assert found["s"].tolist() == [2, 6, 12, 20, 30]
    assert found["out"][()] == 70


def test_a_traced_entry_goes_through_the_steps_and_what_is_kept_of_it_is_read_on() -> None:
    square = TensorSymbol("s", (T,))
    x = TensorSymbol("x", (T,))
    equation = Equation(square, (t,), x[t] + before(square[t - 1] ** 2))
    first = Known(Fraction(1, 2))
    values = [Traced(Fraction(1, 2), first), 1, 1, 1, 1]
    environment = Environment({"x": Entries((5,), values)}, EXTENTS)
    last = evaluate_all([equation], environment)["s"].flat[2]
    assert sympy.expand(last.expr - (((first**2) + 1) ** 2 + 1)) == 0
    assert last.value == Fraction(25, 16) + 1
    kept = evaluate_all([equation], environment, lambda v: v.value if isinstance(v, Traced) else v)[
        "s"
    ]
    assert kept.flat[:3] == [Fraction(1, 2), Fraction(5, 4), Fraction(41, 16)]


def test_what_is_no_recurrence_is_refused() -> None:
    both = Equation(h, (n, t, k), before(h[n, t - 1, k]) + after(h[n, t + 1, k]))
    with pytest.raises(NoRecurrence, match="the steps before and the steps after"):
        evaluate_system([both], arrays(), EXTENTS)


def test_a_read_of_a_step_that_is_not_there_is_refused() -> None:
    bare = Equation(h, (n, t, k), a[n, t, k] + h[n, t - 1, k])
    with pytest.raises(AssertionError, match=r"axis 1 of h \(2, 5, 3\) is read at -1"):
        evaluate_system([bare], arrays(), EXTENTS)


def test_steps_may_be_counted_by_a_quotient_rounded_down() -> None:
    steps = sympy.floor((T - 2) / 2) + 1
    s, r = TensorSymbol("s", (steps,)), Index("r", steps)
    x = TensorSymbol("x", (T,))
    equation = Equation(s, (r,), x[2 * r] + x[2 * r + 1] + Where(Compare(">=", r, 1), s[r - 1], 0))
    assert extent_of(steps, {"T": 7}) == 3
    found = evaluate_equation(equation, {"x": np.arange(7)}, {"T": 7})
    assert found.tolist() == [1, 6, 15]
