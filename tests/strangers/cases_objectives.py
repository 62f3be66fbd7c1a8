"""Objectives from the literature that no table lists."""

from __future__ import annotations

import torch
from stranger import between, case, positive_definite
from torch.nn import functional as F


@case(
    """
title: Cox's partial likelihood
inputs: {x: [N, 4], time: [N], died: {shape: [N], kind: mask}}
params: {w: {shape: [4]}}
network: |
  r = x @ w
  risk[i] = logsumexp[j](where(time[j] >= time[i], r[j], -1e30))
loss: sum[i](where(died[i], risk[i] - r[i], 0)) / N
wrt: [w, x]
""",
    time=between(0, 5),
)
def proportional_hazards(x, time, died, w):
    r = x @ w
    total = 0
    for i in torch.nonzero(died).flatten():
        total = total + torch.logsumexp(r[time >= time[i]], 0) - r[i]
    return total / len(r) if died.any() else r.sum() * 0


@case(
    """
inputs: {x: [N, 3], y: [N]}
params: {tau: {shape: [5], trainable: false}}
network: |
  q = dense(x, 5)
  e[n, k] = y[n] - q[n, k]
  pinball[n, k] = maximum(tau[k] * e[n, k], (tau[k] - 1) * e[n, k])
  crossing[n, k] = where(k > 0, relu(q[n, 0] - q[n, k])**2, 0)
loss: mean(pinball) + 0.5 * mean(crossing)
""",
    tau=between(0.05, 0.95),
)
def quantiles(x, y, tau, W1, b1):
    q = x @ W1 + b1
    e = y[:, None] - q
    pinball = torch.where(e >= 0, tau * e, (tau - 1) * e)
    return pinball.mean() + 0.5 * F.relu(q[:, :1] - q).square().mean()


@case(
    """
inputs: {x: [N, 4], y: [N], count: [N]}
network: |
  mu = dense(x, 1)
  s = dense(x, 1)
  rate = dense(tanh(dense(x, 3)), 1)
  gauss[n] = s[n, 0] / 2 + (y[n] - mu[n, 0])**2 / (2 * exp(s[n, 0]))
  poisson[n] = exp(rate[n, 0]) - count[n] * rate[n, 0]
losses:
  spread: {value: mean(gauss), wrt: [W1, b1, W2, b2]}
  counts: {value: mean(poisson), wrt: [W4, b4, W3, b3, x]}
""",
    count=between(0, 4),
)
def noise_models(x, y, count, W1, b1, W2, b2, W3, b3, W4, b4):
    mu, s = (x @ W1 + b1)[:, 0], (x @ W2 + b2)[:, 0]
    rate = (torch.tanh(x @ W3 + b3) @ W4 + b4)[:, 0]
    return {
        "spread": F.gaussian_nll_loss(mu, y, s.exp(), eps=0.0),
        "counts": F.poisson_nll_loss(rate, count),
    }


@case("""
constants: {alpha: 0.25, focus: 2}
inputs: {x: [N, H, W, 3], y: {shape: [N, H, W], kind: mask}}
network: |
  z = dense(x, 1)
  p[n, h, w] = sigmoid(z[n, h, w, 0])
  hit[n, h, w] = where(y[n, h, w], p[n, h, w], 1 - p[n, h, w])
  a[n, h, w] = where(y[n, h, w], alpha, 1 - alpha)
  focal = mean(-a * (1 - hit)**focus * log(hit))
  both[n] = sum[h, w](where(y[n, h, w], p[n, h, w], 0))
  either[n] = sum[h, w](p[n, h, w] + where(y[n, h, w], 1, 0))
  dice = 1 - mean((2 * both + 1) / (either + 1))
loss: focal + dice
wrt: [W1, b1, x]
""")
def segmentation(x, y, W1, b1):
    z = (x @ W1 + b1)[..., 0]
    t = y.to(x.dtype)
    ce = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    p = z.sigmoid()
    hit = p * t + (1 - p) * (1 - t)
    focal = ((0.25 * t + 0.75 * (1 - t)) * (1 - hit) ** 2 * ce).mean()
    inside = (p * t).sum((1, 2))
    return focal + 1 - ((2 * inside + 1) / (p.sum((1, 2)) + t.sum((1, 2)) + 1)).mean()


