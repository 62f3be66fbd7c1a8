"""Recurrences shared by rows of a batch: which may be, and that their results are NumPy's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sympy import Symbol, sympify

from symbackprop.emit.native import rows, threads
from symbackprop.spec import parse
from tests.native.compared import HAS_COMPILER
from tests.native.test_threads import Shared

needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler")


@pytest.fixture(autouse=True)
def eager(tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> None:
    """Whatever may be shared is, however little it is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "rows"))
    monkeypatch.setattr(threads, "WORTH", 0)
    monkeypatch.setattr(threads, "FEWEST", 1)


def shared_loops(source: str) -> tuple[int, int]:
    """How many loops over steps C source has, and how many are shared by rows."""
    loops = source.count("for (int64_t t = ")
    return loops, source.count("#pragma omp parallel num_threads(threads_for_rows(")


ALONE = {
    "a cell": "h[n, t, k] = tanh(x[n, t, k] + sum[j](U[j, k] * h[n, t - 1, j]))",
    "a start of its own for each row": """
  h[n, t, k] = tanh(x[n, t, k] + sum[j](U[j, k] * where(t > 0, h[n, t - 1, j], s[n, j])))""",
    "one start for all rows": """
  h[n, t, k] = tanh(x[n, t, k] + sum[j](U[j, k] * where(t > 0, h[n, t - 1, j], b[j])))""",
    "backwards": """
  h[n, t, k] = x[n, t, k] + where(t < T - 1, sum[j](U[j, k] * sin(h[n, t + 1, j])), 0)""",
    "two steps back": """
  h[n, t, k] = x[n, t, k] + where(t > 1, sum[j](U[j, k] * sin(h[n, t - 2, j])), 0)""",
    "a softmax in every row": """
  e[n, t, k] = x[n, t, k] + where(t > 0, logsumexp[j](h[n, t - 1, j] + U[j, k]), 0)
  h[n, t, k] = e[n, t, k] - max[j](e[n, t, j])""",
    "a row that labels choose": """
  h[n, t, k] = x[n, t, k] + where(t > 0, U[u[n, t], k] * h[n, t - 1, k], 0)""",
    "entries of a row that integers choose": """
  h[n, t, k] = x[n, t, k] + where(t > 0, sin(h[n, t - 1, w[k]]), 0)""",
    "rows of several widths": """
  a[n, t, j] = sum[i](V[i, j] * where(t > 0, sin(h[n, t - 1, i]), 0))
  h[n, t, k] = x[n, t, k] + sum[j](V[k, j] * cos(a[n, t, j]))""",
    "matrices": """
  m[n, t, i, k] = x[n, t, k] * x[n, t, i]
  H[n, t, i, k] = m[n, t, i, k] + where(t > 0, sum[j](U[j, k] * sin(H[n, t - 1, i, j])), 0)
  h[n, t, k] = sum[i](H[n, t, i, k])""",
}
MIXED = {
    "a mean over all rows": """
  h[n, t, k] = x[n, t, k] + where(t > 0, U[k, k] * sin(mean[m](h[m, t - 1, k])), 0)""",
    "the row before": """
  h[n, t, k] = x[n, t, k] + where(t > 0, U[k, k] * sin(h[N - 1 - n, t - 1, k]), 0)""",
    "a number of all rows": """
  h[n, t, k] = tanh(x[n, t, k] + where(t > 0, mean[m, j](h[m, t - 1, j]), 0))""",
    "an entry of the first row": """
  h[n, t, k] = tanh(x[n, t, k] + where(t > 0, h[0, t - 1, 0], 0.5))""",
    "rows that integers choose": """
  h[n, t, k] = x[n, t, k] + where(t > 0, sin(h[q[n], t - 1, k]), 0)""",
    "pairs of rows, turned": """
  H[n, m, t] = x[n, t, 0] * x[m, t, 1] + where(t > 0, sin(H[m, n, t - 1]), 0)
  h[n, t, k] = x[n, t, k] * sum[m](H[n, m, t])""",
    "a product with all rows": """
  h[n, t, k] = x[n, t, k] + where(t > 0, sum[m](r[n, m] * sin(h[m, t - 1, k])), 0)""",
    "one state for all rows": """
  g[t, k] = sum[n](x[n, t, k]) + where(t > 0, sum[j](U[j, k] * sin(g[t - 1, j])), 0)
  h[n, t, k] = x[n, t, k] * g[t, k]""",
}


