"""Specs whose training differs from use, that draw, or whose gradients are sparse."""

DROPPED = """
name: dropped
inputs: {x: [N, 3], y: {shape: [N], classes: 4}}
network: |
  h = dropout(relu(dense(x, 5)), 0.25)
  g = dropout(h, 0.5)
  p = softmax(dense(g, 4))
loss: cross_entropy(p, y)
"""

NORMALISED = """
name: normalised
inputs: {x: [N, 3], y: {shape: [N], classes: 4}}
network: |
  h = relu(batch_norm(dense(x, 5)))
  p = softmax(dense(h, 4))
loss: cross_entropy(p, y)
"""

NOISY = """
name: noisy
inputs:
  x: [N, 3]
  eps: {shape: [N, 2], draw: normal}
  u: {shape: [N, 2], draw: "uniform(-1, 3)"}
  m: {shape: [N, 2], draw: bernoulli(0.25)}
network: |
  mu = dense(x, 2)
  z[n, i] = where(m[n, i], mu[n, i] + eps[n, i], u[n, i])
  y = dense(z, 3)
loss: mse(y, x)
"""

GENERATOR = """
name: generator
inputs: {z: {shape: [N, 2], draw: normal}, x: [M, 3]}
network: |
  fake = dense(z, 3)
losses:
  maker: {value: mean(fake**2)}
  critic: {value: mean(x * sum(fake))}
outputs: [fake]
"""

PAIRS = """
name: pairs
dims: {words: 50, k: 4}
inputs:
  center: {shape: [N], classes: words}
  near: {shape: [N], classes: words}
  far: {shape: [N, 3], classes: words}
params:
  P: {shape: [words, k], init: normal(0.3)}
  Q: {shape: [words, k], init: normal(0.3)}
network: |
  s[n] = sum[f](P[center[n], f] * Q[near[n], f])
  r[n, m] = sum[f](P[center[n], f] * Q[far[n, m], f])
loss: mean(softplus(-s)) + mean(softplus(r))
sparse: [P, Q]
"""

SENTENCES = """
name: sentences
dims: {words: 31}
inputs: {ids: {shape: [N, T], classes: words}, y: {shape: [N], classes: 3}}
network: |
  e = embedding(ids, 4)
  h = mean(e, axis=1)
  z = dense(h, 3)
loss: cross_entropy(softmax(z), y)
sparse: E1
"""

MODES = {
    "dropped": DROPPED,
    "normalised": NORMALISED,
    "noisy": NOISY,
    "generator": GENERATOR,
    "pairs": PAIRS,
    "sentences": SENTENCES,
}
