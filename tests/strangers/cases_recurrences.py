"""Recurrences: layers and statements, both directions, several at once, initial and cut states."""

from __future__ import annotations

import torch
from stranger import between, case, normal
from torch.nn import functional as F


def zeros(like, width):
    return like.new_zeros((like.shape[0], width))


def stacked(steps):
    """[N, T, …] from one array a step."""
    return torch.stack(list(steps), dim=1)


def run_rnn(x, W, U, b, h=None, order=None, cut=0):
    T = x.shape[1]
    h = zeros(x, U.shape[0]) if h is None else h
    found = [None] * T
    for count, t in enumerate(range(T) if order is None else order):
        before = h.detach() if cut and count % cut == 0 else h
        h = found[t] = torch.tanh(x[:, t] @ W + before @ U + b)
    return stacked(found)


def run_gru(x, W, U, b, order=None):
    T = x.shape[1]
    h = zeros(x, U["z"].shape[0])
    found = [None] * T
    for t in range(T) if order is None else order:
        z, r = (torch.sigmoid(x[:, t] @ W[g] + h @ U[g] + b[g]) for g in "zr")
        new = torch.tanh(x[:, t] @ W["h"] + (r * h) @ U["h"] + b["h"])
        h = found[t] = (1 - z) * new + z * h
    return stacked(found)


def run_lstm(x, W, U, b, order=None):
    T = x.shape[1]
    h = c = zeros(x, U["i"].shape[0])
    found = [None] * T
    for t in range(T) if order is None else order:
        i, f, o = (torch.sigmoid(x[:, t] @ W[g] + h @ U[g] + b[g]) for g in "ifo")
        g = torch.tanh(x[:, t] @ W["g"] + h @ U["g"] + b["g"])
        c = f * c + i * g
        h = found[t] = o * torch.tanh(c)
    return stacked(found)


def reversed_of(x):
    return range(x.shape[1] - 1, -1, -1)


@case("""
inputs: {a: [N, T, 3], y: [N, T, 3]}
params: {U: {shape: [3, 3]}}
network: |
  h[n, t, i] = tanh(a[n, t, i] + sum[k](U[k, i] * h[n, t - 1, k]))
loss: mse(h, y)
wrt: [U, a, y]
""")
def recurrence_of_the_page(a, y, U):
    h = run_rnn(a, torch.eye(3, dtype=a.dtype), U, 0.0)
    return {"loss": F.mse_loss(h, y), "h": h}


@case("""
inputs: {x: [N, T, 4], y: {shape: [N, T], classes: 6}}
network: |
  h = rnn(x, 5)
  z = dense(h, 6)
loss: cross_entropy(softmax(z), y)
""")
def rnn_tagger(x, y, W1, U1, b1, W2, b2):
    z = run_rnn(x, W1, U1, b1) @ W2 + b2
    return {"loss": F.cross_entropy(z.flatten(0, 1), y.flatten()), "z": z}


@case("""
inputs: {x: [N, T, 4], y: {shape: [N], classes: 3}}
network: |
  h = gru(x, 5)
  z = dense(last(h), 3)
loss: cross_entropy(softmax(z), y)
wrt: [W1_z, W1_r, W1_h, U1_z, U1_r, U1_h, b1_z, b1_r, b1_h, W2, x]
""")
def gru_classifier(x, y, W1_z, W1_r, W1_h, U1_z, U1_r, U1_h, b1_z, b1_r, b1_h, W2, b2):
    W, U = {"z": W1_z, "r": W1_r, "h": W1_h}, {"z": U1_z, "r": U1_r, "h": U1_h}
    h = run_gru(x, W, U, {"z": b1_z, "r": b1_r, "h": b1_h})
    return F.cross_entropy(h[:, -1] @ W2 + b2, y)


@case("""
inputs: {ids: {shape: [N, T], classes: 11}, y: {shape: [N, T], classes: 11}}
network: |
  e = embedding(ids, 3)
  h = lstm(e, 5, name=cell)
  z = dense(h, 11)
loss: cross_entropy(softmax(z), y)
""")
def character_lstm(
    ids, y, E1, W_cell_i, U_cell_i, b_cell_i, W_cell_f, U_cell_f, b_cell_f,
    W_cell_g, U_cell_g, b_cell_g, W_cell_o, U_cell_o, b_cell_o, W2, b2,
):  # fmt: skip
    W = {"i": W_cell_i, "f": W_cell_f, "g": W_cell_g, "o": W_cell_o}
    U = {"i": U_cell_i, "f": U_cell_f, "g": U_cell_g, "o": U_cell_o}
    b = {"i": b_cell_i, "f": b_cell_f, "g": b_cell_g, "o": b_cell_o}
    z = run_lstm(E1[ids], W, U, b) @ W2 + b2
    return F.cross_entropy(z.flatten(0, 1), y.flatten())


