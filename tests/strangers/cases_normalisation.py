"""Normalisation: by layer, in index statements, on one line; over batch, groups, rows, columns."""

from __future__ import annotations

from stranger import between, case
from torch.nn import functional as F


@case("""
inputs: {x: [N, T, 5], y: [N, T, 5]}
network: |
  z = layer_norm(x)
loss: sum(z * y)
wrt: [x, gamma1, beta1]
""")
def layer_norm_of_sequences(x, y, gamma1, beta1):
    z = F.layer_norm(x, (5,), gamma1, beta1, 1e-5)
    return {"loss": (z * y).sum(), "z": z}


@case("""
inputs: {x: [d], y: [d]}
network: |
  z = layer_norm(rms_norm(x), eps=0.01)
loss: sum(z * y)
wrt: [x, gamma1, gamma2, beta2]
""")
def norms_of_one_vector(x, y, gamma1, gamma2, beta2):
    z = F.rms_norm(x, x.shape, gamma1, 1e-6)
    return (F.layer_norm(z, x.shape, gamma2, beta2, 0.01) * y).sum()


@case("""
inputs: {x: [N, 7], y: [N, 7]}
network: |
  z = rms_norm(dense(x, 7))
loss: mse(z, y)
wrt: [x, W1, b1, gamma2]
""")
def root_mean_square_norm(x, y, W1, b1, gamma2):
    return (F.rms_norm(x @ W1 + b1, (7,), gamma2, 1e-6) - y).square().mean()


@case("""
inputs: {x: [N, 5], y: [N, 5]}
params: {g: {shape: [5]}, b: {shape: [5]}}
network: |
  m[i]    = mean[n](x[n, i])
  v[i]    = mean[n]((x[n, i] - m[i])**2)
  z[n, i] = g[i] * (x[n, i] - m[i]) / sqrt(v[i] + 1e-5) + b[i]
loss: sum(z * y)
wrt: [x, g, b]
""")
def batch_norm_in_index_statements(x, y, g, b):
    return (F.batch_norm(x, None, None, g, b, training=True) * y).sum()


@case("""
inputs: {x: [N, H, 6], y: [N, H, 6]}
params: {g: {shape: [2, 3]}, b: {shape: [2, 3]}}
network: |
  u = reshape(x, N, H, 2, 3)
  m[n, k] = mean[i, c](u[n, i, k, c])
  r[n, k] = 1 / sqrt(mean[i, c]((u[n, i, k, c] - m[n, k])**2) + 1e-5)
  z[n, i, k, c] = g[k, c] * (u[n, i, k, c] - m[n, k]) * r[n, k] + b[k, c]
loss: sum(reshape(z, N, H, 6) * y)
wrt: [x, g, b]
""")
def group_norm_in_index_statements(x, y, g, b):
    z = F.group_norm(x.movedim(-1, 1), 2, g.flatten(), b.flatten(), 1e-5)
    return (z.movedim(1, -1) * y).sum()


@case("""
inputs: {x: [N, H, V, 3], y: [N, H, V, 3]}
network: |
  m[n, c] = mean[i, j](x[n, i, j, c])
  v[n, c] = mean[i, j](x[n, i, j, c]**2) - m[n, c]**2
  z[n, i, j, c] = (x[n, i, j, c] - m[n, c]) / sqrt(v[n, c] + 1e-5)
loss: sum(z * y)
wrt: [x]
""")
def instance_norm_by_moments(x, y):
    z = F.instance_norm(x.movedim(-1, 1), eps=1e-5)
    return (z.movedim(1, -1) * y).sum()


@case("""
inputs: {x: [N, 7], y: [N, 7]}
network: |
  z = (x - mean(x, axis=-1, keepdims=True)) / sqrt(mean((x - mean(x, axis=-1, keepdims=True))**2, axis=-1, keepdims=True) + 1e-5)
loss: sum(tanh(z) * y)
wrt: [x]
""")  # noqa: E501
def norm_on_one_line(x, y):
    return (F.layer_norm(x, (7,)).tanh() * y).sum()


