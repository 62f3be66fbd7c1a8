"""HIPS autograd: the loss in its NumPy, differentiated anew at every step."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
from autograd import value_and_grad

from benchmarks.steps.contenders import Contender
from benchmarks.steps.losses import LOSSES, Library


def scan(step: Any, first: Any, xs: Any) -> Any:
    state, results = first, []
    for x in xs:
        state, result = step(state, x)
        results.append(result)
    return np.stack(results)


def conv2d(x: Any, K: Any) -> Any:
    kh, kw = K.shape[:2]
    tall, wide = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    windows = [x[:, p : p + tall, q : q + wide] for p in range(kh) for q in range(kw)]
    return np.concatenate(windows, axis=-1) @ K.reshape(-1, K.shape[-1])


def max_pool2d(x: Any) -> Any:
    n, height, width, channels = x.shape
    squares = x.reshape(n, height // 2, 2, width // 2, 2, channels)
    return np.max(np.max(squares, axis=4), axis=2)


LIBRARY = Library(np, scan, conv2d, max_pool2d)


def start(workload: Any, params: Any, batches: Any, threads: int, folder: Any) -> Contender:
    loss = LOSSES[workload.expert]
    gradients = value_and_grad(lambda p, batch: loss(LIBRARY, p, **batch))

    def step(**batch: Any) -> float:
        value, grads = gradients(params, batch)
        for name, gradient in grads.items():
            params[name] -= workload.rate * gradient
        return float(value)

    return Contender(step, batches, lambda: params)
