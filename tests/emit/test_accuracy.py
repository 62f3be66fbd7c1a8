"""Every pointwise function and its derivative, as generated, against 50 digits, in both types.

Bounds are in units in the last place, over 1e-30 to 1e30 of both signs and where functions bend,
overflow and underflow. Every row of the pointwise table is here by being there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest

import symbackprop as sb
from symbackprop.layers.pointwise import POINTWISE
from tests.emit.precise import (
    DIGITS,
    FLUSHED,
    INFINITE,
    LOST,
    arithmetic,
    error,
    exact,
    places,
    pointwise_truth,
)

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
NEAR = (1, 3, 6, 17, 88.72, 103.97, 709.78, 745.13)
FURTHER = ("0.5", "2.0")  # what stands for the arguments of a function after its first


@dataclass(frozen=True)
class Bound:
    """Units in the last place; what is smaller than `beside` is measured in units of that.

    1 - h² has the digits of 1, not its own: tanh' is that, as the derivation says and for speed.
    """

    ulps: float = 4.0
    beside: float = 0.0


USUAL = Bound()
VALUES: dict[str, Bound] = {
    # x σ(u): an error of u counts |u| times, up to where the value is subnormal
    "gelu_tanh": Bound(800),
    "mish": Bound(500),
    # exp(-x) overflows in float32 below -88.7, where x σ(x) is 1e-37 and comes out as 0
    "silu": Bound(4, 1e-30),
}
SLOPES: dict[str, Bound] = {
    "tanh": Bound(4, 1.0),
    "sigmoid": Bound(4, 1.0),
    "erf": Bound(400),
    # zeros at -0.75, -1.28 and -1.19, beside which they are differences of larger terms
    "gelu": Bound(400, 0.1),
    "gelu_tanh": Bound(800, 0.1),
    "silu": Bound(20, 0.5),
    "mish": Bound(20, 0.5),
}
# Expressions, what they are without cancellation, and their bounds.
EXPRESSIONS = {
    "1 - erf(x)": ("1 - erf(x)", Bound(6), Bound(400)),
    "1 + erf(x / 2)": ("1 + erf(x / 2)", Bound(6), Bound(400)),
    "exp(x) - 1": ("expm1(x)", USUAL, USUAL),
    "2 - 2 * exp(x)": ("-2 * expm1(x)", USUAL, USUAL),
    "log(1 + exp(x))": ("softplus(x)", USUAL, USUAL),
    "log(sigmoid(x))": ("-softplus(-x)", USUAL, USUAL),
    "log(1 - sigmoid(x))": ("-softplus(x)", USUAL, USUAL),
    "x / (1 + abs(x))": ("softsign(x)", USUAL, USUAL),
}


def call(name: str) -> str:
    """The function of x, other arguments filled in."""
    parameters = POINTWISE[name].parameters.split(", ")
    further = [p for p in parameters[1:] if "=" not in p]
    return f"{name}({', '.join(('x', *FURTHER[: len(further)]))})"


CASES = [(call(n), call(n), VALUES.get(n, USUAL), SLOPES.get(n, USUAL)) for n in POINTWISE]
CASES += [(text, *rest) for text, rest in EXPRESSIONS.items()]


def points(dtype: Any) -> np.ndarray[Any, Any]:
    some = np.concatenate([places(dtype, 0.5, NEAR), np.linspace(-12, 12, 33)])
    return np.unique(some.astype(dtype))


def generated(text: str) -> Any:
    return sb.compile(
        sb.derive(
            sb.parse(
                f"name: one\ninputs: {{x: [N]}}\nnetwork: |\n  y = {text}\n"
                "loss: sum(y)\nwrt: [x]\noutputs: [y]\n"
            )
        )
    )


def is_number(number: Any) -> bool:
    return isinstance(number, (mpmath.ctx_mp_python._mpf, int)) and not mpmath.isnan(number)


def truths(text: str, dtype: Any) -> dict[float, tuple[Any, Any]]:
    """Value and slope at every point at which the function has real ones."""
    found = {}
    for x in points(dtype).tolist():
        try:
            both = exact(pointwise_truth(text), [x], 0, dtype)
        except (ValueError, ZeroDivisionError):
            continue
        if all(map(is_number, both)):
            found[x] = both
    assert len(found) > 40, f"{text} has values at {len(found)} points only"
    return found


@pytest.mark.parametrize(("text", "same", "of_value", "of_slope"), CASES, ids=[c[0] for c in CASES])
def test_values_and_slopes_have_their_digits(
    text: str, same: str, of_value: Bound, of_slope: Bound
) -> None:
    net = generated(text)
    for dtype in DTYPES:
        known = truths(same, dtype)
        x = np.array(list(known), dtype)
        with np.errstate(all="ignore"):
            values = net.forward({}, x=x)["y"].tolist()
            slopes = net.loss_and_grads({}, x=x)[1]["x"].tolist()
        for point, value, slope in zip(known, values, slopes, strict=True):
            for what, came, true, bound in (
                ("value", value, known[point][0], of_value),
                ("slope", slope, known[point][1], of_slope),
            ):
                off = error(came, true, dtype, bound.beside)
                assert off.fault == FLUSHED or off.ulps <= bound.ulps, (
                    f"{what} of {text} at {point!r} in {dtype.name}: {came!r}, "
                    f"truly {mpmath.nstr(true, 20)}: {off.ulps:.1f} units"
                )


@pytest.mark.parametrize("text", ["gelu(x)", "gelu_tanh(x)", "mish(x)", "selu(x)"])
def test_the_oracle_has_50_digits(text: str) -> None:
    truth = pointwise_truth(text)
    for dtype in DTYPES:
        least = mpmath.mpf(float(np.finfo(dtype).smallest_subnormal)) / 10**6
        for x in points(dtype)[::11].tolist():
            found, again = (exact(truth, [x], 0, dtype, more) for more in (0, DIGITS))
            for a, b in zip(found, again, strict=True):
                assert abs(a - b) <= abs(b) * mpmath.mpf(10) ** -DIGITS or abs(b) < least, x


@pytest.mark.parametrize(
    ("naive", "text", "point"),
    [
        (lambda x: np.log(1 + np.exp(x)), "softplus(x)", -50.0),
        (lambda x: np.exp(x) - 1, "expm1(x)", 1e-12),
        (
            lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
            "gelu_tanh(x)",
            -9.0,
        ),
    ],
)
def test_the_oracle_refuses_what_cancels(naive: Any, text: str, point: float) -> None:
    true, _ = exact(pointwise_truth(text), [point], 0, np.dtype(float))
    assert error(float(naive(np.float64(point))), true, np.dtype(float)).ulps > 1e3


def test_units_in_the_last_place() -> None:
    one, single = arithmetic(100).rational(1, 1), np.dtype(np.float32)
    above = float(np.nextafter(np.float32(1), np.float32(2)))
    assert error(above, one, single).ulps == 1
    assert error(1.0, one * 2 - above / 2 * 2, single).ulps == 2  # below 1 the units are halves
    assert error(1e-3, one, single).fault == LOST
    assert error(math.inf, one, single).fault == INFINITE
    assert error(math.nan, one, single).fault == INFINITE
    assert error(math.inf, one * 10**39, single).ulps == 0
    assert error(-math.inf, one * 10**39, single).fault == INFINITE
    assert error(0.0, one * 10**-40, single).fault == FLUSHED
    assert error(0.0, one * 10**-50, single).ulps < 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1e-30, 1e-19, 1.0, 1e19, 1e30])
def test_a_norm_neither_overflows_nor_underflows(size: float, dtype: Any) -> None:
    net = sb.compile(
        sb.derive(
            sb.parse(
                "name: norms\ninputs: {x: [N, 3]}\nnetwork: |\n  r = sqrt(sum(x**2, axis=-1))\n"
                "loss: sum(r)\nwrt: [x]\noutputs: [r]\n"
            )
        )
    )
    x = np.array([[2, -3, 6], [0, 0, 0], [0, -1, 0]]) * size
    with np.errstate(invalid="ignore"):  # a norm has no gradient at 0
        found = net.forward({}, x=x.astype(dtype))["r"]
        slopes = net.loss_and_grads({}, x=x.astype(dtype))[1]["x"]
    few = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(found, [7 * size, 0, size], rtol=few)
    np.testing.assert_allclose(slopes[[0, 2]], [[2 / 7, -3 / 7, 6 / 7], [0, -1, 0]], rtol=few)


def test_gelu_has_its_digits_on_both_sides_of_a_block() -> None:
    """The blocks of the error function are of 4096 numbers; the last is shorter."""
    x = np.linspace(-12, 12, 5000, dtype=np.float32)
    y = generated("gelu(x)").forward({}, x=x)["y"]
    expected = [0.5 * v * math.erfc(-v / math.sqrt(2)) for v in x.tolist()]
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-37)


LOSSES = {
    "cross_entropy(softmax(x), y)": "y: {shape: [N], classes: 3}",
    "nll(log_softmax(x), y)": "y: {shape: [N], classes: 3}",
    "hinge(x, y)": "y: {shape: [N], classes: 3}",
    "binary_cross_entropy(sigmoid(x), y)": "y: [N, 3]",
    "huber(x, y)": "y: [N, 3]",
    "mae(x, y)": "y: [N, 3]",
    "mean(logsumexp(x, axis=-1) - sum(y, axis=-1))": "y: [N, 3]",
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_any_finite_scores_are_finite(loss: str) -> None:
    net = sb.compile(
        sb.derive(
            sb.parse(f"name: one\ninputs: {{x: [N, 3], {LOSSES[loss]}}}\nloss: {loss}\nwrt: [x]\n")
        )
    )
    for dtype in DTYPES:
        for size in (1e-30, 1.0, 88.5, 104.0, 710.0, 750.0, 1e30):
            x = np.array([[size, 0, -size], [size, size, size], [-size, 0, 0]], dtype)
            y = np.array([2, 0, 1]) if "classes" in LOSSES[loss] else np.eye(3, dtype=dtype)
            value, grads = net.loss_and_grads({}, x=x, y=y)
            assert np.isfinite(value) and np.isfinite(grads["x"]).all(), (size, dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_sigmoid_near_its_target_keeps_the_digits_of_the_difference(dtype: Any) -> None:
    """σ(u) - y for y in {0, 1}, however large u is; by itself σ(u) - 1 is 0 from u = 17 on."""
    text = "name: s\ninputs: {y: [N]}\nparams: {u: {shape: [N]}}\nnetwork: p = sigmoid(u)\n"
    loss = "loss: binary_cross_entropy(p, y, reduction='sum')\n"
    net = sb.compile(sb.derive(sb.parse(text + loss)), dtype=dtype.name)
    u = np.array([-80, -20, -1, 0, 0.5, 3, 17, 80, 87], dtype)
    for y, sign in ((0, 1), (1, -1)):
        _, grads = net.loss_and_grads({"u": u}, y=np.full(len(u), y, dtype))
        for at, slope in zip(u.tolist(), grads["u"], strict=True):
            truth = sign / (1 + mpmath.exp(-sign * mpmath.mpf(at)))
            found = error(slope, truth, dtype)
            assert not found.fault and found.ulps <= 4, (y, at, found)


def test_a_score_of_minus_infinity_is_as_one_that_is_not_there() -> None:
    net = sb.compile(
        sb.derive(
            sb.parse("name: one\ninputs: {x: [N, K]}\nloss: sum(logsumexp(x, axis=-1))\nwrt: [x]\n")
        )
    )
    few = np.array([[1.0, -2.0], [0.0, 5.0]])
    more = np.insert(few, 1, -np.inf, axis=1)
    (value, grads), (again, further) = (net.loss_and_grads({}, x=x) for x in (few, more))
    assert value == again
    np.testing.assert_array_equal(np.insert(grads["x"], 1, 0, axis=1), further["x"])


def test_error_functions_of_indices_and_of_numbers() -> None:
    net = sb.compile(
        sb.derive(
            sb.parse(
                "name: one\ninputs: {x: [N]}\nparams: {s: {shape: []}}\nnetwork: |\n"
                "  y[n] = x[n] * (1 - erf(n)) + erf(n + 1)\n  t = 1 + erf(s / sqrt(2))\n"
                "loss: sum(y) + t\noutputs: [y, t]\n"
            )
        )
    )
    params = {"s": np.array(-3.0)}
    found = net.forward(params, x=np.ones(3))
    np.testing.assert_allclose(found["y"], [math.erfc(n) + math.erf(n + 1) for n in range(3)])
    np.testing.assert_allclose(found["t"], math.erfc(3 / math.sqrt(2)), rtol=1e-14)
    slope = net.loss_and_grads(params, x=np.ones(3))[1]["s"]
    np.testing.assert_allclose(slope, math.sqrt(2 / math.pi) * math.exp(-4.5), rtol=1e-14)
