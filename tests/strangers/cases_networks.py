"""Whole networks: shared, frozen and unused parts, several losses, constants in the middle."""

from __future__ import annotations

import torch
from stranger import between, case, normal
from torch.nn import functional as F


@case(
    """
inputs: {left: [N, 5], right: [N, 5], same: [N]}
network: |
  a = dense(relu(dense(left, 7, name=enc)), 3, name=out)
  b = dense(relu(dense(right, 7, name=enc)), 3, name=out)
  d = sqrt(sum((a - b)**2, axis=1) + 1e-6)
  l = same * d**2 + (1 - same) * relu(1 - d)**2
loss: mean(l)
""",
    same=between(0, 1),
)
def siamese(left, right, same, W_enc, b_enc, W_out, b_out):
    def net(x):
        return F.relu(x @ W_enc + b_enc) @ W_out + b_out

    d = ((net(left) - net(right)).square().sum(1) + 1e-6).sqrt()
    return (same * d**2 + (1 - same) * F.relu(1 - d) ** 2).mean()


@case(
    """
inputs: {x: [N, 6]}
params: {W: {shape: [6, 3]}, b: {shape: [3]}, c: {shape: [6]}}
network: |
  h = sigmoid(x @ W + b)
  r = sigmoid(h @ W.T + c)
  again = r @ W
loss: binary_cross_entropy(r, x) + mean((again - h)**2) + l2(0.1)
""",
    x=between(0, 1),
)
def tied_autoencoder(x, W, b, c):
    h = torch.sigmoid(x @ W + b)
    r = torch.sigmoid(h @ W.T + c)
    return F.binary_cross_entropy(r, x) + (r @ W - h).square().mean() + 0.05 * W.square().sum()


@case("""
inputs:
  x: [N, 4]
  y: [N, 2]
  diary: [N, 8]
  weekday: {shape: [N], classes: 7}
params: {spare: {shape: [4, 3]}}
network: |
  h = tanh(dense(x, 5))
  p = dense(h, 2)
  side = x @ spare
  other = dense(side, 2)
loss: mse(p, y)
outputs: [p, side, other]
""")
def unused_parts(x, y, spare, W1, b1, W2, b2, W3, b3):
    p = torch.tanh(x @ W1 + b1) @ W2 + b2
    side = x @ spare
    return {"loss": F.mse_loss(p, y), "p": p, "side": side, "other": side @ W3 + b3}


@case("""
inputs: {x: [N, 4], y: {shape: [N], classes: 3}}
params:
  P: {shape: [4, 5], init: he_normal, trainable: false}
  W: {shape: [5, 3], init: glorot_normal}
  g: {shape: [3], init: ones, trainable: false}
network: |
  s = relu(x @ P) @ W * g
loss: cross_entropy(softmax(s), y) + l2(0.2)
""")
def frozen_features(x, y, P, W, g):
    s = F.relu(x @ P) @ W * g
    return F.cross_entropy(s, y) + 0.1 * (P.square().sum() + W.square().sum())


@case("""
inputs: {x: [N, 6], y: {shape: [N], classes: 4}, e: [6]}
params: {W: {shape: [6, 4], trainable: false}}
network: |
  moved = x + 0.1 * e
  p = softmax(gelu(moved) @ W)
loss: cross_entropy(p, y)
wrt: [x, e, W]
""")
def adversarial_example(x, y, e, W):
    return F.cross_entropy(F.gelu(x + 0.1 * e) @ W, y)