@case("""
inputs: {x: [N, 7], y: [N, 7]}
network: |
  d = x - mean(x, axis=0)
  z = d / (sqrt(mean(d**2, axis=0)) + 0.1)
loss: sum(z * y)
wrt: [x]
""")
def deviations_by_their_own_name(x, y):
    d = x - x.mean(0)
    return (d / (d.square().mean(0).sqrt() + 0.1) * y).sum()


@case("""
inputs: {x: [N, 7], y: [N, 4]}
params: {v: {shape: [7, 4]}, g: {shape: [4]}}
network: |
  w[i, j] = g[j] * v[i, j] / sqrt(sum[k](v[k, j]**2))
  z = tanh(x @ w)
loss: mse(z, y)
""")
def weight_normalisation(x, y, v, g):
    return ((x @ (g * v / v.norm(dim=0))).tanh() - y).square().mean()


@case("""
inputs: {a: [N, 7], b: [N, 7], y: [N]}
network: |
  c = sum(a * b, axis=-1) / (sqrt(sum(a**2, axis=-1)) * sqrt(sum(b**2, axis=-1)))
loss: mse(c, y)
wrt: [a, b]
""")
def cosine_similarities(a, b, y):
    return (F.cosine_similarity(a, b) - y).square().mean()


@case(
    """
inputs: {x: [N, 7], y: [N, 7]}
network: |
  w = x / sum(x, axis=-1, keepdims=True)
loss: sum(w**2 * y)
wrt: [x]
""",
    x=between(0.5, 2.0),
)
def shares_of_the_whole(x, y):
    return ((x / x.sum(-1, keepdim=True)).square() * y).sum()


@case("""
inputs: {x: [N, 7], y: [N, 7]}
network: |
  m = mean(x, axis=-1, keepdims=True)
  s = sqrt(mean((x - m)**2, axis=-1, keepdims=True) + 0.01)
  k = mean(((x - m) / s)**3, axis=-1, keepdims=True)
  z = (x - m) / s - k * x + s**2
loss: sum(z * y)
wrt: [x]
""")
def moments_up_to_the_third(x, y):
    m = x.mean(-1, keepdim=True)
    s = ((x - m).square().mean(-1, keepdim=True) + 0.01).sqrt()
    k = ((x - m) / s).pow(3).mean(-1, keepdim=True)
    return (((x - m) / s - k * x + s.square()) * y).sum()


@case("""
inputs: {x: [N, T, 4], m: {shape: [N, T], kind: mask}, y: [N, T, 4]}
network: |
  c[n] = sum[t](where(m[n, t], 1, 0)) + 1
  u[n, d] = sum[t](where(m[n, t], x[n, t, d], 0)) / c[n]
  v[n, d] = sum[t](where(m[n, t], (x[n, t, d] - u[n, d])**2, 0)) / c[n]
  z[n, t, d] = where(m[n, t], (x[n, t, d] - u[n, d]) / sqrt(v[n, d] + 0.1), 0)
loss: sum(z * y)
wrt: [x]
""")
def statistics_of_what_a_mask_leaves(x, m, y):
    m = m[..., None]
    c = m.sum(1, keepdim=True) + 1
    u = (m * x).sum(1, keepdim=True) / c
    v = (m * (x - u).square()).sum(1, keepdim=True) / c
    return (m * (x - u) / (v + 0.1).sqrt() * y).sum()


@case("""
inputs: {x: [N, 3], y: [N, 3]}
params: {W: {shape: [3, 3]}}
network: |
  V = W / (1 + sqrt(sum(W**2)))
  z = x @ V + x * mean(x)
loss: mse(z, y)
wrt: [x, W]
""")
def statistics_of_everything(x, y, W):
    V = W / (1 + W.norm())
    return (x @ V + x * x.mean() - y).square().mean()


@case("""
inputs: {x: [N, 3], y: [N, 3]}
params: {A: {shape: [3, 3]}, w: {shape: [3]}}
network: |
  z[n, i] = x[n, i] * sum[j](A[i, j] * x[n, j]) + x[n, i] * sum[j](w[j] * x[n, j])
loss: mse(z, y)
wrt: [x, A, w]
""")
def crossed_with_itself(x, y, A, w):
    return (x * (x @ A.T) + x * (x @ w)[:, None] - y).square().mean()
