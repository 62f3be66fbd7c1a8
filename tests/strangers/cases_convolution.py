"""Windows of sequences and images: strided, dilated, padded, grouped, transposed, pooled."""

from __future__ import annotations

import torch
from stranger import case

functional = torch.nn.functional


def image(x):
    """[N, H, W, C] to PyTorch's [N, C, H, W]."""
    return x.permute(0, 3, 1, 2)


def kernel(w):
    """[kh, kw, in, out] to PyTorch's [out, in, kh, kw]."""
    return w.permute(3, 2, 0, 1)


@case("""
inputs: {x: [N, 17, 19, 3], y: [N, 5]}
network: |
  a = tanh(conv2d(x, 4, (3, 5), stride=(2, 1)))
  b = max_pool2d(a, 2)
  c = relu(conv2d(b, 6, 3, padding=1, name=second))
  d = avg_pool2d(c, (2, 3), stride=(1, 2))
  z = dense(flatten(d), 5)
loss: mse(z, y)
wrt: [x, W1, b1, W_second, b_second, W2, b2]
""")
def image_network(x, y, W1, b1, W_second, b_second, W2, b2):
    a = torch.tanh(functional.conv2d(image(x), kernel(W1), b1, stride=(2, 1)))
    b = functional.max_pool2d(a, 2)
    c = torch.relu(functional.conv2d(b, kernel(W_second), b_second, padding=1))
    d = functional.avg_pool2d(c, (2, 3), stride=(1, 2))
    z = d.permute(0, 2, 3, 1).flatten(1) @ W2 + b2
    return functional.mse_loss(z, y)


@case("""
inputs: {x: [N, T, 3]}
network: |
  a = relu(conv1d(x, 5, 3, padding="same", dilation=2))
  b = conv1d(a, 4, 3, stride=2, padding=1, bias=False)
loss: mean(b**2)
outputs: [a, b]
wrt: [x, W1, b1, W2]
""")
def sequence_of_any_length(x, W1, b1, W2):
    turned = x.transpose(1, 2)
    a = torch.relu(functional.conv1d(turned, W1.permute(2, 1, 0), b1, padding=2, dilation=2))
    b = functional.conv1d(a, W2.permute(2, 1, 0), stride=2, padding=1)
    return {"loss": (b**2).mean(), "a": a.transpose(1, 2), "b": b.transpose(1, 2)}


@case("""
inputs: {x: [N, 11, 7, 3]}
network: |
  a = tanh(conv2d_transpose(x, 4, (3, 2), stride=2))
  b = conv2d_transpose(a, 2, 4, stride=(3, 1), padding="same", bias=False)
  c = conv2d_transpose(b, 2, 3, padding=1)
loss: mean(c**3)
wrt: [x, W1, b1, W2, W3, b3]
""")
def transposed_convolutions(x, W1, b1, W2, W3, b3):
    def weight(w):
        return w.permute(3, 2, 0, 1)

    a = torch.tanh(functional.conv_transpose2d(image(x), weight(W1), b1, stride=2))
    b = functional.conv_transpose2d(a, weight(W2), stride=(3, 1))
    b = b[:, :, : 3 * a.shape[2], 1 : 1 + a.shape[3]]
    c = functional.conv_transpose2d(b, weight(W3), b3, padding=1)
    return (c**3).mean()


@case("""
inputs: {x: [N, 11, 13, 4]}
params: {K: {shape: [3, 2, 4]}, G: {shape: [2, 3, 2, 2, 3]}, b: {shape: [2, 3]}}
network: |
  d[n, i, j, c] = sum[p, q](K[p, q, c] * x[n, 2*i + p, j + 2*q, c])
  g = reshape(d, N, 5, 11, 2, 2)
  y[n, i, j, h, o] = sum[p, q, c](G[p, q, h, c, o] * g[n, i + p, j + q, h, c]) + b[h, o]
loss: mean(y**2)
wrt: [x, K, G, b]
""")
def depthwise_and_grouped(x, K, G, b):
    depthwise = K.permute(2, 0, 1)[:, None]
    d = functional.conv2d(image(x), depthwise, stride=(2, 1), dilation=(1, 2), groups=4)
    grouped = G.permute(2, 4, 3, 0, 1).reshape(6, 2, *G.shape[:2])
    y = functional.conv2d(d, grouped, b.reshape(6), groups=2)
    return (y**2).mean()


@case("""
inputs: {x: [N, 13, 11, 3]}
params: {V: {shape: [3, 2]}}
network: |
  h = x @ V
  m = max_pool2d(h, 3, stride=2)
  a = avg_pool2d(m, (1, 2))
  q[n, c] = max[i:5, j:6](h[n, 3*i, 2*j, c])
loss: mean(a**2) + sum(q)
wrt: [x, V]
""")
def overlapping_pools(x, V):
    h = image(x @ V)
    a = functional.avg_pool2d(functional.max_pool2d(h, 3, 2), (1, 2))
    return (a**2).mean() + h[:, :, ::3, ::2].amax((2, 3)).sum()


@case("""
inputs: {x: [N, T, 4]}
params: {w: {shape: [3]}, u: {shape: [2, 4]}}
network: |
  back[n, t, d] = x[n, T - 1 - t, d]
  every[n, t, d] = back[n, 2*t, d] * w[1]
  slope[n, t, d] = x[n, t + 1, d] - x[n, t + 0, d]
  near[n, t, d] = x[n, t, d] + (where(t >= 1, x[n, t - 1, d], 0)
      + where(t < T - 1, x[n, t + 1, d], 0))
  flipped[n, t] = sum[p:2, d](u[1 - p, d] * back[n, t + p, d])
  wide = pad(near, 2)
  e[n, t, d] = sum[p](w[p] * wide[n, t + 2*p, d])
loss: mean(every**2) + mean(slope**2) + mean(e * back) + sum(flipped**3)
wrt: [x, w, u]
""")
def shifts_and_reversals(x, w, u):
    back = x.flip(1)
    every = back[:, ::2] * w[1]
    slope = x[:, 1:] - x[:, :-1]
    near = x.clone()
    near = near + functional.pad(x, (0, 0, 1, 0))[:, :-1] + functional.pad(x, (0, 0, 0, 1))[:, 1:]
    flipped = back[:, :-1] @ u[1] + back[:, 1:] @ u[0]
    wide = functional.pad(near, (0, 0, 2, 2))
    T = x.shape[1]
    e = sum(w[p] * wide[:, 2 * p : 2 * p + T] for p in range(3))
    return (every**2).mean() + (slope**2).mean() + (e * back).mean() + (flipped**3).sum()


@case("""
inputs: {x: [N, 12, 8, 3], y: [N, 5]}
network: |
  a = conv2d(x, 5, 4, stride=4)
  b = conv2d(a, 6, 1)
loss: mean(b**2)
wrt: [x, W1, b1, W2, b2]
""")
def patches(x, y, W1, b1, W2, b2):
    a = functional.conv2d(image(x), kernel(W1), b1, stride=4)
    return (functional.conv2d(a, kernel(W2), b2) ** 2).mean()


@case(
    """
inputs: {x: [N, 9, 7, 2]}
params: {g: {shape: [2]}}
network: |
  p[n, i, j, c] = pad(x, 1)
loss: sum(p)
""".replace("p[n, i, j, c] = pad(x, 1)", "p = pad(x * g, before=1, after=2) * 2.0")
)
def padded_by_zeros(x, g):
    return functional.pad(x * g, (0, 0, 1, 2, 1, 2)).sum() * 2
