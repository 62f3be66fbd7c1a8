"""Array statements as a user of NumPy writes them: ranks 0 to 5."""

from __future__ import annotations

import torch
from stranger import between, case, with_zeros


@case("""
inputs: {x: [N, 4], y: [N, 1]}
params:
  w: {shape: [4]}
  c: {shape: []}
  s: {shape: [1, 4]}
network: |
  z = x * w + c - s / 2
  e = z - y
loss: mean(e**2) + c**2 * sum(w)
""")
def broadcasting(x, y, w, c, s):
    e = x * w + c - s / 2 - y
    return (e**2).mean() + c**2 * w.sum()


@case("""
inputs: {x: [A, 2, B, 3, C]}
params:
  u: {shape: [3, 1]}
  v: {shape: [2, 1, 1, 1]}
network: |
  a = tanh(x * u + v)
  b = sum(a, axis=(1, 3), keepdims=True)
  c = mean(a * b, axis=[0, -1])
  d = c.T
  e = max(d, axis=0)
loss: sum(e**2) + mean(b.T)
wrt: [u, v, x]
""")
def rank_five(x, u, v):
    a = torch.tanh(x * u + v)
    b = a.sum((1, 3), keepdim=True)
    d = (a * b).mean((0, 4)).permute(2, 1, 0)
    return (d.amax(0) ** 2).sum() + b.mean()


@case("""
inputs: {x: [N, T, 4], k: [4], m: [5, 1, 6, T]}
params:
  A: {shape: [4, 6]}
  B: {shape: [N, 6, 2]}
network: |
  u = x @ A
  v = u @ B
  w = k @ A
  r = x @ k
  s = m @ u
loss: mean(v * v) + sum(w**3) + mean(r**2) / 2 + mean(cos(s)) + w @ w
""")
def products_of_every_rank(x, k, m, A, B):
    u = torch.einsum("nti,ij->ntj", x, A)
    v = torch.einsum("ntj,njk->ntk", u, B)
    w = torch.einsum("i,ij->j", k, A)
    r = torch.einsum("nti,i->nt", x, k)
    s = torch.einsum("anit,ntj->anij", m.expand(-1, x.shape[0], -1, -1), u)
    return (v * v).mean() + (w**3).sum() + (r**2).mean() / 2 + s.cos().mean() + (w * w).sum()


@case("""
inputs: {x: [N, 5, M]}
params: {b: {shape: [5, 1]}}
network: |
  z = x + b * x**2
  every = logsumexp(z)
  some = logsumexp(z, axis=(0, 2))
  kept = logsumexp(2 * z, axis=1, keepdims=True)
loss: every + sum(some**2) + mean(kept - z)
wrt: [x, b]
""")
def logsumexp_over_axes(x, b):
    z = x + b * x**2
    kept = torch.logsumexp(2 * z, 1, keepdim=True)
    every = torch.logsumexp(z.reshape(-1), 0)
    return every + (torch.logsumexp(z, (0, 2)) ** 2).sum() + (kept - z).mean()


@case(
    """
inputs: {x: [N, 4], f: [N, 3]}
params: {w: {shape: [4]}, V: {shape: [3, 3]}}
network: |
  g = prod(x + 0 * w, axis=1)
  h = prod(x * w, axis=-1, keepdims=True)
  k = prod(f @ V, axis=0)
loss: sum(g) + sum(h * x) + mean(k)
wrt: [x, w, V]
""",
    x=with_zeros,
    f=between(0.5, 1.5),
    V=between(0.1, 0.6),
)
def products_with_a_zero(x, f, w, V):
    g = x.prod(1)
    h = (x * w).prod(-1, keepdim=True)
    return g.sum() + (h * x).sum() + (f @ V).prod(0).mean()


@case("""
inputs: {x: [N, M, 3]}
params: {w: {shape: [3]}}
network: |
  z = x * w
  top = max(z, axis=1)
  low = min(z, axis=(1, 2), keepdims=True)
  least = min(z)
  spread = max(z) - least
loss: sum(top * min(z, axis=1)) + mean(low * z) + spread**2
wrt: [w, x]
""")
def extremes(x, w):
    z = x * w
    low = z.amin((1, 2), keepdim=True)
    spread = z.max() - z.min()
    return (z.amax(1) * z.amin(1)).sum() + (low * z).mean() + spread**2


