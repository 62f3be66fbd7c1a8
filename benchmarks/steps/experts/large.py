"""Three wide dense layers, gelu_tanh between them, under a softmax with cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.steps.experts.parts import bias_descent, descent, gelu_tanh, softmax_loss


def expert(params: dict[str, Any], batch: dict[str, Any], inside: bool = False) -> Any:
    W1, b1, W2, b2, W3, b3 = (params[name] for name in ("W1", "b1", "W2", "b2", "W3", "b3"))
    rows, dtype = len(batch["x"]), W1.dtype
    h1, d1, slope1 = (np.empty((rows, len(b1)), dtype) for _ in range(3))
    h2, d2, slope2 = (np.empty((rows, len(b2)), dtype) for _ in range(3))
    z = np.empty((rows, len(b3)), dtype)
    gelu1, gelu2 = gelu_tanh(h1, b1, slope1), gelu_tanh(h2, b2, slope2)
    loss = softmax_loss(z)
    down_W3, down_b3 = descent(W3, z, h2, inside=inside), bias_descent(b3, z)
    down_W2, down_b2 = descent(W2, d2, h1, inside=inside), bias_descent(b2, d2)
    down_W1, down_b1 = descent(W1, d1, inside=inside), bias_descent(b1, d1)

    def step(x: Any, y: Any, rate: float) -> float:
        np.matmul(x, W1, h1)
        gelu1()
        np.matmul(h1, W2, h2)
        gelu2()
        np.matmul(h2, W3, z)
        np.add(z, b3, z)
        value = loss(y, rate)

        np.matmul(z, W3.T, d2)
        down_W3()
        down_b3()
        np.multiply(d2, slope2, d2)
        np.matmul(d2, W2.T, d1)
        down_W2()
        down_b2()
        np.multiply(d1, slope1, d1)
        down_W1(x)
        down_b1()
        return value

    return step