@case("""
dims: {noise: 3}
inputs: {real: [N, 4], z: [N, noise]}
network: |
  fake = dense(relu(dense(z, 6, name=g1)), 4, name=g2)
  on_fake = sigmoid(dense(relu(dense(fake, 5, name=d1)), 1, name=d2))
  on_real = sigmoid(dense(relu(dense(real, 5, name=d1)), 1, name=d2))
losses:
  critic: {value: -mean(log(on_real)) - mean(log(1 - on_fake)), wrt: [W_d1, b_d1, W_d2, b_d2]}
  forger: {value: -mean(log(on_fake)), wrt: [W_g1, b_g1, W_g2, b_g2]}
outputs: [fake]
""")
def adversarial_nets(real, z, W_g1, b_g1, W_g2, b_g2, W_d1, b_d1, W_d2, b_d2):
    def judge(x):
        return F.relu(x @ W_d1 + b_d1) @ W_d2 + b_d2

    fake = F.relu(z @ W_g1 + b_g1) @ W_g2 + b_g2
    critic = F.softplus(-judge(real)).mean() + F.softplus(judge(fake)).mean()
    return {"critic": critic, "forger": F.softplus(-judge(fake)).mean(), "fake": fake}


@case("""
inputs: {s: [N, 4], a: {shape: [N], classes: 3}, r: [N]}
network: |
  body = tanh(dense(s, 6))
  logp = log_softmax(dense(body, 3))
  value = dense(body, 1)
  v[n] = value[n, 0]
  gain = stop_gradient(r - v)
  chosen[n] = logp[n, a[n]]
  spread = -sum(exp(logp) * logp, axis=1)
losses:
  actor: {value: -mean(chosen * gain) - 0.01 * mean(spread), wrt: [W1, b1, W2, b2]}
  critic: {value: 'half_sse(v, r)', wrt: [W1, b1, W3, b3]}
  both: {value: 'mean((r - v)**2 - chosen * gain)'}
""")
def actor_and_critic(s, a, r, W1, b1, W2, b2, W3, b3):
    body = torch.tanh(s @ W1 + b1)
    logp = F.log_softmax(body @ W2 + b2, 1)
    v = (body @ W3 + b3)[:, 0]
    chosen = logp[torch.arange(len(a)), a]
    entropy = torch.distributions.Categorical(logits=logp).entropy()
    actor = -(chosen * (r - v).detach()).mean()
    return {
        "actor": actor - 0.01 * entropy.mean(),
        "critic": (v - r).square().mean() / 2,
        "both": (r - v).square().mean() + actor,
    }


@case("""
title: Vector quantisation; the nearest codes are found outside
inputs: {x: [N, 6], code: {shape: [N], classes: 5}}
params: {C: {shape: [5, 3]}}
constants: {beta: 0.25}
network: |
  e = dense(x, 3)
  q[n, k] = C[code[n], k]
  through = e + stop_gradient(q - e)
  y = dense(through, 6)
  pull = mean((stop_gradient(e) - q)**2) + beta * mean((e - stop_gradient(q))**2)
loss: mse(y, x) + pull
outputs: [through]
""")
def straight_through(x, code, C, W1, b1, W2, b2):
    e = x @ W1 + b1
    q = C[code]
    through = e + (q - e).detach()
    pull = F.mse_loss(e.detach(), q) + 0.25 * F.mse_loss(e, q.detach())
    return {"loss": F.mse_loss(through @ W2 + b2, x) + pull, "through": through}


@case("""
inputs:
  x: [N, 2, 3, 5]
  kind: {shape: [N, 2], classes: 9}
  y: [N, 4]
network: |
  e = embedding(kind, 5)
  r = reshape(e, N, 2, 1, 5)
  three = concat(x, r, 2 * r, axis=2)
  t = transpose(three, 0, 3, 1, 2)
  f = flatten(t)
  h = tanh(dense(f, 6))
  g = dense(transpose(x, 0, 2, 1, 3), 4, bias=False, axes=3)
  u = reshape(concat(h, g), -1, 5)
  p = dense(concat(reshape(u, N, 10), g, h), 4)
loss: mse(p, y) + mean(u**2)
wrt: [E1, W2, b2, W3, W4, b4, x]
""")
def reshaping(x, kind, y, E1, W2, b2, W3, W4, b4):
    n = x.shape[0]
    r = E1[kind][:, :, None]
    three = torch.cat([x, r, 2 * r], 2)
    h = torch.tanh(three.permute(0, 3, 1, 2).reshape(n, -1) @ W2 + b2)
    g = torch.einsum("niak,aiko->no", x, W3)
    u = torch.cat([h, g], 1).reshape(-1, 5)
    p = torch.cat([u.reshape(n, 10), g, h], 1) @ W4 + b4
    return F.mse_loss(p, y) + u.square().mean()


