"""Schedules, clipping, and steps that touch some rows alone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.training.optimizers import Adagrad, Adam, Momentum, Sgd
from symbackprop.training.stepping import Rule, Schedule, update

OPTIMIZERS = [Sgd(0.3), Momentum(0.1, 0.5), Adagrad(0.2), Adam(0.05)]


def stepped(rule, params, gradients, memory=None, step=1, factor=1.0):
    """Copies of the parameters after an update, and the memory after it."""
    params = {name: array.copy() for name, array in params.items()}
    memory = memory or {
        name: tuple(np.zeros_like(array) for _ in rule.optimizer.memory)
        for name, array in params.items()
    }
    scratch = {name: np.full_like(array, np.nan) for name, array in params.items()}
    update(rule, factor, step, params, gradients, memory, scratch)
    return params, memory


def test_schedules_by_hand():
    assert Schedule().at(17, 5, 20) == 1
    assert Schedule("cosine").at(0, 5, 20) == 1
    assert Schedule("cosine").at(10, 5, 20) == pytest.approx(0.5)
    assert Schedule("cosine").at(15, 5, 20) == pytest.approx((1 - math.sqrt(0.5)) / 2)
    by_steps = Schedule("step", factor=0.5, period=2)
    assert [by_steps.at(step, 5, 30) for step in (0, 9, 10, 19, 20)] == [1, 1, 0.5, 0.5, 0.25]
    assert [Schedule(warmup=4).at(step, 5, 20) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert Schedule("cosine", warmup=20).at(10, 5, 20) == pytest.approx(11 / 20 / 2)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_schedule_scales_the_rate(optimizer):
    import dataclasses

    params, gradients = {"w": np.ones(3)}, {"w": np.array([1.0, -2.0, 0.5])}
    half, _ = stepped(Rule(optimizer), params, gradients, factor=0.5)
    slower = dataclasses.replace(optimizer, rate=optimizer.rate / 2)
    expected, _ = stepped(Rule(slower), params, gradients)
    np.testing.assert_array_equal(half["w"], expected["w"])


def test_clipping_is_of_the_norm_over_all_parameters():
    params = {"a": np.zeros(2), "b": np.zeros(1)}
    gradients = {"a": np.array([2.0, 0.0]), "b": np.array([1.5])}  # of norm 2.5
    before = {name: array.copy() for name, array in gradients.items()}
    got, _ = stepped(Rule(Sgd(1.0), clip=0.5), params, gradients)
    np.testing.assert_allclose(got["a"], [-0.4, 0], rtol=1e-15)
    np.testing.assert_allclose(got["b"], [-0.3], rtol=1e-15)
    for name in gradients:
        np.testing.assert_array_equal(gradients[name], before[name])
    whole, _ = stepped(Rule(Sgd(1.0), clip=2.6), params, gradients)
    assert (whole["a"].tolist(), whole["b"].tolist()) == ([-2, 0], [-1.5])


def test_one_gradient_of_two_parameters_is_clipped_once():
    shared = np.array([3.0])
    params = {"a": np.zeros(1), "b": np.zeros(1)}
    got, _ = stepped(Rule(Sgd(1.0), clip=1.0), params, {"a": shared, "b": shared})
    np.testing.assert_allclose([got["a"][0], got["b"][0]], -math.sqrt(0.5), rtol=1e-15)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 10), min_size=1, max_size=13),
    st.sampled_from(OPTIMIZERS),
    st.sampled_from([None, 0.7]),
    st.integers(0, 2**31),
)
def test_the_rows_that_are_touched_move_as_if_all_had_been_stepped(rows, optimizer, clip, seed):
    """From zero memory a row that was not read has a gradient of 0: all formulas keep it there."""
    rng = np.random.default_rng(seed)
    params, values = {"E": rng.normal(size=(11, 3))}, rng.normal(size=(len(rows), 3))
    dense = np.zeros((11, 3))
    np.add.at(dense, rows, values)
    rule = Rule(optimizer, clip)
    expected, kept = stepped(rule, params, {"E": dense})
    got, memory = stepped(rule, params, {"E": (np.array(rows), values)})
    np.testing.assert_allclose(got["E"], expected["E"], rtol=1e-12, atol=1e-15)
    for ours, theirs in zip(memory["E"], kept["E"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)


def test_rows_that_are_not_touched_keep_their_memory():
    params = {"E": np.zeros((3, 2))}
    rule, gradient = Rule(Momentum(0.1, 0.5)), np.ones((1, 2))
    first, memory = stepped(rule, params, {"E": (np.array([1]), gradient)})
    second, memory = stepped(rule, first, {"E": (np.array([2]), gradient)}, memory, step=2)
    np.testing.assert_array_equal(second["E"][1], first["E"][1])
    np.testing.assert_allclose(memory["E"][0], [[0, 0], [-0.1, -0.1], [-0.1, -0.1]])


def test_no_rows_is_no_step():
    params = {"E": np.ones((3, 2))}
    empty = (np.empty(0, np.int64), np.empty((0, 2)))
    got, _ = stepped(Rule(Adam(), clip=1.0), params, {"E": empty})
    np.testing.assert_array_equal(got["E"], params["E"])
