"""keras_mlp as an expert writes it by hand: every buffer made beforehand, every pass in place.

784-64-64-10, relu, softmax with cross-entropy, the mean over a batch of labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray[Any, Any]]


def expert_step(params: Arrays, batch: int) -> Callable[..., tuple[float, Arrays]]:
    """A function (x, y) -> loss, gradients, which owns its buffers."""
    dtype = params["W1"].dtype
    W1, b1, W2, b2, W3, b3 = (params[n] for n in ("W1", "b1", "W2", "b2", "W3", "b3"))
    h1, h2, d1, d2 = (np.empty((batch, 64), dtype) for _ in range(4))
    p = np.empty((batch, 10), dtype)
    row = np.empty((batch, 1), dtype)
    open_ = np.empty((batch, 64), bool)
    grads = {name: np.empty_like(value) for name, value in params.items()}
    ones, rows = np.ones(batch, dtype), np.arange(batch)

    def step(x: Any, y: Any) -> tuple[float, Arrays]:
        np.dot(x, W1, h1)
        np.add(h1, b1, h1)
        np.maximum(h1, 0, out=h1)
        np.dot(h1, W2, h2)
        np.add(h2, b2, h2)
        np.maximum(h2, 0, out=h2)
        np.dot(h2, W3, p)
        np.add(p, b3, p)
        np.maximum.reduce(p, axis=1, keepdims=True, out=row)
        np.subtract(p, row, p)
        true = p[rows, y]
        np.exp(p, p)
        np.add.reduce(p, axis=1, keepdims=True, out=row)
        loss = float(np.add.reduce(np.log(row[:, 0]) - true)) / batch
        np.divide(p, row, p)
        p[rows, y] -= 1
        np.divide(p, batch, p)
        np.dot(h2.T, p, grads["W3"])
        np.dot(ones, p, grads["b3"])
        np.dot(p, W3.T, d2)
        np.greater(h2, 0, open_)
        np.multiply(d2, open_, d2)
        np.dot(h1.T, d2, grads["W2"])
        np.dot(ones, d2, grads["b2"])
        np.dot(d2, W2.T, d1)
        np.greater(h1, 0, open_)
        np.multiply(d1, open_, d1)
        np.dot(x.T, d1, grads["W1"])
        np.dot(ones, d1, grads["b1"])
        return loss, grads

    return step
