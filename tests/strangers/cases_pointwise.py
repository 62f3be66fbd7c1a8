"""Every pointwise function, each weighed by a parameter of its own so that none hides another."""

from __future__ import annotations

import torch
from stranger import between, case
from torch.nn import functional as F


@case("""
inputs: {x: [N, 5]}
params: {w: {shape: [11, 5]}}
network: |
  a[n, i] = exp(w[0, i] * x[n, i]) + log(2 + sin(w[1, i] * x[n, i]))
  b[n, i] = log1p(x[n, i]**2 * w[2, i]**2) - expm1(w[3, i] * x[n, i] / 2)
  c[n, i] = sqrt(1 + (w[4, i] * x[n, i])**2) * abs(w[5, i] + x[n, i]) * sign(w[5, i] - x[n, i])
  d[n, i] = cos(w[6, i] * x[n, i]) + tan(w[7, i] * x[n, i] / 5)
  e[n, i] = sinh(w[8, i] * x[n, i]) - cosh(w[9, i] - x[n, i]) * tanh(w[10, i] * x[n, i])
loss: mean((a + b) * c + d * e)
wrt: [w, x]
""")
def elementary_functions(x, w):
    u = [row * x for row in w]
    a = u[0].exp() + (2 + u[1].sin()).log()
    b = torch.log1p(x**2 * w[2] ** 2) - torch.expm1(u[3] / 2)
    c = (1 + u[4] ** 2).sqrt() * (w[5] + x).abs() * (w[5] - x).sign()
    d = u[6].cos() + (u[7] / 5).tan()
    e = u[8].sinh() - (w[9] - x).cosh() * u[10].tanh()
    return ((a + b) * c + d * e).mean()


@case("""
inputs: {x: [N, 4]}
params: {a: {shape: [4]}, c: {shape: []}}
network: |
  z = 1.7 * x * a + c
  p = arctan(z) * erf(z) + sigmoid(z) * softplus(2 * z)
  q = gelu(z) - 3 * gelu_tanh(z + 1)
loss: mean(p) + sum(q) + mean(silu(z)**2) + mean(mish(z) * softsign(z - 1))
wrt: [a, c, x]
""")
def smooth_activations(x, a, c):
    z = 1.7 * x * a + c
    one = (z.atan() * z.erf() + z.sigmoid() * F.softplus(2 * z)).mean()
    two = (F.gelu(z) - 3 * F.gelu(z + 1, approximate="tanh")).sum()
    return one + two + F.silu(z).square().mean() + (F.mish(z) * F.softsign(z - 1)).mean()


@case("""
inputs: {x: [N, M]}
params: {a: {shape: [M]}, c: {shape: []}}
network: |
  z = 3 * x * a + c
  p = relu(z) + leaky_relu(z - 0.1) * leaky_relu(z, slope=0.3) + leaky_relu(z, 0.2)
  q = elu(z) * selu(z + 0.2) + elu(z, alpha=1.6)
  r = hard_sigmoid(2 * z) * hard_tanh(z) + relu6(3 * z)
loss: mean(p) + mean(q * r) + sum(r)
wrt: [a, c, x]
""")
def kinked_activations(x, a, c):
    z = 3 * x * a + c
    p = F.relu(z) + F.leaky_relu(z - 0.1) * F.leaky_relu(z, 0.3) + F.leaky_relu(z, 0.2)
    q = F.elu(z) * F.selu(z + 0.2) + F.elu(z, 1.6)
    r = (2 * z + 3).clamp(0, 6) / 6 * F.hardtanh(z) + F.relu6(3 * z)
    return p.mean() + (q * r).mean() + r.sum()


@case("""
inputs: {x: [N, 4], y: [4]}
params: {w: {shape: [4]}, low: {shape: []}}
constants: {high: 0.8}
network: |
  z = x * w
  a = maximum(z, y) * minimum(z, 2 * w)
  b = clip(z, -0.3, high) + maximum(z, 0) - minimum(0.1, z)
  c = clip(2 * z, low, low + 1)
loss: mean(a + b**2 + c * z)
wrt: [w, low, x, y]
""")
def limits(x, y, w, low):
    z = x * w
    a = torch.maximum(z, y.expand_as(z)) * torch.minimum(z, 2 * w)
    b = z.clamp(-0.3, 0.8) + z.clamp(min=0) - z.clamp(max=0.1)
    c = torch.minimum(torch.maximum(2 * z, low), low + 1)
    return (a + b**2 + c * z).mean()


@case(
    """
inputs: {x: [N, 3]}
params: {w: {shape: [3]}}
network: |
  z = x * w
  a = sqrt(exp(log(z))) / log(1 + z)
  b = exp(-exp(-z)) * log(sinh(z)) + abs(log(abs(z - 1)))
  c = sigmoid(sigmoid(z))**2 / tanh(softplus(z))
loss: mean(a * b) + mean(1 / c)
wrt: [w, x]
""",
    x=between(0.4, 2),
    w=between(0.3, 1.1),
)
def functions_of_functions(x, w):
    z = x * w
    a = z.sqrt() / torch.log1p(z)
    b = torch.exp(-torch.exp(-z)) * z.sinh().log() + (z - 1).abs().log().abs()
    c = torch.sigmoid(torch.sigmoid(z)) ** 2 / torch.tanh(F.softplus(z))
    return (a * b).mean() + (1 / c).mean()
