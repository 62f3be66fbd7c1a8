"""Any text at all is a spec, or is refused at places that exist, and soon."""

from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbackprop.spec import SpecError, expression, statement
from symbackprop.spec.source import gallery
from tests.fuzz.front_end import WORDS, Search, changed, judged, plain

GALLERY = [path.read_text(encoding="utf-8") for path in gallery().values()]
# Texts that once were neither refused nor accepted.
FOUND = [
    "? ", "{", "!<", "%YAML 9.9\n---\n", "a: |9\n  b", 'a: "\\U00110000"', "a: \ud800", "\ufeff",
]  # fmt: skip
assert GALLERY


def held(text: str) -> None:
    wrong = judged(text)
    if wrong is not None:
        raise wrong


@pytest.mark.parametrize("text", FOUND)
def test_found_texts(text):
    held(text)


@given(st.text())
def test_any_text(text):
    held(text)


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_any_words(words):
    held("".join(words))
    held("name: a\ninputs: {x: [N]}\nnetwork: |\n  y = " + "".join(words) + "\nloss: mean(x)\n")


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_a_spec_with_a_few_changes(random):
    held(changed(random, GALLERY))


@given(st.lists(st.sampled_from([*WORDS, "x", "i", "(x)", "[i]", " + ", "2"]), max_size=20))
def test_a_single_statement_or_expression(words):
    for read in (statement, expression):
        for layer in (False, True):
            try:
                read("".join(words), layer)
            except SpecError as error:
                assert "fix: " in str(error)


def test_the_gallery_is_accepted():
    for text in GALLERY:
        held(text)


@pytest.mark.slow
def test_changed_specs_for_a_while():
    plain(held, seconds=40, seed=int(time.time()))


def test_what_goes_wrong_is_kept(tmp_path, monkeypatch):
    def faulty(_):
        raise ZeroDivisionError("as planted")

    search = Search(tmp_path)
    search.look("name: a")
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("symbackprop.spec.parse", faulty)
    for number in range(5):
        search.look(f"text {number}")
    texts = sorted(path.read_text("utf-8") for path in tmp_path.glob("*.yaml"))
    assert texts == ["text 0", "text 1", "text 2"]
    assert search.tally["ZeroDivisionError in held"] == 5


def test_a_slow_text_is_seen(monkeypatch):
    monkeypatch.setattr("tests.fuzz.front_end.SECONDS", 0.05)

    def slow(_):
        while True:
            pass

    monkeypatch.setattr("symbackprop.spec.parse", slow)
    assert "more than" in str(judged("name: a"))


def test_changes_leave_texts_of_the_stated_length():
    random = Random(0)
    assert all(len(changed(random, GALLERY)) <= 4000 for _ in range(50))
