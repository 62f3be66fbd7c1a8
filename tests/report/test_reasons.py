"""The reasons of rules: stated once, and typeset in every format and language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import symbackprop.derivation
from symbackprop import report
from symbackprop.notation import Notation
from symbackprop.report.languages import CATALOGUES
from symbackprop.report.page.page import page
from symbackprop.report.reasons import read, reason, worded
from symbackprop.report.remarks import rules
from symbackprop.report.view import view
from symbackprop.report.words import latex_words, markdown_words, text_words

from .pages import reading
from .specs import derived

ENGLISH, CHINESE = Notation(), Notation(language="zh")
MEAN = "$Σ[j](f[j]) == J * m$ where $m$ is its mean"
MODULE = "def f():\n    # (1) z = x\n    z = x\n"


def statements() -> list[str]:
    """Every text of the derivation's source with mathematics between dollars."""
    found = []
    for path in sorted(Path(symbackprop.derivation.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and "$" in text:
                found.append(text)
    return found


def test_one_statement_is_typeset_in_every_format_and_language() -> None:
    english, chinese = reason(MEAN, ENGLISH), reason(MEAN, CHINESE)
    assert text_words(english) == "Σ_j f[j] = J m where m is its mean"
    assert latex_words(english) == r"$\sum_{j} f_{j} = J \, m$ where $m$ is its mean"
    assert markdown_words(english) == latex_words(english)
    assert text_words(chinese) == "Σ_j f[j] = J m，其中 m 是均值"
    assert latex_words(chinese) == r"$\sum_{j} f_{j} = J \, m$，其中 $m$ 是均值"
    assert text_words(reason("each row is a distribution", CHINESE)) == "每一行都是概率分布"


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("Σ[i](δ(u, i) * f[i]) == f[u]", "Σ_i δ[u,i] f[i] = f[u]"),
        ("a - (b - c) - d", "a − (b − c) − d"),
        ("a / b**2 == (a + 1) / c", "a/b² = (a + 1)/c"),
        ("f**(k * e) == y**k", "f^(k e) = y^k"),
        ("sigmoid(-u) == 1 - sigmoid(u)", "σ(−u) = 1 − σ(u)"),
        ("u * sign(u) == abs(u)", "u sign(u) = |u|"),
        ("p * [m] == p", "p 1[m] = p"),
    ],
)
def test_the_notation_of_statements(statement: str, text: str) -> None:
    assert text_words((read(statement),)) == text


def test_what_has_no_notation_is_a_fault() -> None:
    with pytest.raises(AssertionError) as raised:
        read("a % b")
    assert str(raised.value).startswith("no notation for ")


def test_every_statement_of_the_derivation_is_read() -> None:
    found = statements()
    assert len(found) > 8
    for why in found:
        for statement in worded(why)[1]:
            read(statement)


def test_no_catalogue_repeats_the_mathematics() -> None:
    for catalogue in CATALOGUES.values():
        for phrase in catalogue:
            assert not re.search("Σ_|\\^|sigmoid\\(", phrase), phrase


@pytest.mark.parametrize("notation", [ENGLISH, CHINESE])
def test_no_reason_is_raw_text_in_a_document(notation: Notation) -> None:
    derivation = derived("block")
    shown = view(derivation, notation)
    formulas = [p for words in rules(shown).values() for p in words if not isinstance(p, str)]
    assert len(formulas) > 3
    html = page(shown, MODULE)
    listed = html[html.index('<section id="rules">') :]
    assert len(re.findall('<dd><b class="katex">', listed)) >= 4
    for document in (
        html,
        report.document_tex(derivation, notation),
        report.document_markdown(derivation, notation),
    ):
        assert "δ(u, i)" not in document and "f_j" not in document
        assert "Σ[" not in document and "] ==" not in document and "**k" not in document
    assert r"$\sum_{i} \delta_{u,i} \, f_{i} = f_{u}$" in report.document_tex(derivation, notation)
    hints = {a["title"] for _, a in reading(html).elements if "title" in a}
    assert "Σ_i δ[u,i] f[i] = f[u]" in hints
