"""The `train:` block of a spec, read and checked.

| key | value | default |
|---|---|---|
| `data` | `digits`, `mnist5k`, a .npz or .csv beside the spec, lists by input | `digits` |
| `batch` | rows a step, or `full` | 32; `full` where data is inline |
| `epochs` | passes over the rows | 10 |
| `steps` | updates, instead of `epochs` | |
| `optimizer` | `sgd`, `momentum` or `adam` | `adam` |
| `rate`, `momentum`, `beta1`, `beta2`, `epsilon` | of the optimizer | its own |
| `seed` | of the parameters, the split and the order | 0 |
| `validation` | fraction held out | 0.2; 0 where data is inline or `batch` is full |
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from symbackprop.spec.document import MappingNode, Node, read
from symbackprop.spec.errors import Fault, Faults, Refused, SpecError, did_you_mean, quoted
from symbackprop.spec.fields import LARGEST
from symbackprop.spec.syntax import Place, Source, Spec
from symbackprop.training.optimizers import OPTIMIZERS, Adam, Momentum, Sgd

DEFAULT_OPTIMIZER = "adam"


@dataclass(frozen=True)
class Plan:
    """How to train. `batch` None is all rows at once; of `epochs` and `steps` one is None."""

    source: str | Mapping[str, object]
    batch: int | None
    epochs: int | None
    steps: int | None
    optimizer: Sgd | Momentum | Adam
    seed: int
    validation: float


def read_plan(spec: Spec) -> Plan:
    """The plan in the spec's `train:` block. Raises SpecError with every fault of the block."""
    block = spec.train
    faults = [Fault(place_in(spec.source, key), *what) for key, what in _faults(block)]
    if faults:
        raise SpecError(spec.source, faults)
    source = cast("str | Mapping[str, object]", block.get("data", "digits"))
    inline = isinstance(source, Mapping)
    batch = block.get("batch", "full" if inline else 32)
    steps = block.get("steps")
    validation = block.get("validation", 0 if inline or batch == "full" else 0.2)
    optimizer = OPTIMIZERS[str(block.get("optimizer", DEFAULT_OPTIMIZER))]
    settings = {key: float(_number(block[key])) for key in _settings(optimizer) if key in block}
    return Plan(
        source=source,
        batch=None if batch == "full" else int(_number(batch)),
        epochs=None if steps is not None else int(_number(block.get("epochs", 10))),
        steps=None if steps is None else int(_number(steps)),
        optimizer=optimizer(**settings),
        seed=int(_number(block.get("seed", 0))),
        validation=float(_number(validation)),
    )


def place_in(source: Source, key: str) -> Place | None:
    """Where `key` stands under `train:` in the spec's text; else where `train:` stands."""
    try:
        node: Node = read(source.text, Faults())
    except Refused:
        return None
    found = None
    for wanted in ("train", key):
        entries = node.entries if isinstance(node, MappingNode) else ()
        entry = next((entry for entry in entries if entry[0].text == wanted), None)
        if entry is None:
            return found
        found, node = entry[0].place, entry[1]
    return found


def _whole(value: object, least: int) -> bool:
    return _real(value) and least <= _number(value) == int(_number(value)) < LARGEST


def _real(value: object) -> bool:
    number = isinstance(value, (int, float, Fraction)) and not isinstance(value, bool)
    return number and math.isfinite(_number(value))


def _positive(value: object) -> bool:
    return _real(value) and _number(value) > 0


def _below_one(value: object) -> bool:
    return _real(value) and 0 <= _number(value) < 1


SETTINGS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "rate": (_positive, "a number above 0, such as 0.1"),
    "momentum": (_below_one, "a number from 0 to below 1, such as 0.9"),
    "beta1": (_below_one, "a number from 0 to below 1, such as 0.9"),
    "beta2": (_below_one, "a number from 0 to below 1, such as 0.999"),
    "epsilon": (_positive, "a number above 0, such as 1e-8"),
}
KEYS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "data": (
        lambda v: isinstance(v, (str, Mapping)),
        "digits, mnist5k, a path to a .npz or .csv file, or a mapping of inputs to lists",
    ),
    "batch": (lambda v: v == "full" or _whole(v, 1), "a whole number from 1, or full"),
    "epochs": (lambda v: _whole(v, 1), "a whole number from 1"),
    "steps": (lambda v: _whole(v, 1), "a whole number from 1"),
    "optimizer": (lambda v: isinstance(v, str), f"one of {', '.join(OPTIMIZERS)}"),
    "seed": (lambda v: _whole(v, 0), "a whole number from 0"),
    "validation": (_below_one, "a fraction from 0 to below 1, such as 0.2"),
}


def _faults(block: Mapping[str, object]) -> Iterator[tuple[str, tuple[str, str]]]:
    """(key, (message, fix)) of everything wrong with the block."""
    name = block.get("optimizer", DEFAULT_OPTIMIZER)
    if isinstance(name, str) and name not in OPTIMIZERS:
        known = f"there are {', '.join(OPTIMIZERS)}"
        yield (
            "optimizer",
            (f"unknown optimizer {quoted(name)}", did_you_mean(name, OPTIMIZERS, known)),
        )
    optimizer = OPTIMIZERS.get(name) if isinstance(name, str) else None
    own = _settings(optimizer) if optimizer else tuple(SETTINGS)
    for key, value in block.items():
        if key in SETTINGS and key not in own:
            yield (
                key,
                (
                    f"optimizer '{name}' has no setting '{key}'",
                    f"leave it out: {name} takes {', '.join(own)}",
                ),
            )
        elif key not in KEYS and key not in SETTINGS:
            fix = f"the keys of train are {', '.join((*KEYS, *own))}"
            yield (
                key,
                (f"unknown key {quoted(key)} in train", did_you_mean(key, (*KEYS, *own), fix)),
            )
        else:
            fits, wanted = KEYS[key] if key in KEYS else SETTINGS[key]
            if not fits(value):
                high = _real(value) and _number(value) >= LARGEST
                limit = f", below {LARGEST}" if high and "whole" in wanted else ""
                yield key, (f"{key} is {_shown(value)}", f"write {wanted}{limit}")
    if "epochs" in block and "steps" in block:
        yield "steps", ("train has both epochs and steps", "keep one of the two")


def _settings(optimizer: type[Sgd] | type[Momentum] | type[Adam]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(optimizer))


def _number(value: object) -> float | Fraction:
    assert isinstance(value, (int, float, Fraction)), value
    return value


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str) else quoted(str(value))[1:-1]