@case("""
inputs: {x: [N, 4, 5], y: [N, 3]}
network: |
  a = dense(x, 6, axes=2)
  b = dense(x, 2, bias=False)
  c = dense(concat(a, reshape(b, N, -1), a * a), 3, name=top, bias=False)
loss: half_sse(c, y)
""")
def dense_over_axes(x, y, W1, b1, W2, W_top):
    a = torch.tensordot(x, W1, 2) + b1
    b = torch.matmul(x, W2)
    return ((torch.cat([a, b.flatten(1), a * a], 1) @ W_top - y) ** 2).sum(1).mean() / 2


@case("""
inputs: {x: [N, 3], dt: []}
network: |
  h0 = dense(x, 4, name=lift)
  h1 = h0 + dt * tanh(dense(h0, 4, name=step))
  h2 = h1 + dt * tanh(dense(h1, 4, name=step))
  h3 = h2 + dt * tanh(dense(h2, 4, name=step))
loss: mean(h3**2) + mean(abs(h1))
wrt: [W_lift, b_lift, W_step, b_step, dt, x]
""")
def three_steps_of_one_layer(x, dt, W_lift, b_lift, W_step, b_step):
    hs = [x @ W_lift + b_lift]
    for _ in range(3):
        hs.append(hs[-1] + dt * torch.tanh(hs[-1] @ W_step + b_step))
    return hs[3].square().mean() + hs[1].abs().mean()


@case("""
inputs: {x: [N, 3], y: {shape: [N], classes: 6}, w: [6], keep: {shape: [N, 5], kind: mask}}
network: |
  h = where(keep, relu(dense(x, 5)) / 0.8, 0)
  s = dense(h, 6)
  guess = sum(s, axis=1)
  late[n] = w[y[n]] * (guess[n] - y[n] / 5)**2 * where(y[n] > 2, 2, 1)
loss: mean(late)
wrt: [W1, b1, W2, b2, w]
""")
def labels_as_numbers(x, y, w, keep, W1, b1, W2, b2):
    h = F.relu(x @ W1 + b1) * keep / 0.8
    guess = (h @ W2 + b2).sum(1)
    factor = torch.where(y > 2, 2.0, 1.0).to(x.dtype)
    return (w[y] * (guess - y.to(x.dtype) / 5) ** 2 * factor).mean()


@case(
    """
dims: {experts: 4, hidden: 3}
inputs: {x: [N, 5], y: [N, 2]}
params:
  A: {shape: [experts, 5, hidden], init: normal(0.3)}
  B: {shape: [experts, hidden, 2], init: normal(0.3)}
  c: {shape: [experts, 2], init: zeros}
network: |
  gate = softmax(dense(x, experts, bias=False))
  h[n, e, j] = silu(sum[i](x[n, i] * A[e, i, j]))
  o[n, e, k] = sum[j](h[n, e, j] * B[e, j, k]) + c[e, k]
  p[n, k] = sum[e](gate[n, e] * o[n, e, k])
  load = mean(gate, axis=0)
loss: mse(p, y) + 0.1 * experts * sum(load**2)
outputs: [p, gate]
""",
    A=normal(0.4),
)
def mixture_of_experts(x, y, A, B, c, W1):
    gate = torch.softmax(x @ W1, 1)
    o = torch.einsum("nej,ejk->nek", F.silu(torch.einsum("ni,eij->nej", x, A)), B) + c
    p = (gate[:, :, None] * o).sum(1)
    loss = F.mse_loss(p, y) + 0.4 * gate.mean(0).square().sum()
    return {"loss": loss, "p": p, "gate": gate}
