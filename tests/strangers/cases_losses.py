"""Every loss of the table, in each of its forms."""

from __future__ import annotations

import torch
from stranger import between, case, signs
from torch.nn import functional as F


@case("""
inputs: {x: [N, 4], y: [N, 3], t: [N]}
network: |
  p = dense(x, 3)
  q[n] = sum[i](p[n, i])
loss: mse(p, y) + half_sse(p, y) / 3 + mae(q, t) + huber(p, y) + huber(3 * p, y, delta=0.4)
""")
def regression_losses(x, y, t, W1, b1):
    p = x @ W1 + b1
    half = (p - y).square().sum(1).mean() / 2
    far = F.huber_loss(3 * p, y, delta=0.4)
    return F.mse_loss(p, y) + half / 3 + F.l1_loss(p.sum(1), t) + F.huber_loss(p, y) + far


@case("""
inputs: {x: [N, T, 3], y: [N, T, 2], v: [N, T]}
network: |
  p = dense(x, 2)
  s = sum(p, axis=-1)
losses:
  squares: {value: 'mse(p, y, reduction="sum")', wrt: [W1]}
  halves: {value: 'half_sse(p, y, reduction="sum") + half_sse(s, v)', wrt: [W1, b1]}
  rough: {value: 'mae(p, y, reduction="sum") - mae(s, v)', wrt: [b1, x]}
  soft: {value: 'huber(2 * p, y, delta=0.7, reduction="sum")', wrt: [x]}
""")
def sums_over_a_batch_of_sequences(x, y, v, W1, b1):
    p = x @ W1 + b1
    s = p.sum(-1)
    return {
        "squares": (p - y).square().mean(-1).sum(),
        "halves": ((p - y) ** 2).sum() / 2 + ((s - v) ** 2).sum(-1).mean() / 2,
        "rough": (p - y).abs().mean(-1).sum() - (s - v).abs().mean(),
        "soft": F.huber_loss(2 * p, y, delta=0.7, reduction="none").mean(-1).sum(),
    }


@case("""
inputs: {x: [N, T, 4], y: {shape: [N, T], classes: 6}, z: {shape: [N], classes: 6}}
network: |
  s = dense(tanh(dense(x, 5)), 6)
  p = softmax(s)
  final[n, k] = s[n, 0, k]
loss: cross_entropy(p, y) + cross_entropy(softmax(final), z, label_smoothing=0.1, reduction="sum")
outputs: [p]
""")
def classes_of_sequences(x, y, z, W1, b1, W2, b2):
    s = torch.tanh(x @ W1 + b1) @ W2 + b2
    one = F.cross_entropy(s.flatten(0, 1), y.flatten())
    two = F.cross_entropy(s[:, 0], z, label_smoothing=0.1, reduction="sum")
    return {"loss": one + two, "p": s.softmax(-1)}


@case("""
inputs: {x: [N, 3], soft: {shape: [N, 4], kind: distribution}, raw: [N, 4]}
network: |
  s = dense(x, 4)
  p = softmax(s)
losses:
  known: {value: 'cross_entropy(p, soft)', wrt: [W1, b1, x]}
  free: {value: 'cross_entropy(p, raw, reduction="sum")', wrt: [W1, x]}
  smooth: {value: 'cross_entropy(p, soft, label_smoothing=0.2)', wrt: [b1]}
  logs: {value: 'nll(log_softmax(s), soft) + nll(log_softmax(s), raw)', wrt: [W1]}
""")
def soft_targets(x, soft, raw, W1, b1):
    logp = torch.log_softmax(x @ W1 + b1, 1)
    return {
        "known": -(soft * logp).sum(1).mean(),
        "free": -(raw * logp).sum(),
        "smooth": -((0.8 * soft + 0.2 / 4) * logp).sum(1).mean(),
        "logs": -((soft + raw) * logp).sum(1).mean(),
    }


