"""Corners that a random search over specs found: names that could collide, parts that cancel."""

from __future__ import annotations

import torch
from stranger import case, normal


@case("""
inputs: {x: [4, C, B], y: [C, C, 4]}
params: {m: {shape: [4, C]}, v: {shape: [C]}, q: {shape: [C, C]}}
network: |
  a = m @ x
  b = v @ (v @ y)
  c = v @ (q @ q)
  d = (x.T @ m) @ q
loss: mean(a**2) + sum(b) + mean(c**2) + mean(d)
wrt: [m, v, q, x, y]
""")
def products_of_unequal_ranks(x, y, m, v, q):
    a = torch.einsum("ic,jcb->jib", m, x)
    b = torch.einsum("d,c,dcj->j", v, v, y)
    c = torch.einsum("i,ij,jk->k", v, q, q)
    d = torch.einsum("icb,ij,jk->bck", x, m, q)
    return (a**2).mean() + b.sum() + (c**2).mean() + torch.einsum("bck->", d) / d.numel()


@case(
    """
inputs: {x: [A], y: [A, A], z: [A, B]}
params: {s: {shape: []}, w: {shape: [B, A]}}
network: |
  top = max(s * x - prod(y, axis=0))
  rows = max(max(z + w.T, axis=1), axis=0, keepdims=True)
  low[i] = min[j](x[j] * y[j, i] + max[i2](y[i2, j] * w[0, i]))
loss: top**2 + sum(rows**2) + mean(low)
wrt: [s, w, x, y, z]
""",
    y=normal(2.0),
)
def extremes_of_reductions(x, y, z, s, w):
    top = (s * x - y.prod(0)).amax()
    inner = y.amax(0)[:, None] * w[0].clamp(min=0) + y.amin(0)[:, None] * w[0].clamp(max=0)
    low = (x[:, None] * y + inner).amin(0)
    return top**2 + (z + w.T).amax() ** 2 + low.mean()


@case("""
inputs: {u: [C], a: [A]}
params: {w: {shape: [4]}}
network: |
  h[n, m] = where(m <= n, w[0] + u[n], 0) + u[m]
  k[i] = sum[r](where(i <= r, a[r], where(i != r, w[1], w[3]))) * a[i]
  c[i, j] = where(i <= j, mean[l](w[2] + a[l] - u[i]), u[j])
loss: sum(h) + mean(k**2) + mean(c)
wrt: [w, u, a]
""")
def triangles(u, a, w):
    below = torch.ones(len(u), len(u), dtype=u.dtype).tril()
    h = below * (w[0] + u[:, None]) + u
    upper = torch.ones(len(a), len(a), dtype=a.dtype).triu()
    k = (upper * a + (1 - upper) * w[1]).sum(1) * a
    c = below.T * (w[2] + a.mean() - u)[:, None] + (1 - below.T) * u
    return h.sum() + (k**2).mean() + c.mean()


@case("""
inputs: {u: [C], x: [A, B]}
params: {w: {shape: [4]}}
network: |
  zero = leaky_relu(u - u)
  flat[j] = sum[q](softsign(2) * w[q]) * u[j] + exp(-abs(2)) * abs(-0.2)
  steep[m, k] = arctan(0.5) * (k + 1) * where(k < m, w[k] / sqrt(A), 0) * w[m]
  tall[i, j] = max[l](exp(-abs(x[l, j])) * tanh(2) * (j + 1)) * x[i, j]**2
loss: mean(flat**2) + sum(steep) + mean(tall) + sum(zero)
wrt: [w, u, x]
outputs: [zero, flat]
""")
def functions_of_numbers(u, x, w):
    two = torch.tensor(2.0, dtype=u.dtype)
    flat = w.sum() * two / 3 * u + 0.2 * torch.exp(-two)
    k = torch.arange(4, dtype=u.dtype)
    steep = torch.atan(two / 4) * torch.outer(w, (k + 1) * w).tril(-1) / len(x) ** 0.5
    j = torch.arange(x.shape[1], dtype=u.dtype)
    tall = (torch.exp(-x.abs()) * two.tanh() * (j + 1)).amax(0) * x**2
    loss = flat.square().mean() + steep.sum() + tall.mean()
    return {"loss": loss, "zero": u * 0, "flat": flat}


@case("""
inputs: {a: [A], b: [B], y: [B, 1], t: [N, T], s: {shape: [N, T], classes: 5}}
params: {w: {shape: [5, 1]}, v: {shape: [1]}}
network: |
  p[m, o] = b[m] * v[o]
  near[m, c] = where(m <= c, mean[k](w[c, 0] + a[k] - b[m]), 0)
  e[n, u] = w[s[n, u], 0] * t[n, u]
  total[n, o] = sum[u](e[n, u]) * v[o]
loss: mse(p, y) + mean(near) + mean(total**2)
outputs: [p]
wrt: [w, v, a, b, t]
""")
def axes_of_one(a, b, y, t, s, w, v):
    p = b[:, None] * v
    mask = torch.ones(len(b), 5, dtype=b.dtype).triu()
    near = mask * (w[:, 0] + a.mean() - b[:, None])
    total = (w[:, 0][s] * t).sum(1)[:, None] * v
    return {"loss": ((p - y) ** 2).mean() + near.mean() + (total**2).mean(), "p": p}


@case("""
inputs: {x: [N, 1], y: [N, 1]}
network: |
  p = sigmoid(dense(tanh(dense(x, 1)), 1))
losses:
  spelled: {value: -mean(y * log(p) + (1 - y) * log(1 - p))}
  squared: {value: 'mse(p, y) + l1(0.5, b2)', wrt: [W1, b2, x]}
""")
def networks_of_width_one(x, y, W1, b1, W2, b2):
    z = torch.tanh(x * W1 + b1) * W2 + b2
    spelled = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
    return {"spelled": spelled, "squared": ((z.sigmoid() - y) ** 2).mean() + b2.abs().sum() / 2}
