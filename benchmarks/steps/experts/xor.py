"""2-2-1, sigmoid, mean squared error."""

from __future__ import annotations

from typing import Any

import numpy as np


def expert(params: dict[str, Any], batch: dict[str, Any]) -> Any:
    W1, b1, W2, b2 = (params[name] for name in ("W1", "b1", "W2", "b2"))
    rows, dtype = len(batch["x"]), W1.dtype
    h, t1, dh = (np.empty((rows, W1.shape[1]), dtype) for _ in range(3))
    p, t2, d = (np.empty((rows, W2.shape[1]), dtype) for _ in range(3))
    flat = d.reshape(-1)
    dW1, db1, dW2, db2 = (np.empty_like(a) for a in (W1, b1, W2, b2))
    W2T, hT = W2.T, h.T
    ones, one = np.ones(rows, dtype), np.ones((), dtype)
    add, subtract, multiply, exp = np.add, np.subtract, np.multiply, np.exp
    divide, negative, scale = np.divide, np.negative, np.empty((), dtype)

    def step(x: Any, y: Any, rate: float) -> float:
        x.dot(W1, h)
        add(h, b1, h)
        negative(h, h)
        exp(h, h)
        add(h, one, h)
        divide(one, h, h)
        h.dot(W2, p)
        add(p, b2, p)
        negative(p, p)
        exp(p, p)
        add(p, one, p)
        divide(one, p, p)
        subtract(p, y, d)
        loss = float(flat.dot(flat)) / d.size
        scale[()] = 2 * rate / d.size
        multiply(d, scale, d)
        subtract(one, p, t2)
        multiply(t2, p, t2)
        multiply(d, t2, d)
        d.dot(W2T, dh)
        subtract(one, h, t1)
        multiply(t1, h, t1)
        multiply(dh, t1, dh)
        hT.dot(d, dW2)
        ones.dot(d, db2)
        x.T.dot(dh, dW1)
        ones.dot(dh, db1)
        subtract(W2, dW2, W2)
        subtract(b2, db2, b2)
        subtract(W1, dW1, W1)
        subtract(b1, db1, b1)
        return loss

    return step
