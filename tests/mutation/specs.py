"""Small networks in which every kind of mistake can be made."""

from __future__ import annotations

DENSE = """
name: square
inputs: {x: [N, 3], y: [N, 3]}
network: |
  h = sigmoid(dense(x, 3))
  p = tanh(dense(h, 3))
loss: mse(p, y) + 0.1 * mean(h)
"""
RECURRENCE = """
name: recurrence
inputs: {x: [N, T, 2], y: [N, 2]}
params: {U: {shape: [2, 2]}}
network: |
  h[n, t, k] = tanh(x[n, t, k] + sum[j](h[n, t - 1, j] * U[j, k]))
loss: mse(last(h), y) + 0.1 * mean(h)
wrt: [U, x]
"""
CONVOLUTION = """
name: convolution
inputs: {x: [N, 7, 2]}
params: {K: {shape: [3, 2, 3]}}
network: |
  y[n, i, o] = sum[p, c](K[p, c, o] * x[n, 2*i + p, c])
loss: mean(tanh(y))
wrt: [K, x]
"""
WORDS = """
name: words
inputs: {ids: {shape: [N, T], classes: 5}, y: {shape: [N], classes: 3}, m: {shape: [N], kind: mask}}
params: {E: {shape: [5, 4]}, W: {shape: [4, 3]}}
network: |
  s[n, d] = max[t](E[ids[n, t], d])
  a[n, d] = relu(s[n, d] - 0.1)
  p = softmax(a @ W)
  q[n] = where(m[n], p[n, y[n]], 1)
loss: -mean(log(q))
"""
SPECS = {"dense": DENSE, "recurrence": RECURRENCE, "convolution": CONVOLUTION, "words": WORDS}
