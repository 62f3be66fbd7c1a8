"""Layers in which every position of a sequence reads every other, by how well they match."""

from __future__ import annotations

from typing import Any

from symbackprop.layers.registry import Array, Call, shape_text, with_parameters

FORBIDDEN = "-1e30"  # the score of a pair that may not attend: finite, and its exponential is 0


def attention(
    call: Call, q: Array, k: Array, v: Array, causal: bool = False, mask: Array | None = None
) -> Array:
    """o = softmax(q kᵀ / √D) v for q [..., T, D], k [..., S, D] and v [..., S, E].

    `causal`: position t attends to s <= t. `mask`, broadcast from the right against [..., T, S]:
    True where t may attend to s. A t that may attend to nothing attends to all alike. Vaswani et
    al. (2017), section 3.2.1.
    """
    _operands_fit(call, q, k, v)
    scores = (*_leading(call, q, k, v), q.shape[-2], k.shape[-2])
    p = _weights(call, "...", q, k, _condition(call, causal, mask, scores), mask)
    return call.equation("o[..., t, e] = sum[s](p[..., t, s] * v[..., s, e])", p=p, v=v)


@with_parameters
def multi_head_attention(
    call: Call,
    x: Array,
    heads: int,
    causal: bool = False,
    bias: bool = False,
    mask: Array | None = None,
) -> Array:
    """Attention of x [..., T, D] to itself in `heads` heads of D/heads, then all heads mixed.

    Vaswani et al. (2017), section 3.2.2. `mask` is broadcast against [..., heads, T, T].
    """
    if len(x.shape) < 2:
        call.refuse("x", f"an array of rank {len(x.shape)}", "give it [..., T, D]")
    width, steps = x.shape[-1], x.shape[-2]
    if heads < 1 or width % heads != 0:
        fix = "use a number of heads that divides the width"
        call.refuse("heads", f"heads={heads} does not divide the width {width}", fix)
    split = (heads, width // heads)
    q, k, v = (_projection(call, x, one, split, bias) for one in "qkv")
    scores = (*x.shape[:-2], heads, steps, steps)
    p = _weights(call, "..., h", q, k, _condition(call, causal, mask, scores), mask)
    o = call.equation("o[..., h, t, e] = sum[s](p[..., h, t, s] * v[..., h, s, e])", p=p, v=v)
    W = call.parameter("W_o", (*split, width))
    mixed = "z[..., t, i] = sum[h, e](o[..., h, t, e] * W[h, e, i])"
    if not bias:
        return call.equation(mixed, o=o, W=W)
    b = call.parameter("b_o", (width,), init="zeros")
    return call.equation(f"{mixed} + b[i]", o=o, W=W, b=b)


def _projection(call: Call, x: Array, one: str, split: tuple[Any, ...], bias: bool) -> Array:
    """q, k or v of every head."""
    W = call.parameter(f"W_{one}", (x.shape[-1], *split))
    text = f"{one}[..., h, t, e] = sum[i](x[..., t, i] * W[i, h, e])"
    if not bias:
        return call.equation(text, x=x, W=W)
    b = call.parameter(f"b_{one}", split, init="zeros")
    return call.equation(f"{text} + b[h, e]", x=x, W=W, b=b)


def _weights(
    call: Call, leading: str, q: Array, k: Array, condition: str, mask: Array | None
) -> Array:
    """p = softmax over s of q kᵀ / √D, where the condition allows."""
    product = f"sum[d](q[{leading}, t, d] * k[{leading}, s, d])"
    s = call.equation(f"s[{leading}, t, s] = {product} / sqrt(D)", q=q, k=k, D=q.shape[-1])
    score = f"s[{leading}, t, s]"
    if condition:
        score = f"where({condition}, {score}, {FORBIDDEN})"
    one = f"exp({score})"
    operands = {"s": s} if mask is None else {"s": s, "mask": mask}
    # the text names the scores and their last index alike; the sum has an index of its own
    ...
    return call.equation(f"p[{leading}, t, s] = {one}", **operands)
