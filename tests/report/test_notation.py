"""Notations: what each changes, and that it changes nothing else."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from symbackprop.cli import main
from symbackprop.derivation import differentiate
from symbackprop.equations.build import build
from symbackprop.notation import CHOICES, USUAL, Notation
from symbackprop.report import document_markdown, document_tex, fragment_tex, latex, markdown, text
from symbackprop.report import json as json_report
from symbackprop.report.view import view
from symbackprop.spec import parse

from .katex import formulas, render
from .specs import SPECS, derived

TWO_LAYERS = """
name: two layers
inputs:
  x: [N, 3]
  y: {shape: [N], classes: 5}
network: |
  h = sigmoid(dense(x, 7))
  p = softmax(dense(h, 5))
loss: cross_entropy(p, y)
"""
DELTA = Notation("delta", "denominators", "column", "brackets")
NABLA = Notation("bars", "nabla", "row", "subscript")


def two_layers():
    return differentiate(build(parse(TWO_LAYERS.replace("two layers", "two"), "two.yaml")))


def backward(page: str) -> list[str]:
    """The equations of the way back, without blanks and remarks."""
    lines = page[page.index("Backward") :].splitlines()
    found = (re.match(r" *\(\d+\) +(.*?)(  +◀.*)?$", line) for line in lines)
    return [match[1] for match in found if match]


def test_two_layers_in_the_column_convention() -> None:
    page = text(two_layers(), notation=DELTA)
    assert "  (1)  Z⁽¹⁾ = W⁽¹⁾ X + b⁽¹⁾ 𝟏ᵀ   dense\n" in page
    assert backward(page) == [
        "δZ⁽²⁾ = (P − Y)/N",
        "∂L/∂W⁽²⁾ = δZ⁽²⁾ Hᵀ",
        "∂L/∂b⁽²⁾ = δZ⁽²⁾ 𝟏",
        "δH = W⁽²⁾ᵀ δZ⁽²⁾",
        "δZ⁽¹⁾ = δH ⊙ H ⊙ (1 − H)",
        "∂L/∂W⁽¹⁾ = δZ⁽¹⁾ Xᵀ",
        "∂L/∂b⁽¹⁾ = δZ⁽¹⁾ 𝟏",
    ]
    assert "the samples of a batch are the columns of a matrix." in page


def test_two_layers_with_nabla() -> None:
    assert backward(text(two_layers(), notation=NABLA)) == [
        "Z̄₂ = (P − Y)/N",
        "∇_W₂ L = Hᵀ Z̄₂",
        "∇_b₂ L = Z̄₂ᵀ 𝟏",
        "H̄ = Z̄₂ W₂ᵀ",
        "Z̄₁ = H̄ ⊙ H ⊙ (1 − H)",
        "∇_W₁ L = Xᵀ Z̄₁",
        "∇_b₁ L = Z̄₁ᵀ 𝟏",
    ]


def test_softmax_with_cross_entropy_goes_along_columns() -> None:
    page = latex(two_layers(), notation=DELTA)
    assert r"\mathbf{P} &= \operatorname{softmax}(\mathbf{Z}^{(2)})" in page
    assert r"\left(\log \sum_{j} \mathrm{e}^{Z^{(2)}_{jn}} - Z^{(2)}_{y_{n},n}\right)" in page
    assert r"\delta \mathbf{Z}^{(2)} &= \frac{\mathbf{P} - \mathbf{Y}}{N} \tag{6}" in page
    steps = latex(two_layers(), "steps", DELTA)
    assert r"\frac{1}{N} \, (P_{jn} - \mathbf{1}[j = y_{n}])" in steps and r"\delta_{" not in steps
    document = document_tex(two_layers(), DELTA)
    assert "softmax and logsumexp go along the columns of a matrix." in document
    assert "column $n$ is $1$ in the row that entry $n$" in document
    assert r"$\mathbf{W}^{(1)}$ & \texttt{W1} & $7 \times 3$ & parameter" in document


def test_lstm_in_the_column_convention() -> None:
    page = text(derived("lstm"), notation=Notation("delta", "nabla", "column"))
    for line in (
        "Z²_i[t] = W²_i X[t] + U²_i H[t − 1] + b²_i 𝟏ᵀ".replace("²", "¹"),
        "C¹[t] = G¹[t] ⊙ I¹[t] + C¹[t − 1] ⊙ F¹[t]",
        "∇_U¹_f L = Σ_t δZ¹_f[t] H[t − 1]ᵀ",
        "∇_W¹_o L = Σ_t δZ¹_o[t] X[t]ᵀ",
        "∇_b¹_g L = Σ_t δZ¹_g[t] 𝟏",
    ):
        assert line in page, line
    assert "for t = T − 1, …, 0, with δC¹[T] = " in page


def test_attention_in_the_column_convention() -> None:
    page = text(derived("heads"), notation=Notation(convention="column"))
    assert "S[h,n] = K[h,n]ᵀ Q[h,n]/√3" in page
    assert "O[h,n] = V[h,n] P[h,n]" in page


def test_the_fragment_of_a_two_layer_network() -> None:
    page = fragment_tex(two_layers(), Notation(gradients="denominators"))
    assert page[page.index(r"\paragraph{Backward.}") :] == (
        r"""\paragraph{Backward.}
