"""Scatters, ranges and positions in print."""

from __future__ import annotations

import json

import pytest
from sympy import Expr, floor

from symbackprop.derivation.model import Line, Step
from symbackprop.equations.masks import And, Compare, Delta, Or, Where
from symbackprop.equations.nodes import Digit, Index, TensorSymbol, extent, free_indices
from symbackprop.equations.reductions import ArgMax, LogSumExp, Max, Sum
from symbackprop.equations.system import Equation
from symbackprop.report import json as json_report
from symbackprop.report import line_latex, line_text, text

from .specs import derived

N, T = extent("N"), extent("T")
n, i, a, p, q = Index("n", N), Index("i", 4), Index("a", 9), Index("p", 2), Index("q", 3)
j, b, t = Index("j", 5), Index("b", 13), Index("t", T)
x, K = TensorSymbol("x", (N, 9)), TensorSymbol("K", (2,))
dy, ids = TensorSymbol("g", (N, 4)), TensorSymbol("ids", (N, 4), "integer")
image, mask = TensorSymbol("u", (9, 13)), TensorSymbol("m", (T,), "mask")
s = TensorSymbol("s", (T,))
out = TensorSymbol("o", (N, 9))
first = ArgMax(image[2 * i + p, 2 * j + q], p, q)

WRITTEN: list[tuple[Expr, str]] = [
    (Sum(dy[n, i] * K[p] * Delta(a, 2 * i + p), i, p), "Σ_{i,p: 2 i + p = a} G[n,i] k[p]"),
    (
        Sum(
            Where(
                And(Compare(">=", a - 2 * i, 0), Compare("<", a - 2 * i, 2)),
                dy[n, i] * K[a - 2 * i],
                0,
            ),
            i,
        ),
        "Σ_{i: 0 ≤ a − 2 i < 2} G[n,i] k[a − 2 i]",
    ),
    (Sum(Where(Compare("<", i, 3), dy[n, i], 0), i), "Σ_{i < 3} G[n,i]"),
    (Sum(x[n, a] * Compare(">", x[n, a], i), i), "Σ_{i < 4} X[n,a] 1[X[n,a] > i]"),
    (Sum(dy[n, i] * Delta(a, ids[n, i]), n, i), "Σ_{n,i: ids[n,i] = a} G[n,i]"),
    (Max(x[n, 2 * i + p], p), "max_{p < 2} X[n,2 i + p]"),
    (Sum(x[n, 2 * i + p] * K[p], p), "Σ_p X[n,2 i + p] k[p]"),
    (
        Where(And(And(Compare(">=", a, 1), Compare("<", a, 8)), Or(mask[t], mask[a])), x[n, a], 0),
        "(X[n,a] if 1 ≤ a < 8 ∧ (m[t] ∨ m[a]) else 0)",
    ),
    (Delta(p, Digit(first, 3, 2)) * Delta(q, Digit(first, 1, 3)), "1[(p,q) = argmax_{p < 2,q < 3}"),
    (LogSumExp(Where(mask[t], s[t], -(10**30)), t), "log Σ_{t: m[t]} exp(s[t])"),
]


@pytest.mark.parametrize(("rhs", "expected"), WRITTEN, ids=[text for _, text in WRITTEN])
def test_written(rhs: Expr, expected: str) -> None:
    vector = TensorSymbol("o", (9,))
    made = Equation(out, (n, a), rhs) if n in free_indices(rhs) else Equation(vector, (a,), rhs)
    assert expected in line_text(Line(1, made))


def test_a_masked_softmax_sums_over_what_is_not_masked() -> None:
    page = text(derived("block"))
    softmax = "exp(S²[n,h,t,j])/(Σ_{i ≤ t} exp(S²[n,h,t,i])) if j ≤ t else 0)"
    assert softmax in page.replace("³", "²")
    assert "The exponential of a masked score counts as 0." in page


def test_conditions_stand_below_the_sign() -> None:
    line = Line(1, Equation(out, (n, a), WRITTEN[0][0]))
    assert r"\sum_{\substack{i,p \\[0.3ex] 2 \, i + p = a}}" in line_latex(line)


def test_a_condition_that_names_the_only_index_stands_alone() -> None:
    def below(rhs: Expr) -> str:
        return line_latex(Line(1, Equation(out, (n, a), rhs)))

    bounded = Where(Compare("<=", i, a), dy[n, i], 0)
    assert r"\sum_{i \le a} G_{ni}" in below(Sum(bounded, i))
    assert r"\sum_{\substack{i,p \\[0.3ex] i \le a}}" in below(Sum(bounded * K[p], i, p))
    shifted = Where(Compare("<=", 2 * i, a), dy[n, i], 0)
    assert r"\sum_{\substack{i \\[0.3ex] 2 \, i \le a}}" in below(Sum(shifted, i))


def test_extents_with_floors() -> None:
    made = TensorSymbol("o", (floor((T - 3) / 2) + 1,))
    k = Index("k", floor((T - 3) / 2) + 1)
    line = Line(1, Equation(made, (k,), Sum(s[2 * k + p], p) / k.extent))
    assert line_text(line) == "o[k] = 1/(⌊(T − 3)/2⌋ + 1) Σ_{p < 2} s[2 k + p]"


def test_the_gradient_of_a_strided_read_is_printed_as_scatter_and_as_sum() -> None:
    page = text(derived("images"))
    assert "Σ_{i,j,o,p,q: 2 i + p = a, 2 j + q = b} Z̄¹[n,i,j,o] W¹[p,q,c,o]\n" in page
    assert (
        "= Σ_{i,j,o: 0 ≤ a − 2 i < 3, 0 ≤ b − 2 j < 2} Z̄¹[n,i,j,o] W¹[a − 2 i,b − 2 j,c,o]"
        "   [solve for the index]" in page
    )
    assert "A sum with a condition below it runs over the indices that satisfy it." in page
    found = [e["also"] for e in json.loads(json_report(derived("images")))["equations"]]
    assert any(forms and forms[0]["rule"] == "solve for the index" for forms in found)


def test_other_forms_stand_below_their_line() -> None:
    rhs = Sum(dy[n, i] * K[p] * Delta(a, 2 * i + p), i, p)
    solved = WRITTEN[1][0]
    line = Line(1, Equation(out, (n, a), rhs), also=(Step("solve", rhs, solved, "why"),))
    assert "Σ_{i: 0" not in line_text(line)
