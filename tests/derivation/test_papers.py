# ruff: noqa: E501  a formula stands on one line
"""Derived equations read like the papers': the same expression, up to the names of indices.

Each case is a spec, and what the paper states of its gradients, line for line, in the language of
index statements over the tensors of the derivation (`dP` is the cotangent of `P`).
"""

from __future__ import annotations

import pytest

from symbackprop.derivation import Derivation, differentiate
from symbackprop.equations.build import build
from symbackprop.equations.build.indexed import Indexed
from symbackprop.equations.build.scope import ArrayValue, Scope, default_indices
from symbackprop.equations.nodes import Access, TensorSymbol, tensors
from symbackprop.equations.renaming import fresh_bound, numbered
from symbackprop.spec import parse, statement
from symbackprop.spec.syntax import Name

PAPERS = {
    "attention (Dao et al. 2022, appendix B)": (
        """
inputs: {q: [N, T, 4], k: [N, S, 4], v: [N, S, 3]}
network: |
  o = attention(q, k, v)
loss: sum(o**3)
wrt: [q, k, v]
""",
        """
s[n, t, j] = sum[d](q[n, t, d] * k[n, j, d]) / 2
o[n, t, e] = sum[j](p[n, t, j] * v[n, j, e])
dv[n, j, e] = sum[t](p[n, t, j] * do[n, t, e])
dp[n, t, j] = sum[e](do[n, t, e] * v[n, j, e])
ds[n, t, j] = p[n, t, j] * (dp[n, t, j] - sum[i](dp[n, t, i] * p[n, t, i]))
dq[n, t, d] = sum[j](ds[n, t, j] * k[n, j, d]) / 2
dk[n, j, d] = sum[t](ds[n, t, j] * q[n, t, d]) / 2
""",
    ),
    "masked attention": (
        """
inputs: {q: [N, T, 5], k: [N, T, 5], v: [N, T, 3], m: {shape: [N, 1, T], kind: mask}}
network: |
  o = attention(q, k, v, causal=True, mask=m)
loss: sum(o**3)
wrt: [q, k, v]
""",
        """
dv[n, j, e] = sum[t](p[n, t, j] * do[n, t, e])
dp[n, t, j] = sum[e](do[n, t, e] * v[n, j, e])
ds[n, t, j] = p[n, t, j] * (dp[n, t, j] - sum[i](dp[n, t, i] * p[n, t, i]))
dq[n, t, d] = sum[j](ds[n, t, j] * k[n, j, d]) / sqrt(5)
dk[n, j, d] = sum[t](ds[n, t, j] * q[n, t, d]) / sqrt(5)
""",
    ),
    "attention in index statements": (
        """
inputs: {q: [T, 4], k: [S, 4], v: [S, 3]}
network: |
  s[t, j] = sum[d](q[t, d] * k[j, d]) / 2
  e[t, j] = exp(s[t, j])
  p[t, j] = e[t, j] / sum[i](e[t, i])
  o[t, d] = sum[j](p[t, j] * v[j, d])
loss: sum(o**3)
wrt: [q, k, v]
""",
        """
dv[j, e] = sum[t](p[t, j] * do[t, e])
dp[t, j] = sum[e](do[t, e] * v[j, e])
ds[t, j] = p[t, j] * (dp[t, j] - sum[i](dp[t, i] * p[t, i]))
dq[t, d] = sum[j](ds[t, j] * k[j, d]) / 2
dk[j, d] = sum[t](ds[t, j] * q[t, d]) / 2
""",
    ),
    "layer norm (Ba et al. 2016)": (
        """
inputs: {x: [N, 7]}
network: |
  z = layer_norm(x)
loss: sum(z**3)
wrt: [x, gamma1, beta1]
""",
        """
mu1[n] = mean[i](x[n, i])
r1[n] = 1 / sqrt(var1[n] + 1e-5)
xhat1[n, i] = (x[n, i] - mu1[n]) * r1[n]
dbeta1[i] = sum[n](dz[n, i])
dgamma1[i] = sum[n](dz[n, i] * xhat1[n, i])
dxhat1[n, i] = dz[n, i] * gamma1[i]
dx[n, i] = r1[n] * (dxhat1[n, i] - mean[j](dxhat1[n, j]) - xhat1[n, i] * mean[j](dxhat1[n, j] * xhat1[n, j]))
""",
    ),
    "layer norm beside a residual": (
        """
inputs: {x: [N, T, 7]}
network: |
  z = x + layer_norm(x)
loss: sum(z**3)
wrt: [x]
""",
        """
dx[n, t, i] = dz[n, t, i] + r1[n, t] * (dxhat1[n, t, i] - mean[j](dxhat1[n, t, j]) - xhat1[n, t, i] * mean[j](dxhat1[n, t, j] * xhat1[n, t, j]))
""",
    ),
    "root mean square norm (Zhang and Sennrich 2019)": (
        """
inputs: {x: [N, 7]}
network: |
  z = rms_norm(x)
loss: sum(z**3)
wrt: [x, gamma1]
""",
        """
dgamma1[i] = sum[n](dz[n, i] * xhat1[n, i])
dxhat1[n, i] = dz[n, i] * gamma1[i]
dx[n, i] = r1[n] * (dxhat1[n, i] - xhat1[n, i] * mean[j](dxhat1[n, j] * xhat1[n, j]))
""",
    ),
    "batch norm of images (Ioffe and Szegedy 2015, the gradient simplified)": (
        """
inputs: {x: [N, H, W, 7]}
network: |
  z = batch_norm(x)
loss: sum(z**3)
wrt: [x, gamma1, beta1]
""",
        """
dbeta1[c] = sum[n, h, w](dz[n, h, w, c])
dgamma1[c] = sum[n, h, w](dz[n, h, w, c] * xhat1[n, h, w, c])
dxhat1[n, h, w, c] = dz[n, h, w, c] * gamma1[c]
dx[n, h, w, c] = r1[c] * (dxhat1[n, h, w, c] - mean[i, j, k](dxhat1[i, j, k, c]) - xhat1[n, h, w, c] * mean[i, j, k](dxhat1[i, j, k, c] * xhat1[i, j, k, c]))
""",
    ),
    "batch norm in index statements (Ioffe and Szegedy 2015, the gradient simplified)": (
        """
inputs: {x: [N, 7]}
params: {gamma: {shape: [7]}, beta: {shape: [7]}}
network: |
  mu[i]   = mean[n](x[n, i])
  var[i]  = mean[n]((x[n, i] - mu[i])**2)
  y[n, i] = (x[n, i] - mu[i]) / sqrt(var[i] + 1e-5)
  z[n, i] = gamma[i] * y[n, i] + beta[i]
loss: sum(z**3)
wrt: [x, gamma, beta]
""",
        """
dbeta[i] = sum[n](dz[n, i])
dgamma[i] = sum[n](dz[n, i] * y[n, i])
dy[n, i] = dz[n, i] * gamma[i]
dx[n, i] = (dy[n, i] - mean[m](dy[m, i]) - y[n, i] * mean[m](dy[m, i] * y[m, i])) / sqrt(var[i] + 1e-5)
""",
    ),
    "batch norm in one statement": (
        """
inputs: {x: [N, 7]}
params: {g: {shape: [7]}, b: {shape: [7]}}
network: |
  m = mean(x, axis=0, keepdims=True)
  v = mean((x - m)**2, axis=0, keepdims=True)
  z = g * (x - m) / sqrt(v + 1e-5) + b
loss: sum(z**3)
wrt: [x, g, b]
""",
        """
dx[n, i] = g[i] * (dz[n, i] - mean[k](dz[k, i]) - (x[n, i] - m[0, i]) * mean[k](dz[k, i] * (x[k, i] - m[0, i])) / (v[0, i] + 1e-5)) / sqrt(v[0, i] + 1e-5)
""",
    ),
    "batch norm with its deviation named": (
        """
inputs: {x: [N, 7]}
network: |
  mu = mean(x, axis=0)
  s = sqrt(mean((x - mu)**2, axis=0) + 1e-5)
  y = (x - mu) / s
loss: sum(y**3)
wrt: [x]
""",
        """
dx[n, i] = (dy[n, i] - mean[m](dy[m, i]) - y[n, i] * mean[m](dy[m, i] * y[m, i])) / s[i]
""",
    ),
    "layer norm on one line": (
        """
inputs: {x: [N, 7]}
network: |
  y = (x - mean(x, axis=-1, keepdims=True)) / sqrt(mean((x - mean(x, axis=-1, keepdims=True))**2, axis=-1, keepdims=True) + 1e-5)
loss: sum(y**3)
wrt: [x]
""",
        """
dx[n, i] = s_y1[n] * (dy[n, i] - mean[j](dy[n, j]) - y[n, i] * mean[j](dy[n, j] * y[n, j]))
""",
    ),
    "group norm (Wu and He 2018)": (
        """
inputs: {x: [N, H, 3, 5]}
network: |
  mu[n, g] = mean[h, c](x[n, h, g, c])
  r[n, g] = 1 / sqrt(mean[h, c]((x[n, h, g, c] - mu[n, g])**2) + 1e-5)
  y[n, h, g, c] = (x[n, h, g, c] - mu[n, g]) * r[n, g]
loss: sum(y**3)
wrt: [x]
""",
        """
dx[n, h, g, c] = r[n, g] * (dy[n, h, g, c] - mean[i, j](dy[n, i, g, j]) - y[n, h, g, c] * mean[i, j](dy[n, i, g, j] * y[n, i, g, j]))
""",
    ),
    "weight normalisation (Salimans and Kingma 2016, eq. 3)": (
        """
inputs: {x: [N, 7]}
params: {v: {shape: [7, 5]}, g: {shape: [5]}}
network: |
  w[i, j] = g[j] * v[i, j] / sqrt(sum[k](v[k, j]**2))
  y = x @ w
loss: sum(y**3)
wrt: [v, g]
""",
        """
dg[j] = sum[i](dw[i, j] * v[i, j]) * s_w[j]
dv[i, j] = g[j] * s_w[j] * (dw[i, j] - v[i, j] * sum[k](dw[k, j] * v[k, j]) * s_w[j]**2)
""",
    ),
    "cosine similarity": (
        """
inputs: {a: [N, 7], b: [N, 7]}
network: |
  u = sqrt(sum(a**2, axis=-1))
  v = sqrt(sum(b**2, axis=-1))
  c = sum(a * b, axis=-1) / (u * v)
loss: sum(c**3)
wrt: [a]
""",
        """
da[n, i] = dc[n] / u[n] * (b[n, i] / v[n] - c[n] * a[n, i] / u[n])
""",
    ),
}