@case("""
inputs: {x: [N, 6], m: {shape: [N, 1], kind: mask}, t: [6]}
params: {a: {shape: [6]}, b: {shape: []}}
network: |
  z = x * a
  inside = (z > -0.5) & (z <= t) | m
  y = where(inside, z**2, b * z)
  q = where(~inside & (z != 0), sin(z), 0) + where(m, 1, z)
  far = 0.2 < abs(z) < 0.9
loss: mean(y + q) + sum(where(far, z, 0))
wrt: [a, b, x, t]
""")
def masks(x, m, t, a, b):
    z = x * a
    inside = ((z > -0.5) & (z <= t)) | m
    y = torch.where(inside, z**2, b * z)
    q = torch.where(~inside, z.sin(), torch.zeros_like(z)) + torch.where(m, torch.ones_like(z), z)
    far = (z.abs() > 0.2) & (z.abs() < 0.9)
    return (y + q).mean() + z[far].sum()


@case(
    """
inputs: {x: [N, 3], p: [3]}
params: {a: {shape: [3]}, k: {shape: []}}
network: |
  y = x**a + 2**(-a) - x**-2 / 3
  r = (x / a)**0.5 + a**p
  s = 1 / (1 + k**2) + x**k
loss: mean(y * r) + mean(s)
wrt: [a, k, x, p]
""",
    x=between(0.5, 2),
    a=between(0.5, 2),
    p=between(-2, 2),
)
def powers(x, p, a, k):
    y = torch.pow(x, a) + torch.pow(2, -a) - 1 / (3 * x * x)
    r = (x / a).sqrt() + torch.pow(a, p)
    return (y * r).mean() + (1 / (1 + k**2) + torch.pow(x, k)).mean()


@case("""
inputs: {x: [N, 7]}
params: {gain: {shape: [7], init: ones}, shift: {shape: [7], init: zeros}}
constants: {eps: 1e-5}
network: |
  centre = mean(x, axis=0, keepdims=True)
  scatter = mean((x - centre)**2, axis=0, keepdims=True)
  h = gain * (x - centre) / sqrt(scatter + eps) + shift
loss: mean(h**4)
wrt: [gain, shift, x]
""")
def batch_statistics(x, gain, shift):
    var, centre = torch.var_mean(x, 0, correction=0)
    return ((gain * (x - centre) / (var + 1e-5).sqrt() + shift) ** 4).mean()


@case("""
inputs: {A: [d, d], b: [d]}
params: {v: {shape: [d]}, alpha: {shape: []}}
network: |
  S = (A + A.T) / 2
  Av = S @ v
  rayleigh = (v @ Av) / (v @ v)
  G = (A.T @ A) @ (A @ A.T)
loss: rayleigh - alpha * (b @ v) + sum(G * G.T) / 100
wrt: [v, alpha, A]
""")
def quadratic_forms(A, b, v, alpha):
    S = (A + A.T) / 2
    G = A.T @ A @ A @ A.T
    return v @ S @ v / v.dot(v) - alpha * b.dot(v) + (G * G.T).sum() / 100


@case("""
inputs: {x: [1, N, 1], y: [M, 1, 3]}
params: {w: {shape: [1]}}
network: |
  d = x - y * w
  e = exp(-d**2)
loss: sum(e) / (1 + sum(e**2))
wrt: [w, x, y]
""")
def outer_broadcast(x, y, w):
    e = torch.exp(-((x - y * w) ** 2))
    return e.sum() / (1 + e.square().sum())


@case("""
inputs: {}
params: {a: {shape: []}, b: {shape: []}}
network: |
  c = a * b + sin(a)
  d = c * c / (1 + exp(b))
loss: d + c
outputs: [c]
""")
def scalars_only(a, b):
    c = a * b + a.sin()
    return {"loss": c * c / (1 + b.exp()) + c, "c": c}