@case("""
inputs: {x: [N, T, 4], y: [N, T, 2]}
network: |
  f = rnn(x, 3)
  g = rnn(x, 5, reverse=True)
  z = dense(concat(f, g), 2)
loss: mse(z, y) + l2(0.1)
""")
def bidirectional(x, y, W1, U1, b1, W2, U2, b2, W3, b3):
    both = torch.cat([run_rnn(x, W1, U1, b1), run_rnn(x, W2, U2, b2, order=reversed_of(x))], -1)
    squares = sum(p.square().sum() for p in (W1, U1, W2, U2, W3))
    return F.mse_loss(both @ W3 + b3, y) + 0.05 * squares


@case("""
inputs: {x: [N, T, 4]}
network: |
  a = rnn(x, 3)
  b = rnn(a, 5)
  c = rnn(b, 3, reverse=True)
loss: mean((c - a)**2)
wrt: [W1, U1, b1, W2, U2, b2, W3, U3, b3, x]
""")
def stack_of_three(x, W1, U1, b1, W2, U2, b2, W3, U3, b3):
    a = run_rnn(x, W1, U1, b1)
    b = run_rnn(a, W2, U2, b2)
    return (run_rnn(b, W3, U3, b3, order=reversed_of(x)) - a).square().mean()


@case("""
inputs: {x: [N, T, 4], y: [N, T, 3]}
network: h = rnn(x, 3, steps=2)
loss: mse(h, y)
""")
def truncated(x, y, W1, U1, b1):
    return F.mse_loss(run_rnn(x, W1, U1, b1, cut=2), y)


@case("""
inputs: {x: [N, T, 4], h0: [N, 3], y: [N, T, 3]}
params: {A: {shape: [3, 3]}, B: {shape: [4, 3]}}
network: |
  h[n, -1, i] = h0[n, i]
  h[n, t, i] = tanh(sum[k](h[n, t - 1, k] * A[k, i]) + sum[d](x[n, t, d] * B[d, i]))
loss: half_sse(h, y)
wrt: [A, B, h0]
""")
def given_first_state(x, h0, y, A, B):
    h = run_rnn(x, B, A, 0.0, h=h0)
    return 0.5 * (h - y).square().sum(-1).mean()


@case("""
inputs: {x: [N, T, 4], y: [N, T, 3]}
params: {A: {shape: [3, 3]}, B: {shape: [4, 3]}, start: {shape: [3]}}
network: |
  first[n, i] = tanh(start[i]) + 0 * x[n, 0, 0]
  h[n, -1, i] = first[n, i]
  h[n, t, i] = sum[k](h[n, t - 1, k] * A[k, i]) + sum[d](x[n, t, d] * B[d, i])
loss: mse(h, y)
""")
def learned_first_state(x, y, A, B, start):
    h, found = torch.tanh(start).expand(x.shape[0], 3), []
    for t in range(x.shape[1]):
        h = h @ A + x[:, t] @ B
        found.append(h)
    return F.mse_loss(stacked(found), y)


@case("""
inputs: {x: [T, N]}
params: {a: {shape: []}, b: {shape: []}}
network: |
  s[t, n] = a * s[t - 1, n] + b * s[t - 2, n] + x[t, n]
loss: mean(s**2)
wrt: [a, b, x]
""")
def two_steps_back(x, a, b):
    s = [torch.zeros_like(x[0])] * 2
    for row in x:
        s.append(a * s[-1] + b * s[-2] + row)
    return {"loss": torch.stack(s[2:]).square().mean(), "s": torch.stack(s[2:])}


@case("""
inputs: {x: [T], y: [T]}
params: {a: {shape: []}, b: {shape: []}}
network: |
  s[t] = tanh(a * s[t + 1] + b * x[t])
loss: mean((s - y)**2)
wrt: [a, b, x]
""")
def one_number_a_step(x, y, a, b):
    s, found = torch.zeros_like(a), []
    for entry in x.flip(0):
        s = torch.tanh(a * s + b * entry)
        found.append(s)
    return (torch.stack(found).flip(0) - y).square().mean()


@case(
    """
inputs: {e: [N, T, 5]}
params: {A: {shape: [5, 5]}}
network: |
  alpha[n, t, j] = logsumexp[i](alpha[n, t - 1, i] + A[i, j]) + e[n, t, j]
  whole[n] = logsumexp[j](alpha[n, T - 1, j])
loss: mean(whole)
wrt: [A, e]
""",
    e=normal(3.0),
)
def partition_function_of_a_chain(e, A):
    alpha = e.new_zeros(e.shape[0], 5)
    for t in range(e.shape[1]):
        alpha = torch.logsumexp(alpha[:, :, None] + A, 1) + e[:, t]
    return torch.logsumexp(alpha, 1).mean()


