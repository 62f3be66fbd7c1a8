"""Causal attention, an example at a time: the scores of its heads stay in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np


class Attention:
    """Attention of qkv [n, t, 3, heads, width] to out [n, t, heads, width], and back.

    The scores have the keys first, [heads, k, q]: what is taken of each query is then along an axis
    that need not be last. They are kept as e = exp(score - largest); what their sum s divides, is
    divided where it is narrow: out = eᵀ v / s, and on the way back d / s. With d of out so divided,

        dv = e d,   de = v dᵀ,   dscore = e (de - 1 (d · out)ᵀ).

    The factor width^-½ belongs to the weights of q, which has it already.
    """

    def __init__(self, qkv: Any, d_qkv: Any) -> None:
        n, steps, _, heads, width = qkv.shape
        self.q, self.k, self.v = (qkv[:, :, j].transpose(0, 2, 1, 3) for j in range(3))
        self.dq, self.dk, self.dv = (d_qkv[:, :, j].transpose(0, 2, 1, 3) for j in range(3))
        self.out, self.d = (np.empty((n, steps, heads, width), qkv.dtype) for _ in range(2))
        self.outs, self.ds = (a.transpose(0, 2, 1, 3) for a in (self.out, self.d))
        self.e = np.empty((n, heads, steps, steps), qkv.dtype)
        self.total = np.empty((n, heads, 1, steps), qkv.dtype)
        self.de = np.empty((heads, steps, steps), qkv.dtype)
        self.largest = np.empty((heads, 1, steps), qkv.dtype)
        self.ones = np.ones((1, steps), qkv.dtype)
        self.product = np.empty((heads, steps, width), qkv.dtype)
        self.inner = self.largest.transpose(0, 2, 1)
        self.width_ones = np.ones(width, qkv.dtype)
        self.future = np.tril(np.full((steps, steps), -np.inf, qkv.dtype), -1)

    def forward(self) -> None:
        largest, ones, future = self.largest, self.ones, self.future
        for q, k, v, e, total, out in zip(
            *(self.q, self.k, self.v, self.e, self.total, self.outs), strict=True
        ):
            np.matmul(k, q.transpose(0, 2, 1), e)
            np.add(e, future, e)
            np.maximum.reduce(e, 1, out=largest, keepdims=True)
            np.subtract(e, largest, e)
            np.exp(e, e)
            np.matmul(ones, e, total)
            np.matmul(e.transpose(0, 2, 1), v, out)
            np.divide(out, total.transpose(0, 2, 1), out)

    def back(self) -> None:
        de, product, inner = self.de, self.product, self.inner
        for q, k, v, e, total, out, d, dq, dk, dv in zip(
            *(self.q, self.k, self.v, self.e, self.total, self.outs, self.ds),
            *(self.dq, self.dk, self.dv),
            strict=True,
        ):
            np.divide(d, total.transpose(0, 2, 1), d)
            np.matmul(e, d, dv)
            np.matmul(v, d.transpose(0, 2, 1), de)
            np.multiply(d, out, product)
            np.matmul(product, self.width_ones, inner[:, :, 0])
            np.subtract(de, self.largest, de)
            np.multiply(de, e, de)
            np.matmul(de.transpose(0, 2, 1), k, dq)
            np.matmul(de, q, dk)