@pytest.mark.parametrize("name", PAPERS)
def test_derivations_read_like_the_papers(name: str) -> None:
    spec, formulas = PAPERS[name]
    derivation = differentiate(build(parse(f"name: paper\n{spec}")))
    for formula in formulas.strip().splitlines():
        assert reads(derivation, formula), formula


def test_another_formula_is_refused() -> None:
    derivation = differentiate(build(parse(f"name: paper\n{PAPERS['cosine similarity'][0]}")))
    assert reads(derivation, "u[n] = sqrt(sum[i](a[n, i]**2))")
    assert not reads(derivation, "u[n] = sqrt(sum[i](a[n, i]**2) / 2)")
    assert not reads(derivation, "u[n] = sqrt(sum[i](b[n, i]**2))")


def reads(derivation: Derivation, formula: str) -> bool:
    """Whether the derivation has that equation, whatever its indices are called."""
    stated = statement(formula)
    (line,) = [x for x in derivation.lines() if x.equation.tensor.name == stated.target]
    equation = line.equation
    known = {t.name: t for x in derivation.lines() for t in tensors(x.equation.rhs)}
    arrays = {name: _array(symbol) for name, symbol in known.items()}
    sizes = zip(stated.indices or (), equation.tensor.shape, strict=True)
    given = {i.id: size for i, size in sizes if isinstance(i, Name)}
    indexed = Indexed(Scope(derivation.system), arrays)  # type: ignore[arg-type]
    indices, body = indexed.statement(stated.indices or (), stated.value, given)
    body = fresh_bound(body, {i.name for i in indices})
    return numbered(body, indices) == numbered(equation.rhs, equation.indices)


def _array(symbol: TensorSymbol) -> ArrayValue:
    indices = default_indices(symbol.shape)
    return ArrayValue(indices, Access(symbol, *indices), symbol.name)
