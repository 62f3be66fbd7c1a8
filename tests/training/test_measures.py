"""Measures by hand, and when there is nothing to measure."""

import numpy as np
import pytest

from symbackprop.errors import CallError
from symbackprop.training.measures import Chosen, choose

LABELS = np.array([[0, 2], [1, 1]])
PROBABILITIES = np.array([[[0.5, 0.25, 0.25], [0, 0.5, 0.5]], [[0.2, 0.3, 0.5], [0, 1, 0]]])
TARGETS = np.array([[1.0, 2.0], [3.0, 5.0]])


def test_accuracy_is_of_the_largest_score_at_every_place():
    (chosen,) = choose((), {"y": LABELS}, {"p": PROBABILITIES}, {"y": 3})
    assert chosen == Chosen("accuracy", "y", "p")
    assert chosen.value({"y": LABELS}, {"p": PROBABILITIES}) == 0.5


def test_bits_are_those_of_the_true_class():
    (chosen,) = choose(("bits",), {"y": LABELS}, {"z": TARGETS, "p": PROBABILITIES}, {"y": 3})
    expected = (1 + 1 - np.log2(0.3) + 0) / 4
    assert chosen.value({"y": LABELS}, {"p": PROBABILITIES}) == pytest.approx(expected)
    zero = np.array([[[0.0, 1, 0], [1, 0, 0]], [[0, 1, 0], [0, 1, 0]]], np.float32)
    assert chosen.value({"y": LABELS}, {"p": zero}) == pytest.approx(126 * 2 / 4)


def test_rmse_is_the_root_of_the_mean_over_all_batches():
    (chosen,) = choose(("rmse",), {"t": TARGETS}, {"s": LABELS[0], "p": TARGETS + 2}, {})
    assert chosen == Chosen("rmse", "t", "p")
    assert chosen.value({"t": TARGETS}, {"p": TARGETS + 2}) == 4 and chosen.finish(4) == 2


def test_nothing_to_measure():
    assert choose((), {"t": TARGETS}, {"p": PROBABILITIES}, {}) == ()
    with pytest.raises(CallError) as caught:
        choose(("bits",), {"y": LABELS}, {"p": 2 * PROBABILITIES}, {"y": 3})
    assert str(caught.value) == (
        "there is nothing to measure bits of\n  fix: it wants labels that forward does not read, "
        "and an output with a probability for each class of each"
    )
