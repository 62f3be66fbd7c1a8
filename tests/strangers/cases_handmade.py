"""Layers that a stranger spells by hand: attention, normalisation, bilinear forms, kernels."""

from __future__ import annotations

import torch
from stranger import case, normal
from torch.nn import functional as F


@case("""
inputs: {x: [N, T, 6], y: [N, T, 6]}
params: {gamma: {shape: [6], init: ones}, beta: {shape: [6], init: zeros}}
constants: {eps: 1e-5}
network: |
  m = mean(x, axis=-1, keepdims=True)
  v = mean((x - m)**2, axis=-1, keepdims=True)
  h = gamma * (x - m) / sqrt(v + eps) + beta
  r[n, t, i] = h[n, t, i] / sqrt(mean[j](h[n, t, j]**2) + eps)
loss: mse(r, y)
wrt: [gamma, beta, x]
""")
def two_normalisations(x, y, gamma, beta):
    h = F.layer_norm(x, (6,), gamma, beta)
    return F.mse_loss(h / (h.square().mean(-1, keepdim=True) + 1e-5).sqrt(), y)


@case("""
dims: {heads: 2, d: 3}
inputs: {x: [N, T, 4], known: {shape: [N, T], kind: mask}}
params:
  Q: {shape: [4, heads, d]}
  K: {shape: [4, heads, d]}
  V: {shape: [4, heads, d]}
  O: {shape: [heads, d, 4]}
network: |
  q[n, h, t, k] = sum[i](x[n, t, i] * Q[i, h, k])
  k[n, h, t, j] = sum[i](x[n, t, i] * K[i, h, j])
  v[n, h, t, j] = sum[i](x[n, t, i] * V[i, h, j])
  s[n, h, t, u] = sum[j](q[n, h, t, j] * k[n, h, u, j]) / sqrt(d)
  seen[n, h, t, u] = where((u <= t) & (known[n, u] | (u == t)), s[n, h, t, u], -1e9)
  a = softmax(seen)
  c[n, t, h, j] = sum[u](a[n, h, t, u] * v[n, h, u, j])
  y[n, t, o] = x[n, t, o] + sum[h, j](c[n, t, h, j] * O[h, j, o])
loss: mean(y**2)
wrt: [Q, K, V, O, x]
outputs: [a, y]
""")
def causal_attention(x, known, Q, K, V, O):  # noqa: E741
    q, k, v = (torch.einsum("nti,ihk->nhtk", x, m) for m in (Q, K, V))
    steps = x.shape[1]
    causal = torch.ones(steps, steps, dtype=torch.bool).tril()
    allowed = causal & (known[:, None, None, :] | torch.eye(steps, dtype=torch.bool))
    s = (q @ k.transpose(-1, -2) / 3**0.5).masked_fill(~allowed, float("-inf"))
    a = s.softmax(-1)
    y = x + torch.einsum("nhtu,nhuj,hjo->nto", a, v, O)
    return {"loss": y.square().mean(), "a": a, "y": y}


@case("""
inputs: {x: [N, 3], z: [N, 4], y: [N, 2]}
params: {W: {shape: [3, 4, 2]}, U: {shape: [3, 4]}, b: {shape: [2]}}
network: |
  p[n, o] = b[o] + sum[i, j](x[n, i] * W[i, j, o] * z[n, j])
  g[n] = sigmoid(sum[i, j](x[n, i] * U[i, j] * z[n, j]))
  r[n, o] = g[n] * p[n, o]
loss: mae(r, y)
wrt: [W, U, b, x, z]
""")
def bilinear(x, z, y, W, U, b):
    p = F.bilinear(x, z, W.permute(2, 0, 1).contiguous(), b)
    g = torch.sigmoid(((x @ U) * z).sum(1, keepdim=True))
    return F.l1_loss(g * p, y)


@case("""
inputs: {x: [N, 3], y: [N]}
params: {c: {shape: [M, 3]}, width: {shape: [M]}, a: {shape: [M]}}
network: |
  k[n, m] = exp(-exp(width[m]) * sum[i]((x[n, i] - c[m, i])**2))
  f = k @ a
  phi = k / sum(k, axis=1, keepdims=True)
  gap[m, l] = 1e-1 + sum[i]((c[m, i] - c[l, i])**2)
loss: mse(f, y) + mean(phi**2) + sum[m, l](where(m > l, 1e-2 / gap[m, l], 0))
""")
def radial_basis(x, y, c, width, a):
    k = torch.exp(-width.exp() * torch.cdist(x, c).square())
    phi = F.normalize(k, p=1, dim=1)
    apart = 0.01 / (0.1 + torch.cdist(c, c).square())
    return F.mse_loss(k @ a, y) + phi.square().mean() + apart.tril(-1).sum()