@case("""
dims: {entities: 8, relations: 3, d: 4}
inputs:
  h: {shape: [N], classes: entities}
  r: {shape: [N], classes: relations}
  t: {shape: [N], classes: entities}
  wrong: {shape: [N], classes: entities}
params:
  E: {shape: [entities, d]}
  R: {shape: [relations, d]}
network: |
  good[n] = sum[k](abs(E[h[n], k] + R[r[n], k] - E[t[n], k]))
  bad[n] = sum[k](abs(E[h[n], k] + R[r[n], k] - E[wrong[n], k]))
loss: mean(relu(1 + good - bad)) + sum[e](relu(sum[k](E[e, k]**2) - 1))
""")
def translated_entities(h, r, t, wrong, E, R):
    def distance(tail):
        return (E[h] + R[r] - E[tail]).norm(p=1, dim=1)

    margin = F.relu(1 + distance(t) - distance(wrong))
    return margin.mean() + F.relu(E.square().sum(1) - 1).sum()


@case(
    """
inputs: {x: [N, 5], noise: [N, 2]}
network: |
  h = tanh(dense(x, 6, name=enc))
  mu = dense(h, 2, name=mu)
  logvar = dense(h, 2, name=logvar)
  z = mu + exp(logvar / 2) * noise
  y = sigmoid(dense(tanh(dense(z, 6, name=dec)), 5, name=out))
loss: 5 * binary_cross_entropy(y, x) + kl_normal(mu, logvar)
outputs: [y, z]
""",
    x=between(0, 1),
)
def variational(x, noise, W_enc, b_enc, W_mu, b_mu, W_logvar, b_logvar, W_dec, b_dec, W_out, b_out):
    h = torch.tanh(x @ W_enc + b_enc)
    mu, logvar = h @ W_mu + b_mu, h @ W_logvar + b_logvar
    z = mu + (logvar / 2).exp() * noise
    y = torch.sigmoid(torch.tanh(z @ W_dec + b_dec) @ W_out + b_out)
    rec = F.binary_cross_entropy(y, x, reduction="sum") / len(x)
    normal = torch.distributions.Normal
    kl = torch.distributions.kl_divergence(normal(mu, (logvar / 2).exp()), normal(0.0, 1.0))
    return {"loss": rec + kl.sum(1).mean(), "y": y, "z": z}


@case(
    """
inputs: {x: [N, 3], S: [3, 3], y: {shape: [N], classes: 4}}
params: {mu: {shape: [4, 3]}, cut: {shape: [3]}, logit: {shape: [4]}}
network: |
  d[n, k, i] = x[n, i] - mu[k, i]
  maha[n, k] = sum[i, j](d[n, k, i] * S[i, j] * d[n, k, j])
  s[n, k] = logit[k] - maha[n, k] / 2
  post = exp(s) / sum(exp(s), axis=1, keepdims=True)
  above[n, c] = sigmoid(sum[i](x[n, i]) - cut[c])
  ordinal[n, c] = where(y[n] > c, -log(above[n, c]), -log(1 - above[n, c]))
loss: cross_entropy(post, y) + mean(ordinal)
wrt: [mu, cut, logit, x, S]
""",
    S=positive_definite,
)
def discriminant_analysis(x, S, y, mu, cut, logit):
    d = x[:, None] - mu
    s = logit - torch.einsum("nki,ij,nkj->nk", d, S, d) / 2
    u = x.sum(1, keepdim=True) - cut
    target = (y[:, None] > torch.arange(3)).to(x.dtype)
    return F.cross_entropy(s, y) + F.binary_cross_entropy_with_logits(u, target)


@case(
    """
title: Points in the hyperbolic disc
inputs: {i: {shape: [N], classes: 6}, j: {shape: [N], classes: 6}, y: [N]}
params: {P: {shape: [6, 2], init: "uniform(-0.1, 0.1)"}}
network: |
  gap[n] = sum[k]((P[i[n], k] - P[j[n], k])**2)
  near[n] = 1 - sum[k](P[i[n], k]**2)
  far[n] = 1 - sum[k](P[j[n], k]**2)
  c[n] = 1.001 + 2 * gap[n] / (near[n] * far[n])
  d = log(c + sqrt(c**2 - 1))
loss: mse(d, y)
""",
    P=between(-0.6, 0.6),
)
def hyperbolic_distance(i, j, y, P):
    u, v = P[i], P[j]
    norm = (1 - u.square().sum(1)) * (1 - v.square().sum(1))
    return (torch.acosh(1.001 + 2 * (u - v).square().sum(1) / norm) - y).square().mean()
