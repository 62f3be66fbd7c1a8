"""What a reader gets: text, LaTeX, Markdown, JSON, documents."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from symbackprop.report import (
    document_markdown,
    document_tex,
    latex,
    line_latex,
    markdown,
    text,
)
from symbackprop.report import json as json_report
from symbackprop.report.formula import Apply, Display, Named, Plus, Times
from symbackprop.report.latex import box
from symbackprop.report.lines import broken
from symbackprop.report.plain import columns
from symbackprop.report.view import view

from .specs import SPECS, derived

MLP_BACKWARD = """\
Backward
   (6)  Z̄² = (P − Y)/N
   (7)  W̄² = H¹ᵀ Z̄² + 10⁻⁴ W²   ◀ gradient of W2
   (8)  b̄² = Z̄²ᵀ 𝟏              ◀ gradient of b2
   (9)  H̄¹ = Z̄² W²ᵀ
  (10)  Z̄¹ = H̄¹ ⊙ 1[Z¹ > 0]
  (11)  W̄¹ = Xᵀ Z̄¹ + 10⁻⁴ W¹    ◀ gradient of W1
  (12)  b̄¹ = Z̄¹ᵀ 𝟏              ◀ gradient of b1

Y = onehot(y)
relu and abs have derivative 0 at 0.
"""


def test_text_of_a_network() -> None:
    assert text(derived("mlp")).endswith(MLP_BACKWARD)


def test_text_names_every_rule_and_says_it_once() -> None:
    derivation = derived("mlp")
    page = text(derivation, "steps")
    for line in derivation.lines():
        for step in line.steps:
            assert step.rule in page
    assert page.count("Σ_i δ(u, i) f(i) = f(u)") == 1


def test_remarks_stand_in_one_column() -> None:
    lines = [line for line in text(derived("gan")).splitlines() if "◀" in line]
    backward = lines[-2:]
    assert len({columns(line[: line.index("◀")]) for line in backward}) == 1


def test_latex_boxes_the_gradients_and_numbers_every_line() -> None:
    derivation = derived("mlp")
    page = latex(derivation)
    assert page.count(r"\boxed") == 4
    numbers = [int(n) for n in re.findall(r"\\tag\{(\d+)\}", page)]
    assert numbers == [line.number for line in derivation.lines()]
    assert r"\mathbf{H}^{1\top} \, \bar{\mathbf{Z}}^{2}" in page


def test_one_line_in_a_notebook_knows_the_cotangents_it_reads() -> None:
    line = derived("mlp")["b2"]
    assert line_latex(line) == r"\bar{\mathbf{b}}^{2} = \bar{\mathbf{Z}}^{2\top} \, \mathbf{1}"


def test_a_derivative_that_is_zero() -> None:
    page = text(derived("unused"))
    assert "◀ gradient of x" in page


@pytest.mark.parametrize("spec", sorted(SPECS))
@pytest.mark.parametrize("detail", ["result", "steps"])
def test_json_has_its_schema(spec: str, detail: str) -> None:
    derivation = derived(spec)
    record = json.loads(json_report(derivation, detail))
    assert record["schema"] == 1 and record["name"] == derivation.system.name
    numbers = [e["number"] for e in record["equations"] if not e["in_use"]]
    assert numbers == [x.number for x in derivation.lines()]
    for loss in derivation.losses:
        assert record["gradients"][loss.loss.name] == {
            name: line.number for name, line in loss.gradients.items()
        }
    keys = "number of loss tensor indices label text latex matrix_latex also in_use steps"
    for equation in record["equations"]:
        assert list(equation) == keys.split()
    steps = [s for e in record["equations"] for s in e["steps"]]
    assert bool(steps) == (detail == "steps")
    assert all(list(s) == ["rule", "before", "after", "why"] for s in steps)


def test_markdown_marks_nothing_that_the_user_wrote() -> None:
    page = document_markdown(derived("mlp"))
    assert "<b>" not in page and "\n# No heading" not in page
    assert page.startswith("# Digits: 50% of &#36;x\\_1 &amp; &lt;b&gt;#1")
    assert "```math" in markdown(derived("mlp"))


def test_the_document_holds_what_a_reader_needs() -> None:
    page = document_tex(derived("odd"))
    for part in (
        "Notation",
        "Forward",
        "Loss",
        "Backward",
        "Rules",
        "Results",
        r"\boxed",
        r"\eqref",
    ):
        assert part in page
    assert "relu and abs have derivative 0 at 0." in page
    assert "first place" in page


def test_output_is_the_same_whatever_the_hash_seed() -> None:
    program = (
        "from tests.report.specs import derived\n"
        "from symbackprop.report import text, latex, json, document_tex\n"
        "d = derived('attention')\n"
        "print(text(d, 'steps'), latex(d, 'steps'), json(d, 'steps'), document_tex(d))\n"
    )
    root = Path(__file__).parents[2]
    pages = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(pages) == 1


def test_long_formulas_break_before_signs_and_keep_their_parts() -> None:
    shown = next(s for s in view(derived("odd")).lines() if s.subject.name == "a" and s.loss)
    lines = broken(shown.index, 28.0)
    assert len(lines) > 1
    assert all(line.startswith(("{}+", "{}-")) for line in lines[1:])
    assert broken(shown.index, 1000.0) == [box(shown.index).tex]


def test_a_sum_inside_brackets_breaks_too() -> None:
    letters = [Named(Display(c, array=2)) for c in "ABCDEFGHKLMN"]
    inner = Plus(tuple((k % 2 == 1, a) for k, a in enumerate(letters)))
    lines = broken(Times((Named(Display("s")), Apply("tanh", (inner,)))), 12.0)
    assert len(lines) == 3
    assert all(line.startswith("{}") for line in lines[1:])
    joined = "".join(lines)
    assert joined.count(r"\bigl(") == joined.count(r"\bigr)") == 1


@pytest.mark.latex
@pytest.mark.parametrize("spec", sorted(SPECS))
def test_documents_compile_without_an_overfull_line(spec: str, tmp_path: Path) -> None:
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("no pdflatex on this machine")
    (tmp_path / "page.tex").write_text(document_tex(derived(spec)), encoding="utf-8")
    for _ in range(2):
        run = subprocess.run(
            [program, "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
            cwd=tmp_path,
            capture_output=True,
        )
        assert run.returncode == 0, run.stdout.decode(errors="replace")[-2000:]
    log = (tmp_path / "page.log").read_text(errors="replace")
    assert "Overfull" not in log
    assert "undefined" not in log
