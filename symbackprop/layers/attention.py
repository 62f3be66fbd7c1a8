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
    True where t may attend to s. What may not be attended to has the weight 0, all of it where
    there is nothing else. Vaswani et al. (2017), section 3.2.1.
    """
    _operands_fit(call, q, k, v)
    scores = (*q.shape[:-1], k.shape[-2])
    p = _weights(call, "..., t", q, k, scores, causal, mask)
    return call.equation("o[..., t, e] = sum[j](p[..., t, j] * v[..., j, e])", p=p, v=v)


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
        known = not getattr(width, "free_symbols", None)
        fix = "use a number of heads that divides the width"
        fix = fix if known else "give the width as a number, which the heads divide"
        call.refuse("heads", f"heads={heads} does not divide the width {width}", fix)
    split = (heads, width // heads)
    q, k, v = (_projection(call, x, one, split, bias) for one in "qkv")
    scores = (*x.shape[:-2], heads, steps, steps)
    p = _weights(call, "..., h, t", q, k, scores, causal, mask)
    o = call.equation("o[..., h, t, e] = sum[j](p[..., h, t, j] * v[..., h, j, e])", p=p, v=v)
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
    call: Call,
    at: str,
    q: Array,
    k: Array,
    scores: tuple[Any, ...],
    causal: bool,
    mask: Array | None,
) -> Array:
    """p = softmax over j of q kᵀ / √D, where t and j may attend; `at` are all indices up to t."""
    key = at.removesuffix("t") + "j"
    product = f"sum[d](q[{at}, d] * k[{key}, d])"
    s = call.equation(f"s[{at}, j] = {product} / sqrt(D)", q=q, k=k, D=q.shape[-1])
    score = f"s[{at}, {{j}}]"
    conditions = ["({j} <= t)"] if causal else []
    if mask is not None:
        _mask_fits(call, mask, scores)
        conditions.append(_entry(mask, [*at.split(", "), "{j}"]))
    condition = " & ".join(conditions)
    if condition:
        score = f"where({condition}, {score}, {FORBIDDEN})"
    p = f"exp({score.format(j='j')}) / sum[i](exp({score.format(j='i')}))"
    if condition:
        p = f"where({condition.format(j='j')}, {p}, 0)"
    operands: dict[str, Any] = {"s": s} if mask is None else {"s": s, "mask": mask}
    return call.equation(f"p[{at}, j] = {p}", **operands)


def _entry(mask: Array, scores: list[str]) -> str:
    """The entry of the mask for a score's indices: axes aligned from the right, extent 1 at 0."""
    rank = len(mask.shape)
    own = [i for i in scores if i != "..."][-rank:]
    sizes = mask.shape[rank - len(own) :]
    positions = ["0" if size == 1 else i for i, size in zip(own, sizes, strict=True)]
    return f"mask[{', '.join(positions if len(own) == rank else ['...', *positions])}]"


def _mask_fits(call: Call, mask: Array, scores: tuple[Any, ...]) -> None:
    if not mask.is_mask:
        fix = "declare it with kind: mask, or compare: scores > 0"
        call.refuse("mask", "the mask holds numbers", fix)
    pairs = zip(mask.shape[::-1], scores[::-1], strict=False)
    if len(mask.shape) > len(scores) or any(a not in (1, b) for a, b in pairs):
        call.refuse(
            "mask",
            f"a mask {shape_text(mask)} for scores [{', '.join(map(str, scores))}]",
            "axes are aligned from the right; extents are equal or 1",
        )


def _operands_fit(call: Call, q: Array, k: Array, v: Array) -> None:
    for name, array in (("q", q), ("k", k), ("v", v)):
        if len(array.shape) < 2:
            call.refuse(name, f"{name} has rank {len(array.shape)}", "give it [..., T, D]")
    if q.shape[-1] != k.shape[-1]:
        fix = "a query and a key have the same number of entries"
        call.refuse("k", f"queries {shape_text(q)} and keys {shape_text(k)}", fix)
    if k.shape[-2] != v.shape[-2]:
        fix = "give each key its value"
        call.refuse("v", f"keys {shape_text(k)} and values {shape_text(v)}", fix)
    if not q.shape[:-2] == k.shape[:-2] == v.shape[:-2]:
        shapes = f"{shape_text(q)}, {shape_text(k)} and {shape_text(v)}"
        call.refuse("q", f"leading axes of {shapes} differ", "give all three the same")
