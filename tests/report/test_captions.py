"""What stands below the names in the picture: each sign once, all of it inside its box."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from symbackprop.derivation import Derivation, differentiate
from symbackprop.equations.build import build
from symbackprop.notation import CHOICES, Notation
from symbackprop.report import document_tex
from symbackprop.report.graph import graph
from symbackprop.report.latex import latex_of
from symbackprop.report.tikz import tikz
from symbackprop.report.view import view
from symbackprop.spec import parse
from tests.report.pages import page_of, reading

FIELDS = ("cotangents", "gradients", "convention", "layers")
LOOKS = [
    Notation(**dict(zip(FIELDS, chosen, strict=True)))
    for chosen in itertools.product(*(CHOICES[field] for field in FIELDS))
]
SHARED = """
name: shared
inputs: {x: [N, 3], y: [N, 2]}
params: {eta: {shape: []}, delta: {shape: [4]}}
network: |
  h = tanh(dense(x, 4, name=encoder)) * eta + delta
  o = dense(h, 2)
losses:
  value: {value: "mse(o, y)"}
  policy: {value: "mean(abs(o)) + l2(0.1)", wrt: [W_encoder, x, eta, W1]}
"""


@pytest.fixture(scope="module")
def shared() -> Derivation:
    return differentiate(build(parse(SHARED)))


@pytest.mark.parametrize("look", LOOKS, ids=lambda n: "-".join(getattr(n, f) for f in FIELDS))
def test_each_sign_stands_once_with_all_its_equations(shared: Derivation, look: Notation) -> None:
    shown = view(shared, look)
    cells = {cell.tensor: cell for node in graph(shown).nodes for cell in node.cells}
    back = [line for line in shown.lines() if line.loss is not None]
    for tensor, cell in cells.items():
        told = [line.number for sign in cell.signs for line in sign.lines]
        assert sorted(told) == sorted(b.number for b in back if b.subject == tensor)
        assert len({latex_of(sign.formula) for sign in cell.signs}) == len(cell.signs)
        for sign in cell.signs:
            for line in sign.lines:
                assert sign.formula == line.known.whole(line.line.equation.tensor)
    assert any(len(sign.lines) == 2 for cell in cells.values() for sign in cell.signs)


def test_the_page_names_the_loss_of_each_number(shared: Derivation) -> None:
    found = reading(page_of(shared))
    links = [
        (attributes["href"], attributes["title"])
        for tag, attributes in found.elements
        if tag == "a" and attributes.get("class") == "back" and "title" in attributes
    ]
    told = {f"#e{s.number}": s.loss and s.loss.name for s in view(shared).lines()}
    assert len(links) >= 8
    assert links == [(number, f"Backward from {told[number]}") for number, _ in links]
    assert {title for _, title in links} == {"Backward from value", "Backward from policy"}


def test_the_article_says_whose_numbers_they_are(shared: Derivation) -> None:
    said = "Several equations of one cotangent belong to a loss each, in the order "
    losses = r"$L_{\mathrm{value}}$, $L_{\mathrm{policy}}$."
    assert said + losses in document_tex(shared)


def widths(pieces: list[str], folder: Path) -> list[float]:
    """What words of the picture take of an em of the text, by TeX."""
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("no pdflatex on this machine")
    set_ = (rf"\setbox0=\hbox{{\itshape {piece}}}\typeout{{wide \the\wd0}}" for piece in pieces)
    (folder / "page.tex").write_text(
        r"\documentclass[11pt]{article}\usepackage{lmodern,amsmath,amssymb}\begin{document}"
        r"\renewcommand{\eqref}[1]{(#1)}\typeout{wide \the\dimexpr1em}\footnotesize"
        + "\n".join(set_)
        + r"\end{document}"
    )
    command = [program, "-interaction=nonstopmode", "page.tex"]
    assert subprocess.run(command, cwd=folder, capture_output=True).returncode == 0
    em, *found = map(float, re.findall(r"wide ([0-9.]+)pt", (folder / "page.log").read_text()))
    return [wide / em for wide in found]


@pytest.mark.latex
def test_words_are_narrower_than_their_boxes(shared: Derivation, tmp_path: Path) -> None:
    pieces: list[str] = []
    room: list[float] = []
    for look in LOOKS:
        shown = view(shared, look)
        drawn = graph(shown)
        picture = tikz(drawn, shown)
        assert picture is not None
        words = [c for c in picture.commands if c.startswith(r"\node[word]")]
        pieces += [re.sub(r"eq:(\d+)", r"\1", word[word.index("{") + 1 : -2]) for word in words]
        room += [cell.width for node in drawn.nodes for cell in node.cells]
    taken = widths(pieces, tmp_path)
    assert len(taken) == len(room) > 200
    full = [(p, w, r) for p, w, r in zip(pieces, taken, room, strict=True) if w > r - 0.3]
    assert full == []
