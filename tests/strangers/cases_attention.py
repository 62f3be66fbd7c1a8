"""Attention: masks of several shapes, one or many heads, by layer and by hand."""

from __future__ import annotations

import torch
from stranger import case
from torch.nn.functional import gelu, layer_norm, scaled_dot_product_attention


def open_to_first(rng, shape):
    """A mask by which every query may attend to the first key."""
    mask = rng.random(shape) < 0.5
    mask[..., 0] = True
    return mask


def one_row_shut(rng, shape):
    """A mask by which the first query may attend to nothing."""
    mask = rng.random(shape) < 0.5
    mask[..., 0, :] = False
    return mask


def heads(x, W, b=0.0):
    """[N, T, D] by [D, h, e] to [N, h, T, e]."""
    return torch.einsum("nti,ihe->nhte", x, W) + b


@case("""
inputs: {q: [N, T, 5], k: [N, S, 5], v: [N, S, 3], y: [N, T, 3]}
network: |
  o = attention(q, k, v)
loss: mse(o, y)
wrt: [q, k, v]
""")
def attention_across(q, k, v, y):
    o = scaled_dot_product_attention(q, k, v)
    return {"loss": (o - y).square().mean(), "o": o}


@case("""
inputs: {q: [T, d], k: [S, d], v: [S, e], y: [T, e]}
network: |
  o = attention(q, k, v, causal=True)
loss: sum(o * y)
wrt: [q, k, v]
""")
def causal_attention_without_a_batch(q, k, v, y):
    mask = torch.ones(len(q), len(k)).tril().bool()
    return (scaled_dot_product_attention(q, k, v, attn_mask=mask) * y).sum()


@case(
    """
inputs: {x: [N, 3, T, 4], m: {shape: [N, 1, 1, T], kind: mask}, y: [N, 3, T, 4]}
params: {a: {shape: [4]}, b: {shape: [4]}}
network: |
  o = attention(a * x, x - b, tanh(x), mask=m)
loss: sum(o * y)
wrt: [x, a, b]
""",
    m=open_to_first,
)
def padding_mask(x, m, y, a, b):
    return (scaled_dot_product_attention(a * x, x - b, x.tanh(), attn_mask=m) * y).sum()


@case(
    """
inputs: {q: [N, T, 2], k: [N, S, 2], v: [N, S, 3], m: {shape: [T, S], kind: mask}, y: [N, T, 3]}
network: |
  o = attention(q, k, v, causal=True, mask=m)
loss: sum(o * y)
wrt: [q, k, v]
""",
    m=open_to_first,
)
def mask_and_causal(q, k, v, m, y):
    return (
        scaled_dot_product_attention(q, k, v, attn_mask=m & m.new_ones(m.shape).tril()) * y
    ).sum()


@case(
    """
inputs: {q: [N, T, 2], k: [N, S, 2], v: [N, S, 3], m: {shape: [T, S], kind: mask}, y: [N, T, 3]}
network: |
  o = attention(q, k, v, mask=m)
loss: sum(o * y)
wrt: [q, k, v]
""",
    m=one_row_shut,
)
def query_without_keys(q, k, v, m, y):
    some = m.any(-1, keepdim=True)
    o = scaled_dot_product_attention(q, k, v, attn_mask=m | ~some)
    return (torch.where(some, o, 0.0) * y).sum()


@case("""
inputs: {x: [N, T, 6], y: [N, T, 6]}
network: |
  z = multi_head_attention(x, 3)
loss: mse(z, y)
wrt: [x, W1_q, W1_k, W1_v, W1_o]
""")
def heads_without_bias(x, y, W1_q, W1_k, W1_v, W1_o):
    o = scaled_dot_product_attention(heads(x, W1_q), heads(x, W1_k), heads(x, W1_v))
    return (torch.einsum("nhte,hei->nti", o, W1_o) - y).square().mean()


@case(
    """
inputs: {x: [N, T, 6], m: {shape: [N, 1, 1, T], kind: mask}, y: [N, T, 6]}
network: |
  z = multi_head_attention(x, 2, causal=True, bias=True, mask=m, name=enc)
  u = multi_head_attention(tanh(z), 2, bias=True, name=enc)
loss: mse(u, y)
""",
    m=open_to_first,
)
def heads_with_everything_shared_by_name(
    x, m, y, W_enc_q, b_enc_q, W_enc_k, b_enc_k, W_enc_v, b_enc_v, W_enc_o, b_enc_o
):
    def layer(x, mask):
        q, k, v = (
            heads(x, W, b[:, None])
            for W, b in ((W_enc_q, b_enc_q), (W_enc_k, b_enc_k), (W_enc_v, b_enc_v))
        )
        o = scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return torch.einsum("nhte,hei->nti", o, W_enc_o) + b_enc_o

    square = m.new_ones(x.shape[1], x.shape[1])
    z = layer(x, m & square.tril())
    return (layer(z.tanh(), square) - y).square().mean()


@case("""
inputs: {x: [N, T, 4], y: [N, T, 4]}
params: {A: {shape: [4, 4]}, B: {shape: [4, 4]}}
network: |
  q = x @ A
  k = x @ B
  s[n, t, j] = sum[d](q[n, t, d] * k[n, j, d]) / sqrt(4)
  a[n, t, j] = where(j <= t, s[n, t, j], -1e9)
  p = softmax(a)
  o = p @ x
loss: mse(o, y)
wrt: [x, A, B]
""")
def causal_by_hand(x, y, A, B):
    o = scaled_dot_product_attention(x @ A, x @ B, x, is_causal=True)
    return (o - y).square().mean()


@case("""
inputs: {x: [N, T, 4], y: [N, T, 4]}
network: |
  e[n, t, j] = where(j <= t, exp(sum[d](x[n, t, d] * x[n, j, d])), 0)
  p[n, t, j] = e[n, t, j] / sum[i](e[n, t, i])
  o[n, t, d] = sum[j](p[n, t, j] * x[n, j, d])
loss: mse(o, y)
wrt: [x]
""")
def masked_after_the_exponential(x, y):
    o = scaled_dot_product_attention(x, x, x, is_causal=True, scale=1.0)
    return (o - y).square().mean()


@case("""
inputs: {ids: {shape: [N, T], classes: 11}, y: {shape: [N, T], classes: 11}}
network: |
  x = embedding(ids, 6)
  a = x + multi_head_attention(layer_norm(x), 2, causal=True)
  c = a + dense(gelu(dense(layer_norm(a), 12)), 6)
  p = softmax(dense(layer_norm(c), 11))
loss: cross_entropy(p, y)
""")
def transformer_block(
    ids, y, E1, gamma2, beta2, W3_q, W3_k, W3_v, W3_o,
    gamma4, beta4, W5, b5, W6, b6, gamma7, beta7, W8, b8,
):  # fmt: skip
    def norm(x, gamma, beta):
        return layer_norm(x, (6,), gamma, beta, 1e-5)

    x = E1[ids]
    z = norm(x, gamma2, beta2)
    qkv = (heads(z, W) for W in (W3_q, W3_k, W3_v))
    o = scaled_dot_product_attention(*qkv, is_causal=True)
    a = x + torch.einsum("nhte,hei->nti", o, W3_o)
    c = a + gelu(norm(a, gamma4, beta4) @ W5 + b5) @ W6 + b6
    scores = norm(c, gamma7, beta7) @ W8 + b8
    return torch.nn.functional.cross_entropy(scores.flatten(0, 1), y.flatten())
