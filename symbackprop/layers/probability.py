"""Layers whose rows are probabilities."""

from __future__ import annotations

from symbackprop.layers.registry import Array, Call, axis_of, indices


def softmax(call: Call, x: Array, axis: int = -1) -> Array:
    """p[…, k] = exp(x[…, k]) / Σ_j exp(x[…, j]) along `axis`."""
    after = _after(call, x, axis)
    return call.equation(
        f"p[..., k{after}] = exp(x[..., k{after}]) / sum[j](exp(x[..., j{after}]))", x=x
    )


def log_softmax(call: Call, x: Array, axis: int = -1) -> Array:
    """l[…, k] = x[…, k] - log Σ_j exp(x[…, j]) along `axis`."""
    after = _after(call, x, axis)
    return call.equation(
        f"l[..., k{after}] = x[..., k{after}] - logsumexp[j](x[..., j{after}])", x=x
    )


def _after(call: Call, x: Array, axis: int) -> str:
    """The indices of the axes that follow `axis`, as they are written behind its own."""
    count = len(x.shape) - 1 - axis_of(call, x, axis)
    return f", {indices('m', count)}" if count else ""
