"""What a reader gets: text, LaTeX, Markdown, JSON, documents."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integer

from symbackprop import pipeline
from symbackprop.report import (
    document_markdown,
    document_tex,
    latex,
    line_latex,
    lines,
    markdown,
    text,
)
from symbackprop.report import json as json_report
from symbackprop.report.boxes import Box
from symbackprop.report.display import Display
from symbackprop.report.formula import Apply, Hadamard, Named, Number, Plus, Times
from symbackprop.report.graph import graph
from symbackprop.report.latex import box
from symbackprop.report.lines import Piece, broken, loose
from symbackprop.report.plain import columns
from symbackprop.report.tikz import tikz
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
A number above a name is its layer, not a power.
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
    assert page.count("Σ_i δ[u,i] f[i] = f[u]") == 1


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
        "Every step",
        "Rules",
        r"\boxed",
        r"\eqref",
    ):
        assert part in page
    assert "relu and abs have derivative 0 at 0." in page
    assert "first place" in page


def test_of_many_equations_like_ones_are_derived_once() -> None:
    derivation = pipeline.derive(pipeline.load("gan"))
    page = document_tex(derivation)
    page = page[page.index("Every step") :]
    with_steps = [line.number for line in derivation.lines() if line.steps]
    chains = [int(n) for n in re.findall(r"\\tag\{\\ref\{eq:(\d+)\}\}", page)]
    likes = re.findall(r"equation~\\eqref\{eq:(\d+)\}: as \\eqref\{eq:(\d+)\}", page)
    assert sorted([*chains, *(int(like) for like, _ in likes)]) == with_steps
    assert likes and all(int(earlier) in chains for _, earlier in likes)
    assert ": as " not in document_tex(derived("mlp"))


def test_the_picture_names_every_equation_of_the_network() -> None:
    shown = view(derived("mlp"))
    drawing = tikz(graph(shown), shown)
    assert drawing is not None
    commands = "\n".join(drawing.commands)
    numbers = {int(n) for n in re.findall(r"\\eqref\{eq:(\d+)\}", commands)}
    assert numbers == {line.number for line in shown.derivation.lines()}
    assert r"{$\mathbf{H}^{1} = \operatorname{relu}(\mathbf{Z}^{1})$}" in commands


def test_a_picture_that_would_be_too_small_to_read_is_left_out() -> None:
    shown = view(derived("mlp"))
    drawn = graph(shown)
    assert tikz(replace(drawn, width=101.0), shown) is not None
    assert tikz(replace(drawn, width=103.0), shown) is None
    assert tikz(replace(drawn, height=140.0), shown) is None


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
    found = broken(shown.index, 28.0)
    assert len(found) > 1
    assert all(line.startswith(("{}+", "{}-")) for line in found[1:])
    assert broken(shown.index, 1000.0) == [box(shown.index).tex]


PIECES = st.lists(
    st.builds(Piece, st.just("x"), st.integers(1, 12), st.integers(0, 8)), min_size=1, max_size=8
)


@given(PIECES, st.integers(4, 20))
def test_no_other_breaks_are_more_welcome(pieces: list[Piece], width: int) -> None:
    def cost(starts: tuple[int, ...]) -> float:
        ends = (*starts[1:], len(pieces))
        wide = (sum(p.width for p in pieces[a:b]) for a, b in zip(starts, ends, strict=True))
        unwelcome = sum(lines._LINE + pieces[k].depth ** 2 for k in starts[1:])
        return unwelcome + lines._TOO_WIDE * sum(max(w - width, 0) for w in wide)

    places = range(1, len(pieces))
    every = [
        cost((0, *chosen))
        for size in range(len(pieces))
        for chosen in itertools.combinations(places, size)
    ]
    lengths = [len(line) for line in lines._fill(pieces, width)]
    assert cost((0, *itertools.accumulate(lengths[:-1]))) == pytest.approx(min(every))


def test_no_line_ends_behind_a_bracket_and_a_single_letter() -> None:
    letters = [Named(Display(c, array=2)) for c in "ABCDEFGH"]
    inner = Plus(((False, Number(Integer(1))), (True, Apply("tanh", (Plus(
        tuple((False, letter) for letter in letters)),)))))  # fmt: skip
    found = broken(Hadamard(((False, letters[0]), (False, inner), (False, inner))), 14.0)
    assert len(found) > 1 and not any(line.endswith(("(1", "( 1")) for line in found)


def test_a_sum_inside_brackets_breaks_too() -> None:
    letters = [Named(Display(c, array=2)) for c in "ABCDEFGHKLMN"]
    inner = Plus(tuple((k % 2 == 1, a) for k, a in enumerate(letters)))
    found = broken(Times((Named(Display("s")), Apply("tanh", (inner,)))), 12.0)
    assert len(found) == 3
    assert all(line.startswith("{}") for line in found[1:])
    joined = "".join(found)
    assert joined.count(r"\bigl(") == joined.count(r"\bigr)") == 1


def test_where_there_is_less_room_lines_break_between_terms_first_and_in_no_bracket() -> None:
    a, b, c = (Named(Display(letter)) for letter in "abc")
    one_minus = Plus(((False, Number(Integer(1))), (True, a)))
    term = Times((Apply("tanh", (a,)), one_minus, b))  # 10 em
    assert loose(Plus(((False, term), (True, c))), 40.0) == [r"{\tanh(a) \, (1 - a) \, b - c}"]
    long = Plus(((False, term), (True, term)))
    assert loose(long, 40.0) == [r"{\tanh(a) \, (1 - a) \, b} - {\tanh(a) \, (1 - a) \, b}"]
    assert loose(long, 12.0) == [
        r"{\tanh(a) \, (1 - a) \, b}",
        r"{}-\nobreak {\tanh(a) \, (1 - a) \, b}",
    ]
    assert loose(Times((term, term)), 40.0) == [
        r"{\tanh(a) \, (1 - a) \, b} \, \allowbreak {\tanh(a) \, (1 - a) \, b}"
    ]


@given(PIECES)
def test_the_parts_of_a_line_are_the_line(pieces: list[Piece]) -> None:
    parts = lines._parts(pieces)
    assert [piece for part in parts for piece in part] == pieces
    assert all(len(p) == 1 or sum(x.width for x in p) <= lines._PHONE for p in parts)


def test_no_last_part_of_a_line_is_short() -> None:
    wide = [Piece("x", width, 4) for width in (10.0, 10.0, 2.0)]
    assert lines._parts(wide) == [wide[:1], wide[1:]]
    assert lines._parts(wide[1:]) == [wide[1:]]
    assert lines._parts([*wide[:2], Piece("y", 4.0, 4)])[-1] == [Piece("y", 4.0, 4)]


def test_brackets_are_as_high_as_what_is_whole_between_them() -> None:
    inner = Piece(r"\begin{cases} a & b \end{cases}", 10.0, 0)
    (found,) = lines._after(Box(r"\exp", 1.5), [inner], bare=False)
    assert found.tex == rf"\exp\left({inner.tex}\right)"
    assert lines._after(Box("", 0), [inner, inner], bare=False)[0].tex == rf"\Bigl({inner.tex}"
