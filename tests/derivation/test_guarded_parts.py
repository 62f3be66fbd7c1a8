"""What is named apart from its statement is 0 where an entry that it reads is none."""

from __future__ import annotations

import pytest
from sympy import Integer

import symbackprop as sb
from symbackprop.equations.build.inside import standing_alone
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Access, Index, TensorSymbol, extent
from symbackprop.equations.reductions import Sum

SPEC = """
name: back
inputs: {x: [N, T, 5], y: [N, T, 3]}
params: {V: {shape: [5, 3], init: normal(0.3)}, W: {shape: [5, 3], init: normal(0.3)}}
network: |
  u[n, t, k] = x[n, t, k] * V[k, 0]
  v[n, t:T, k] = %s
  h[n, t, k] = sum[j](v[n, t, j] * W[j, k])
loss: mse(h, y)
"""
NETWORKS = {
    "a function of a sum": "where(t > 0, tanh(sum[j](x[n, t - 1, j] * V[j, 1] * W[k, 2])), 0)",
    "at the end": "where(t < T - 1, exp(sum[j](x[n, t + 1, j] * V[j, 1] * x[n, t, k])), 1)",
    "logsumexp": "where((t > 1) & (k > 0), logsumexp[j](x[n, t - 2, j] * V[k - 1, 1]), x[n, t, k])",
    "log-softmax": "where(t > 0, u[n, t - 1, k] - logsumexp[j](u[n, t - 1, j]), 0)",
    "softmax": "where(t > 0, exp(u[n, t - 1, k]) / sum[j](exp(u[n, t - 1, j])), 0)",
    "centred": "where(t > 0, u[n, t - 1, k] - mean[j](u[n, t - 1, j]), u[n, t, k])",
    "terms of a sum": "where(t >= 4, tanh(sum[j](u[n, t - j, k] * V[j, 1])), x[n, t, k])",
    "a mean of steps": "where(t >= 3, u[n, t, k] - mean[j:4](u[n, t - j, k]), 0)",
    "a softmax of steps": "where(t > 2, exp(u[n, t, k]) / sum[j:4](exp(u[n, t - j, k])), 0)",
    "its own guard inside":
        "where(t > 0, sin(sum[j](where(j > 0, u[n, t - 1, j - 1], 2) * x[n, t, j])), x[n, t, k])",
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_a_part_under_a_condition_may_read_what_is_only_there(name: str) -> None:
    assert sb.check(sb.derive(sb.parse(SPEC % NETWORKS[name])))


N = extent("N")
n, j = Index("n", N), Index("j", N)
x = TensorSymbol("x", (N,))


def test_a_part_that_is_there_everywhere_stays_as_it_is() -> None:
    part = Sum(Access(x, n) * Access(x, j), j)
    assert standing_alone(part, part) is part


def test_a_part_stands_under_what_it_needs() -> None:
    part = Access(x, n - 1)
    whole = Where(Compare(">", n, 0), part**2, 0)
    assert standing_alone(part, whole) == Where(Compare(">=", n - 1, Integer(0)), part, 0)


def test_what_the_whole_reads_anyway_needs_nothing() -> None:
    assert standing_alone(Access(x, n - 1), Access(x, n - 1) + 1) == Access(x, n - 1)


def test_no_condition_holds_for_all_terms_of_a_sum() -> None:
    part = Sum(Access(x, n - 1) * Access(x, j - 1), j)
    within = Where(Compare(">", n, 0), Where(Compare(">", j, 0), part.body, 0), 0)
    assert standing_alone(part, Sum(within, j)) is None
