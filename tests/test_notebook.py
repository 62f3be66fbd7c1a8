"""Derivations show themselves."""

from __future__ import annotations

import re

import numpy as np
import pytest

import symbackprop as sb
from symbackprop import hypertext
from symbackprop.cli import main

TEXT = "name: t\ninputs:\n  x: [N, 3]\n  y: [N, 2]\nloss: mse(dense(x, 2), y)\n"


def test_a_gradient_is_its_formula() -> None:
    derivation = sb.derive(sb.parse(TEXT))
    gradient = derivation["W1"]
    assert gradient.latex() == r"\bar{\mathbf{W}}^{1} = \mathbf{X}^{\top} \, \bar{\mathbf{Z}}^{1}"
    assert gradient._repr_latex_() == f"$\\displaystyle {gradient.latex()}$"
    assert gradient.steps[0].rule == "chain rule"
    assert repr(gradient) == str(gradient) == "W̄¹ = Xᵀ Z̄¹"
    assert repr(derivation) == "<derivation of t: W1, b1>"
    assert list(derivation) == ["W1", "b1"]


def test_a_gradient_is_written_as_in_its_derivation() -> None:
    text = "name: t\ninputs:\n  x: [N, T, 2]\n  y: [N, 2]\nnetwork: |\n"
    text += "  s = layer_norm(rnn(x, 2))\n  p = dense(last(s), 2)\nloss: mse(p, y)\n"
    derivation = sb.derive(sb.parse(text))
    for notation in (sb.Notation(), sb.Notation("delta", convention="column")):
        shown, tex = (sb.show(derivation, f, notation=notation) for f in ("text", "latex"))
        for name in derivation:
            gradient = derivation[name]
            assert f"  {gradient.text(notation)} " in shown
            left, right = gradient.latex(notation).split(" = ", 1)
            assert f"{left} &= \\boxed{{{right}}}" in tex
    assert str(derivation["W1"]) == "W̄¹ = Σ_t X[t]ᵀ Z̄¹_h[t]"  # over t, as derive says


def test_a_derivation_is_its_report() -> None:
    derivation = sb.derive(sb.parse(TEXT))
    assert "W̄¹ = Xᵀ Z̄¹" in str(derivation)
    assert "```math" in derivation._repr_markdown_()


def test_a_derivation_in_latex() -> None:
    tex = sb.derive(sb.parse(TEXT))._repr_latex_()
    assert tex.startswith("\\begin{align*}")
    assert r"\boxed{" in tex


def test_a_spec_is_its_text() -> None:
    spec = sb.parse(TEXT.replace("name: t\n", "name: t\ntitle: <script>\n"))
    assert repr(spec) == "<spec t>"
    assert str(spec).startswith("name: t\ntitle: <script>\n")
    assert spec._repr_html_().startswith("<pre>name: t\ntitle: &lt;script&gt;\n")


def test_numbers_show_themselves() -> None:
    numbers = sb.numbers(sb.derive(sb.parse(TEXT)))
    assert repr(numbers) == "<numbers for t: loss>"
    assert str(numbers).startswith("t\n\nGiven\n")
    assert "```math" in numbers._repr_markdown_()


def test_a_report_is_a_table() -> None:
    spec = sb.parse(TEXT)
    report = sb.check(sb.derive(spec))
    page = report._repr_html_()
    assert page.startswith("<table><tr><th>what</th>")
    assert page.count("<tr>") == len(report.rows) + 1
    assert page.endswith(f"<p>{report.verdict}</p>")


def test_an_audit_is_its_words(tmp_path) -> None:
    path = tmp_path / "net.py"
    path.write_text("def step(x, y, W1, b1):\n    return {'W1': x.T @ x, 'b1': b1}\n")
    audit = sb.audit(f"{path}:step", sb.derive(sb.parse(TEXT)))
    assert not audit
    assert audit._repr_html_() == hypertext.verbatim(str(audit))


def test_an_outcome_of_training_is_its_record(tmp_path) -> None:
    rows = "{x: [[1, 2, 3], [4, 5, 6]], y: [[1, 0], [0, 1]]}"
    train = f"train:\n  data: {rows}\n  steps: 3\n  optimizer: sgd\n  rate: 0.01\n"
    outcome = sb.train(sb.parse(TEXT + train), tmp_path)
    assert str(outcome).startswith(f"{'steps':24} 3 of 3\n")
    assert f"{'parameters':24} {tmp_path / 'params.npz'}" in str(outcome)
    page = outcome._repr_html_()
    assert "<tr><td>steps</td><td>3 of 3</td></tr>" in page
    assert '<img src="data:image/png;base64,iVBOR' in page


def test_an_inspection_has_its_picture() -> None:
    page = sb.inspect(sb.parse(TEXT))._repr_html_()
    assert page.startswith("<p><b>t</b> at inputs drawn, seed 0, N = 8; ")
    assert '<img src="data:image/png;base64,iVBOR' in page


def test_html_of_a_stranger_is_text() -> None:
    bad = "<img src=x onerror=alert(1)>&\x1b"
    for made in (
        hypertext.verbatim(bad),
        hypertext.paragraph(bad, bad),
        hypertext.table((bad,), [(bad,)]),
    ):
        assert "<img" not in made
        assert "\x1b" not in made
        assert "&lt;img src=x onerror=alert(1)&gt;&amp;\N{REPLACEMENT CHARACTER}" in made
    assert np.array(hypertext.image(b"1")).item().endswith('base64,MQ==">')


# --- colour on a terminal ------------------------------------------------------------------------

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def printed(words: list[str], capsys, monkeypatch, terminal: bool, **environment: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert main(words) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [["derive", "char_gru"], ["derive", "xor", "--numbers"]])
def test_derive_has_colours_on_a_terminal_alone(words, capsys, monkeypatch) -> None:
    plain = printed(words, capsys, monkeypatch, terminal=False)
    coloured = printed(words, capsys, monkeypatch, terminal=True)
    assert not ESCAPES.search(plain)
    assert ESCAPES.search(coloured)
    assert ESCAPES.sub("", coloured) == plain


def test_who_wants_no_colour_has_none(capsys, monkeypatch) -> None:
    words = ["derive", "xor"]
    plain = printed(words, capsys, monkeypatch, terminal=False)
    found = printed(words, capsys, monkeypatch, terminal=True, NO_COLOR="1")
    assert "\x1b[3" not in found
    assert ESCAPES.sub("", found) == plain


def test_latex_has_no_colour(capsys, monkeypatch) -> None:
    words = ["derive", "xor", "--format", "latex"]
    assert not ESCAPES.search(printed(words, capsys, monkeypatch, terminal=True))
