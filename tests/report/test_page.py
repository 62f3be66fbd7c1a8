"""The HTML page: whole in itself, joined to the code, the same every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import symbackprop as sb
from symbackprop import pipeline
from symbackprop.derivation import differentiate
from symbackprop.equations.build import build
from symbackprop.errors import CallError
from symbackprop.report.page import mathematics
from symbackprop.report.page.listing import functions
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.page.page import page
from symbackprop.report.view import view
from symbackprop.spec import parse
from tests.report.pages import page_named, page_of, reading
from tests.report.specs import derived

SOME = ("mlp", "lstm", "gan", "drawn")
DEEP = "name: deep\ninputs: {x: [N, 5], y: [N, 5]}\nnetwork: |\n" + "".join(
    f"  h{k} = tanh(dense({f'h{k - 1}' if k else 'x'}, 5))\n" for k in range(12)
)


def deep() -> sb.pipeline.ProvedDerivation:
    return sb.derive(sb.parse(DEEP + "loss: mse(h11, y)\n"))


@pytest.mark.parametrize("name", SOME)
def test_a_page_asks_for_nothing(name: str) -> None:
    html = page_named(name)
    found = reading(html)
    for attribute in ("src", "href", "action", "srcset", "poster", "content"):
        for value in found.values(attribute):
            assert not re.match(r"(?i)\s*(https?:|//|file:|\w+\.\w+/)", value), value
    styles = found.text("style")
    assert "@import" not in styles
    assert set(re.findall(r'url\("?([^;)]*)', styles)) == {"#tip", "data:font/woff2"}
    (policy,) = (n["content"] for _, n in found.elements if "http-equiv" in n)
    assert policy.startswith("default-src 'none'; ") and "http" not in policy
    scripts = found.text("script")
    assert not re.search(r"fetch|XMLHttp|import|eval|innerHTML|https?:", scripts)


@pytest.mark.parametrize("name", SOME)
def test_every_link_lands(name: str) -> None:
    found = reading(page_named(name))
    places = list(found.values("id"))
    assert len(places) == len(set(places))
    links = list(found.values("href"))
    assert links
    assert {link[1:] for link in links if link.startswith("#")} <= set(places)


@pytest.mark.parametrize("name", SOME)
def test_equations_and_code_have_the_same_numbers(name: str) -> None:
    derivation = derived(name)
    lines = {shown.number for shown in view(derivation).lines()}
    found = reading(page_named(name))
    equations = {int(place[1:]) for place in found.values("id") if re.fullmatch(r"e\d+", place)}
    coded = {int(place[1:]) for place in found.values("id") if re.fullmatch(r"c\d+", place)}
    named = set(map(int, re.findall(r"^ *# \((\d+)\)", pipeline.source(derivation)[0], re.M)))
    assert equations == coded == named == lines


def test_each_line_of_code_is_joined_to_the_comment_above_it() -> None:
    (function,) = functions(
        "def f():\n    a = 1\n\n    # (3) b = a\n    #     and more\n    b = a\n\n    c = b\n"
        "    for t in range(3):\n        # (4) d\n        d = t\n    e = d\n"
    )
    assert [line.number for line in function.lines] == [0, 0, 0, 3, 3, 3, 0, 0, 0, 4, 4, 0]
    assert [line.number for line in function.lines if line.first] == [3, 4]


def test_a_head_of_several_lines_is_one_with_its_function() -> None:
    (function,) = functions(
        "def f(\n    a,\n):\n    # (3) b = a\n    b = a\n\n\ndef g():\n    pass\n"
    )
    assert function.name == "f"
    assert [line.number for line in function.lines] == [0, 0, 0, 3, 3]


def test_code_is_shown_as_it_is() -> None:
    source = pipeline.source(derived("mlp"))[0]
    for function in functions(source):
        text = reading("".join(f"<p>{line.html}\n</p>" for line in function.lines)).text("p")
        assert text in source + "\n"
        assert text.startswith(f"def {function.name}(")


def test_few_functions_that_hold_every_number_are_open() -> None:
    found = functions(pipeline.source(derived("drawn"))[0])
    shown = [f for f in found if f.shown]
    assert frozenset().union(*(f.numbers for f in found)) == frozenset().union(
        *(f.numbers for f in shown)
    )
    assert len(shown) < len(found)
    places = [line.number for f in found for line in f.lines if line.first]
    assert len(places) == len(set(places))


def test_long_updates_have_a_line_of_their_own() -> None:
    text = (
        "name: net\ninputs: {x: [N, 3]}\nparams: {w: {shape: [3], init: ones}, "
        "transition: {shape: [3], init: ones}}\nnetwork: h = x * w * transition\nloss: mean(h)\n"
    )
    html = page_of(differentiate(build(parse(text))))
    listed = re.findall(r'<li data-n="\d+"( class="wide")?>', html)
    assert sorted(listed) == ["", ' class="wide"']


def test_gradients_and_nothing_else_are_boxed() -> None:
    shown = view(derived("mlp"))
    boxed = re.findall(r'<div class="eq grad" id="e(\d+)"', page_named("mlp"))
    assert list(map(int, boxed)) == [s.number for s in shown.gradients()]


def test_the_fonts_are_those_that_are_used() -> None:
    plain = Mathematics()
    plain.inline("Z")
    assert sorted(re.findall(r"font-family:KaTeX_(\w+)[^}]*base64", plain.style())) == sorted(
        ["Main", "Main", "Main", "Math"]
    )
    plain.display(r"\sum_i \boldsymbol{\beta} \Bigl( \mathcal{N}")
    assert set(re.findall(r"font-family:KaTeX_(\w+)[^}]*base64", plain.style())) == {
        *("Main", "Math", "Caligraphic", "Size2", "Size3"),
    }


def test_every_class_with_a_font_of_its_own_is_known() -> None:
    folder = Path(mathematics.__file__).resolve().parents[1] / "katex"
    rules = re.sub(r"@font-face\{[^}]*\}", "", (folder / "katex.min.css").read_text("utf-8"))
    asked = {
        (selector.split(".")[-1].removesuffix(">span"), family)
        for selectors, family in re.findall(r"([^{}]+)\{[^}]*?font-family:KaTeX_(\w+)", rules)
        for selector in selectors.split(",")
    }
    here = {path.stem.split("_")[1].split("-")[0] for path in (folder / "fonts").glob("*.woff2")}
    always = {"textrm", "mathit", "mathbf", "mainrm"}
    missing = {name for name, family in asked if family in here} - always
    assert missing <= set(mathematics._FONTS) | {"textbb"}
    for font in {*mathematics._ALWAYS, *mathematics._FONTS.values()}:
        assert (folder / "fonts" / f"KaTeX_{font}.woff2").is_file()


def test_short_names_of_classes_leave_the_letters() -> None:
    from tests.report.katex import render

    tex = r"\bar{\mathbf{W}}^{3}_{ij} = \sum_{n} \sqrt{\tfrac{1}{2}} \text{ if } \hat{x} \le 0"
    plain, short = reading(render(tex, False)), reading(Mathematics().inline(tex))
    letters = "".join(w for inside, w in plain.texts if "math" not in inside)
    assert "".join(words for _, words in short.texts) == letters
    assert len(Mathematics().inline(tex)) < 0.7 * len(render(tex, False))


def test_like_blocks_are_printed_once() -> None:
    derivation = deep()
    html = page_of(derivation)
    found = reading(html)
    numbers = {s.number for s in view(derivation).lines()}
    places = {p for p in found.values("id") if re.fullmatch(r"e\d+", p)}
    assert places == {f"e{n}" for n in numbers}
    assert html.count('class="fold"') == 1  # on the way back; forward there are too few
    assert len(re.findall(r'<div class="eq', html)) < len(numbers) - 24
    links = list(found.values("href"))
    assert {link[1:] for link in links if link.startswith("#")} <= set(found.values("id"))


def test_the_same_bytes_whatever_the_seed_of_hashes(tmp_path: Path) -> None:
    pages = []
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.html"
        command = [sys.executable, "-m", "symbackprop", "render", "xor", "-o", str(path)]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        pages.append(path.read_bytes())
    assert pages[0] == pages[1]


def test_without_quickjs_there_is_one_message_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "quickjs", None)
    with pytest.raises(CallError) as caught:
        pipeline.render(derived("unused"), tmp_path / "x.html")
    assert str(caught.value) == (
        "an HTML page needs quickjs, which is not installed\n  fix: pip install 'symbackprop[html]'"
    )
    assert not list(tmp_path.iterdir())


def test_render_writes_the_page(tmp_path: Path) -> None:
    path = pipeline.render(derived("unused"), tmp_path / "x.html")
    assert path.read_text("utf-8") == page_named("unused")


def test_worked_numbers_stand_below_the_equations() -> None:
    derivation = sb.derive(sb.load("xor"))
    module = pipeline.source(derivation)[0]
    html = page(view(derivation), module, pipeline.numbers(derivation))
    equations = re.findall(r'<div class="eq[ "].*?(?=<div class="eq[ "]|<h[23])', html, re.DOTALL)
    assert len(equations) == len(list(view(derivation).lines()))
    assert all('<div class="numbers">' in equation for equation in equations)
    found = reading(html)
    assert "[t]" not in found.text("main") and "given" in set(found.values("id"))
    assert "The numbers" not in page(view(derivation), module)


@pytest.mark.slow
def test_a_transformer_of_twelve_blocks_is_below_two_megabytes() -> None:
    lines = ["  x0 = embedding(ids, 64)"]
    for k in range(12):
        lines += [
            f"  a{k} = x{k} + multi_head_attention(layer_norm(x{k}), 4, causal=True)",
            f"  x{k + 1} = a{k} + dense(gelu(dense(layer_norm(a{k}), 256)), 64)",
        ]
    head = "inputs:\n  ids: {shape: [N, T], classes: 65}\n  y: {shape: [N, T], classes: 65}\n"
    last = "  p = softmax(dense(layer_norm(x12), 65))\nloss: cross_entropy(p, y)\n"
    network = "\n".join(lines)
    derivation = sb.derive(sb.parse(f"name: tower\n{head}network: |\n{network}\n{last}"))
    html = page_of(derivation)
    assert len(html.encode()) < 2_000_000
    found = reading(html)
    places = {p for p in found.values("id") if re.fullmatch(r"e\d+", p)}
    assert places == {f"e{s.number}" for s in view(derivation).lines()}
    assert html.count('class="fold"') == 2
