"""Specs that a random search found to fail once: every check of them holds, in every size."""

from __future__ import annotations

import pytest

import symbackprop as sb

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
}


@pytest.mark.parametrize("size", ["", "2", "3"])
@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS.keys())
def test_every_check_holds(text, size):
    dims = f"dims: {{A: {size}}}\n" if size else ""
    report = sb.check(sb.derive(sb.parse(f"name: fuzzed\n{dims}{text}")))
    assert report, str(report)
