"""What a gradient may differ by stays small beside the gradient, however long the recurrence."""

from __future__ import annotations

import numpy as np

import symbackprop as sb
from symbackprop.auditing.compare import TOLERANCE, scale_of
from symbackprop.auditing.points import points_of

GRU = """
name: long_gru
inputs: {x: [N, T, 2], y: [N, 3]}
network: |
  h = gru(x, 3)
loss: half_sse(last(h), y)
"""
CANCELLING = """
name: cancelling
inputs: {x: [N, 3], y: [N, 3]}
params: {b: {shape: [1], init: zeros}}
network: |
  p = softmax(x + b)
loss: half_sse(p, y)
"""


def _points(text: str):
    derivation = sb.derive(sb.parse(text))
    (loss,) = derivation.losses
    return loss, points_of(derivation, loss)


def test_slack_does_not_grow_along_a_recurrence():
    loss, points = _points(GRU)
    assert max(point.extents["T"] for point in points) > 10
    for point in points:
        for line in loss.gradients.values():
            name = line.equation.tensor.name
            largest = np.abs(point.values[name]).max()
            assert (TOLERANCE * scale_of(point, name)).max() <= 2e-3 * largest


def test_a_gradient_of_zero_may_come_as_rounding():
    loss, points = _points(CANCELLING)
    name = loss.gradients["b"].equation.tensor.name
    for point in points:
        assert np.abs(point.values[name]).max() < 1e-15
        assert (TOLERANCE * scale_of(point, name) > 1e-12).all()
        assert (TOLERANCE * scale_of(point, name) < 1e-5).all()