@case("""
inputs: {x: [N, 4, 5, 3], y: {shape: [N], classes: 2}}
network: |
  pooled = mean(x, axis=(1, 2))
  w = sigmoid(dense(relu(dense(pooled, 2)), 3))
  scaled[n, i, j, c] = x[n, i, j, c] * w[n, c]
  best = max(scaled, axis=(1, 2))
  s = dense(best, 2)
loss: cross_entropy(softmax(s), y)
wrt: [W1, b1, W2, b2, W3, b3, x]
""")
def squeeze_and_excite(x, y, W1, b1, W2, b2, W3, b3):
    w = torch.sigmoid(F.relu(x.mean((1, 2)) @ W1 + b1) @ W2 + b2)
    best = (x * w[:, None, None]).amax((1, 2))
    return F.cross_entropy(best @ W3 + b3, y)


@case("""
inputs: {x: [N, S, 3], there: {shape: [N, S], kind: mask}, y: [N, 2]}
network: |
  h = relu(dense(x, 5))
  kept[n, s, j] = where(there[n, s], h[n, s, j], 0)
  total = sum(kept, axis=1)
  size[n] = 1 + sum[s](there[n, s])
  centre[n, j] = total[n, j] / size[n]
  top[n, j] = max[s](where(there[n, s], h[n, s, j] + 0.01 * x[n, s, 0], -100))
  p = dense(concat(centre, total, top), 2)
loss: mse(p, y)
""")
def sets_of_points(x, there, y, W1, b1, W2, b2):
    h = F.relu(x @ W1 + b1)
    total = (h * there[:, :, None]).sum(1)
    centre = total / (1 + there.sum(1, keepdim=True))
    top = (h + 0.01 * x[:, :, :1]).masked_fill(~there[:, :, None], -100).amax(1)
    return F.mse_loss(torch.cat([centre, total, top], 1) @ W2 + b2, y)


@case("""
inputs: {x: [N, 7], y: [N]}
params: {w0: {shape: []}, w: {shape: [7]}, V: {shape: [7, 4]}}
network: |
  pairs = sum((x @ V)**2 - x**2 @ V**2, axis=1) / 2
  f = w0 + x @ w + pairs
loss: mean(softplus(-y * f)) + l2(0.01, V, w)
""")
def factorisation_machine(x, y, w0, w, V):
    inner = V @ V.T
    pairs = torch.einsum("ni,nj,ij->n", x, x, inner.triu(1))
    f = w0 + x @ w + pairs
    return F.softplus(-y * f).mean() + 0.005 * (V.square().sum() + w.square().sum())


@case("""
title: Three rounds of Sinkhorn's normalisation, transported cost
inputs: {a: [N, 2], b: [M, 2]}
params: {L: {shape: [2, 2]}}
constants: {heat: 0.5}
network: |
  x = a @ L
  C[n, m] = sum[k]((x[n, k] - b[m, k])**2)
  k0 = -C / heat
  k1 = k0 - logsumexp(k0, axis=1, keepdims=True)
  k2 = k1 - logsumexp(k1, axis=0, keepdims=True)
  k3 = k2 - logsumexp(k2, axis=1, keepdims=True)
  plan = exp(k3) / N
loss: sum(plan * C) + heat * sum(plan * k3)
wrt: [L, a, b]
outputs: [plan]
""")
def transport(a, b, L):
    C = torch.cdist(a @ L, b).square()
    k = -C / 0.5
    for axis in (1, 0, 1):
        k = F.log_softmax(k, axis)
    plan = k.exp() / len(a)
    return {"loss": (plan * C).sum() + 0.5 * (plan * k).sum(), "plan": plan}


@case(
    """
inputs: {x: [N, 4, T], y: [N, 4, T]}
network: |
  p = softmax(x, axis=1)
  l = log_softmax(p * y, axis=0)
  g = softmax(l.T, axis=2)
loss: mean(p * l) + sum(g**2) / 3
wrt: [x, y]
""",
    x=normal(1.5),
)
def softmax_along_every_axis(x, y):
    p = x.softmax(1)
    l = (p * y).log_softmax(0)  # noqa: E741
    return (p * l).mean() + l.permute(2, 1, 0).softmax(2).square().sum() / 3
