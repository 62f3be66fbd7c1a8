"""The matrix products of a step, on arrays of their shapes and layouts: nothing can be faster.

Products, not loops and maps: what remains of an expert's step if all the rest cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Product:
    """out = a @ b, so many times, on views that BLAS reads without a copy."""

    a: Any
    b: Any
    out: Any
    times: int = 1


def made(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def layer(rows: int, ins: int, outs: int, input_gradient: bool = True) -> list[Product]:
    """x W, xᵀ dz and dz Wᵀ."""
    x, W, z = made(rows, ins), made(ins, outs), made(rows, outs)
    found = [Product(x, W, made(rows, outs)), Product(x.T, z, made(ins, outs))]
    return [*found, Product(z, W.T, made(rows, ins))] if input_gradient else found


def mlp(params: Any, batch: Any) -> list[Product]:
    rows, weights = len(batch["x"]), [a for a in params.values() if a.ndim == 2]
    return [p for k, W in enumerate(weights) for p in layer(rows, W.shape[0], W.shape[1], k > 0)]


def convolution(parts: int, places: int, K: Any, input_gradient: bool) -> list[Product]:
    """With the windows as columns, in stacks: Kᵀ windows, windows dzᵀ and K dz."""
    reads, filters = K.size // K.shape[-1], K.shape[-1]
    W = made(reads, filters)
    windows, z = made(parts, reads, places // parts), made(parts, filters, places // parts)
    found = [
        Product(W.T, windows, made(*z.shape)),
        Product(windows, z.transpose(0, 2, 1), made(parts, reads, filters)),
    ]
    return [*found, Product(W, z, made(*windows.shape))] if input_gradient else found


def lenet(params: Any, batch: Any) -> list[Product]:
    K1, _, K2, _, *dense = params.values()
    n, height, *_ = batch["x"].shape
    first = height - len(K1) + 1
    second = first // 2 - len(K2) + 1
    weights = [W for W in dense if W.ndim == 2]
    return [
        *convolution(2 * first, n * first**2, K1, False),
        *convolution(2 * second, n * second**2, K2, True),
        *(p for W in weights for p in layer(n, *W.shape)),
    ]


def lstm(params: Any, batch: Any) -> list[Product]:
    """Features first: W [x; h] and Uᵀ dz at every step, the rest over all steps."""
    n, steps, inputs = batch["x"].shape
    units, classes = params["W2"].shape
    W, z = made(4 * units, inputs + units), made(4 * units, n)
    across, reads = made(4 * units, steps * n), made(inputs + units, steps * n)
    return [
        Product(W, made(inputs + units, n), made(4 * units, n), steps),
        Product(W[:, inputs:].T, z, made(units, n), steps),
        Product(across, reads.T, made(4 * units, inputs + units)),
        *layer(steps * n, units, classes),
    ]


def transformer(params: Any, batch: Any) -> list[Product]:
    n, steps, width = batch["x"].shape
    heads, each = params["W2_q"].shape[1:]
    rows = n * steps
    qkv, mixed = made(n, steps, 3, heads, each), made(n, steps, heads, each).transpose(0, 2, 1, 3)
    q, k, v = (qkv[:, :, j].transpose(0, 2, 1, 3) for j in range(3))
    p, scores = made(n, heads, steps, steps), made(n, heads, steps, steps)
    pT, kT, vT = (a.transpose(0, 1, 3, 2) for a in (p, k, v))
    dense = [params[f"W{k}"] for k in (4, 5, 6)]
    return [
        *layer(rows, width, 3 * width),
        Product(q, kT, scores),
        Product(p, v, mixed),
        Product(pT, mixed, v),
        Product(mixed, vT, scores),
        Product(p, k, q),
        Product(pT, q, k),
        *layer(rows, width, width),
        *(product for W in dense for product in layer(rows, *W.shape)),
    ]


PRODUCTS: dict[str, Callable[..., list[Product]]] = {
    **{"dense": mlp, "large": mlp, "lenet": lenet, "lstm": lstm, "transformer": transformer},
}
