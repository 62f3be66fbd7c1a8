"""Specs that random search found to fail once, as a whole or by what the checker says of them."""

from __future__ import annotations

import pytest

import symbackprop as sb
from symbackprop.spec import SpecError
from tests.fuzz.held import outcome


@pytest.mark.parametrize("number", ["x / (1e-300 * 1e-300)", "x + 1e300 * 1e300"])
def test_what_no_float_can_hold_is_infinite(number):
    text = f"name: fuzzed\ninputs: {{x: [N]}}\nwrt: [x]\nnetwork: '  h = {number}'\nloss: sum(h)\n"
    assert outcome(text, seed=0).kind == "undefined"


def test_a_spec_without_gradients_needs_no_proof():
    text = "name: fuzzed\ninputs: {x: [N], y: [N]}\nloss: mse(x, y)\n"
    assert outcome(text, seed=0, thorough=True).kind == "held"


@pytest.mark.parametrize("loss", ["mse(h, h)", "mae(h, h) + w**2", "sum(h**2)"])
def test_a_state_moves_where_its_layer_is_read(loss):
    text = "name: fuzzed\ninputs: {x: [N, 2]}\nparams: {w: {shape: []}}\n"
    text += f"network: '  h = batch_norm(w * x)'\nloss: {loss}\n"
    assert outcome(text, seed=0, thorough=True).kind == "held"


def test_a_first_step_with_more_indices_than_the_others_is_refused():
    text = "name: fuzzed\ninputs: {x: [M, 1]}\nnetwork: |\n  h[n, -1, i, j] = x[i, j]\n"
    text += "  h[n:M, i, j] = tanh(h[n - 1, i, j] + x[i, j])\nloss: sum(h)\nwrt: [x]\n"
    assert outcome(text, seed=0).kind == "refused"


def test_classes_that_no_shape_tells_are_refused():
    text = """name: fuzzed
inputs:
  x: [N]
  u: {shape: [N], classes: T}
network: |
  h[n] = (u[n] == 2) * x[n]
loss: sum(h)
wrt: [x]
"""
    with pytest.raises(SpecError) as refusal:
        sb.derive(sb.parse(text))
    assert "'u' has T classes, and no array has an axis of T" in str(refusal.value)
    assert "fix: write their number: classes: 10, or dims: {T: 10}" in str(refusal.value)
    assert sb.derive(sb.parse(f"{text}dims: {{T: 3}}\n"))
