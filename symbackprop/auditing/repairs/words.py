"""Names, and what they tell: a number, a stem, whether a gradient or a size is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

SIZE = re.compile(r"^(n|m|b|t|k|d|h|c|num\w*|n_\w+|\w*size|\w*batch|\w*_len\w*|\w*count)$", re.I)
RATE = re.compile(r"^(lr|eta|rate|\w*learning_?rate|step_?size|\w*_lr|alpha|epsilon)$", re.I)
COEFFICIENT = re.compile(r"^(lam\w*|l2\w*|reg\w*|\w*decay|wd|\w*lambda\w*|penalty|\w*_reg)$", re.I)
DERIVATIVE = re.compile(
    r"^(d_?(?=\w)|\w*(prime|deriv|grad|backward|slope|delta)|diff)\w*|\w+_d$", re.I
)
GRADIENT = re.compile(
    r"^(d_?|grad_?|g_|delta_?|nabla_?)(?=\w)|_?(grad|gradient|grads|delta)$", re.I
)
PARAMETER = re.compile(
    r"^((?!wd$)w_?\w{0,2}|[bu]_?\w?|v|\w*weights?|\w*bias(es)?|theta|kernel|gamma|beta|emb\w*)$"
)


@dataclass(frozen=True)
class Word:
    """A name, attribute or item: its text, and what it seems to hold."""

    text: str
    holds: str  # "array", "index", "scalar", "container"

    @property
    def last(self) -> str:
        """The name itself: W1 of self.W1 and of params["W1"]."""
        base, _, index = self.text.partition("[")
        key = re.findall(r"[\"'](\w+)[\"']|^(\d+)\]", index)
        if key and key[-1][0]:
            return str(key[-1][0])
        name = str((re.findall(r"\w+", base) or ["_"])[-1])
        return name + key[-1][1] if key else name

    @property
    def number(self) -> str:
        digits = re.findall(r"\d+", self.last)
        return digits[-1] if digits else ""

    @property
    def bare(self) -> str:
        """The name in small letters without its number."""
        return re.sub(r"\d+", "", self.last).strip("_").lower()

    @property
    def stem(self) -> str:
        """The bare name without the mark of a gradient."""
        return GRADIENT.sub("", self.bare).strip("_") or self.bare

    @property
    def cotangent(self) -> bool:
        """Whether it is named as a gradient is: dW1, grad_h, delta2."""
        return bool(GRADIENT.search(self.bare)) or self.bare in ("delta", "grad", "d")

    @property
    def parameter(self) -> bool:
        """Whether it is named as a parameter is: W1, bias, kernel."""
        return bool(PARAMETER.match(self.bare))


def belonging(word: Word, target: Word) -> float:
    """How far a value is from belonging to what is assigned."""
    cost = 0.0 if word.number == target.number else 1.0
    if not word.number and not target.number:
        cost = 0.0 if word.stem == target.stem else 1.0
    if word.stem and (word.stem in target.stem or target.stem in word.stem):
        cost -= 0.25
    return cost


def likeness(old: Word, new: Word) -> float:
    """How far two names are from being taken for one another."""
    cost = 0.0 if old.holds == new.holds else 3.0
    cost += 0.0 if old.cotangent == new.cotangent else 0.7
    if old.text.split(".")[0] != new.text.split(".")[0] and ("self." in old.text + new.text):
        cost += 0.3
    if old.stem == new.stem:
        return cost + 0.1
    if len(old.last) == len(new.last) == 1:
        return cost + 0.6
    if old.number == new.number and old.number:
        return cost + 0.5
    if old.last[0] == new.last[0] or old.last[-1] == new.last[-1]:
        return cost + 0.8
    return cost + (1.0 if old.number == new.number else 1.7)
