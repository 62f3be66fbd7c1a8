"""Series in time: utterances of different lengths, and the numbers of sunspots, year by year."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from symbackprop.errors import CallError
from symbackprop.spec.syntax import InputDeclaration
from symbackprop.training.dataset import Array, Dataset, check_classes
from symbackprop.training.packages import installed

Inputs = Mapping[str, InputDeclaration]

SPEAKERS = 9
YEARS = 44  # years a row, where the spec leaves them open: four cycles of the sun
HELD_OUT = 0.25  # the last years


def japanese_vowels(inputs: Inputs) -> Dataset:
    """640 utterances by nine men, 12 coefficients a step (Kudo, Toyama and Shimbo 1999).

    `x` [N, T, 12] with zeros after the end; `y` [N], who spoke; `valid` [N, T], False after the
    end; `end` [N], the number of the last step. T is 29, the longest. The last 370 rows, which
    the authors set apart for testing, are held out. Raises CallError without the package aeon, or
    for other numbers of classes.
    """
    folder = installed("aeon", "datasets/data/JapaneseVowels", "japanese_vowels")
    parts = [_utterances(folder / f"JapaneseVowels_{part}.ts") for part in ("TRAIN", "TEST")]
    cases = [case for part in parts for case in part]
    lengths = np.array([len(series) for series, _ in cases])
    steps = int(lengths.max())
    check_classes(inputs, "japanese_vowels", {"y": SPEAKERS, "end": steps})
    x = np.zeros((len(cases), steps, cases[0][0].shape[1]))
    for row, (series, _) in enumerate(cases):
        x[row, : len(series)] = series
    arrays = {
        "x": x,
        "y": np.array([speaker for _, speaker in cases]),
        "valid": np.arange(steps) < lengths[:, None],
        "end": lengths - 1,
    }
    return Dataset(arrays, held_out=len(parts[1]))


def _utterances(path: Path) -> list[tuple[Array, int]]:
    """Each case's series [steps, channels] and class from 0: channels divided by colons."""
    _, _, body = path.read_text(encoding="utf-8").partition("@data")
    cases = []
    for line in body.split():
        *channels, speaker = line.split(":")
        series = np.array([[float(number) for number in one.split(",")] for one in channels]).T
        cases.append((series, int(speaker) - 1))
    return cases


def sunspots(inputs: Inputs) -> Dataset:
    """`past` [N, T], the sunspots of T years, and `next` [N], of the year after; in hundreds.

    From 1700 to 2008; windows begin one year after another, and those that end in the last quarter
    of the years are held out. Raises CallError without the package statsmodels.
    """
    path = installed("statsmodels", "datasets/sunspots/sunspots.csv", "sunspots")
    counts = np.loadtxt(path, delimiter=",", skiprows=1, usecols=1) / 100
    shape = inputs["past"].shape if "past" in inputs else ()
    years = shape[1] if len(shape) == 2 and isinstance(shape[1], int) else YEARS
    held_out = round(HELD_OUT * len(counts))
    if not 0 < years < len(counts) - held_out:
        raise CallError(
            f"windows of {years} years, of {len(counts) - held_out} to learn from",
            f"take shorter ones, such as {YEARS}",
        )
    past = np.lib.stride_tricks.sliding_window_view(counts[:-1], years)
    return Dataset({"past": past, "next": counts[years:]}, held_out=held_out)