\begin{align}
\bar{\mathbf{Z}}^{2} &= \frac{\mathbf{P} - \mathbf{Y}}{N} \label{two:6} \\
\frac{\partial L}{\partial \mathbf{W}^{2}} &= \boxed{\mathbf{H}^{\top} \, \bar{\mathbf{Z}}^{2}} """
        r"""\label{two:7} \\
\frac{\partial L}{\partial \mathbf{b}^{2}} &= \boxed{\bar{\mathbf{Z}}^{2\top} \, \mathbf{1}} """
        r"""\label{two:8} \\
\bar{\mathbf{Z}}^{1} &= (\bar{\mathbf{Z}}^{2} \, \mathbf{W}^{2\top}) \odot \mathbf{H} """
        r"""\odot (1 - \mathbf{H}) \label{two:10} \\
\frac{\partial L}{\partial \mathbf{W}^{1}} &= \boxed{\mathbf{X}^{\top} \, \bar{\mathbf{Z}}^{1}} """
        r"""\label{two:11} \\
\frac{\partial L}{\partial \mathbf{b}^{1}} &= \boxed{\bar{\mathbf{Z}}^{1\top} \, \mathbf{1}} """
        r"""\label{two:12}
\end{align}
\par\endgroup
"""
    )
    assert not re.search(r"\\(documentclass|usepackage|begin\{document|section|tag)", page[500:])


def test_labels_hold_no_letter_that_tex_reads() -> None:
    spaced = derived("embedding")
    assert r"\label{embedding_bag:1}" in fragment_tex(spaced)


def test_several_losses_are_told_apart() -> None:
    page = text(derived("gan"), notation=Notation(gradients="denominators"))
    assert "∂L_generator/∂W_gen = " in page and "∂L_discriminator/∂W_dis = " in page


LONG = [pytest.param(s, marks=pytest.mark.slow) for s in ("lstm", "heads", "drawn", "gan")]


@pytest.mark.parametrize("spec", ["odd", "ratings", *LONG])
@pytest.mark.parametrize("notation", [DELTA, NABLA], ids=["delta", "nabla"])
def test_every_formula_parses(spec: str, notation: Notation) -> None:
    derivation = derived(spec)
    pages = [document_markdown(derivation, notation), markdown(derivation, "steps", notation)]
    for tex, display in itertools.chain.from_iterable(map(formulas, pages)):
        render(tex, display)
    for equation in json.loads(json_report(derivation, "steps", notation))["equations"]:
        for tex in (equation["latex"], *filter(None, [equation["matrix_latex"]])):
            render(tex)


@pytest.mark.parametrize("spec", sorted(SPECS))
def test_a_convention_changes_no_equation_into_an_index_form(spec: str) -> None:
    forms = [
        [shown.number for shown in view(derived(spec), notation).lines() if shown.matrix]
        for notation in (USUAL, Notation(convention="column"))
    ]
    assert forms[0] == forms[1]


@pytest.mark.parametrize("spec", sorted(SPECS))
def test_names_stay_apart_in_every_notation(spec: str) -> None:
    for layers in CHOICES["layers"]:
        known = view(derived(spec), Notation(layers=layers)).known
        printed = [display.plain for display in known.displays.values()]
        assert len(set(printed)) == len(printed)


def test_the_command_line_takes_a_notation(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--cotangents", "delta", "--gradients", "nabla", "--convention", "column"]
    assert main(["derive", "xor", *words, "--layers", "brackets"]) == 0
    assert "∇_W⁽²⁾ L = δZ⁽²⁾ Hᵀ " in capsys.readouterr().out
    assert main(["render", "xor", "--fragment", *words]) == 0
    assert capsys.readouterr().out == "xor.tex\n"
    assert r"\nabla_{\mathbf{W}^{2}} L" in (tmp_path / "xor.tex").read_text()


SHARED = """
name: shared
inputs: {x: [N, 3], y: [N, 2]}
params: {w: {shape: [3, 2], init: normal(0.1)}}
network: "h = x @ w"
losses:
  one: {value: "mse(h, y)", wrt: [w]}
  two: {value: "sum(h)", wrt: [w]}
"""


def test_a_parameter_of_two_losses_has_a_gradient_of_each() -> None:
    printed = text(differentiate(build(parse(SHARED))), notation=Notation(gradients="nabla"))
    ways = re.split(r"Backward from (?:one|two)", printed)[1:]
    for name, other, way in (("one", "two", ways[0]), ("two", "one", ways[1])):
        assert f"∇_W L_{name}" in way and f"L_{other}" not in way
