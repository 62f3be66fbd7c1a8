"""Second order: a field that is no gradient, or that of another function, is refused."""

from __future__ import annotations

import dataclasses

import pytest
import sympy

from symbackprop.checking.second_order import check_second_order
from symbackprop.derivation import differentiate
from symbackprop.derivation.model import Derivation
from symbackprop.equations.build import build
from symbackprop.spec import parse

NETWORK = """
name: t
inputs: {x: [N, 3], y: [N, 2]}
network: |
  h = tanh(dense(x, 4))
  p = dense(h, 2)
loss: mse(p, y)
"""
KINKS = """
name: t
inputs: {x: [N, 5], keep: {shape: [N, 5], kind: mask}}
params: {w: {shape: [5]}}
network: |
  a = relu(x * w) + abs(x - w) * where(keep, w, 0)
  h = softmax(a)
loss: sum(max(a, axis=1)) + sum(h * a) + sum[i](where(w[i] > 0.2, w[i] ** 3, sin(w[i])))
wrt: [x, w]
"""
RECURRENT = """
name: t
inputs: {x: [N, T, 2]}
params: {U: {shape: [2, 2]}}
network: |
  h[n, t, k] = tanh(x[n, t, k] + sum[j](h[n, t - 1, j] * U[j, k]))
loss: mean(h ** 2) + sum(logsumexp(last(h), axis=1))
wrt: [U, x]
"""


def derived(text: str) -> Derivation:
    return differentiate(build(parse(text)))


def changed(good: Derivation, change) -> Derivation:
    """The derivation with the equations of some gradients changed; `change` is by name."""
    (loss,) = good.losses
    put = {}
    for name, line in loss.gradients.items():
        rhs = change.get(name, lambda rhs: rhs)(line.equation.rhs)
        put[line.number] = dataclasses.replace(
            line, equation=dataclasses.replace(line.equation, rhs=rhs)
        )
    back = dataclasses.replace(
        loss,
        cotangents=tuple(put.get(c.number, c) for c in loss.cotangents),
        gradients={name: put[line.number] for name, line in loss.gradients.items()},
    )
    return dataclasses.replace(good, losses=(back,))


@pytest.mark.parametrize("text", [NETWORK, KINKS, RECURRENT], ids=["dense", "kinks", "recurrence"])
def test_the_gradients_of_a_loss_hold(text) -> None:
    (row,) = check_second_order(derived(text))
    assert row.held, row.failure
    assert row.proved.counts == (0, 0, 1, 2) and row.error < 1e-9


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
def test_one_gradient_a_thousandth_too_large_is_no_gradient_field(name) -> None:
    scaled = {name: lambda rhs: rhs * sympy.Rational(1001, 1000)}
    (row,) = check_second_order(changed(derived(NETWORK), scaled))
    assert row.failure.startswith("gradients by W1, b1, W2, b2: v·H w is ")
    assert row.failure.endswith(": not rounding")


def test_the_gradients_of_another_function_are_refused() -> None:
    """All a thousandth too large: a symmetric field, but not of this loss."""
    names = ("W1", "b1", "W2", "b2")
    scaled = {name: lambda rhs: rhs * sympy.Rational(1001, 1000) for name in names}
    (row,) = check_second_order(changed(derived(NETWORK), scaled))
    assert row.failure.startswith("gradients by W1, b1, W2, b2: v·H v is ")
    assert ", the slope of the loss changes by " in row.failure


def test_what_stop_gradient_makes_is_no_gradient_field_and_left_out() -> None:
    text = """
name: t
inputs: {x: [N, 3]}
params: {w: {shape: [3]}, c: {shape: [3]}}
loss: sum(x*w*stop_gradient(w)) + sum(c ** 3)
"""
    (row,) = check_second_order(derived(text))
    assert row.held and row.equalities == 3
    assert row.how.endswith(", without w (stop_gradient)")
    alone = text.replace(", c: {shape: [3]}", "").replace(" + sum(c ** 3)", "")
    (row,) = check_second_order(derived(alone))
    assert row.cells()[1:] == (
        "no gradient field, without w (stop_gradient)", "0", "0", "not checked",
    )  # fmt: skip


def test_a_gradient_that_is_nothing_but_rounding_holds() -> None:
    """Attention to one key does not depend on its score."""
    text = """
name: t
inputs: {x: [M, 1, 4], u: {shape: [M, N], classes: 5}}
params: {w: {shape: [M, N, 4]}, v: {shape: [M, 1, 5]}}
network: "  h = attention(w, x, v)"
loss: cross_entropy(softmax(h), u)
"""
    for seed in range(5):
        (row,) = check_second_order(derived(text), seed)
        assert row.held, row.failure
    with_v = {"v": lambda rhs: rhs * sympy.Rational(1001, 1000)}
    (row,) = check_second_order(changed(derived(text), with_v))
    assert not row.held
