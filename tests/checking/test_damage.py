"""A recurrence, a convolution and a network with states, by hand: each kind of damage is refused.

Damage to the equations of any network, and to generated modules: `tests/mutation`.
"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from symbackprop.checking import Report, check
from symbackprop.derivation import differentiate
from symbackprop.derivation.model import Derivation, Line
from symbackprop.equations.build import build
from symbackprop.equations.nodes import Index, TensorSymbol, extent
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation, Input, Loss, Parameter, State, System
from symbackprop.mistakes import Mistake, damaged
from symbackprop.spec import parse
from symbackprop.spec.syntax import Init

RECURRENCE = """
name: recurrence
inputs: {x: [N, T, 2], y: [N, 2]}
params: {U: {shape: [2, 2]}}
network: |
  h[n, t, k] = tanh(x[n, t, k] + sum[j](h[n, t - 1, j] * U[j, k]))
loss: mse(last(h), y) + 0.1 * mean(h)
wrt: [U, x]
"""
CONVOLUTION = """
name: convolution
inputs: {x: [N, 7, 2]}
params: {K: {shape: [3, 2, 3]}}
network: |
  y[n, i, o] = sum[p, c](K[p, c, o] * x[n, 2*i + p, c])
loss: mean(tanh(y))
wrt: [K, x]
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    """Damage shows at a few entries of the whole gradients, too."""
    monkeypatch.setattr("symbackprop.checking.gradients._OPERATIONS", 2000)


def derived(text: str) -> Derivation:
    return differentiate(build(parse(text)))


def line_of(derivation: Derivation, tensor: str) -> Line:
    lines = derivation.losses[0].cotangents
    return next(line for line in lines if line.equation.tensor.name == tensor)


def scaled(derivation: Derivation, tensor: str, by: float) -> Derivation:
    """The derivation with the right-hand side of one equation scaled."""
    line = line_of(derivation, tensor)
    wrong = line.equation.rhs * sympy.Rational(str(by))
    return damaged(derivation, Mistake("wrong factor", line, wrong, f"times {by}"))


def failures(found: Report) -> str:
    return "\n".join(row.failure for row in found if not row.held)


@pytest.mark.parametrize("text", [RECURRENCE, CONVOLUTION], ids=["recurrence", "convolution"])
def test_what_is_right_holds(text: str) -> None:
    found = check(derived(text))
    assert found, str(found)


@pytest.mark.parametrize("scale", [1.001, -1])
def test_damage_is_refused_where_all_is_too_large_for_exact_numbers(scale, monkeypatch) -> None:
    monkeypatch.setattr("symbackprop.checking._OPERATIONS", 0)
    for text, tensor in ((RECURRENCE, "dh"), (CONVOLUTION, "dx")):
        good = derived(text)
        assert check(good), str(check(good))
        anywhere = ("rule", "steps", "zeros", "second order")
        rows = [row for row in check(good) if not row.what.startswith(anywhere)]
        assert {row.how.split(", ")[-1] for row in rows} == {"full size in floats"}
        found = check(scaled(good, tensor, scale))
        assert f"equation ({line_of(good, tensor).number})" in failures(found), str(found)
        assert not next(row for row in found if row.what == "gradients of loss").held


def test_another_form_of_a_gradient_is_checked() -> None:
    good = derived(CONVOLUTION)
    line = line_of(good, "dx")
    (also,) = line.also
    assert any(row.what == f"rule: {also.rule}" for row in check(good))
    ranges = [c for c in also.after.atoms(sympy.Integer) if c == 3]
    wrong = dataclasses.replace(
        line,
        also=(dataclasses.replace(also, after=also.after.xreplace({ranges[0]: sympy.Integer(2)})),),
    )
    loss = good.losses[0]
    lines = tuple(wrong if c.number == line.number else c for c in loss.cotangents)
    found = check(dataclasses.replace(good, losses=(dataclasses.replace(loss, cotangents=lines),)))
    (failed,) = [row for row in found if not row.held]
    assert failed.what == f"rule: {also.rule}"
    assert f"equation ({line.number})" in failed.failure


def recurrent_module(shift=0, first=1, sign=1.0, guard=True):
    """Backpropagation through time by hand; each argument puts a fault into it."""

    def run(params, x):
        states = [np.zeros_like(x[:, 0])]
        for t in range(x.shape[1]):
            states.append(np.tanh(x[:, t] + states[-1] @ params["U"]))
        return states

    def loss(params, *, x, y):
        states = run(params, x)
        return float(((states[-1] - y) ** 2).mean(-1).mean() + 0.1 * np.mean(states[1:]))

    def loss_and_grads(params, *, x, y):
        (n, steps, _), states = x.shape, run(params, x)
        dU, dx = np.zeros_like(params["U"]), np.zeros_like(x)
        dz = np.zeros_like(y)
        for t in reversed(range(steps)):
            dh = np.full_like(y, 0.1 / x.size) + sign * dz @ params["U"].T
            if t == steps - 1 or not guard:
                dh += (states[-1] - y) / np.asarray(n, y.dtype)
            dz = dh * (1 - states[t + 1] ** 2)
            dx[:, t] = dz
            if t >= first:
                dU += states[t + shift].T @ dz
        return loss(params, x=x, y=y), {"U": dU, "x": dx}

    return SimpleNamespace(
        forward=lambda params, *, x: {"h": np.stack(run(params, x)[1:], 1)},
        loss=loss,
        loss_and_grads=loss_and_grads,
    )


def test_a_recurrence_written_by_hand_holds() -> None:
    found = check(derived(RECURRENCE), recurrent_module())
    assert all(row.held for row in found if row.what != "forward"), str(found)


