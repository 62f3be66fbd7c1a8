"""Use outside training, and running statistics after steps, equal to PyTorch's to 1e-9."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import symbackprop as sb

pytestmark = pytest.mark.torch

ROWS = """
name: rows
inputs: {x: [N, 3], y: [N, 5]}
network: |
  z = dropout(batch_norm(dense(x, 5), eps=0.001, momentum=0.3), 0.4)
loss: mse(z, y)
wrt: [x, W1, b1, gamma2, beta2]
"""
TWICE = """
name: twice
inputs: {x: [N, 3], y: [N, 3]}
network: |
  a = batch_norm(x, name=both)
  z = batch_norm(a * y, name=both)
loss: mse(z, y)
"""


def same(found: Any, expected: torch.Tensor) -> None:
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-9, atol=1e-9)


def test_steps_move_the_statistics_and_use_reads_them() -> None:
    net = sb.compile(sb.derive(sb.parse(ROWS)), "float64")
    rng = np.random.default_rng(0)
    params = net.init_params(0)
    params["gamma2"] += rng.normal(size=5)
    state, work = net.init_state(), net.Workspace(N=7)
    norm = torch.nn.BatchNorm1d(5, eps=0.001, momentum=0.3, dtype=torch.float64)
    held = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}

    def normalised(x: torch.Tensor) -> torch.Tensor:
        bare = torch.nn.functional.batch_norm
        z = x @ held["W1"] + held["b1"]
        return bare(
            z, norm.running_mean, norm.running_var, held["gamma2"], held["beta2"],
            norm.training, 0.3, 0.001,
        )  # fmt: skip

    for _ in range(4):
        x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 5))
        keep = rng.random((7, 5)) < 0.6
        value, grads = net.loss_and_grads(params, x=x, y=y, keep1=keep, state=state, workspace=work)
        data = torch.tensor(x, requires_grad=True)
        z = normalised(data) * torch.tensor(keep) / 0.6
        loss = ((z - torch.tensor(y)) ** 2).mean()
        assert value == pytest.approx(loss.item(), rel=1e-12)
        by = {"x": data, **held}
        for name, grad in zip(by, torch.autograd.grad(loss, list(by.values())), strict=True):
            same(grads[name], grad)
        same(state["running_mean2"], norm.running_mean)
        same(state["running_var2"], norm.running_var)
    norm.eval()
    x, y = rng.normal(size=(1, 3)), rng.normal(size=(1, 5))
    data = torch.tensor(x, requires_grad=True)
    z = normalised(data)
    same(net.forward(params, x=x, state=state)["z"], z)
    loss = ((z - torch.tensor(y)) ** 2).mean()
    value, grads = net.loss_and_grads(params, x=x, y=y, state=state, training=False)
    assert value == pytest.approx(loss.item(), rel=1e-12)
    by = {"x": data, **held}
    for name, grad in zip(by, torch.autograd.grad(loss, list(by.values())), strict=True):
        same(grads[name], grad)


def test_a_layer_used_twice_moves_its_statistics_twice() -> None:
    net = sb.compile(sb.derive(sb.parse(TWICE)), "float64")
    rng = np.random.default_rng(0)
    state = net.init_state()
    norm = torch.nn.BatchNorm1d(3, dtype=torch.float64)
    for _ in range(3):
        x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
        net.loss_and_grads(net.init_params(), x=x, y=y, state=state)
        norm(norm(torch.tensor(x)) * torch.tensor(y))
        same(state["running_mean_both"], norm.running_mean)
        same(state["running_var_both"], norm.running_var)


@pytest.mark.parametrize("text", [ROWS, TWICE])
def test_the_checks_hold(text: str) -> None:
    assert sb.check(sb.derive(sb.parse(text)))
