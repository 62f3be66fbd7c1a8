"""Shakespeare's sonnets letter by letter: what comes next, and where words begin and end."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from symbackprop.errors import CallError
from symbackprop.spec.syntax import InputDeclaration
from symbackprop.training.dataset import Array, Dataset, check_classes
from symbackprop.training.shakespeare import works

Inputs = Mapping[str, InputDeclaration]

WINDOW = 64  # steps a row, where the spec leaves them open
HELD_OUT = 0.1  # the end of the text
LETTERS = "abcdefghijklmnopqrstuvwxyz"
TAGS = "BIES"  # a letter begins a word, is inside it, ends it, or is a word by itself


def poems() -> str:
    """The 154 sonnets in their order, without title and numbers, an empty line after each."""
    lines = [line.rstrip() for line in works()["sonnets"].split("\n")]
    numbers = [k for k, line in enumerate(lines) if re.fullmatch("[IVXLC]+", line)]
    ends = [*numbers[1:], len(lines)]
    bodies = ("\n".join(lines[a + 1 : b]).strip("\n") for a, b in zip(numbers, ends, strict=True))
    return "".join(f"{body}\n\n" for body in bodies)


def alphabet() -> str:
    """The characters of the sonnets in the order of their codes: id k is character k."""
    return "".join(sorted(set(poems())))


def sonnets(inputs: Inputs) -> Dataset:
    """`ids` [N, T], windows of the sonnets side by side, and `next` [N, T], what follows each.

    The last tenth of the text is held out. T is what the spec says, WINDOW where it leaves it open.
    Raises CallError where an input has not as many classes as the alphabet has characters.
    """
    text, known = poems(), alphabet()
    ids = np.array([known.index(character) for character in text])
    arrays = {"ids": ids[:-1], "next": ids[1:]}
    return _windows(inputs, "sonnets", arrays, dict.fromkeys(arrays, len(known)))


def sonnet_words(inputs: Inputs) -> Dataset:
    """`letters` [N, T] of the sonnets without blanks, marks and capitals; `tags` [N, T], TAGS.

    The tags are those by which Xue (2003) finds words in Chinese; an apostrophe is part of a word.
    Windows, what is held out and faults are those of `sonnets`.
    """
    words = (re.sub("[^a-z]", "", word) for word in re.split("[^a-z']+", poems().lower()))
    kept = [word for word in words if word]
    tags = "".join("S" if len(w) == 1 else "B" + "I" * (len(w) - 2) + "E" for w in kept)
    arrays = {
        "letters": np.array([LETTERS.index(letter) for letter in "".join(kept)]),
        "tags": np.array([TAGS.index(tag) for tag in tags]),
    }
    classes = {"letters": len(LETTERS), "tags": len(TAGS)}
    return _windows(inputs, "sonnet_words", arrays, classes)


def _windows(
    inputs: Inputs, source: str, arrays: Mapping[str, Array], classes: Mapping[str, int]
) -> Dataset:
    declared = [d.shape[1] for name, d in inputs.items() if name in arrays and len(d.shape) == 2]
    steps = next((size for size in declared if isinstance(size, int)), WINDOW)
    count = len(next(iter(arrays.values()))) // steps
    if count < 2:
        raise CallError(f"{source} has fewer than two windows of {steps}", "take shorter ones")
    check_classes(inputs, source, classes)
    rows = {name: array[: count * steps].reshape(count, steps) for name, array in arrays.items()}
    return Dataset(rows, held_out=max(1, round(count * HELD_OUT)))
