"""A stranger's words in the HTML page: they are read, and do nothing."""

from __future__ import annotations

import functools
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sb
from symbackprop import pipeline
from symbackprop.derivation import Derivation
from symbackprop.report.escape import plain_text
from symbackprop.report.page.page import page
from symbackprop.report.view import view
from symbackprop.spec import SpecError
from tests.report.pages import Reading, reading
from tests.safety.test_hostile_specs import PAYLOADS, with_words

MORE = [
    "</title></style></script><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)' x='",
    "--></style><style>@import url(https://example.org)</style>",
    "$\\href{javascript:alert(1)}{x}$ \\htmlData{a=b}{c}",
    "</pre></details><iframe src=//example.org>",
]


@functools.cache
def harmless_parts() -> tuple[Derivation, str]:
    derivation = sb.derive(with_words("A title", "A note"))
    return derivation, pipeline.source(derivation)[0]


def page_with(title: str, notes: str) -> str:
    """The page of the one network under other words."""
    spec = with_words(title, notes)
    derivation, module = harmless_parts()
    system = replace(derivation.system, title=spec.title, notes=spec.notes)
    return page(view(replace(derivation, system=system)), module)


@pytest.fixture(scope="module")
def harmless() -> Reading:
    return reading(page_with("A title", "A note"))


@pytest.mark.parametrize("payload", PAYLOADS + MORE)
def test_words_make_no_element(payload: str, harmless: Reading) -> None:
    try:
        html = page_with(payload, payload)
    except SpecError as refusal:
        assert "control character" in str(refusal)
        return
    found = reading(html)
    paragraphs = sum(1 for _, names in found.elements if names.get("class") == "note")
    kept = [e for e in found.elements if e[1].get("class") != "note"]
    assert kept == [e for e in harmless.elements if e[1].get("class") != "note"]
    assert paragraphs == bool(plain_text(payload))
    assert found.text("h1") == plain_text(payload)
    assert found.text("script") == harmless.text("script")
    assert found.text("style") == harmless.text("style")


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.text(alphabet="<>&'\"/=$\\{}%`-! aé数\n", max_size=40))
def test_any_words_make_no_element(words: str) -> None:
    try:
        found = reading(page_with(words, "A note"))
    except SpecError:
        return
    title = plain_text(words)
    assert found.text("h1") == title or not title
    assert not [tag for tag, names in found.elements if any(n.startswith("on") for n in names)]


NAMES = """
name: net
inputs: {x: [N, 3], y: [N, 2]}
params:
  onload: {shape: [3, 5], init: normal(1)}
  constructor: {shape: [5, 2], init: normal(1)}
network: |
  prototype = tanh(x @ onload)
  script = prototype @ constructor
loss: mse(script, y)
"""


def test_names_are_words() -> None:
    derivation = sb.derive(sb.parse(NAMES))
    found = reading(page(view(derivation), pipeline.source(derivation)[0]))
    for _, names in found.elements:
        assert not any(re.match("on", name) for name in names)
    assert "constructor" in found.text("main")


def test_the_stranger_is_seen(harmless: Reading) -> None:
    """Words that were not escaped would be found."""
    bad = page_with("A title", "A note").replace("A title</h1>", "<b onclick=x>A</b></h1>")
    assert reading(bad).elements != harmless.elements
