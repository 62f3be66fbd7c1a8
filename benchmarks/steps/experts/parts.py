"""Passes that several networks share: softmax under cross-entropy, gelu in blocks, descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.steps.experts.blas import subtracted_product

# Chains of maps run over blocks of so many bytes, which stay in a core's cache.
BLOCK = 128 * 1024


def softmax_loss(scores: Any, axis: int = 1) -> Callable[..., float]:
    """A function of labels and rate: in `scores`, rate times the gradient; returns the loss.

    The classes are along `axis`, an example is a row or a column. The loss is the mean over the
    examples of logsumexp(scores) - scores[label]; its gradient (softmax - onehot) / examples.
    """
    classes, examples = scores.shape[axis], scores.shape[1 - axis]
    largest = np.empty((examples, 1) if axis else (1, examples), scores.dtype)
    total, true = np.empty_like(largest), np.empty(examples, scores.dtype)
    totals, flat, ones = total.reshape(-1), scores.reshape(-1), np.ones(classes, scores.dtype)
    across, down = (classes, 1) if axis else (1, examples)
    starts, places = np.arange(0, examples * across, across), np.empty(examples, np.intp)
    left, right = (scores, ones) if axis else (ones, scores)

    def loss(labels: Any, rate: float) -> float:
        np.multiply(labels.reshape(-1), down, places)
        np.add(starts, places, places)
        np.maximum.reduce(scores, axis, out=largest, keepdims=True)
        np.subtract(scores, largest, scores)
        flat.take(places, None, true, "clip")
        np.exp(scores, scores)
        np.dot(left, right, totals)
        value: float = float(np.add.reduce(np.log(totals)) - np.add.reduce(true)) / examples
        np.divide(rate / examples, total, total)
        np.multiply(scores, total, scores)
        flat[places] -= rate / examples
        return value

    return loss


def gelu_tanh(z: Any, bias: Any, slope: Any) -> Callable[[], None]:
    """A function that adds the bias to z, turns z into gelu_tanh(z) and writes its derivative.

    gelu_tanh(z) = z q with q = (1 + tanh(z (c + a z^2))) / 2; its derivative is
    q + gelu_tanh(z) 2 (1 - q) (c + 3 a z^2), with c = sqrt(2 / pi) and a = 0.044715 c.
    """
    rows = max(1, BLOCK // (z.shape[1] * z.itemsize))
    c = (2 / np.pi) ** 0.5
    a = 0.044715 * c
    square, tanh = (np.empty((rows, z.shape[1]), z.dtype) for _ in range(2))
    blocks = [
        (z[i : i + rows], slope[i : i + rows], square[: len(z) - i], tanh[: len(z) - i])
        for i in range(0, len(z), rows)
    ]

    def run() -> None:
        for x, d, s, q in blocks:
            np.add(x, bias, x)
            np.multiply(x, x, s)
            np.multiply(s, a, q)
            np.add(q, c, q)
            np.multiply(q, x, q)
            np.tanh(q, q)
            np.multiply(q, 0.5, q)
            np.add(q, 0.5, q)
            np.multiply(x, q, x)
            np.multiply(s, 6 * a, s)
            np.add(s, 2 * c, s)
            np.subtract(1, q, d)
            np.multiply(d, s, d)
            np.multiply(d, x, d)
            np.add(d, q, d)

    return run


def bias_descent(b: Any, d: Any) -> Callable[[], None]:
    """A function that takes the sum of the rows of d [rows, outs] from b."""
    db, ones, subtract, dot = np.empty_like(b), np.ones(len(d), b.dtype), np.subtract, np.dot

    def down() -> None:
        dot(ones, d, db)
        subtract(b, db, b)

    return down


def descent(
    W: Any, d: Any, a: Any = None, *, inside: bool = False, product: Any = np.matmul
) -> Callable[..., None]:
    """A function of a [rows, ins], where it is not given here: W -= aᵀ d, for d [rows, outs].

    `inside` leaves the subtraction to the product, which BLAS can add to what is there; NumPy
    itself has no way to say so.
    """
    if inside:
        return subtracted_product(W, d, a)
    dW, subtract = np.empty_like(W), np.subtract

    def down(x: Any) -> None:
        product(x.T, d, dW)
        subtract(W, dW, W)

    if a is None:
        return down
    aT = a.T

    def down_fixed() -> None:
        product(aT, d, dW)
        subtract(W, dW, W)

    return down_fixed