def spec(network: str) -> str:
    return f"""
name: net
inputs:
  x: [N, T, 5]
  s: [N, 5]
  r: [N, N]
  u: {{shape: [N, T], classes: 5}}
  q: {{shape: [N], classes: N}}
  w: {{shape: [5], classes: 5}}
  y: [N, T, 5]
params:
  U: {{shape: [5, 5], init: normal(0.3)}}
  V: {{shape: [5, 7], init: normal(0.3)}}
  b: {{shape: [5], init: normal(0.3)}}
network: |
  {network.strip()}
  out[n, t, k] = h[n, t, k] + b[k] * s[n, k] * U[u[n, t], k] * V[k, 2] * r[n, q[n]] * b[w[k]]
loss: mse(out, y)
"""


@needs_compiler
@pytest.mark.parametrize("name", ALONE)
def test_rows_that_need_no_other_are_shared(name: str) -> None:
    net = Shared(parse(spec(ALONE[name])))
    loops, shared = shared_loops(net.source)
    assert loops == shared > 0
    for seed in range(2):
        assert net.differences("float64", seed) == []


@needs_compiler
@pytest.mark.parametrize("name", MIXED)
def test_rows_that_need_others_are_not(name: str) -> None:
    net = Shared(parse(spec(MIXED[name])))
    loops, shared = shared_loops(net.source)
    assert loops > shared == 0
    assert net.differences("float64") == []


@needs_compiler
def test_little_work_is_for_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "WORTH", 10**9)
    assert shared_loops(Shared(parse(spec(ALONE["a cell"]))).source)[1] == 0


@needs_compiler
def test_a_recurrence_of_numbers_is_for_one_thread() -> None:
    text = spec("""
  g[t] = mean[n, k](x[n, t, k]) + where(t > 0, sin(g[t - 1]), 0)
  h[n, t, k] = x[n, t, k] + where(t > 0, g[t] * sin(h[n, t - 1, k]), 0)
""")
    net = Shared(parse(text))
    loops, shared = shared_loops(net.source)
    assert loops == 2 * shared > 0
    assert net.differences("float64") == []


@needs_compiler
def test_each_thread_has_strips_of_its_own() -> None:
    """Rows of six entries are done eight at once, beside a bias that is repeated on the stack."""
    text = """
name: strips
inputs: {x: [N, T, 64, 6], y: [N, 64, 6]}
params: {b: {shape: [6], init: normal(0.3)}}
network: |
  h[n, t, i, k] = tanh(x[n, t, i, k] * b[k] + where(t > 0, h[n, t - 1, i, k], 0))
  e[n, i, k] = h[n, T - 1, i, k]
loss: mse(e, y)
"""
    net = Shared(parse(text))
    assert "private(strip" in net.source
    assert net.differences("float64") == []


def accesses(*touched: tuple[str, int, str, tuple[tuple[int, int], ...]]) -> list[Any]:
    return [
        rows._Touched(
            m,
            sympify(s),
            sympify(o, {"N": N, "t": t}),
            tuple((sympify(e), sympify(x)) for e, x in more),
        )
        for m, s, o, more in touched
    ]


N = Symbol("N", integer=True, positive=True)
t = Symbol("t", integer=True, nonnegative=True)


@pytest.mark.parametrize(
    ("touched", "apart"),
    [
        ([("a", 5, "0", ((5, 1),))], True),
        ([("a", 5, "5*N*t + 5*N", ((5, 1),)), ("a", 5, "5*N*(t - 1)", ((2, 2),))], True),
        ([("a", 5, "2", ((3, 1),))], True),
        ([("a", 5, "3", ((3, 1),))], False),  # the last of three lies in the next row
        ([("a", 5, "0", ((6, 1),))], False),
        ([("a", 5, "0", ((5, 1),)), ("a", 7, "0", ((7, 1),))], False),
        ([("a", 5, "0", ((5, 1),)), ("b", 7, "0", ((7, 1),))], True),
        ([("a", 0, "0", ((5, 1),))], False),
        ([("a", 0, "0", ())], False),
        ([("a", 5, "7*N*t", ((5, 1),))], False),
        ([("a", 5, "-1", ((5, 1),))], False),
        ([("a", -5, "0", ((5, 1),))], False),
    ],
)
def test_rows_lie_apart(touched: Any, apart: bool) -> None:
    assert rows._lie_apart(accesses(*touched), N) is apart


@needs_compiler
@pytest.mark.parametrize("turn", range(4))
def test_names_that_the_code_uses_itself(turn: int) -> None:
    """Each of them as an extent of the batch, as that of the steps, as their index, as a tensor."""
    names = ["rows", "end", "start", "count"]
    batch, steps, t, b = names[turn:] + names[:turn]
    meant = {"N": batch, "T": steps, "t": t, "b": b}
    text = re.sub(r"\b[NTtb]\b", lambda found: meant[found[0]], spec(ALONE["a cell"]))
    net = Shared(parse(text))
    assert "threads_for_rows(" in net.source
    assert net.differences("float64") == []
