"""Names, numbers and the escaping of the user's words."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sympy import Rational

from symbackprop.derivation.model import Line
from symbackprop.equations.nodes import Index, TensorSymbol, extent
from symbackprop.equations.system import Equation
from symbackprop.report.escape import latex_text, markdown_text, plain_text
from symbackprop.report.formula import Number
from symbackprop.report.latex import latex_of
from symbackprop.report.naming import line_names
from symbackprop.report.numerals import numeral
from symbackprop.report.unicode import text_of

N, M = extent("N"), extent("M")
n, m = Index("n", N), Index("m", M)


def written(name: str, rank: int) -> tuple[str, str, str, str]:
    """Text and LaTeX of a tensor and of one entry."""
    tensor = TensorSymbol(name, (N, M, 3)[:rank])
    at = (n, m, 0)[:rank]
    known = line_names(Line(1, Equation(tensor, (n, m), tensor[at] if at else tensor[()])))
    whole, entry = known.whole(tensor), known.entry(tensor, tuple(known.entry(i) for i in at))
    return text_of(whole), text_of(entry), latex_of(whole), latex_of(entry)


@pytest.mark.parametrize(
    ("name", "rank", "expected"),
    [
        ("z2", 2, ("Z²", "Z²[n,m]", r"\mathbf{Z}^{2}", "Z^{2}_{nm}")),
        ("b12", 1, ("b¹²", "b¹²[n]", r"\mathbf{b}^{12}", "b^{12}_{n}")),
        ("B", 1, ("b", "b[n]", r"\mathbf{b}", "b_{n}")),
        ("s2", 0, ("s₂", "s₂", "s_{2}", "s_{2}")),
        ("gamma", 1, ("γ", "γ[n]", r"\boldsymbol{\gamma}", r"\gamma_{n}")),
        ("h_a", 2, ("H_a", "H_a[n,m]", r"\mathbf{H}_{\mathrm{a}}", r"H_{\mathrm{a},\,nm}")),
        (
            "W3_i",
            2,
            ("W³_i", "W³_i[n,m]", r"\mathbf{W}^{3}_{\mathrm{i}}", r"W^{3}_{\mathrm{i},\,nm}"),
        ),
        ("logits", 2, ("logits", "logits[n,m]", r"\mathbf{logits}", r"\mathit{logits}_{nm}")),
        ("xhat3", 2, ("X\u0302³", "X\u0302³[n,m]", r"\hat{\mathbf{X}}^{3}", r"\hat{X}^{3}_{nm}")),
        ("that", 2, ("that", "that[n,m]", r"\mathbf{that}", r"\mathit{that}_{nm}")),
        (
            "z_i1",
            2,
            ("Z¹_i", "Z¹_i[n,m]", r"\mathbf{Z}^{1}_{\mathrm{i}}", r"Z^{1}_{\mathrm{i},\,nm}"),
        ),
        (
            "running_mean2",
            1,
            (
                "running_mean²",
                "running_mean²[n]",
                r"\mathbf{running\_mean}^{2}",
                r"\mathit{running\_mean}^{2}_{n}",
            ),
        ),
        ("eps", 2, ("ε", "ε[n,m]", r"\boldsymbol{\varepsilon}", r"\varepsilon_{nm}")),
        ("x__y", 1, ("x__y", "x__y[n]", r"\mathbf{x\_\_y}", r"\mathit{x\_\_y}_{n}")),
    ],
)
def test_names(name: str, rank: int, expected: tuple[str, ...]) -> None:
    assert written(name, rank) == expected


def test_no_two_names_look_alike() -> None:
    words = ["x", "X", "I", "delta", "z1", "Z1", "z_1", "gamma", "L"]
    symbols = [TensorSymbol(word, (N, N)) for word in words]
    total = sum(s[n, n] for s in symbols)
    known = line_names(Line(1, Equation(TensorSymbol("out", (N,)), (n,), total)))
    shown = [text_of(known.whole(s)) for s in symbols]
    assert len(set(shown)) == len(shown)
    assert "I" not in shown and "δ" not in shown


@pytest.mark.parametrize(
    ("value", "text", "tex"),
    [
        (Rational(1, 2), "1/2", r"\frac{1}{2}"),
        (Rational(1, 10), "0.1", "0.1"),
        (Rational(1, 10000), "10⁻⁴", "10^{-4}"),
        (Rational(1, 20000), "5·10⁻⁵", r"5 \cdot 10^{-5}"),
        (Rational(1, 3), "1/3", r"\frac{1}{3}"),
        (Rational(44715, 10**6), "0.044715", "0.044715"),
        (Rational("1.0507009873554805"), "1.0507009873554805", "1.0507009873554805"),
        (Rational(1, 64), "1/64", r"\frac{1}{64}"),
        (Rational(3, 2), "3/2", r"\frac{3}{2}"),
        (Rational(3 * 10**7), "3·10⁷", r"3 \cdot 10^{7}"),
        (Rational(0), "0", "0"),
    ],
)
def test_numbers(value: Rational, text: str, tex: str) -> None:
    assert text_of(Number(value)) == text
    assert latex_of(Number(value)) == tex


@given(st.fractions(min_value=0))
@example(Fraction(1, 1024))
def test_numerals_are_exact(value: object) -> None:
    rational = Rational(value)
    shown = numeral(rational)
    mantissa = Rational(shown.mantissa) / Rational(shown.denominator or 1)
    assert mantissa * Rational(10) ** shown.exponent == rational


@given(st.text())
def test_escaped_words_hold_no_markup(words: str) -> None:
    tex = latex_text(words).replace(r"\$", "")
    assert tex.count("$") % 2 == 0
    assert tex.replace(r"\{", "").replace(r"\}", "").count("{") == tex.replace(r"\{", "").replace(
        r"\}", ""
    ).count("}")
    assert "\n" not in plain_text(words)
    page = markdown_text(words)
    assert "<" not in page and "$" not in page


def test_hostile_words() -> None:
    assert latex_text(r"\input{x} 5% $a_b$ #1") == (r"\textbackslash{}input\{x\} 5\% \$a\_b\$ \#1")
    assert markdown_text("# <b>$x$</b> `a` *b*\x00") == (
        r"\# &lt;b&gt;&#36;x&#36;&lt;/b&gt; \`a\` \*b\*"
    )
    assert latex_text("Σ_i δ(u, i) ȳ x\u0304") == (
        r"$\Sigma_{i}$ $\delta$(u, i) $\bar{y}$ $\bar{x}$"
    )
