"""Languages: every word of a report is in each catalogue, and none stands there for nothing."""

from __future__ import annotations

import ast
import functools
import itertools
import re
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jinja2.nodes
import pytest

import symbackprop
from symbackprop import pipeline, report
from symbackprop.cli import main
from symbackprop.derivation import Derivation, adjoint, forward
from symbackprop.errors import CallError
from symbackprop.notation import CHOICES, Notation
from symbackprop.report import languages
from symbackprop.report.escape import foreign_letters
from symbackprop.report.languages import CATALOGUES, LETTERS, say
from symbackprop.report.page.page import page
from symbackprop.report.pdflatex import pdf
from symbackprop.report.plain import columns
from symbackprop.report.reasons import worded
from symbackprop.report.view import view
from symbackprop.report.worked import work
from symbackprop.templating import environment, template_folder
from tests.sampling import sampled

from .pages import reading
from .specs import SPECS, derived
from .test_pdf import fake_tex, log_of

PACKAGE = Path(symbackprop.__file__).parent
GALLERY = sorted(p.stem for p in (PACKAGE / "gallery").glob("*.yaml"))
SOME = ("mlp", "lstm", "gan", "drawn")
CHINESE = Notation(language="zh")
OTHERS = (
    Notation("delta", "denominators", "column", "brackets", "zh"),
    Notation("bars", "nabla", "row", "subscript", "zh"),
)
# What is written so in any language: functions, formats, the program itself.
NAMES = set(re.findall("[A-Za-z]+", """
    softmax logsumexp logsoftmax sigmoid softplus relu elu gelu erf exp log abs sign max min mod
    tanh sin cos tan sqrt diag onehot arctan argmax argmin where stop floor normal uniform bernoulli
    Bernoulli rate LaTeX symbackprop amsmath ctex CJKutf CJKspace CJK
"""))  # fmt: skip
MODULE = "def f():\n    # (1) z = x\n    z = x\n"  # all that a page needs of the code
PAPER = r"""\documentclass[11pt,a4paper]{article}
\usepackage[margin=2.2cm]{geometry}\usepackage{amsmath,CJKutf8,CJKspace}
\begin{document}\begin{CJK*}{UTF8}{gbsn}
\input{part}
\clearpage\end{CJK*}\end{document}
"""


def anonymous(derivation: Derivation) -> Derivation:
    """Without the user's own title and notes."""
    return replace(derivation, system=replace(derivation.system, title="", notes=""))


@functools.cache
def of_gallery(name: str) -> Derivation:
    return pipeline.derive(pipeline.load(name))


def documents(derivation: Derivation, notation: Notation) -> dict[str, str]:
    """Everything that is printed of a derivation, by its format."""
    found = {
        "text": report.text(derivation, "steps", notation),
        "latex": report.latex(derivation, "steps", notation),
        "markdown": report.markdown(derivation, "steps", notation),
        "json": report.json(derivation, "steps", notation),
        "md": report.document_markdown(derivation, notation),
        "tex": report.document_tex(derivation, notation),
        "fragment": report.fragment_tex(derivation, notation),
        "html": page(view(derivation, notation), MODULE),
    }
    try:
        worked = work(derivation)
    except CallError:
        return found
    return found | {
        "worked text": worked.shown("text", notation),
        "worked md": report.document_markdown(derivation, notation, worked),
        "worked tex": report.document_tex(derivation, notation, worked),
        "worked fragment": report.fragment_tex(derivation, notation, worked),
        "worked html": page(view(derivation, notation), MODULE, worked),
    }


def names_of(derivation: Derivation) -> set[str]:
    """Words that the spec brought with it: names, and functions as labels."""
    system = derivation.system
    tensors = [*system.given, *(line.equation.tensor for line in derivation.lines())]
    labels = [line.equation.label for line in derivation.lines()]
    versions = [derivation] if derivation.in_use is None else [derivation, derivation.in_use]
    for version in versions:
        tensors += [line.equation.tensor for line in version.lines()]
        labels += [line.equation.label for line in version.lines()]
    found = [system.name, *labels, *(t.name for t in tensors), *(s.name for s in system.extents)]
    return set(re.findall("[A-Za-z]+", " ".join(found)))


