"""The eight losses as their formulas stand in a textbook, once, for whichever `np` is handed in.

JAX and HIPS autograd differentiate these; in float64 they are what every step is checked against.
A loop over time and a convolution are written as well as each library likes them: `scan` and
`conv2d` are given with `np`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Library:
    """An array library: `scan(step, first, xs)` stacks step's second result along a new axis 0."""

    np: Any
    scan: Callable[..., Any]
    # conv2d(x [n, h, w, c], K [p, q, c, o]), no padding; max_pool2d(x) of squares of 2.
    conv2d: Callable[[Any, Any], Any]
    max_pool2d: Callable[[Any], Any]


def sigmoid(lib: Library, z: Any) -> Any:
    return 0.5 * lib.np.tanh(0.5 * z) + 0.5


def relu(lib: Library, z: Any) -> Any:
    return lib.np.maximum(z, 0)


def gelu_tanh(lib: Library, z: Any) -> Any:
    return 0.5 * z * (1 + lib.np.tanh((2 / 3.141592653589793) ** 0.5 * (z + 0.044715 * z * z * z)))


def cross_entropy(lib: Library, scores: Any, labels: Any) -> Any:
    """The mean over all leading axes of logsumexp(scores) - scores[label]."""
    np = lib.np
    scores, labels = scores.reshape(-1, scores.shape[-1]), labels.reshape(-1)
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    sums = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(sums - shifted[np.arange(len(labels)), labels])


def layer_norm(lib: Library, x: Any, gamma: Any, beta: Any) -> Any:
    centred = x - lib.np.mean(x, axis=-1, keepdims=True)
    variance = lib.np.mean(centred * centred, axis=-1, keepdims=True)
    return gamma * centred / lib.np.sqrt(variance + 1e-5) + beta


def xor(lib: Library, p: Any, x: Any, y: Any) -> Any:
    h = sigmoid(lib, x @ p["W1"] + p["b1"])
    return lib.np.mean((sigmoid(lib, h @ p["W2"] + p["b2"]) - y) ** 2)


def dense(lib: Library, p: Any, x: Any, y: Any) -> Any:
    h1 = relu(lib, x @ p["W1"] + p["b1"])
    h2 = relu(lib, h1 @ p["W2"] + p["b2"])
    return cross_entropy(lib, h2 @ p["W3"] + p["b3"], y)


def large(lib: Library, p: Any, x: Any, y: Any) -> Any:
    h1 = gelu_tanh(lib, x @ p["W1"] + p["b1"])
    h2 = gelu_tanh(lib, h1 @ p["W2"] + p["b2"])
    return cross_entropy(lib, h2 @ p["W3"] + p["b3"], y)


def lenet(lib: Library, p: Any, x: Any, y: Any) -> Any:
    K1, b1, K2, b2, *dense_layers = p.values()
    s2 = lib.max_pool2d(lib.np.tanh(lib.conv2d(x, K1) + b1))
    s4 = lib.max_pool2d(relu(lib, lib.conv2d(s2, K2) + b2))
    W3, b3, W4, b4, W5, b5 = dense_layers
    f5 = relu(lib, s4.reshape(len(x), -1) @ W3 + b3)
    f6 = relu(lib, f5 @ W4 + b4)
    return cross_entropy(lib, f6 @ W5 + b5, y)


def lstm(lib: Library, p: Any, x: Any, y: Any) -> Any:
    np = lib.np
    units = len(p["U1_i"])
    W, U, b = (np.concatenate([p[f"{k}_{g}"] for g in "ifog"], axis=-1) for k in ("W1", "U1", "b1"))
    zero = np.zeros((len(x), units), x.dtype)

    def cell(before: Any, z: Any) -> Any:
        h, c = before
        a = z + h @ U
        i, f, o = (sigmoid(lib, a[:, k * units : (k + 1) * units]) for k in range(3))
        c = f * c + i * np.tanh(a[:, 3 * units :])
        h = o * np.tanh(c)
        return (h, c), h

    h = lib.scan(cell, (zero, zero), np.swapaxes(x, 0, 1) @ W + b)
    return cross_entropy(lib, h @ p["W2"] + p["b2"], y.T)


def transformer(lib: Library, p: Any, x: Any, y: Any) -> Any:
    np = lib.np
    n, steps, width = x.shape
    heads, each = p["W2_q"].shape[1:]
    W = np.stack([p["W2_q"], p["W2_k"], p["W2_v"]], axis=1).reshape(width, -1)
    qkv = (layer_norm(lib, x, p["gamma1"], p["beta1"]) @ W).reshape(n, steps, 3, heads, each)
    q, k, v = (np.swapaxes(qkv[:, :, j], 1, 2) for j in range(3))
    scores = q @ np.swapaxes(k, 2, 3) * each**-0.5
    scores = np.where(np.tril(np.ones((steps, steps), bool)), scores, -1e30)
    weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    weights = weights / np.sum(weights, axis=-1, keepdims=True)
    mixed = np.swapaxes(weights @ v, 1, 2).reshape(n, steps, width)
    a = x + mixed @ p["W2_o"].reshape(width, width)
    h = layer_norm(lib, a, p["gamma3"], p["beta3"]) @ p["W4"] + p["b4"]
    b = a + gelu_tanh(lib, h) @ p["W5"] + p["b5"]
    return cross_entropy(lib, b @ p["W6"] + p["b6"], y)


def factors(lib: Library, p: Any, user: Any, item: Any, rating: Any) -> Any:
    np = lib.np
    r = np.sum(p["P"][user] * p["Q"][item], axis=1)
    return np.mean((r - rating) ** 2) + 0.5e-4 * (np.sum(p["P"] ** 2) + np.sum(p["Q"] ** 2))


LOSSES: dict[str, Callable[..., Any]] = {
    **{"xor": xor, "dense": dense, "large": large, "lenet": lenet, "lstm": lstm},
    **{"transformer": transformer, "factors": factors},
}
