"""Recurrences in print: their steps, what is beyond the ends, and what may not go unsaid."""

from __future__ import annotations

import json
import unicodedata

import pytest
from sympy import Expr, tanh

from symbackprop.derivation.model import Derivation, Line
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Access, Index, TensorSymbol, extent
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation, System
from symbackprop.report import json as json_report
from symbackprop.report import latex, line_text, markdown, text
from symbackprop.report.recurring import steps_of

from .specs import derived

LSTM_BACKWARD = """\
        for t = T − 1, …, 0, with C̄¹[T] = Z̄¹_o[T] = Z̄¹_g[T] = Z̄¹_f[T] = Z̄¹_i[T] = 0:
  (19)    H̄[t] = 1[t = T − 1] Ȳ¹ + Z̄¹_f[t + 1] U¹_fᵀ + Z̄¹_g[t + 1] U¹_gᵀ + Z̄¹_i[t + 1] U¹_iᵀ \
+ Z̄¹_o[t + 1] U¹_oᵀ
  (20)    C̄¹[t] = H̄[t] ⊙ O¹[t] ⊙ (1 − tanh(C¹[t])^⊙2) + C̄¹[t + 1] ⊙ F¹[t + 1]
"""


def plain(page: str) -> str:
    """With letters and their bars as one character, as they stand here."""
    return unicodedata.normalize("NFC", page)


def test_the_lstm_reads_as_in_the_literature() -> None:
    """Greff et al. (2017): δy_t = Δ_t + R_zᵀ δz_{t+1} + …, δR = Σ_t ⟨δ_{t+1}, y_t⟩."""
    page = plain(text(derived("lstm")))
    assert LSTM_BACKWARD in page
    assert "for t = 0, 1, …, T − 1, with C¹[−1] = H[−1] = 0:" in page
    assert "Ū¹_f = Σ_t H[t − 1]ᵀ Z̄¹_f[t]" in page
    assert "W̄¹_f = Σ_t X[t]ᵀ Z̄¹_f[t]" in page
    assert "Where" not in page and "t ≥ 1" not in page


def test_what_is_beyond_the_ends_is_said_beside_each_group() -> None:
    page = plain(text(derived("both_ways")))
    for heading in (
        "for t = 0, 1, …, T − 1, with a[−1] = 0:",
        "for t = T − 1, …, 0, with B[T] = 0:",
        "for t = 0, 1, …, T − 1, with C[n,−1,i] = H⁽⁰⁾[n,i]:",
        "for t = 0, 1, …, T − 1, with d[−1] = d[−2] = 0:",
        "for t = T − 1, …, 0, with d̄[T] = d̄[T + 1] = 0:",
        "for t = 0, 1, …, T − 1, with Z̄²_h[−1] = 0:",
    ):
        assert heading in page, heading


def test_groups_have_headings_in_every_format() -> None:
    derivation = derived("lstm")
    for page in (latex(derivation), latex(derivation, "steps"), markdown(derivation)):
        assert r"or $t = 0,\, 1,\, \dots,\, T - 1$, with $\mathbf{C}^{1}_{-1}" in page
        assert r"or $t = T - 1,\, \dots,\, 0$" in page
    groups = json.loads(json_report(derivation))["recurrences"]
    assert [(g["direction"], g["index"], g["extent"]) for g in groups] == [
        ("forward", "t", "T"),
        ("backward", "t", "T"),
    ]
    assert groups[0]["numbers"] == list(range(1, 11))


N, T = extent("N"), extent("T")
n, t, i, k = Index("n", N), Index("t", T), Index("i", 3), Index("k", 3)
h, a = TensorSymbol("h", (N, T, 3)), TensorSymbol("a", (N, T, 3))
U, w = TensorSymbol("U", (3, 3)), TensorSymbol("w", (N, T, 3))


def before(at: Access, other: int | Expr = 0) -> Expr:
    return Where(Compare(">=", t, 1), at, other)


def of(*equations: Equation) -> Derivation:
    lines = tuple(Line(number + 1, equation) for number, equation in enumerate(equations))
    system = System("made", "", "", (N, T), (), (), equations, (), ())
    return Derivation(system, lines, ())


def test_a_recurrence_and_one_who_reads_it() -> None:
    step = Equation(h, (n, t, i), tanh(a[n, t, i] + Sum(before(h[n, t - 1, k]) * U[k, i], k)))
    reader = Equation(w, (n, t, i), a[n, t, i] * before(h[n, t - 1, i]))
    page = text(of(step, reader))
    assert "for t = 0, 1, …, T − 1, with H[−1] = 0:" in page
    assert "(1)    H[t] = tanh(A[t] + H[t − 1] U)" in page
    assert "(2)  W[t] = A[t] ⊙ H[t − 1]" in page


@pytest.mark.parametrize(
    "other",
    [
        Equation(w, (n, t, i), before(h[n, t - 1, i], 7)),
        Equation(w, (n, t, i), before(h[n, t - 1, i] + a[n, t, i])),
        Equation(w, (n, t, i), Where(Compare(">=", t, 2), h[n, t - 1, i], 0)),
        Equation(w, (n, t, i), Where(Compare("<", t, T - 1), h[n, t + 1, i], 0)),
        Equation(w, (n, t, i), before(a[n, t - 1, i])),
    ],
)
def test_a_guard_that_says_something_else_stays(other: Equation) -> None:
    step = Equation(h, (n, t, i), tanh(before(h[n, t - 1, i])))
    derivation = of(step, other)
    assert steps_of(derivation).bare(other.rhs) == other.rhs
    page = text(derivation)
    assert any(mark in page for mark in ("where(t ≥ 1, ", "1[t ≥ ", "1[t < T − 1]", " if "))


def test_two_beginnings_of_one_tensor_are_both_said() -> None:
    step = Equation(h, (n, t, i), before(h[n, t - 1, i]) + before(h[n, t - 1, k], 5))
    page = text(of(step))
    assert page.count(" if ") == 1


def test_one_line_alone_says_its_own_range() -> None:
    line = derived("lstm")["U1_f"]
    assert plain(line_text(line)) == "Ū¹_f[k,j] = Σ_{n,t: t ≥ 1} H[n,t − 1,k] Z̄¹_f[n,t,j]"
