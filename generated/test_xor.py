"""Hold every gradient of xor against central differences, in float64.

Run it with pytest. Each run-time extent is a prime of its own, so that no two axes can
be taken for each other.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

_PATH = Path(__file__).with_name("xor.py")
_SPEC = importlib.util.spec_from_file_location("xor", _PATH)
net = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(net)

# Each loss: its inputs, and what it is differentiated by.
LOSSES = {
    "loss": (("x", "y"), ("W1", "b1", "W2", "b2")),
}
# The function that takes a step for each loss.
STEPS = {
    "loss": "sgd_step",
}
CASES = [(loss, name) for loss, (_, names) in LOSSES.items() for name in names]


def _draw(rng, positive):
    """Random parameters and inputs; `positive` keeps real ones between 0.3 and 0.9."""

    def entries(*shape):
        if positive:
            return rng.uniform(0.3, 0.9, shape)
        return rng.standard_normal(shape)

    def weights(*shape):
        return entries(*shape) / float(np.prod(shape[:-1])) ** 0.5

    params = {
        "W1": weights(2, 2),
        "b1": weights(2),
        "W2": weights(2, 1),
        "b2": weights(1),
    }
    given = {
        "x": entries(5, 2),
        "y": entries(5, 1),
    }
    return params, given


def _point(loss):
    """A random point where the loss and its gradients are finite, and their values."""
    for seed in range(20):
        params, given = _draw(np.random.default_rng(seed), seed % 2 == 1)
        with np.errstate(all="ignore"):
            value, grads = _step(loss, params, given)
        if np.isfinite(value) and all(np.isfinite(g).all() for g in grads.values()):
            return params, given, value, grads
    raise AssertionError(f"{loss} is finite at none of 20 random points")


def _step(loss, params, given, **options):
    """The loss and its gradients."""
    own = {name: given[name] for name in LOSSES[loss][0]}
    return getattr(net, f"{loss}_and_grads")(params, **own, **options)


def _value(loss, params, given):
    """The loss alone."""
    own = {name: given[name] for name in LOSSES[loss][0]}
    return getattr(net, loss)(params, **own)


def _slope(loss, params, given, name, direction, step):
    """The central difference along a direction."""
    held = params if name in params else given
    center = held[name]
    held[name] = center + step * direction
    above = _value(loss, params, given)
    held[name] = center - step * direction
    below = _value(loss, params, given)
    held[name] = center
    return (above - below) / (2 * step)


def _directions(rng, gradient):
    """The gradient's own direction, two random ones, and three single entries."""
    norm = np.linalg.norm(gradient)
    if norm > 0:
        yield gradient / norm
    for _ in range(2):
        direction = rng.standard_normal(gradient.shape)
        yield direction / np.linalg.norm(direction)
    for _ in range(3):
        direction = np.zeros(gradient.shape)
        direction.flat[rng.integers(gradient.size)] = 1.0
        yield direction


@pytest.mark.parametrize(("loss", "name"), CASES)
def test_gradient_is_the_slope_of_the_loss(loss, name):
    params, given, value, grads = _point(loss)
    gradient = np.array(grads[name])
    assert gradient.shape == (params | given)[name].shape
    for direction in _directions(np.random.default_rng(1), gradient):
        exact = float(np.sum(gradient * direction))
        allowed = 1e-5 * abs(exact) + 1e-8 * max(1.0, abs(value))
        # The best of three steps: a kink may lie within the longer, rounding spoil the shorter.
        slopes = [
            _slope(loss, params, given, name, direction, step)
            for step in (1e-4, 1e-5, 1e-6)
        ]
        errors = [abs(slope - exact) for slope in slopes]
        assert min(errors) <= allowed, f"gradient {exact}, central differences {slopes}"


@pytest.mark.parametrize("loss", LOSSES)
def test_value_and_gradients_are_the_same_with_a_workspace(loss):
    params, given, value, grads = _point(loss)
    assert _value(loss, params, given) == pytest.approx(value, rel=1e-12, abs=1e-12)
    work = net.Workspace(N=5, dtype=np.float64)
    for _ in range(2):
        again, same = _step(loss, params, given, workspace=work)
        assert again == value
        for name in LOSSES[loss][1]:
            np.testing.assert_array_equal(same[name], grads[name])


@pytest.mark.parametrize("loss", STEPS)
def test_a_step_takes_rate_times_the_gradients_from_the_parameters(loss):
    params, given, value, _ = _point(loss)
    params = {name: np.array(array) for name, array in params.items()}
    own = {name: given[name] for name in LOSSES[loss][0]}
    _, grads = _step(loss, params, given)
    wanted = {
        name: array - 0.25 * grads[name] if name in grads else array.copy()
        for name, array in params.items()
    }
    came = getattr(net, STEPS[loss])(params, **own, rate=0.25)
    assert came == pytest.approx(value, rel=1e-12, abs=1e-12)
    for name, array in params.items():
        np.testing.assert_allclose(array, wanted[name], rtol=1e-10, atol=1e-10)


def test_a_parameter_too_many_is_refused():
    params, given = _draw(np.random.default_rng(0), False)
    loss = next(iter(LOSSES))
    with pytest.raises(ValueError, match="is no parameter"):
        _step(loss, {**params, "_": np.zeros(1)}, given)