def prose(kind: str, document: str) -> str:
    """What is left of a document without formulas, code and commands."""
    if kind.endswith("html"):
        found = reading(document)
        spoken = [
            words
            for inside, words in found.texts
            if not {"code", "pre", "style", "script", "b", "title"} & set(inside)
        ]
        labels = [
            attributes[key]
            for _, attributes in found.elements
            for key in ("title", "aria-label")
            if attributes.get("role") != "math" and key in attributes
        ]
        return "\n".join([*spoken, *labels])
    text = document.partition(r"\begin{document}")[2] or document
    text = re.sub(r"(?s)\\ifdefined\\tikzpicture.*?\\end\{tikzpicture\}", "", text)
    text = re.sub(r"\\\w+skip=.*|\{@\{\}l+r@\{\}\}", " ", text)
    text = re.sub(r"\$[^$]*\$", " ", text)  # formulas in a line, within remarks too
    said = re.findall(r"\\(?:text|remark)\{([^{}]*)\}", text)
    text = re.sub(r"(?s)```math.*?```|\\begin\{(\w*align)\*?\}.*?\\end\{\1\*?\}", " ", text)
    text = re.sub(r"\\(?:texttt|ref|eqref|label|begin|end|usepackage|color)\{[^}]*\}+", " ", text)
    text = re.sub(r"\\[A-Za-z]+|\{UTF8\}\{gbsn\}|\[!htbp?\]|\dem\b|\d em", " ", text)
    return "\n".join([text, *said])


def english(kind: str, document: str, derivation: Derivation) -> set[str]:
    """The words of Latin letters that are no names."""
    words = set(re.findall(r"[A-Za-z]{3,}", prose(kind, document)))
    return words - names_of(derivation) - NAMES


def untranslated(derivation: Derivation, notation: Notation) -> dict[str, set[str]]:
    """The English words left in each document, where there are any."""
    nameless = anonymous(derivation)
    printed = documents(nameless, notation)
    del printed["json"]  # its keys and names are for programs
    left = {kind: english(kind, text, nameless) for kind, text in printed.items()}
    return {kind: words for kind, words in left.items() if words}


@pytest.mark.parametrize("name", SOME)
def test_no_english_is_left_in_chinese(name: str) -> None:
    assert not untranslated(derived(name), CHINESE)


@pytest.mark.slow
@pytest.mark.parametrize("name", sampled(sorted({*SPECS} - {*SOME}), 4))
def test_no_english_is_left_in_any_spec(name: str) -> None:
    assert not untranslated(derived(name), CHINESE)


@pytest.mark.slow
@pytest.mark.parametrize("name", sampled(GALLERY, 9))
def test_no_english_is_left_in_the_gallery(name: str) -> None:
    for notation in (CHINESE, *OTHERS):
        assert not untranslated(of_gallery(name), notation)


def test_english_that_is_left_is_seen(monkeypatch) -> None:
    chinese = {**CATALOGUES["zh"], "Forward": "Forward pass", "chain rule": "chain rule"}
    monkeypatch.setattr(languages, "CATALOGUES", {**CATALOGUES, "zh": chinese})
    left = untranslated(derived("mlp"), CHINESE)
    for kind in ("text", "markdown", "md", "tex", "fragment", "html"):
        assert "Forward" in left[kind], kind
    for kind in ("text", "latex", "markdown", "md", "tex", "html"):
        assert "chain" in left[kind], kind


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_catalogues_have_the_same_phrases_with_the_same_places() -> None:
    assert set(CATALOGUES) == set(languages.LETTERS) == set(CHOICES["language"])
    for catalogue in CATALOGUES.values():
        assert set(catalogue) == set(CATALOGUES["en"])
        for phrase, text in catalogue.items():
            if "{" in phrase or "{" in text:
                assert places(text) == places(phrase), phrase


