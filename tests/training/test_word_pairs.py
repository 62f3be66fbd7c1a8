"""Pairs of words near each other, and negatives by frequency."""

from collections import Counter

import numpy as np
import pytest
from networks import spec

from symbackprop.errors import CallError
from symbackprop.training import word_pairs
from symbackprop.training.filling import wanted
from symbackprop.training.word_pairs import WINDOW, shakespeare_pairs, vocabulary

WORKS = {"one": "To be, or NOT to be: that's it.", "two": "Be it so"}


def inputs(words=7, negatives=3):
    labels = (["N"], "labels", words)
    return wanted(
        spec(
            {"word": labels, "context": labels, "negative": (["N", negatives], "labels", words)}, {}
        )
    )


@pytest.fixture
def small(monkeypatch):
    """A few words, none of them thinned out."""
    monkeypatch.setattr(word_pairs, "works", lambda: WORKS)
    monkeypatch.setattr(word_pairs, "FREQUENT", 1.0)


def test_the_vocabulary_is_by_frequency_then_by_letters(small):
    assert vocabulary(9) == ["be", "it", "to", "not", "or", "so", "that's"]
    assert vocabulary(3) == ["be", "it", "to"]


def test_pairs_are_all_neighbours_within_a_text(small):
    words = vocabulary(7)
    expected = Counter()
    for text in (["to", "be", "or", "not", "to", "be", "that's", "it"], ["be", "it", "so"]):
        for i, word in enumerate(text):
            for j, other in enumerate(text):
                if 0 < abs(i - j) <= WINDOW:
                    expected[words.index(word), words.index(other)] += 1
    arrays = shakespeare_pairs(inputs()).arrays
    got = zip(arrays["word"].tolist(), arrays["context"].tolist(), strict=True)
    assert Counter(got) == expected


def test_negatives_follow_the_frequencies_to_three_quarters(small):
    draw = shakespeare_pairs(inputs(negatives=2)).drawn["negative"]
    drawn = draw(np.random.default_rng(0), {"word": np.zeros(50_000, int)})
    assert drawn.shape == (50_000, 2)
    weights = np.array([3, 2, 2, 1, 1, 1, 1]) ** 0.75
    found = np.bincount(drawn.reshape(-1)) / 100_000
    np.testing.assert_allclose(found, weights / weights.sum(), atol=0.006)


def test_frequent_words_are_thinned_out(small, monkeypatch):
    monkeypatch.setattr(word_pairs, "works", lambda: {"one": "a " * 40_000 + "b c d e f g"})
    monkeypatch.setattr(word_pairs, "FREQUENT", 1e-2)
    word = shakespeare_pairs(inputs()).arrays["word"]
    # √(1e-2 / 1) of 40,000 words, each with WINDOW words on either side.
    assert len(word) / (2 * WINDOW) == pytest.approx(4_000, rel=0.05)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (
            {"word": (["N"], "labels", 5)},
            "fills labels 'context' of rank 1, which the spec has not",
        ),
        ({"word": ["N"]}, "fills labels 'word' of rank 1, which the spec has not"),
        (
            {n: (["N"], "labels", 5) for n in ("word", "context", "negative")},
            "fills labels 'negative' of rank 2, which the spec has not",
        ),
        (
            {"word": (["N"], "labels", 5), "context": (["N"], "labels", 5),
             "negative": (["N", "K"], "labels", 5)},
            "the extent K of 'negative' is open",
        ),
    ],
)  # fmt: skip
def test_refusals(small, declared, message):
    with pytest.raises(CallError) as caught:
        shakespeare_pairs(wanted(spec(declared, {})))
    assert caught.value.message.removeprefix("shakespeare_pairs ") == message
