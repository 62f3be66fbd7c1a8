"""A transformer block: causal attention and two dense layers, each after a layer norm, added."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.steps.experts.attention import Attention
from benchmarks.steps.experts.parts import bias_descent, descent, gelu_tanh, softmax_loss

EPS = 1e-5


class LayerNorm:
    """gamma (x - mean) / sqrt(variance + eps) + beta over rows of x, and back."""

    def __init__(self, x: Any, gamma: Any, beta: Any) -> None:
        self.x, self.gamma, self.beta = x, gamma, beta
        rows, width = x.shape
        self.unit, self.out, self.d = (np.empty_like(x) for _ in range(3))
        self.mean, self.scale = (np.empty((rows, 1), x.dtype) for _ in range(2))
        self.flat_mean, self.flat_scale = self.mean.reshape(-1), self.scale.reshape(-1)
        self.means = np.full(width, 1 / width, x.dtype)
        self.down_gamma, self.down_beta = bias_descent(gamma, self.out), bias_descent(beta, self.d)

    def forward(self) -> None:
        unit, scale, out = self.unit, self.scale, self.out
        np.dot(self.x, self.means, self.flat_mean)
        np.subtract(self.x, self.mean, unit)
        np.multiply(unit, unit, out)
        np.dot(out, self.means, self.flat_scale)
        np.add(scale, EPS, scale)
        np.sqrt(scale, scale)
        np.divide(1, scale, scale)
        np.multiply(unit, scale, unit)
        np.multiply(unit, self.gamma, out)
        np.add(out, self.beta, out)

    def back(self) -> None:
        """In out, the cotangent of x; those of gamma and beta are subtracted."""
        d, unit, out, mean = self.d, self.unit, self.out, self.mean
        np.multiply(d, unit, out)
        self.down_beta()
        # d · unit is wanted with gamma, which must not have changed by then.
        np.dot(out, self.gamma * self.means, self.flat_mean)
        np.multiply(unit, mean, unit)
        np.multiply(d, self.gamma, d)
        self.down_gamma()
        np.dot(d, self.means, self.flat_mean)
        np.subtract(d, mean, out)
        np.subtract(out, unit, out)
        np.multiply(out, self.scale, out)


def stacked(params: dict[str, Any]) -> Any:
    """[width, 3, heads, each]: the weights of q, k and v; `params` become views of it."""
    names = ("W2_q", "W2_k", "W2_v")
    whole = np.stack([params[name] for name in names], axis=1)
    params.update({name: whole[:, j] for j, name in enumerate(names)})
    return whole


def expert(params: dict[str, Any], batch: dict[str, Any], inside: bool = False) -> Any:
    """The weights of q, k and v in `params` become views of one array."""
    n, steps, width = batch["x"].shape
    W_split = stacked(params)
    _, _, heads, each = W_split.shape
    rows, dtype = n * steps, W_split.dtype
    W_qkv, W_o = W_split.reshape(width, -1), params["W2_o"].reshape(-1, width)
    W4, b4, W5, b5, W6, b6 = (params[k] for k in ("W4", "b4", "W5", "b5", "W6", "b6"))
    # The weights of q with width^-½, which the scores then have.
    scaled, factor = np.empty_like(W_qkv), np.ones((3, heads, each), dtype)
    factor[0] = each**-0.5
    factor = factor.reshape(-1)

    x_in, a, da = (np.empty((rows, width), dtype) for _ in range(3))
    qkv, d_qkv = np.empty((rows, 3 * width), dtype), np.empty((rows, 3 * width), dtype)
    split = (n, steps, 3, heads, each)
    attention = Attention(qkv.reshape(split), d_qkv.reshape(split))
    mixed, d_mixed = attention.out.reshape(rows, -1), attention.d.reshape(rows, -1)
    norm1 = LayerNorm(x_in, params["gamma1"], params["beta1"])
    norm2 = LayerNorm(a, params["gamma3"], params["beta3"])
    h, dh, slope = (np.empty((rows, len(b4)), dtype) for _ in range(3))
    out, d_out = np.empty((rows, width), dtype), np.empty((rows, width), dtype)
    z = np.empty((rows, len(b6)), dtype)
    gelu, loss = gelu_tanh(h, b4, slope), softmax_loss(z)
    d_scaled = np.empty_like(W_qkv)
    down_W6, down_b6 = descent(W6, z, out, inside=inside), bias_descent(b6, z)
    down_W5, down_b5 = descent(W5, d_out, h, inside=inside), bias_descent(b5, d_out)
    down_W4, down_b4 = descent(W4, dh, norm2.out, inside=inside), bias_descent(b4, dh)
    down_o = descent(W_o, da, mixed, inside=inside)

    def step(x: Any, y: Any, rate: float) -> float:
        np.multiply(W_qkv, factor, scaled)
        np.copyto(x_in, x.reshape(rows, width))
        norm1.forward()
        np.matmul(norm1.out, scaled, qkv)
        attention.forward()
        np.matmul(mixed, W_o, a)
        np.add(a, x_in, a)
        norm2.forward()
        np.matmul(norm2.out, W4, h)
        gelu()
        np.matmul(h, W5, out)
        np.add(out, b5, out)
        np.add(out, a, out)
        np.matmul(out, W6, z)
        np.add(z, b6, z)
        value = loss(y, rate)

        np.matmul(z, W6.T, d_out)
        down_W6()
        down_b6()
        np.matmul(d_out, W5.T, dh)
        down_W5()
        down_b5()
        np.multiply(dh, slope, dh)
        np.matmul(dh, W4.T, norm2.d)
        down_W4()
        down_b4()
        norm2.back()
        np.add(d_out, norm2.out, da)
        np.matmul(da, W_o.T, d_mixed)
        down_o()
        attention.back()
        np.matmul(d_qkv, scaled.T, norm1.d)
        np.matmul(norm1.out.T, d_qkv, d_scaled)
        np.multiply(d_scaled, factor, d_scaled)
        np.subtract(W_qkv, d_scaled, W_qkv)
        norm1.back()
        return value

    return step
