"""What a generated module hands out: dtypes, NaN in place of exceptions, and under which number."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import symbackprop as sb

W = "name: results\ninputs: {x: [N, 2]}\nparams: {w: {shape: [3]}, s: {shape: []}}\n"

# Every name is read, as the front end asks; what it is multiplied by makes it a constant.
ALL = "0 * (sum(w) + s + sum(x))"


def module(text, dtype="float64"):
    return sb.compile(sb.derive(sb.parse(text)), dtype)


def text_of(text):
    """The source of a spec's module."""
    return inspect.getsource(module(text).loss_and_grads)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("loss", "dw"),
    [
        ("sum(x) + sum(w)", 1),
        ("sum(w) * 2**N", 32),
        ("sum(w) * (N > 3)", 1),
        ("where(N > 3, sum(w), 0)", 1),
        ("sum(w) * N", 5),
        ("sum(x) + s", 0),
    ],
)
def test_a_constant_gradient_has_the_dtype_of_its_parameter(loss, dw, dtype):
    text = f"{W}loss: {loss} + {ALL}\nwrt: [w, s, x]\n"
    net = module(text)
    params = {"w": np.ones(3, dtype), "s": np.ones((), dtype)}
    given = {"x": np.ones((5, 2), dtype)} | params
    value, grads = net.loss_and_grads(params, x=given["x"])
    assert isinstance(value, float)
    np.testing.assert_array_equal(grads["w"], np.full(3, dw))
    for name, grad in grads.items():
        assert grad.dtype == dtype and grad.shape == given[name].shape
    assert sb.check(sb.derive(sb.parse(text)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_outputs_have_the_dtype_of_the_parameters(dtype):
    net = module(
        f"{W}network: |\n  one[n, j] = 1 + 0 * x[n, j]\n  rank[n] = n + 0 * x[n, 0]\n"
        f"  on = where(N > 3, 2, 0)\nloss: sum(w) + {ALL}\noutputs: [one, rank, on]\n"
    )
    params = {"w": np.ones(3, dtype), "s": np.ones((), dtype)}
    for array in net.forward(params, x=np.ones((5, 2), dtype)).values():
        assert array.dtype == dtype


UNDEFINED = [
    ("sum(w) * sqrt(N - 9)", np.nan),
    ("sum(w) * (N - 9)**1.5", np.nan),
    ("sum(w) * log(N - 9)", np.nan),
    ("sum(w) * exp(sqrt(N - 9))", np.nan),
    ("sum(w) * (N - 9)**s", np.nan),
    ("sum(w) / (N - 4)", np.inf),
    ("sum(w) * 2 / (N - 4)**2", np.inf),
    ("sum(w) + sqrt(N - 9)", np.nan),
    ("mean(w * sqrt(N - 9))", np.nan),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("loss", "expected"), UNDEFINED)
def test_what_the_extents_leave_undefined_is_not_a_number(loss, expected):
    net = module(f"{W}loss: {loss} + {ALL}\nwrt: [w, s, x]\n")
    params = {"w": np.ones(3), "s": np.array(0.5)}
    x = np.ones((4, 2))
    given = {"x": x} if "x" in inspect.signature(net.loss).parameters else {}
    value, grads = net.loss_and_grads(params, **given)
    assert isinstance(value, float)
    assert isinstance(net.loss(params, **given), float)
    np.testing.assert_equal(value, expected)
    assert all(grad.dtype == np.float64 for grad in grads.values())


@pytest.mark.filterwarnings("error")
def test_extents_that_an_output_does_not_need_may_be_unknown():
    """The workspace takes 1 for them: what divides by A - 1 is made, and not used."""
    net = module(
        "name: unknown\ninputs: {x: [A], y: [B]}\nparams: {w: {shape: []}}\n"
        "network: |\n  u = y * w\n  z[a] = x[a] * w * exp(a / (A - 1))\n"
        "loss: sum(z) + sum(u)\noutputs: [u]\n"
    )
    found = net.forward({"w": np.array(2.0)}, y=np.arange(3.0))
    np.testing.assert_array_equal(found["u"], [0, 2, 4])


def test_a_gradient_that_is_zero_stands_under_its_own_equation():
    text = f"{W}network: |\n  h[n] = x[n, 0] * s\nloss: sum(h) + 0 * sum(w)\nwrt: [w, s]\n"
    lines = text_of(text).splitlines()
    (place,) = (k for k, line in enumerate(lines) if "dw.fill(" in line)
    comment = next(line for line in reversed(lines[:place]) if line.lstrip().startswith("#"))
    assert comment.split(") ")[1] == "dw[i] = 0"


def test_an_output_that_is_zero_stands_under_its_own_equation():
    net = module(
        f"{W}network: |\n  h[n] = 0 * x[n, 0] + s\n  zero[n] = 0 * x[n, 1]\n"
        "loss: sum(h) + sum(w)\noutputs: [zero]\n"
    )
    assert "# (2) zero[n] = 0\n" in inspect.getsource(net.forward)
