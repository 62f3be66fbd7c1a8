"""Index statements: gathers, repeated and several bound indices, reductions inside reductions."""

from __future__ import annotations

import torch
from stranger import between, case


@case("""
params:
  A: {shape: [d, d]}
  B: {shape: [d, d]}
inputs: {u: [d]}
network: |
  s[i] = A[i, i] * B[i, i] + u[i]
  t[i, j] = sum[k](A[i, k] * B[k, j]) - A[j, i]
loss: sum[i](A[i, i])**2 + sum(s * u) + sum[i](t[i, i] * u[i])
""")
def traces_and_diagonals(A, B, u):
    s = A.diagonal() * B.diagonal() + u
    t = A @ B - A.T
    return A.trace() ** 2 + (s * u).sum() + (t.diagonal() * u).sum()


@case("""
dims: {towns: 9, regions: 4, products: 5}
inputs:
  town: {shape: [N], classes: towns}
  region: {shape: [towns], classes: regions}
  product: {shape: [N, 3], classes: products}
  y: [N, 3]
params:
  mood: {shape: [regions, products]}
  size: {shape: [towns]}
network: |
  r[n, j] = mood[region[town[n]], product[n, j]] * size[town[n]]
loss: mse(r, y)
""")
def nested_gathers(town, region, product, y, mood, size):
    r = mood[region[town][:, None], product] * size[town][:, None]
    return torch.nn.functional.mse_loss(r, y)


@case("""
inputs:
  a: {shape: [N], classes: 3}
  b: {shape: [N], classes: 5}
  c: {shape: [N], classes: 4}
  y: [N]
params: {T: {shape: [3, 5, 4]}, U: {shape: [3, 3]}}
network: |
  z[n] = T[a[n], b[n], c[n]] + U[a[n], a[n]]
  m[n] = max[k](T[a[n], k, c[n]])
loss: huber(z, y) + mean(m)
""")
def table_of_rank_three(a, b, c, y, T, U):
    z = T[a, b, c] + U[a, a]
    m = T[a, :, c].amax(1)
    return torch.nn.functional.huber_loss(z, y) + m.mean()


@case("""
title: Multidimensional scaling
inputs: {D: [P, P]}
params: {x: {shape: [P, 2], init: normal(1.0)}}
network: |
  d[i, j] = sqrt(sum[k]((x[i, k] - x[j, k])**2) + 1e-3)
  stress[i, j] = where(i < j, (d[i, j] - D[i, j])**2, 0)
loss: sum(stress)
wrt: [x, D]
""")
def distances_within_one_tensor(D, x):
    d = ((x[:, None] - x[None]).square().sum(-1) + 1e-3).sqrt()
    return (d - D).square().triu(1).sum()


@case("""
inputs: {a: [I, J], b: [J, K]}
params: {w: {shape: [K]}, q: {shape: [J]}}
network: |
  z[i] = log(sum[j](exp(a[i, j]) * max[k](b[j, k] * w[k])**2))
  v[i] = logsumexp[j](a[i, j] * sum[k](b[j, k] * min[l](a[i, l] * q[l])))
loss: mean[i](z[i] + v[i]) + prod[j](1 + sum[k](b[j, k] * w[k])**2 / 50)
wrt: [w, q, a, b]
""")
def reductions_inside_reductions(a, b, w, q):
    top = (b * w).amax(1) ** 2
    z = (a.exp() @ top).log()
    low = (a * q).amin(1, keepdim=True)
    v = torch.logsumexp(a * (b.sum(1) * low), 1)
    return (z + v).mean() + (1 + (b @ w) ** 2 / 50).prod()


