"""Words and words near them in the works of Shakespeare, as skip-gram is trained on.

After Mikolov, Sutskever, Chen, Corrado and Dean (2013): frequent words are thinned out, a pair is
a word and one at most WINDOW places away in what is left, and negatives are drawn from the
frequencies to the power 3/4.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import CallError
from symbackprop.spec.syntax import InputDeclaration
from symbackprop.training.dataset import Dataset
from symbackprop.training.shakespeare import works

Array = NDArray[Any]

WINDOW = 3
FREQUENT = 1e-4  # a word of frequency f is kept with probability √(FREQUENT / f)
NAMES = ("word", "context", "negative")


def vocabulary(size: int) -> list[str]:
    """The most frequent words, the most frequent first."""
    counts = Counter(word for words in _words() for word in words)
    return sorted(counts, key=lambda word: (-counts[word], word))[:size]


def shakespeare_pairs(inputs: Mapping[str, InputDeclaration]) -> Dataset:
    """`word` and `context`, labels [N] below the size of the vocabulary; `negative` [N, K], drawn.

    Raises CallError where the inputs do not say how many words and how many negatives.
    """
    for name in NAMES:
        rank = 2 if name == "negative" else 1
        d = inputs.get(name)
        is_labels = d is not None and d.kind == "labels" and isinstance(d.classes, int)
        if d is None or not is_labels or len(d.shape) != rank:
            shape = "[N, 5]" if rank == 2 else "[N]"
            raise CallError(
                f"shakespeare_pairs fills labels '{name}' of rank {rank}, which the spec has not",
                f"write {name}: {{shape: {shape}, classes: 5000}}",
            )
    size, negatives = inputs["word"].classes, inputs["negative"].shape[1]
    assert isinstance(size, int)
    if not isinstance(negatives, int):
        raise CallError(f"the extent {negatives} of 'negative' is open", "write a number, as 5")
    words = vocabulary(size)
    number = {word: k for k, word in enumerate(words)}
    texts = [np.array([number[w] for w in text if w in number]) for text in _words()]
    counts = np.bincount(np.concatenate(texts), minlength=len(words))
    rng = np.random.default_rng(0)
    keep = np.minimum(1.0, np.sqrt(FREQUENT * counts.sum() / counts))
    thinned = [text[rng.random(len(text)) < keep[text]] for text in texts]
    pairs = np.concatenate([_pairs(text) for text in thinned])
    cumulative = np.cumsum(counts**0.75)

    def draw(rng: np.random.Generator, arrays: Mapping[str, Array]) -> Array:
        drawn = rng.random((len(arrays["word"]), negatives)) * cumulative[-1]
        found: Array = np.searchsorted(cumulative, drawn, side="right")
        return found

    return Dataset({"word": pairs[:, 0], "context": pairs[:, 1]}, {"negative": draw})


def _words() -> list[list[str]]:
    """The words of each work, in small letters."""
    return [re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower()) for text in works().values()]


def _pairs(text: Array) -> Array:
    """Each word with each of its neighbours, [pairs, 2]."""
    found = [np.empty((0, 2), text.dtype)]
    for away in range(1, WINDOW + 1):
        pair = np.stack([text[:-away], text[away:]], axis=1)
        found += [pair, pair[:, ::-1]]
    return np.concatenate(found)
