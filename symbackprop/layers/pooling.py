"""Layers that reduce every window of an image [N, H, W, C] to one number a channel."""

from __future__ import annotations

from symbackprop.layers.registry import Array, Call, Pair, shape_text


def max_pool2d(call: Call, x: Array, size: Pair, stride: Pair | None = None) -> Array:
    """m[n, i, j, c] = max_{p, q} x[n, s i + p, s j + q, c]; windows side by side without stride."""
    return _pooled(call, "max", x, size, stride)


def avg_pool2d(call: Call, x: Array, size: Pair, stride: Pair | None = None) -> Array:
    """m[n, i, j, c] = mean_{p, q} x[n, s i + p, s j + q, c]; stride as in max_pool2d."""
    return _pooled(call, "mean", x, size, stride)


def _pooled(call: Call, reduction: str, x: Array, size: Pair, stride: Pair | None) -> Array:
    stride = stride or size
    if len(x.shape) != 4:
        call.refuse(
            "x", f"x has shape {shape_text(x)}, which is no image [N, H, W, C]", "reshape it before"
        )
    for name, numbers in (("size", size), ("stride", stride)):
        for number in numbers:
            if number < 1:
                call.refuse(name, f"{name} {number}", "it is at least 1")
    for extent, window in zip(x.shape[1:3], size, strict=True):
        if getattr(extent, "is_Integer", True) and extent < window:
            call.refuse(
                "size",
                f"a window of {window} entries, larger than its image, whose axis has {extent}",
                "make it smaller, or pad first",
            )
    (p, q), (s, t) = size, stride
    at = f"{s} * i + p, {t} * j + q"
    return call.equation(f"m[n, i, j, c] = {reduction}[p:{p}, q:{q}](x[n, {at}, c])", x=x)