@case("""
dims: {bond: 3, out: 2}
inputs: {x: [N, 4], z: [N, 5]}
params:
  A: {shape: [4, bond]}
  B: {shape: [bond, 5, bond]}
  C: {shape: [bond, out]}
network: |
  y[n, o] = sum[i, j, a, b](A[i, a] * B[a, j, b] * C[b, o] * x[n, i] * z[n, j])
loss: mean(y**2)
wrt: [A, B, C, x]
""")
def tensor_train(x, z, A, B, C):
    return torch.einsum("ia,ajb,bo,ni,nj->no", A, B, C, x, z).square().mean()


@case("""
dims: {T: 6}
constants: {gamma: 0.9}
inputs: {r: [N, T]}
params: {w: {shape: [T]}}
network: |
  back[n] = sum[t](gamma**t * r[n, t] * w[t] / T)
  ramp[n, t] = (t + 1) * tanh(r[n, t] * w[t]) - N * w[t]
loss: mean(back**2) + mean(ramp)
wrt: [w, r]
""")
def indices_as_numbers(r, w):
    t = torch.arange(6, dtype=r.dtype)
    back = (0.9**t * r * w / 6).sum(1)
    ramp = (t + 1) * torch.tanh(r * w) - r.shape[0] * w
    return back.square().mean() + ramp.mean()


@case(
    """
inputs:
  x: [N, 3]
  y: {shape: [N], classes: 4}
  prior: [4]
params: {W: {shape: [3, 2]}}
network: |
  h[n, j] = sum[i](x[n, i] * W[i, j])
  count[k] = prior[k] + sum[n](y[n] == k)
  centre[k, j] = sum[n](where(y[n] == k, h[n, j], 0)) / count[k]
  gap[n] = sum[j]((h[n, j] - centre[y[n], j])**2)
  apart[k, l] = sum[j](centre[k, j] * centre[l, j])
loss: mean(gap) + sum[k, l](where(k != l, apart[k, l]**2, 0))
wrt: [W, x, prior]
""",
    prior=between(0.2, 1),
)
def class_centres(x, y, prior, W):
    h = x @ W
    one_hot = torch.nn.functional.one_hot(y, 4).to(h.dtype)
    centre = (one_hot.T @ h) / (prior + one_hot.sum(0))[:, None]
    apart = centre @ centre.T
    off = 1 - torch.eye(4, dtype=h.dtype)
    return (h - centre[y]).square().sum(1).mean() + (apart.square() * off).sum()


@case("""
title: A linear chain of four labels, scored as a conditional random field
inputs:
  x: [N, 4, 6]
  y: {shape: [N, 4], classes: 3}
params:
  E: {shape: [6, 3]}
  Q: {shape: [3, 3]}
network: |
  e[n, t, k] = sum[i](x[n, t, i] * E[i, k])
  a0[n, k] = e[n, 0, k]
  a1[n, k] = logsumexp[j](a0[n, j] + Q[j, k]) + e[n, 1, k]
  a2[n, k] = logsumexp[j](a1[n, j] + Q[j, k]) + e[n, 2, k]
  a3[n, k] = logsumexp[j](a2[n, j] + Q[j, k]) + e[n, 3, k]
  moves[n] = Q[y[n, 0], y[n, 1]] + Q[y[n, 1], y[n, 2]] + Q[y[n, 2], y[n, 3]]
  l[n] = logsumexp[k](a3[n, k]) - sum[t](e[n, t, y[n, t]]) - moves[n]
loss: mean(l)
""")
def conditional_random_field(x, y, E, Q):
    e = x @ E
    alpha = e[:, 0]
    for t in range(1, 4):
        alpha = torch.logsumexp(alpha[:, :, None] + Q, 1) + e[:, t]
    path = e.gather(2, y[:, :, None]).sum((1, 2)) + Q[y[:, :-1], y[:, 1:]].sum(1)
    return (torch.logsumexp(alpha, 1) - path).mean()


