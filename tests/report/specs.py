"""Small specs of many kinds, at prime and pairwise different extents, and their derivations."""

from __future__ import annotations

import functools

from symbackprop.derivation import Derivation, differentiate
from symbackprop.equations.build import build
from symbackprop.spec import parse

SPECS = {
    "mlp": """
name: mlp
title: 'Digits: 50% of $x_1 & <b>#1</b> \\input{x} ~^{} "q" é 数'
notes: |
  **Stars**, `code` & $money$; a_b.

  # No heading
inputs:
  x: [N, 3]
  y: {shape: [N], classes: 5}
network: |
  z1 = dense(x, 7)
  h1 = relu(z1)
  z2 = dense(h1, 5)
  p = softmax(z2)
loss: cross_entropy(p, y) + l2(1e-4)
""",
    "attention": """
name: attention
inputs:
  x: [N, 3]
  q: {shape: [N, 3], kind: distribution}
params:
  gamma: {shape: [3], init: ones}
  W_q: {shape: [3, 5], init: normal(1)}
  logits2: {shape: [3, 5], init: normal(1)}
network: |
  mu = mean(x, axis=-1, keepdims=True)
  v = mean((x - mu)**2, axis=-1, keepdims=True)
  xh = (x - mu) / sqrt(v + 1e-5) * gamma
  s = (xh @ W_q) @ (xh @ logits2).T / sqrt(5)
  a = softmax(s)
  o = a @ xh + elu(x) * sigmoid(x)
  w = where(o > 0, o, exp(o) - 1)
loss: cross_entropy(softmax(w), q) + kl_normal(x, o)
""",
    "heads": """
name: heads
inputs:
  x: [N, T, 6]
  y: {shape: [N, T], classes: 5}
params:
  W_q: {shape: [6, 2, 3], init: normal(1)}
  W_k: {shape: [6, 2, 3], init: normal(1)}
  W_v: {shape: [6, 2, 3], init: normal(1)}
  W_o: {shape: [2, 3, 6], init: normal(1)}
network: |
  q[n, h, t, e] = sum[d](x[n, t, d] * W_q[d, h, e])
  k[n, h, t, e] = sum[d](x[n, t, d] * W_k[d, h, e])
  v[n, h, t, e] = sum[d](x[n, t, d] * W_v[d, h, e])
  s[n, h, t, u] = sum[e](q[n, h, t, e] * k[n, h, u, e]) / sqrt(3)
  p = softmax(s)
  o[n, t, h, e] = sum[u](p[n, h, t, u] * v[n, h, u, e])
  r[n, t, d] = sum[h, e](o[n, t, h, e] * W_o[h, e, d]) + x[n, t, d]
  g = softmax(dense(r, 5))
loss: cross_entropy(g, y)
""",
    "odd": """
name: odd
inputs:
  x: [N, 3, 2]
  t: [N]
params:
  K: {shape: [3, 2, 5], init: normal(0.1)}
  alpha: {shape: [5], init: ones}
  V: {shape: [5, 5], init: normal(1)}
network: |
  a[n, o] = sum[p, q](K[p, q, o] * x[n, p, q]) * alpha[o]
  m = max(a, axis=1)
  c = concat(a, relu6(a))
  u[n] = sum[i, j](a[n, i] * V[i, j] * a[n, j])
  r = m + u + sum(abs(c), axis=1)
loss: huber(r, t, delta=1.5)
""",
    "embedding": """
name: embedding_bag
inputs:
  ids: {shape: [N, T], classes: 7}
  y: {shape: [N], classes: 3}
network: |
  x = embedding(ids, 5)
  m = mean(x, axis=1)
  h = gelu(dense(m, 2, name=enc))
  p = log_softmax(dense(h, 3))
loss: nll(p, y) + l1(0.05)
""",
    "ratings": """
name: ratings
inputs:
  user: {shape: [N], classes: 7}
  item: {shape: [N], classes: 5}
  rating: [N]
params:
  P: {shape: [7, 2], init: normal(1)}
  Q: {shape: [5, 2], init: normal(1)}
  a: {shape: [7], init: zeros}
network: |
  r[n] = sum[k](P[user[n], k] * Q[item[n], k]) + a[user[n]]
loss: mse(r, rating)
""",
    "gan": """
name: gan
inputs:
  z: [N, 2]
  real: [N, 3]
network: |
  fake = dense(z, 3, name=gen)
  sf = dense(fake, 1, name=dis)
  sr = dense(real, 1, name=dis)
losses:
  generator: {value: mean(softplus(-sf)), wrt: [W_gen, b_gen]}
  discriminator: {value: mean(softplus(sf)) + mean(softplus(-sr)), wrt: [W_dis, b_dis]}
""",
    "lstm": """
name: lstm
title: Long short-term memory
inputs:
  x: [N, T, 3]
  y: {shape: [N], classes: 5}
network: |
  h = lstm(x, 7)
  p = softmax(dense(last(h), 5))
loss: cross_entropy(p, y)
""",
    "both_ways": """
name: both_ways
inputs:
  x: [N, T, 3]
  h0: [N, 2]
  y: {shape: [N, T], classes: 5}
params:
  A: {shape: [2, 2], init: normal(1)}
network: |
  a = gru(x, 2)
  b = rnn(x, 2, reverse=True)
  c[n, -1, i] = h0[n, i]
  c[n, t, i] = tanh(sum[k](A[k, i] * c[n, t - 1, k]) + x[n, t, 0])
  d[t] = 0.5 * d[t - 2] + sum[n](c[n, t, 1])
  p = softmax(dense(a + b + c, 5))
loss: cross_entropy(p, y) + mean(d)
wrt: [A, h0, U1_h, U2]
""",
    "images": """
name: images
inputs:
  x: [N, 11, 13, 2]
  y: {shape: [N], classes: 5}
network: |
  h = relu(conv2d(x, 3, (3, 2), stride=2, padding="same"))
  s = max_pool2d(h, 2)
  f = avg_pool2d(s, (2, 3), stride=1)
  p = softmax(dense(flatten(f), 5))
loss: cross_entropy(p, y)
wrt: [W1, b1, x]
""",
    "block": """
name: block
inputs:
  ids: {shape: [N, T], classes: 7}
  y: {shape: [N, T], classes: 5}
network: |
  x = embedding(ids, 6)
  a = x + multi_head_attention(layer_norm(x), 3, causal=True)
  f = a + dense(gelu(dense(rms_norm(a), 11)), 6)
  p = softmax(dense(f, 5))
loss: cross_entropy(p, y)
sparse: [E1]
""",
    "drawn": """
name: drawn
inputs:
  x: [N, 3]
  eps: {shape: [N, 7], draw: 'normal(0, 0.5)'}
  y: {shape: [N], classes: 5}
network: |
  h = relu(batch_norm(dense(x, 7))) + eps
  p = softmax(dense(dropout(h, 0.2), 5))
loss: cross_entropy(p, y)
""",
    "unused": """
name: unused
inputs:
  x: [N, 3]
  z: [N, 3]
network: |
  h = tanh(x)
loss: mean(h)
wrt: [x]
""",
}


@functools.cache
def derived(name: str) -> Derivation:
    """The derivation of one of the specs."""
    return differentiate(build(parse(SPECS[name], f"{name}.yaml")))