@pytest.mark.parametrize(
    "fault",
    [{"shift": 1}, {"first": 2}, {"sign": 1.001}, {"sign": -1.0}, {"guard": False}],
    ids=str,
)
def test_a_damaged_recurrence_written_by_hand_is_refused(fault) -> None:
    found = check(derived(RECURRENCE), recurrent_module(**fault))
    assert refused(found), str(found)


def refused(found: Report) -> bool:
    """By every row of the module's gradients in double precision."""
    rows = [r for r in found if r.what == "gradients of loss" and r.how.startswith("module")]
    rows = [r for r in rows if "float32" not in r.how]
    return len(rows) == 2 and not any(row.held for row in rows)


def convolution_module(stride=2, flip=False, scale=1.0):
    """The convolution by hand, with faults in its gradients alone."""

    def forward(params, x):
        windows = np.stack([x[:, 2 * i : 2 * i + 3] for i in range(3)], 1)
        return np.einsum("nipc,pco->nio", windows, params["K"])

    def loss(params, *, x):
        return float(np.tanh(forward(params, x)).mean())

    def loss_and_grads(params, *, x):
        y = forward(params, x)
        dy = (1 - np.tanh(y) ** 2) / np.asarray(y.size, y.dtype) * np.asarray(scale, y.dtype)
        K = params["K"][::-1] if flip else params["K"]
        dK, dx = np.zeros_like(K), np.zeros_like(x)
        for i in range(3):
            for p in range(3):
                dK[p] += np.einsum("nc,no->co", x[:, stride * i + p], dy[:, i])
                dx[:, stride * i + p] += dy[:, i] @ K[p].T
        return loss(params, x=x), {"K": dK, "x": dx}

    return SimpleNamespace(
        forward=lambda params, *, x: {"y": forward(params, x)},
        loss=loss,
        loss_and_grads=loss_and_grads,
    )


def test_a_convolution_written_by_hand_holds() -> None:
    found = check(derived(CONVOLUTION), convolution_module())
    assert found, str(found)


@pytest.mark.parametrize("fault", [{"stride": 1}, {"flip": True}, {"scale": 1.001}], ids=str)
def test_a_damaged_convolution_written_by_hand_is_refused(fault) -> None:
    found = check(derived(CONVOLUTION), convolution_module(**fault))
    assert refused(found), str(found)


N = extent("N")
n, m, j = Index("n", N), Index("m", N), Index("j", 3)
x, w = TensorSymbol("x", (N, 3)), TensorSymbol("w", (3,))
mean, running = TensorSymbol("mean", (3,)), TensorSymbol("running_mean1", (3,))
new, y, loss_ = TensorSymbol("new", (3,)), TensorSymbol("y", (N, 3)), TensorSymbol("loss", ())
TRACKED = System(
    name="tracked",
    title="",
    notes="",
    extents=(N,),
    inputs=(Input(x),),
    parameters=(Parameter(w, Init("ones")),),
    equations=(
        Equation(mean, (j,), Sum(x[m, j], m) / N),
        Equation(new, (j,), running[j] * sympy.Rational(9, 10) + mean[j] / 10),
        Equation(y, (n, j), w[j] * (x[n, j] - mean[j]), in_use=w[j] * (x[n, j] - running[j])),
        Equation(loss_, (), Sum(sympy.tanh(y[n, j]), n, j)),
    ),
    losses=(Loss(loss_, (w,)),),
    outputs=(y,),
    states=(State(running, Init("zeros"), new),),
)


def tracked_module(rate=0.1, ignored=False, sparse=False, eager=False):
    """A centred product by hand, with faults in its states and in its use of `training`."""

    def centred(x, state, training):
        return x - (x.mean(0) if training or ignored else state["running_mean1"])

    def move(x, state):
        state["running_mean1"] += rate * (x.mean(0) - state["running_mean1"])

    def forward(params, *, x, state=None, training=False):
        return {"y": params["w"] * centred(x, state, training)}

    def loss(params, *, x, state=None, training=True):
        value = float(np.tanh(params["w"] * centred(x, state, training)).sum())
        return value

    def loss_and_grads(params, *, x, state=None, training=True):
        c = centred(x, state, training)
        value = float(np.tanh(params["w"] * c).sum())
        gradient = ((1 - np.tanh(params["w"] * c) ** 2) * c).sum(0)
        if training or eager:
            move(x, state)
        if sparse:
            rows = np.array([2, 0, 1, 0])
            gradient = (rows, np.where(rows == 0, gradient[rows] / 2, gradient[rows]))
        return value, {"w": gradient}

    return SimpleNamespace(forward=forward, loss=loss, loss_and_grads=loss_and_grads)


def test_states_training_and_use_outside_it_hold() -> None:
    found = check(differentiate(TRACKED), tracked_module())
    assert found, str(found)
    rows = [row.what for row in found]
    assert "states" in rows and "in use: forward" in rows and "in use: rule: chain rule" in rows


def test_a_gradient_as_rows_and_values_is_summed_up() -> None:
    found = check(differentiate(TRACKED), tracked_module(sparse=True))
    assert found, str(found)


@pytest.mark.parametrize(
    ("fault", "rows"),
    [
        ({"rate": 0.1001}, ["states"]),
        ({"rate": 0.0}, ["states"]),
        ({"eager": True}, ["in use: states"]),
        ({"ignored": True}, ["in use: forward", "in use: gradients of loss"]),
    ],
    ids=str,
)
def test_a_wrong_state_and_an_ignored_flag_are_refused(fault, rows) -> None:
    found = check(differentiate(TRACKED), tracked_module(**fault))
    failed = [row.what for row in found if not row.held]
    assert set(rows) <= set(failed), str(found)
