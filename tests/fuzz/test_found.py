"""Specs that random search found to fail once: every check of them holds, in every size."""

from __future__ import annotations

import pytest

import symbackprop as sb
from tests.fuzz.held import outcome
from tests.sampling import sampled

SPECS = {
    "a choice within a choice, by two indices": """
inputs: {x: [A]}
params: {w: {shape: [5]}, vA: {shape: [A]}}
network: |
  h[a] = sum[r](where(a <= r, vA[r], where(a != r, w[1], w[3]))) * vA[a] * x[a]
loss: sum(h)
""",
    "numbers that are computed when running, before a sum": """
inputs: {x: [A]}
params: {w: {shape: [A]}}
loss: sum(x * w * abs(arctan(0.5)) * arctan(A) * 2**sin(A)) / log(A + 1)
""",
    "a maximum of maxima": """
inputs: {x: [A]}
params: {w: {shape: [A, A]}, v: {shape: [A]}}
network: |
  h0 = w + v
  h1 = max(max(h0 - x, axis=1), axis=0, keepdims=True)
loss: sum(h1**2)
""",
    "a triangle beside a row": """
inputs: {x: [A]}
params: {w: {shape: [3]}, vA: {shape: [A]}}
network: |
  h[n, b] = where(b <= n, w[0] + vA[n], 0) + vA[b] + sum(x) * w[1] + w[2]
loss: sum(h)
""",
    "numbers, positions and a triangle under a maximum": """
inputs: {x: [J, A]}
params: {w: {shape: [A]}, v: {shape: [5]}}
network: |
  h[m, k] = max[j](exp(-abs(x[j, k])) * arctan(0.5) * (k + 1) * where(k < m, w[k], 0)) * v[m]
loss: sum(h)
""",
    "a recurrence of two steps": """
inputs: {x: [A]}
params: {w: {shape: [A, 2]}}
network: |
  h[n, t] = tanh(w[n, t] + 0.5 * h[n, t - 1])
loss: sum(h**2)
""",
    "conditions that name the step of a recurrence": """
inputs: {x: [T, A]}
params: {w: {shape: [T, T]}}
network: |
  h[t, i] = tanh(x[t, i] + where(t == 0, h[t + 1, i], 0.5) * g[t + 1, i])
  g[t, i] = sin(x[t, i] + where(t != 0, h[t + 1, i], 0.5))
  f[t, i] = tanh(w[t, i] + where(t == i, f[t - 1, i], w[t, i]))
loss: sum(h**2) + sum(g) + sum(f**2)
""",
    "rows and columns of a square at one step": """
inputs: {x: [A]}
params: {w: {shape: [A, A]}, v: {shape: [A]}}
network: |
  h[n, j] = where(w[j, n] < w[n, j], h[n - 1, j], v[j])
loss: sum(h**2)
""",
    "an index against a bound that is no whole number": """
inputs: {x: [A, A]}
constants: {alpha: 0.25}
network: |
  h[n, i] = where(n < A / 2, x[n, i], 0) + where(alpha > i, n + 1, x[i, i])
  g[n, i] = (n == 1/2) * x[n, 0] + (n >= A/3) * x[0, i] + (2*n <= A/3) * x[0, i]
  r[t, i] = tanh(x[t, i] + where(t > A/2, 0.5 * r[t - 1, i], x[0, i]) + (t < 0.5) * x[t, i])
loss: sum(h**2) + sum(g**2) + sum(r)
wrt: [x]
""",
    "strided reads of a single entry": """
params: {w: {shape: [A, 2]}, v: {shape: [1]}}
inputs: {x: [N]}
network: |
  h[n, j] = w[n, 2*j] - w[n, 2*j + 1]
  g[n] = sum[p:1](v[n + p])
loss: sum(h) + sum(g**2)
""",
    "windows over what the extents alone decide": """
inputs: {x: [N]}
network: |
  h[n:N] = -(log(1 + (n + 1)**2))
  g[n] = sum[p:2](h[n + p])
loss: sum(g**2)
wrt: [x]
""",
    "the gradient by what the loss does not read": """
inputs: {x: [A, 2]}
network: |
  h[n, i] = x[n, i]
loss: mse(h, h)
wrt: [x]
""",
    "a drawn input that is read in training alone": """
inputs: {x: {shape: [A], draw: normal}, z: [N, 2]}
network: |
  h = dropout(z, 0.5)
loss: sum(h**2)
wrt: [x, z]
""",
    "rows of a table with one row": """
inputs: {ids: {shape: [1, 1], classes: 1}}
network: |
  h = embedding(ids, 2)
loss: max(h**2)
sparse: [E1]
""",
    "a constant loss beside parameters of computed extents": """
inputs: {x: [2, M], y: [N], z: [S]}
params: {w: {shape: [2]}}
network: |
  h[n, i] = sum[p:2](x[n, 2*i + p] * w[p])
  g = layer_norm(h)
  f[t] = sum[s](y[t + s] * z[s])
losses:
  loss: sum(g**2) + sum(f**2)
  second: mse(g, g)
""",
    "a single label as an index": """
inputs: {x: [N, 3], u: {shape: [], classes: 3}, v: {shape: [], classes: N}}
params: {w: {shape: [3, 3]}, E: {shape: [3, 2]}, b: {shape: [3]}}
network: |
  h[n, i] = x[n, u] * w[u, i] + w[u, u] + b[u] + x[v, i]
  f[d] = E[u, d]
  r[t] = tanh(b[t] + 0.5 * r[t - 1] + w[u, t] + w[t, u])
loss: sum(h**2) + sum(f**2) + sum(r) + max(h)
sparse: [E]
""",
    "labels beside nothing that has an axis of their classes": """
inputs: {u: {shape: [N], classes: M}, x: [N, M]}
params: {w: {shape: [N]}}
network: |
  h[n] = tanh(w[0] + where(u[n] != n, h[n - 1], w[n]))
losses:
  loss: sum(x**2) + sum(h)
  second: sum(h**2)
""",
    "softmaxes of exponentials, and of each other": """
inputs: {u: {shape: [N], classes: 3}, x: [N, 3]}
params: {w: {shape: []}}
network: |
  h[n, i] = exp(x[n, i] * w)
  p = softmax(h)
  q = log(sum(exp(softmax(p)), axis=1))
  r = logsumexp(exp(p * w), axis=1)
loss: cross_entropy(p, u) + cross_entropy(softmax(exp(w * x)), u) + sum(q) + sum(r)
wrt: [w, x]
""",
    "many run-time extents flattened": """
inputs: {x: [N]}
params: {w: {shape: [N, N, N, N]}}
network: |
  h = flatten(w)
loss: sum(h**2)
""",
    "the largest entry of a convolution of several images": """
inputs: {x: [N]}
params: {w: {shape: [A, M, 3, A]}}
network: |
  h = conv2d(w, 1, 3, padding="same")
loss: max(h)
""",
    "scores that all shift together, so that their gradient is 0": """
inputs: {x: [M, 1, 4], u: {shape: [M, A], classes: 5}}
params: {w: {shape: [M, A, 4]}, v: {shape: [M, 1, 5]}}
network: |
  h = attention(w, x, v)
loss: cross_entropy(softmax(h), u)
""",
    "a softmax of one score": """
inputs: {x: [1], z: [A]}
params: {w: {shape: []}}
network: |
  h = softmax(-x) + w + 2
loss: kl_divergence(softmax(h), softmax(x)) + sum(z)
""",
    "a number that no float has": """
inputs: {x: [A]}
params: {w: {shape: [A]}}
network: |
  h = w * 1e-300 * 1e-300 + x * w
loss: sum(h**2)
""",
    "an axis of 1 in the middle of a reshape": """
inputs: {x: [N]}
params: {w: {shape: [4, A, 1, 4]}}
network: |
  h = reshape(w + 2, 4 * A, 1, 4)
  g = reshape(w**2, 1, 4, A, 1, 4)
loss: sum(h**2 * sum(x)) + sum(tanh(g))
""",
    "a logarithm among scores": """
inputs: {x: [N]}
params: {w: {shape: [2, A]}}
network: |
  h = logsumexp[p](tanh(w[0, 0]) + w[0, p] + log(1 + (w[0, p] + w[0, p])**2))
loss: h**2 + sum(x)
""",
    "one logsumexp in many places": """
inputs: {x: [4, 4, 2, A, 2]}
network: |
  h = concat(softmax(x), x, axis=-1)
loss: logsumexp(sin(h + 1))
wrt: [x]
""",
    "what is not so, beside a bound": """
inputs: {x: [N]}
params: {w: {shape: []}, v: {shape: [A, 2]}}
network: |
  h[n:2, i:2] = where((n > 0) & (n != 0), w, w + w) * w
  g[n, i] = where((n < 1) & (i != n), v[n, i], 2 * v[n, i])
loss: sum(h**2) + sum(g**2)
""",
    "windows of one row, which the whole may be longer than": """
inputs: {x: [N]}
params: {w: {shape: [T, T]}}
network: |
  h[n, i] = sum[p:2](w[n + 2*p, i])
  g[n] = h[0, n]
loss: sum(g**2)
""",
    "a factor that is a position on an axis of one": """
inputs: {x: [N]}
params: {w: {shape: [N]}, v: {shape: [N, 1]}}
network: |
  h[n, i] = n + 1 + v[i, n] * w[i]
  g[n, i] = (w[i] + w[0]) * (n * h[n, i])
loss: sum(g**2)
""",
    "an earlier step that entries before the present one read": """
inputs: {x: [N]}
params: {w: {shape: [A, A]}, v: {shape: [A]}}
network: |
  h[n, -1] = v[n]
  h[n, i] = sin(w[n, i] * h[n, i - 1])
  g[n:A, i] = tanh(w[i, n] + 0.5 * g[n, i - 1] + where(n < i, h[n, i - 1], v[i]) + v[i])
loss: sum(h**2) + sum(g)
""",
    "an extent that only a drawn input tells": """
inputs: {x: {shape: [5, T], draw: normal}}
params: {w: {shape: [5, A]}}
network: |
  h[n, i:T] = sum[p](w[n, p])
  g = dropout(h, 0.5)
loss: sum(g**2)
outputs: [g]
""",
    "products of many whole numbers": """
inputs: {x: [N]}
params: {w: {shape: [A]}}
network: |
  h[n:6, i] = prod[p:6, q:6](4) * w[i] + prod[p:30](n + 1) * w[i] + prod[p:30](p + n + 1) * w[i]
loss: sum(h * 1e-30)
""",
    "rounding that grows": """
inputs: {x: [N]}
params: {w: {shape: [N]}}
network: |
  h = sin(cosh(60 + w))
loss: binary_cross_entropy(sigmoid(32 + w), sigmoid(w)) + sum(h)
""",
    "a number beyond whole ones": """
inputs: {x: [N, A]}
params: {w: {shape: [N]}}
network: |
  h1[n:5, i:1, j:A] = 0 * w[0]
  h2 = attention(h1, h1, h1, causal=True)
loss: sum(sin(h2 + 1) * w[0])
""",
    "a sum over no step": """
inputs: {x: [N, M, 1]}
params: {w: {shape: [1, M], init: zeros}}
network: |
  h = sum(conv1d(x @ w, 3, 2), axis=1, keepdims=True)
loss: half_sse(h, h)
""",
    "a logarithm of nothing under a maximum": """
inputs: {x: [N]}
params: {w: {shape: [N]}}
network: |
  h[n] = relu(log1p(w[n]) - 0.5)
loss: sum(h)
""",
}


@pytest.mark.parametrize("size", ["", "2", "3"])
@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS.keys())
def test_every_number_is_right(text, size):
    assert outcome(in_size(text, size), seed=0).kind == "held"


@pytest.mark.slow
@pytest.mark.parametrize("size", sampled(["", "2", "3"], 3))
@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS.keys())
def test_every_step_holds(text, size):
    report = sb.check(sb.derive(sb.parse(in_size(text, size))))
    assert report, str(report)


def in_size(text: str, size: str) -> str:
    dims = f"dims: {{A: {size}}}\n" if size else ""
    return f"name: fuzzed\n{dims}{text}"
