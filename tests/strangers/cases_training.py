"""Training: masks of dropout handed in, noise, and statistics of the batch."""

from __future__ import annotations

import torch
from stranger import case
from torch.nn import functional as F


@case("""
inputs: {x: [N, 3], y: {shape: [N], classes: 4}}
network: |
  h = dropout(relu(dense(x, 5)), 0.25)
  z = dense(h, 4)
loss: cross_entropy(softmax(z), y)
""")
def dropout_of_a_layer(x, y, W1, b1, W2, b2, keep1):
    h = torch.relu(x @ W1 + b1) * keep1 / 0.75
    return F.cross_entropy(h @ W2 + b2, y)


@case("""
inputs: {x: [N, T, 3], y: [N, T, 2]}
network: |
  h = dropout(x, 0.1)
  z = dropout(dense(dropout(h, 0.5), 2), rate=0.3)
loss: mse(z, y)
wrt: [x, W1, b1]
""")
def dropout_again_and_again(x, y, W1, b1, keep1, keep2, keep3):
    h = x * keep1 / 0.9
    return F.mse_loss((h * keep2 / 0.5 @ W1 + b1) * keep3 / 0.7, y)


@case("""
inputs: {x: [N, 3], y: {shape: [N], classes: 4}}
network: |
  z = dense(relu(batch_norm(dense(x, 5))), 4)
loss: cross_entropy(softmax(z), y)
wrt: [x, W1, b1, gamma2, beta2, W3, b3]
""")
def batch_norm_of_rows(x, y, W1, b1, gamma2, beta2, W3, b3):
    h = F.batch_norm(x @ W1 + b1, None, None, gamma2, beta2, training=True)
    return F.cross_entropy(torch.relu(h) @ W3 + b3, y)


@case("""
inputs: {x: [N, H, W, 3], y: [N, H, W, 3]}
network: |
  z = batch_norm(x, eps=0.01, momentum=0.5, name=images)
loss: mse(tanh(z), y)
wrt: [x, gamma_images, beta_images]
""")
def batch_norm_of_images(x, y, gamma_images, beta_images):
    channels_first = x.permute(0, 3, 1, 2)
    z = F.batch_norm(channels_first, None, None, gamma_images, beta_images, True, eps=0.01)
    return F.mse_loss(torch.tanh(z.permute(0, 2, 3, 1)), y)


@case("""
inputs: {x: [N, 3], y: [N, 3]}
network: |
  a = batch_norm(x, name=both)
  b = batch_norm(dropout(a * y, 0.5), name=both)
loss: mse(b, y)
wrt: [x, gamma_both, beta_both]
""")
def batch_norm_shared_by_two(x, y, gamma_both, beta_both, keep1):
    a = F.batch_norm(x, None, None, gamma_both, beta_both, True)
    b = F.batch_norm(a * y * keep1 / 0.5, None, None, gamma_both, beta_both, True)
    return F.mse_loss(b, y)


@case("""
inputs:
  x: [N, 5]
  eps: {shape: [N, 2], draw: normal}
network: |
  m = dense(x, 2)
  s = dense(x, 2)
  z = m + exp(s / 2) * eps
  r = sigmoid(dense(z, 5))
loss: mse(r, x) + kl_normal(m, s)
""")
def noise_of_a_variational_autoencoder(x, eps, W1, b1, W2, b2, W3, b3):
    m, s = x @ W1 + b1, x @ W2 + b2
    r = torch.sigmoid((m + torch.exp(s / 2) * eps) @ W3 + b3)
    divergence = 0.5 * (m**2 + s.exp() - 1 - s).sum(dim=-1).mean()
    return F.mse_loss(r, x) + divergence
