"""Three dense layers, relu between them, under a softmax with cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.steps.experts.parts import bias_descent, descent, softmax_loss


def expert(params: dict[str, Any], batch: dict[str, Any], inside: bool = False) -> Any:
    W1, b1, W2, b2, W3, b3 = (params[name] for name in ("W1", "b1", "W2", "b2", "W3", "b3"))
    rows, dtype = len(batch["x"]), W1.dtype
    h1, d1 = np.empty((rows, len(b1)), dtype), np.empty((rows, len(b1)), dtype)
    h2, d2 = np.empty((rows, len(b2)), dtype), np.empty((rows, len(b2)), dtype)
    z = np.empty((rows, len(b3)), dtype)
    open1, open2 = np.empty(h1.shape, bool), np.empty(h2.shape, bool)
    W2T, W3T, zero = W2.T, W3.T, np.zeros((), dtype)
    loss = softmax_loss(z)
    down_W3 = descent(W3, z, h2, inside=inside, product=np.dot)
    down_W2 = descent(W2, d2, h1, inside=inside, product=np.dot)
    down_W1 = descent(W1, d1, inside=inside, product=np.dot)
    down_b3, down_b2, down_b1 = bias_descent(b3, z), bias_descent(b2, d2), bias_descent(b1, d1)
    add, multiply, maximum, greater = np.add, np.multiply, np.maximum, np.greater

    def step(x: Any, y: Any, rate: float) -> float:
        x.dot(W1, h1)
        add(h1, b1, h1)
        maximum(h1, zero, out=h1)
        h1.dot(W2, h2)
        add(h2, b2, h2)
        maximum(h2, zero, out=h2)
        h2.dot(W3, z)
        add(z, b3, z)
        value = loss(y, rate)

        z.dot(W3T, d2)
        down_W3()
        down_b3()
        greater(h2, zero, open2)
        multiply(d2, open2, d2)
        d2.dot(W2T, d1)
        down_W2()
        down_b2()
        greater(h1, zero, open1)
        multiply(d1, open1, d1)
        down_W1(x)
        down_b1()
        return value

    return step