def called(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def literals(node: ast.AST) -> Iterator[str]:
    """The texts that an expression may be: a literal, or one of two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from itertools.chain(literals(node.body), literals(node.orelse))


def said_in_templates() -> set[str]:
    found = set()
    for path in template_folder().glob("*.jinja"):
        for call in environment().parse(path.read_text("utf-8")).find_all(jinja2.nodes.Call):
            if isinstance(call.node, jinja2.nodes.Name) and call.node.name == "say":
                first = call.args[0]
                either = (first.expr1, first.expr2) if hasattr(first, "expr2") else (first,)
                found |= {c.value for c in either if isinstance(c, jinja2.nodes.Const)}
    return found


def said_in_code() -> set[str]:
    found = set()
    paths = [p for stage in ("report", "inspecting") for p in (PACKAGE / stage).rglob("*.py")]
    for path in (*paths, PACKAGE / "examining.py"):
        names = ("say", "said", "here", "phrased", "phrase")
        for call in called(ast.parse(path.read_text("utf-8")), *names):
            found |= {text for argument in call.args[:2] for text in literals(argument)}
    return found


def named_by_the_derivation() -> set[str]:
    """Names of rules and their reasons, as the source has them."""
    found = set()
    for path in (PACKAGE / "derivation").rglob("*.py"):
        for call in called(ast.parse(path.read_text("utf-8")), "Step"):
            found |= {text for argument in call.args for text in literals(argument)}
    tree = ast.parse(Path(adjoint.__file__).read_text("utf-8"))
    (rules,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "_rules")
    lists = (n for n in ast.walk(rules) if isinstance(n, ast.List))
    for row in (e for n in lists for e in n.elts if isinstance(e, ast.Tuple)):
        for part in (row.elts[0], row.elts[2]):
            found |= {getattr(adjoint, part.id)} if isinstance(part, ast.Name) else {part.value}
    found |= {forward.SPELLING, forward.THROUGH, forward.NAMED}
    return {worded(text)[0] for text in found} - {"{a}"}


def test_every_phrase_that_the_source_says_is_in_the_catalogues() -> None:
    found = said_in_templates(), said_in_code(), named_by_the_derivation()
    assert min(map(len, found)) > 20
    for phrases in found:
        assert not sorted(phrases - set(CATALOGUES["en"]))


def test_no_phrase_is_in_the_catalogues_for_nothing() -> None:
    stages = ("report", "derivation", "inspecting")
    paths = [p for stage in stages for p in (PACKAGE / stage).rglob("*.py")]
    paths = [p for p in paths if p.parent.name != "languages"] + [PACKAGE / "examining.py"]
    trees = [ast.parse(p.read_text("utf-8")) for p in paths]
    written = {text for tree in trees for n in ast.walk(tree) for text in literals(n)}
    written |= {worded(text)[0] for text in written if text.count("$") % 2 == 0}
    names = ("logsumexp", "sigmoid", "softplus")
    several = (itertools.combinations(names, k) for k in range(1, len(names) + 1))
    terms = {f"in terms of {' and '.join(some)}" for some in itertools.chain(*several)}
    assert not sorted(set(CATALOGUES["en"]) - written - said_in_templates() - terms)
    assert terms <= set(CATALOGUES["en"])


@pytest.mark.parametrize("language", CHOICES["language"])
def test_a_phrase_that_no_catalogue_has_is_a_fault(language: str) -> None:
    with pytest.raises(AssertionError) as raised:
        say(Notation(language=language), "no such phrase")
    assert str(raised.value) == f"no word in {language} for 'no such phrase'"


def test_formulas_are_the_same_in_every_language() -> None:
    def formulas(text: str) -> list[str]:
        return re.findall(r"(?m)^ +\(\d+\)  (\S.*?)(?:   |$)", text)

    for name in ("mlp", "lstm", "gan"):
        assert formulas(report.text(derived(name))) == formulas(
            report.text(derived(name), notation=CHINESE)
        )


def test_the_title_and_notes_stay_as_they_are() -> None:
    chinese, plain = (report.document_markdown(derived("mlp"), n) for n in (CHINESE, Notation()))
    assert chinese.splitlines()[0] == plain.splitlines()[0]
    assert "\\*\\*Stars\\*\\*" in chinese and "\\*\\*Stars\\*\\*" in plain


def test_the_command_line_takes_the_language(capsys, tmp_path) -> None:
    assert main(["derive", "xor", "--lang", "zh"]) == 0
    assert "\n反向传播\n" in capsys.readouterr().out
    assert main(["derive", "xor", "--lang", "zh", "--numbers"]) == 0
    assert "\n参数更新，η = 0.1\n" in capsys.readouterr().out
    assert main(["render", "xor", "--lang", "zh", "-o", str(tmp_path / "xor.html")]) == 0
    html = (tmp_path / "xor.html").read_text("utf-8")
    assert '<html lang="zh"' in html and "<h2>名称与形状</h2>" in html


def test_an_unknown_language_is_refused(capsys) -> None:
    assert main(["derive", "xor", "--lang", "fr"]) == 2
    assert "argument --lang: 'fr' is none of en, zh" in capsys.readouterr().err
    with pytest.raises(CallError) as raised:
        Notation(language="fr")
    assert str(raised.value) == ("no notation of language is called 'fr'\n  fix: there are en, zh")


def test_han_takes_two_columns_of_a_terminal() -> None:
    assert (columns("链式法则"), columns("x̄ = 1"), columns("（行号，值）")) == (8, 5, 12)


def test_letters_that_the_font_of_the_language_has_are_not_declared() -> None:
    assert foreign_letters("a数—é😀", LETTERS["en"]) == ["—", "数", "😀"]
    assert foreign_letters("a数—é😀", LETTERS["zh"]) == ["😀"]


def test_chinese_is_the_same_every_time(tmp_path) -> None:
    made = []
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.tex"
        command = [sys.executable, "-m", "symbackprop", "render", "xor", "--lang", "zh"]
        environ = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(PACKAGE.parent)}
        subprocess.run([*command, "-o", str(path)], check=True, env=environ)
        made.append(path.read_bytes())
    assert made[0] == made[1]


def test_a_missing_package_of_chinese_is_named(tmp_path, monkeypatch) -> None:
    said = "! LaTeX Error: File `CJKutf8.sty' not found."
    script = f"cat > page.log <<'END'\n{said}\nEND\nexit 1"
    program = fake_tex(tmp_path, script, monkeypatch)
    with pytest.raises(CallError) as raised:
        pdf("text")
    assert str(raised.value) == (
        f"{program} has no CJKutf8.sty, which the document needs\n"
        "  fix: install the LaTeX package with it (Debian: latex-cjk-chinese and "
        "latex-cjk-chinese-arphic-gbsn00lp), or write the derivation as .tex or .md"
    )


@pytest.mark.latex
@pytest.mark.parametrize("name", SOME)
def test_chinese_compiles(name: str, tmp_path) -> None:
    needed = ("CJKutf8.sty", "CJKspace.sty", "gbsnu4e.pfb")
    if not shutil.which("kpsewhich") or any(
        subprocess.run(["kpsewhich", file], capture_output=True).returncode for file in needed
    ):
        pytest.skip("no CJKutf8, or not its font gbsn")
    for notation in (CHINESE, OTHERS[0]):
        assert log_of(tmp_path, report.document_tex(derived(name), notation)) == ""
        part = report.fragment_tex(derived(name), notation)
        (tmp_path / "part.tex").write_text(part, encoding="utf-8")
        assert log_of(tmp_path, PAPER) == ""


def test_letters_that_no_font_has_are_shown_by_their_codes() -> None:
    system = replace(derived("mlp").system, title="数字 😀 한")
    odd = replace(derived("mlp"), system=system)
    chinese = report.document_tex(odd, CHINESE)
    assert r"数字 \texttt{U+1F600} \texttt{U+D55C}" in chinese
    assert "DeclareUnicodeCharacter" not in chinese
