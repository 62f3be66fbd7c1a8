"""The keys of a `train:` block: what each may be, and the message where it is something else."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from symbackprop.spec.errors import did_you_mean, quoted
from symbackprop.spec.fields import LARGEST
from symbackprop.training.environments import ENVIRONMENTS
from symbackprop.training.measures import MEASURES
from symbackprop.training.optimizers import OPTIMIZERS, AnyOptimizer

DEFAULT_OPTIMIZER = "adam"
SHAPES = ("constant", "cosine", "step")
GOAL = re.compile(
    r"(?P<column>\S.*?)\s*(?P<sign>[<>]=)\s*(?P<number>-?\d+(\.\d+)?(e-?\d+)?)(?P<percent>%?)"
)

# Keys of the block, or of the value of `losses` in it, lead to where the fault is.
Fault = tuple[tuple[str, ...], tuple[str, str]]


def number(value: object) -> float | Fraction:
    assert isinstance(value, (int, float, Fraction)), value
    return value


def _real(value: object) -> bool:
    is_number = isinstance(value, (int, float, Fraction)) and not isinstance(value, bool)
    return is_number and math.isfinite(number(value))


def _whole(value: object, least: int) -> bool:
    return _real(value) and least <= number(value) == int(number(value)) < LARGEST


def _positive(value: object) -> bool:
    return _real(value) and number(value) > 0


def _below_one(value: object) -> bool:
    return _real(value) and 0 <= number(value) < 1


def _unit(value: object) -> bool:
    return _real(value) and 0 < number(value) <= 1


def _measures(value: object) -> bool:
    listed = value if isinstance(value, (list, tuple)) else [value]
    return bool(listed) and all(name in MEASURES for name in listed)


Wanted = Mapping[str, tuple[Callable[[object], bool], str]]
SETTINGS: Wanted = {
    "rate": (_positive, "a number above 0, such as 0.1"),
    "momentum": (_below_one, "a number from 0 to below 1, such as 0.9"),
    "beta1": (_below_one, "a number from 0 to below 1, such as 0.9"),
    "beta2": (_below_one, "a number from 0 to below 1, such as 0.999"),
    "epsilon": (_positive, "a number above 0, such as 1e-8"),
}
# What is said of one loss; at the top of the block, of every loss.
RULE: Wanted = {
    "optimizer": (lambda v: isinstance(v, str), f"one of {', '.join(OPTIMIZERS)}"),
    "clip": (_positive, "the largest norm of the gradients, such as 1.0"),
    "every": (lambda v: _whole(v, 1), "a whole number of steps from 1"),
}
KEYS: Wanted = {
    "data": (
        lambda v: isinstance(v, (str, Mapping)),
        "digits, mnist5k, a path to a .npz or .csv file, or a mapping of inputs to lists",
    ),
    "environment": (lambda v: v in ENVIRONMENTS, f"one of {', '.join(ENVIRONMENTS)}"),
    "discount": (_unit, "a number above 0, at most 1, such as 0.99"),
    "batch": (lambda v: v == "full" or _whole(v, 1), "a whole number from 1, or full"),
    "epochs": (lambda v: _whole(v, 1), "a whole number from 1"),
    "steps": (lambda v: _whole(v, 1), "a whole number from 1"),
    **RULE,
    "losses": (
        lambda v: isinstance(v, Mapping) and all(isinstance(rule, Mapping) for rule in v.values()),
        "a mapping of losses to how each is stepped, such as {loss: {rate: 0.1}}",
    ),
    "schedule": (lambda v: v in SHAPES, f"one of {', '.join(SHAPES)}"),
    "warmup": (lambda v: _whole(v, 1), "a whole number of steps from 1"),
    "factor": (_unit, "a number above 0, at most 1, such as 0.1"),
    "period": (lambda v: _whole(v, 1), "a whole number of epochs from 1"),
    "seed": (lambda v: _whole(v, 0), "a whole number from 0"),
    "validation": (_below_one, "a fraction from 0 to below 1, such as 0.2"),
    "measure": (_measures, f"one or more of {', '.join(MEASURES)}"),
    "goal": (
        lambda v: isinstance(v, str) and GOAL.fullmatch(v) is not None,
        "a column, >= or <=, and a number, such as validation accuracy >= 95%",
    ),
}
# Pairs of keys that say two things of one matter.
_EITHER = (("epochs", "steps"), ("data", "environment"), ("validation", "environment"))
# A key that says nothing without another of a certain value.
_NEEDS = (
    ("factor", "schedule", ("step",)),
    ("period", "schedule", ("step",)),
    ("discount", "environment", tuple(ENVIRONMENTS)),
)


def faults(block: Mapping[str, object], losses: Sequence[str]) -> Iterator[Fault]:
    """Everything wrong with a block, by the keys that lead there."""
    yield from _rule_faults(block, (), KEYS)
    for first, second in _EITHER:
        if first in block and second in block:
            yield (second,), (f"train has both {first} and {second}", "keep one of the two")
    for key, other, values in _NEEDS:
        if key in block and block.get(other) not in values:
            yield (
                (key,),
                (f"{key} says nothing without {other}", f"write {other}: {values[0]} beside it"),
            )
    own = block.get("losses")
    for name, rule in own.items() if isinstance(own, Mapping) else ():
        if name not in losses:
            known = f"the losses are {', '.join(losses)}"
            yield (
                ("losses", name),
                (
                    f"losses names {quoted(name)}, which is no loss",
                    did_you_mean(name, losses, known),
                ),
            )
        elif isinstance(rule, Mapping):
            merged = {"optimizer": block.get("optimizer", DEFAULT_OPTIMIZER), **rule}
            yield from _rule_faults(merged, ("losses", name), RULE)


def _rule_faults(block: Mapping[str, object], at: tuple[str, ...], keys: Wanted) -> Iterator[Fault]:
    """The faults of a block of `keys` and of settings of its optimizer."""
    chosen = block.get("optimizer", DEFAULT_OPTIMIZER)
    if isinstance(chosen, str) and chosen not in OPTIMIZERS:
        known = f"there are {', '.join(OPTIMIZERS)}"
        yield (
            (*at, "optimizer"),
            (f"unknown optimizer {quoted(chosen)}", did_you_mean(chosen, OPTIMIZERS, known)),
        )
    optimizer = OPTIMIZERS.get(chosen) if isinstance(chosen, str) else None
    own = settings(optimizer) if optimizer else tuple(SETTINGS)
    room = " of ".join(reversed(("train", *at)))
    for key, value in block.items():
        if key in SETTINGS and key not in own:
            message = f"optimizer '{chosen}' has no setting '{key}'"
            yield (*at, key), (message, f"leave it out: {chosen} takes {', '.join(own)}")
        elif key not in keys and key not in SETTINGS:
            fix = f"the keys of {room} are {', '.join((*keys, *own))}"
            yield (
                (*at, key),
                (f"unknown key {quoted(key)} in {room}", did_you_mean(key, (*keys, *own), fix)),
            )
        else:
            fits, wanted = keys[key] if key in keys else SETTINGS[key]
            if not fits(value):
                high = _real(value) and number(value) >= LARGEST
                limit = f", below {LARGEST}" if high and "whole" in wanted else ""
                yield (*at, key), (f"{key} is {_shown(value)}", f"write {wanted}{limit}")


def settings(optimizer: type[AnyOptimizer]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(optimizer))


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str) else quoted(str(value))[1:-1]