@case("""
inputs: {e: [N, T, 5]}
params: {A: {shape: [5, 5]}}
network: |
  best[n, t, j] = max[i](best[n, t - 1, i] + A[i, j]) + e[n, t, j]
  score[n] = max[j](best[n, T - 1, j])
loss: mean(score)
wrt: [A, e]
""")
def best_path(e, A):
    best = e.new_zeros(e.shape[0], 5)
    for t in range(e.shape[1]):
        best = (best[:, :, None] + A).max(1).values + e[:, t]
    return best.max(1).values.mean()


@case("""
inputs: {x: [N, T, 3]}
params: {Wk: {shape: [3, 2]}, Wv: {shape: [3, 4]}, Wq: {shape: [3, 2]}, g: {shape: [2]}}
network: |
  k = tanh(x @ Wk)
  v = x @ Wv
  q = x @ Wq
  S[n, t, i, j] = sigmoid(g[i]) * S[n, t - 1, i, j] + k[n, t, i] * v[n, t, j]
  o[n, t, j] = sum[i](S[n, t, i, j] * q[n, t, i])
loss: mean(o**2)
wrt: [Wk, Wv, Wq, g, x]
""")
def gated_linear_attention(x, Wk, Wv, Wq, g):
    S, found = 0.0, []
    k, v, q = torch.tanh(x @ Wk), x @ Wv, x @ Wq
    for t in range(x.shape[1]):
        S = torch.sigmoid(g)[:, None] * S + k[:, t, :, None] * v[:, t, None, :]
        found.append(torch.einsum("nij,ni->nj", S, q[:, t]))
    return stacked(found).square().mean()


@case("""
inputs: {x: [N, T, 3]}
params: {A: {shape: [2, 2]}, B: {shape: [3, 2]}, C: {shape: [2, 3]}, D: {shape: [3]}}
network: |
  u = x @ B
  s[n, t, i] = sum[k](A[k, i] * s[n, t - 1, k]) + where(t > 0, u[n, t - 1, i], u[n, t, i])
  p[n, t, d] = sum[i](s[n, t, i] * C[i, d]) + D[d] * s[n, t, 0]
loss: half_sse(p, x)
wrt: [A, B, C, D, x]
""")
def state_space(x, A, B, C, D):
    s = zeros(x, 2)
    found = []
    for t in range(x.shape[1]):
        s = s @ A + x[:, t - 1 if t else 0] @ B
        found.append(s @ C + D * s[:, :1])
    return 0.5 * (stacked(found) - x).square().sum(-1).mean()


@case("""
inputs: {x: [N, T], m: {shape: [N, T], kind: mask}}
params: {a: {shape: [3]}, b: {shape: [3]}}
network: |
  u[n, t, i] = tanh(a[i] * w[n, t - 1, i] + x[n, t])
  w[n, t, i] = where(m[n, t], b[i] * u[n, t, i], w[n, t - 1, i] + 0.1 * t)
loss: mean(w**2)
wrt: [a, b, x]
""")
def masked_pair(x, m, a, b):
    w, found = zeros(x, 3), []
    for t in range(x.shape[1]):
        u = torch.tanh(a * w + x[:, t, None])
        w = torch.where(m[:, t, None], b * u, w + 0.1 * t)
        found.append(w)
    return stacked(found).square().mean()


@case("""
inputs: {ids: {shape: [N, T], classes: 7}, y: {shape: [N, T], classes: 4}}
params: {E: {shape: [7, 4]}, U: {shape: [4, 4]}}
network: |
  h[n, t, i] = max[k](E[ids[n, t], k] * U[k, i] + h[n, t - 1, k])
loss: cross_entropy(softmax(h), y)
""")
def invented_cell_with_gather_and_max(ids, y, E, U):
    h, found = E.new_zeros(ids.shape[0], 4), []
    for t in range(ids.shape[1]):
        h = (E[ids[:, t]][:, :, None] * U + h[:, :, None]).max(1).values
        found.append(h)
    return F.cross_entropy(stacked(found).flatten(0, 1), y.flatten())


@case(
    """
inputs: {x: [N, T, 3], y: [N, T, 3]}
params: {r: {shape: [3]}}
network: |
  m[n, t, i] = r[i] * m[n, t - 1, i] + (1 - r[i]) * x[n, t, i]
  v[n, t, i] = r[i] * v[n, t - 1, i] + (1 - r[i]) * (x[n, t, i] - m[n, t, i])**2
  z = (x - m) / sqrt(v + 0.1)
loss: mse(z, y)
wrt: [r, x]
""",
    r=between(0.2, 0.9),
)
def running_normalisation(x, y, r):
    m = v = zeros(x, 3)
    means, variances = [], []
    for t in range(x.shape[1]):
        m = r * m + (1 - r) * x[:, t]
        v = r * v + (1 - r) * (x[:, t] - m) ** 2
        means.append(m)
        variances.append(v)
    z = (x - stacked(means)) / (stacked(variances) + 0.1).sqrt()
    return F.mse_loss(z, y)
