"""The optimizers against values worked out by hand, and against PyTorch where it is installed."""

import numpy as np
import pytest

from symbackprop.training.optimizers import OPTIMIZERS, Adagrad, Adam, Momentum, Sgd


def run(optimizer, start, gradients):
    parameter = np.array(start, dtype=np.float64)
    memory = tuple(np.zeros_like(parameter) for _ in optimizer.memory)
    for step, gradient in enumerate(gradients, start=1):
        gradient = np.array(gradient, dtype=np.float64)
        before = gradient.copy()
        optimizer.update(parameter, gradient, memory, step, np.full_like(parameter, np.nan))
        np.testing.assert_array_equal(gradient, before)
    return parameter


def test_sgd_by_hand():
    assert run(Sgd(rate=0.5), [1.0, 2.0], [[2.0, -4.0], [1.0, 0.0]]).tolist() == [-0.5, 4.0]


def test_momentum_by_hand():
    # v1 = -0.5 * 2 = -1, θ1 = 0; v2 = 0.5 * -1 - 0.5 * 1 = -1, θ2 = -1
    assert run(Momentum(rate=0.5, momentum=0.5), [1.0], [[2.0], [1.0]]).tolist() == [-1.0]


def test_adam_by_hand():
    # The first step is rate g / (|g| + ε) whatever g is; after two steps with g = 2, then 1:
    # m = 0.9 * 0.2 + 0.1, v = 0.999 * 0.004 + 0.001, corrected by 0.19 and 1 - 0.999².
    first = run(Adam(rate=0.1), [1.0, 1.0], [[2.0, -3.0]])
    np.testing.assert_allclose(first, [0.9, 1.1], rtol=1e-8)
    second = run(Adam(rate=0.1), [1.0], [[2.0], [1.0]])
    step = 0.1 * (0.28 / 0.19) / (np.sqrt(0.004996 / (1 - 0.999**2)) + 1e-8)
    np.testing.assert_allclose(second, [0.9 - step], rtol=1e-8)


def test_updates_keep_single_precision():
    for optimizer in (Sgd(), Momentum(), Adagrad(), Adam()):
        parameter = np.ones(5, np.float32)
        memory = tuple(np.zeros_like(parameter) for _ in optimizer.memory)
        scratch = np.empty_like(parameter)
        optimizer.update(parameter, np.ones(5, np.float32), memory, 1, scratch)
        assert parameter.dtype == np.float32 and (parameter < 1).all()


@pytest.mark.torch
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equal_to_pytorch(name):
    torch = pytest.importorskip("torch")
    ours = {
        "sgd": Sgd(0.1),
        "momentum": Momentum(0.1, 0.7),
        "adagrad": Adagrad(0.3, 1e-6),
        "adam": Adam(0.03, 0.8, 0.95, 1e-6),
    }[name]
    parameter = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    theirs = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.7),
        "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.3, eps=1e-6),
        "adam": lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.8, 0.95), eps=1e-6),
    }[name]([parameter])
    gradients = np.random.default_rng(0).normal(size=(17, 3))
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        theirs.step()
    expected = parameter.detach().numpy()
    np.testing.assert_allclose(run(ours, [1.0, -2.0, 3.0], gradients), expected, rtol=1e-12)