@case(
    """
inputs: {x: [N], A: [M, 3, 3]}
params: {w: {shape: [3]}, s: {shape: []}}
network: |
  gaps[i] = prod[j](where(i == j, 1, s * (x[i] - x[j])))
  B[m, i, j] = A[m, i, j] + w[i] * w[j] + where(i == j, s, 0)
  c0[m] = B[m, 1, 1] * B[m, 2, 2] - B[m, 1, 2] * B[m, 2, 1]
  c1[m] = B[m, 1, 0] * B[m, 2, 2] - B[m, 1, 2] * B[m, 2, 0]
  c2[m] = B[m, 1, 0] * B[m, 2, 1] - B[m, 1, 1] * B[m, 2, 0]
  det[m] = B[m, 0, 0] * c0[m] - B[m, 0, 1] * c1[m] + B[m, 0, 2] * c2[m]
loss: sum(gaps**2) / 10 + mean(log(1 + det**2))
wrt: [w, s, x, A]
""",
    x=between(-1, 1),
)
def vandermonde_and_determinant(x, A, w, s):
    eye = torch.eye(x.shape[0], dtype=x.dtype)
    gaps = (s * (x[:, None] - x[None]) * (1 - eye) + eye).prod(1)
    det = torch.linalg.det(A + torch.outer(w, w) + s * torch.eye(3, dtype=A.dtype))
    return gaps.square().sum() / 10 + torch.log(1 + det**2).mean()


@case("""
title: Words beside words, five that are not
dims: {words: 11, d: 4}
inputs:
  centre: {shape: [N], classes: words}
  context: {shape: [N], classes: words}
  other: {shape: [N, 5], classes: words}
params:
  In: {shape: [words, d], init: "uniform(-0.5, 0.5)"}
  Out: {shape: [words, d]}
network: |
  near[n] = sum[k](In[centre[n], k] * Out[context[n], k])
  far[n, m] = sum[k](In[centre[n], k] * Out[other[n, m], k])
  l[n] = -log(sigmoid(near[n])) - sum[m](log(sigmoid(-far[n, m])))
loss: mean(l)
""")
def negative_sampling(centre, context, other, In, Out):
    near = (In[centre] * Out[context]).sum(1)
    far = torch.einsum("nk,nmk->nm", In[centre], Out[other])
    logsigmoid = torch.nn.functional.logsigmoid
    return -(logsigmoid(near) + logsigmoid(-far).sum(1)).mean()


@case("""
inputs: {x: [N, 4], z: [N, 3]}
params: {w: {shape: [3, 4]}, v: {shape: [4]}}
network: |
  m[n] = max[i, j](x[n, i] * w[j, i] * z[n, j])
  s[n, j] = min[i](x[n, i] + w[j, i]) - max[i](x[n, i] * v[i])
  pooled[j] = max[n](s[n, j])
  mid[n] = mean[i, j](x[n, i] * z[n, j] * w[j, i])
loss: sum(m * mid) + sum(pooled**2) + mean(s)
wrt: [w, v, x, z]
""")
def joint_extremes(x, z, w, v):
    p = torch.einsum("ni,ji,nj->nij", x, w, z).flatten(1)
    s = (x[:, None] + w).amin(2) - (x * v).amax(1, keepdim=True)
    return (p.amax(1) * p.mean(1)).sum() + s.amax(0).square().sum() + s.mean()


@case("""
dims: {k: 3}
inputs: {x: [N, 4, T, 2, M]}
params: {K: {shape: [4, 2, k]}, g: {shape: [k, k]}}
network: |
  y[m, t, n, c] = sum[h, w](x[n, h, t, w, m] * K[h, w, c])
  z[n, c, d] = sum[m, t](y[m, t, n, c] * y[m, t, n, d] * g[c, d])
loss: mean(z**2)
wrt: [K, g, x]
""")
def rank_five_by_index(x, K, g):
    y = torch.einsum("nhtwm,hwc->mtnc", x, K)
    z = torch.einsum("mtnc,mtnd,cd->ncd", y, y, g)
    return z.square().mean()
