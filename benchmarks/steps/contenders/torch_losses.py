"""The eight losses in PyTorch, over parameters laid out as its functions like them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F


def plain_in(params: Mapping[str, Any]) -> list[Any]:
    return [torch.from_numpy(array.copy()) for array in params.values()]


def plain_out(held: list[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: p.numpy() for name, p in zip(params, held, strict=True)}


@dataclass(frozen=True)
class Network:
    """`loss(held, **batch)`; `inward` makes `held` of the spec's parameters, `outward` is back.

    `whole`: torch.compile takes loss, gradients and update as one graph.
    """

    loss: Callable[..., Any]
    inward: Callable[[Mapping[str, Any]], list[Any]] = plain_in
    outward: Callable[[list[Any], Mapping[str, Any]], Mapping[str, Any]] = plain_out
    whole: bool = True


def turned_in(params: Mapping[str, Any]) -> list[Any]:
    """Weights [in, out] as F.linear has them, [out, in]."""
    return [torch.from_numpy(np.ascontiguousarray(a.T)) for a in params.values()]


def turned_out(held: list[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: p.numpy().T for name, p in zip(params, held, strict=True)}


def xor(held: Any, x: Any, y: Any) -> Any:
    W1, b1, W2, b2 = held
    h = torch.sigmoid(F.linear(x, W1, b1))
    return F.mse_loss(torch.sigmoid(F.linear(h, W2, b2)), y)


def dense(held: Any, x: Any, y: Any) -> Any:
    W1, b1, W2, b2, W3, b3 = held
    h = F.relu(F.linear(F.relu(F.linear(x, W1, b1)), W2, b2))
    return F.cross_entropy(F.linear(h, W3, b3), y)


def large(held: Any, x: Any, y: Any) -> Any:
    W1, b1, W2, b2, W3, b3 = held
    h = F.gelu(F.linear(x, W1, b1), approximate="tanh")
    h = F.gelu(F.linear(h, W2, b2), approximate="tanh")
    return F.cross_entropy(F.linear(h, W3, b3), y)


def lenet_in(params: Mapping[str, Any]) -> list[Any]:
    """Kernels [o, c, p, q]; the first dense layer reads channel, height, width."""
    K1, b1, K2, b2, W3, *rest = params.values()
    channels = K2.shape[3]
    side = round((len(W3) / channels) ** 0.5)
    W3 = W3.reshape(side, side, channels, -1).transpose(2, 0, 1, 3).reshape(len(W3), -1)
    turned = (K1.transpose(3, 2, 0, 1), b1, K2.transpose(3, 2, 0, 1), b2, W3.T)
    rest = [a.T for a in rest]
    return [torch.from_numpy(np.array(a, order="C")) for a in (*turned, *rest)]


def lenet_out(held: list[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    K1, b1, K2, b2, W3, *rest = (p.numpy() for p in held)
    channels = len(K2)
    side = round((W3.shape[1] / channels) ** 0.5)
    W3 = W3.T.reshape(channels, side, side, -1).transpose(1, 2, 0, 3).reshape(W3.shape[::-1])
    turned = (K1.transpose(2, 3, 1, 0), b1, K2.transpose(2, 3, 1, 0), b2, W3)
    return dict(zip(params, (*turned, *(a.T for a in rest)), strict=True))


def lenet(held: Any, x: Any, y: Any) -> Any:
    K1, b1, K2, b2, W3, b3, W4, b4, W5, b5 = held
    a = F.max_pool2d(torch.tanh(F.conv2d(x.permute(0, 3, 1, 2), K1, b1)), 2)
    a = F.max_pool2d(F.relu(F.conv2d(a, K2, b2)), 2)
    a = F.relu(F.linear(a.flatten(1), W3, b3))
    return F.cross_entropy(F.linear(F.relu(F.linear(a, W4, b4)), W5, b5), y)


def lstm_in(params: Mapping[str, Any]) -> list[Any]:
    """The gates i, f, g, o below each other, as its cell has them."""
    W, U, b = (
        np.concatenate([params[f"{k}_{g}"].T for g in "ifgo"], axis=0) for k in ("W1", "U1", "b1")
    )
    arrays = (W, U, b, np.ascontiguousarray(params["W2"].T), params["b2"].copy())
    return [torch.from_numpy(a) for a in arrays]


def lstm_out(held: list[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    W, U, b, W2, b2 = (p.numpy() for p in held)
    out = {"W2": W2.T, "b2": b2}
    for name, array in (("W1", W), ("U1", U), ("b1", b)):
        parts = dict(zip("ifgo", np.split(array, 4), strict=True))
        out.update({f"{name}_{gate}": part.T for gate, part in parts.items()})
    return out


# Compiled, its own LSTM fails where the compiler looks into it.
recurrence = torch.compiler.disable(torch.lstm)  # type: ignore[no-untyped-call]


def lstm(held: Any, x: Any, y: Any) -> Any:
    W, U, b, W2, b2 = held
    zero = x.new_zeros((1, len(x), U.shape[1]))
    # Its second bias is a zero that is no parameter.
    weights = [W, U, b, torch.zeros_like(b)]
    h, _, _ = recurrence(x, (zero, zero), weights, True, 1, 0.0, True, False, True)
    return F.cross_entropy(F.linear(h, W2, b2).flatten(0, 1), y.flatten())


def transformer_in(params: Mapping[str, Any]) -> list[Any]:
    """q, k and v below each other, [3 width, width]."""
    gamma1, beta1, q, k, v, o, gamma3, beta3, *rest = params.values()
    width = len(gamma1)
    W = np.concatenate([a.reshape(width, -1).T for a in (q, k, v)])
    turned = [W, o.reshape(-1, width).T, *(a.T for a in rest)]
    arrays = (gamma1, beta1, gamma3, beta3, *turned)
    return [torch.from_numpy(np.array(a, order="C")) for a in arrays]


def transformer_out(held: list[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    gamma1, beta1, gamma3, beta3, W, o, *rest = (p.numpy() for p in held)
    shape = params["W2_q"].shape
    q, k, v = (a.T.reshape(shape) for a in np.split(W, 3))
    o = o.T.reshape(params["W2_o"].shape)
    arrays = (gamma1, beta1, q, k, v, o, gamma3, beta3, *(a.T for a in rest))
    return dict(zip(params, arrays, strict=True))


def transformer(held: Any, x: Any, y: Any, heads: int = 4) -> Any:
    gamma1, beta1, gamma3, beta3, W, o, W4, b4, W5, b5, W6, b6 = held
    n, steps, width = x.shape
    qkv = F.linear(F.layer_norm(x, (width,), gamma1, beta1), W)
    q, k, v = qkv.view(n, steps, 3, heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    a = x + F.linear(mixed.transpose(1, 2).reshape(n, steps, width), o)
    h = F.gelu(F.linear(F.layer_norm(a, (width,), gamma3, beta3), W4, b4), approximate="tanh")
    b = a + F.linear(h, W5, b5)
    return F.cross_entropy(F.linear(b, W6, b6).flatten(0, 1), y.flatten())


def factors(held: Any, user: Any, item: Any, rating: Any) -> Any:
    P, Q = held
    r = (F.embedding(user, P) * F.embedding(item, Q)).sum(1)
    return F.mse_loss(r, rating) + 0.5e-4 * (P.square().sum() + Q.square().sum())


NETWORKS = {
    "xor": Network(xor, turned_in, turned_out),
    "dense": Network(dense, turned_in, turned_out),
    "large": Network(large, turned_in, turned_out),
    "lenet": Network(lenet, lenet_in, lenet_out),
    "lstm": Network(lstm, lstm_in, lstm_out, whole=False),
    "transformer": Network(transformer, transformer_in, transformer_out),
    "factors": Network(factors),
}