@case(
    """
inputs: {x: [N, 5], y: [N, 3], t: [N], s: [N, 3]}
network: |
  z = dense(x, 3)
  p = sigmoid(z)
  one = sigmoid(sum(z, axis=1))
losses:
  several: {value: 'binary_cross_entropy(p, y)', wrt: [W1, b1]}
  single: {value: 'binary_cross_entropy(one, t, reduction="sum")', wrt: [W1]}
  clipped: {value: 'binary_cross_entropy(clip(p, 0.3, 0.7), y)', wrt: [W1, x]}
  margin: {value: 'hinge(z, s)', wrt: [W1, b1]}
""",
    y=between(0, 1),
    t=between(0, 1),
    s=signs,
)
def probabilities_and_margins(x, y, t, s, W1, b1):
    z = x @ W1 + b1
    bce = F.binary_cross_entropy
    return {
        "several": bce(z.sigmoid(), y),
        "single": bce(z.sum(1).sigmoid(), t, reduction="sum"),
        "clipped": bce(z.sigmoid().clamp(0.3, 0.7), y),
        "margin": F.relu(1 - s * z).mean(),
    }


@case("""
inputs: {x: [N, 4], y: {shape: [N], classes: 5}}
network: |
  s = dense(x, 5, bias=False)
  logp = log_softmax(s)
loss: hinge(s, y) + nll(logp, y, reduction="sum") / 7 + nll(logp * logp, y)
wrt: [W1, x]
""")
def hinge_of_classes(x, y, W1):
    s = x @ W1
    logp = s.log_softmax(1)
    margins = F.relu(1 + s - s.gather(1, y[:, None]))
    margins = margins.scatter(1, y[:, None], 0.0)
    again = -(logp**2).gather(1, y[:, None]).mean()
    return margins.sum(1).mean() + F.nll_loss(logp, y, reduction="sum") / 7 + again


@case("""
inputs: {x: [N, 3], t: {shape: [N, 4], kind: distribution}, mu0: [N, M, 2]}
network: |
  p = softmax(dense(x, 4))
  q = softmax(dense(tanh(x), 4))
  mu = dense(x, 2)
  logvar = dense(x, 2)
  wide = mu0 * 0.3
  wideness = kl_normal(wide, -mu0, reduction="sum")
losses:
  forward_kl: {value: 'kl_divergence(t, p)', wrt: [W1, b1]}
  reverse: {value: 'kl_divergence(p, t)', wrt: [W1, b1, x]}
  between: {value: 'kl_divergence(p, q, reduction="sum")', wrt: [W1, W2]}
  normal: {value: 'kl_normal(mu, logvar) + wideness', wrt: [W3, b4, mu0]}
""")
def divergences(x, t, mu0, W1, b1, W2, b2, W3, b3, W4, b4):
    p = torch.softmax(x @ W1 + b1, 1)
    q = torch.softmax(x.tanh() @ W2 + b2, 1)
    mu, logvar, wide = x @ W3 + b3, x @ W4 + b4, mu0 * 0.3

    def kl_normal(m, v):
        return (v.exp() + m**2 - 1 - v).sum(-1) / 2

    return {
        "forward_kl": (t * (t / p).log()).sum(1).mean(),
        "reverse": (p * (p / t).log()).sum(1).mean(),
        "between": (p * (p / q).log()).sum(),
        "normal": kl_normal(mu, logvar).mean() + kl_normal(wide, -mu0).sum(),
    }


@case("""
inputs: {x: [N, 3], y: [N, 2]}
params: {scale: {shape: [2]}, K: {shape: [2, 3, 2]}}
network: |
  h = tanh(dense(x, 4, name=first))
  p = dense(h, 2, name=second) * scale
  q[n, i] = p[n, i] + sum[j, k](K[i, j, k] * x[n, j] * p[n, k])
losses:
  every: {value: 'mse(q, y) + l2(1e-2) + l1(0.05)'}
  named: {value: 'mse(q, y) + l2(0.3, W_first, scale) - l1(0.1, b_second, K)'}
""")
def penalties(x, y, scale, K, W_first, b_first, W_second, b_second):
    p = (torch.tanh(x @ W_first + b_first) @ W_second + b_second) * scale
    q = p + torch.einsum("ijk,nj,nk->ni", K, x, p)
    matrices = (K, W_first, W_second)
    every = sum(0.005 * m.square().sum() + 0.05 * m.abs().sum() for m in matrices)
    squares = W_first.square().sum() + scale.square().sum()
    named = 0.15 * squares - 0.1 * (b_second.abs().sum() + K.abs().sum())
    return {"every": F.mse_loss(q, y) + every, "named": F.mse_loss(q, y) + named}
