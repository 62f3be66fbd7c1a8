"""The `train:` block of a spec, read and checked.

| key | value | default |
|---|---|---|
| `data` | a source such as `digits`, a .npz or .csv beside the spec, lists by input | `digits` |
| `environment` | `cartpole`: what a policy acts in, instead of `data` | |
| `discount` | of rewards, for each step that they lie ahead | 0.99 |
| `batch` | rows (or episodes) a step, or `full` | 32; `full` where data is inline |
| `epochs` | passes over the rows | 10 |
| `steps` | updates, instead of `epochs` | |
| `optimizer` | `sgd`, `momentum`, `adagrad` or `adam` | `adam` |
| `rate`, `momentum`, `beta1`, `beta2`, `epsilon` | of the optimizer | its own |
| `clip` | the largest norm of a loss's gradients | none |
| `every` | a loss steps at every so many steps | 1 |
| `losses` | loss -> its own `optimizer`, settings, `clip`, `every` | |
| `schedule` | `cosine` to 0, or `step`: by `factor` (0.1) every `period` (10) epochs | constant |
| `warmup` | steps in which the rate rises from 0 | none |
| `seed` | of the parameters, the split, the order and all that is drawn | 0 |
| `validation` | fraction held out | 0.2; 0 where data is inline or `batch` is full |
| `measure` | of `accuracy`, `rmse`, `bits`: what is recorded beside the losses | `accuracy` |
| `goal` | what the last record is to reach, such as `validation accuracy >= 95%` | none |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from symbackprop.errors import CallError
from symbackprop.spec.document import MappingNode, Node, read
from symbackprop.spec.errors import Fault, Faults, Refused, SpecError
from symbackprop.spec.syntax import Place, Source, Spec
from symbackprop.training.keys import DEFAULT_OPTIMIZER, GOAL, faults, number, settings
from symbackprop.training.optimizers import OPTIMIZERS
from symbackprop.training.stepping import Rule, Schedule


@dataclass(frozen=True)
class Goal:
    """The last value of a column is to be at least (or, with `below`, at most) `number`."""

    column: str
    below: bool
    number: float
    written: str

    def __str__(self) -> str:
        return self.written

    def reached(self, value: float) -> bool:
        return value <= self.number if self.below else value >= self.number


@dataclass(frozen=True)
class Plan:
    """How to train.

    `source` is None where there is an `environment`; `batch` None is all rows at once; of `epochs`
    and `steps` one is None; `rules` say how each loss is stepped. An empty `measure` stands for
    accuracy, where there is one to measure.
    """

    source: str | Mapping[str, object] | None
    environment: str | None
    discount: float
    batch: int | None
    epochs: int | None
    steps: int | None
    rules: Mapping[str, Rule]
    schedule: Schedule
    seed: int
    validation: float
    measure: tuple[str, ...]
    goal: Goal | None


def read_plan(spec: Spec) -> Plan:
    """The plan in the spec's `train:` block. Raises SpecError with every fault of the block."""
    block, losses = spec.train, [loss.name for loss in spec.losses]
    found = [Fault(place_in(spec.source, *keys), *said) for keys, said in faults(block, losses)]
    if found:
        raise SpecError(spec.source, found)
    environment = cast("str | None", block.get("environment"))
    source = cast("str | Mapping[str, object]", block.get("data", "digits"))
    inline = isinstance(source, Mapping)
    batch = block.get("batch", "full" if inline else 32)
    steps = block.get("steps")
    validation = block.get("validation", 0 if inline or batch == "full" else 0.2)
    own = cast("Mapping[str, Mapping[str, object]]", block.get("losses", {}))
    measure = cast("str | list[str]", block.get("measure", []))
    return Plan(
        source=None if environment else source,
        environment=environment,
        discount=float(number(block.get("discount", 0.99))),
        batch=None if batch == "full" else int(number(batch)),
        epochs=None if steps is not None else int(number(block.get("epochs", 10))),
        steps=None if steps is None else int(number(steps)),
        rules={name: _rule(block, own.get(name, {})) for name in losses},
        schedule=_schedule(block),
        seed=int(number(block.get("seed", 0))),
        validation=float(number(validation)),
        measure=(measure,) if isinstance(measure, str) else tuple(measure),
        goal=_goal(block["goal"]) if "goal" in block else None,
    )


def _rule(block: Mapping[str, object], own: Mapping[str, object]) -> Rule:
    """What a loss says itself; else what the block says, settings of the same optimizer only."""
    name = str(block.get("optimizer", DEFAULT_OPTIMIZER))
    inherited = block if own.get("optimizer", name) == name else {}
    name = str(own.get("optimizer", name))
    said = {**inherited, **own}
    names = [key for key in settings(OPTIMIZERS[name]) if key in said]
    clip = own.get("clip", block.get("clip"))
    return Rule(
        OPTIMIZERS[name](**{key: float(number(said[key])) for key in names}),
        None if clip is None else float(number(clip)),
        int(number(own.get("every", block.get("every", 1)))),
    )


def _schedule(block: Mapping[str, object]) -> Schedule:
    return Schedule(
        str(block.get("schedule", "constant")),
        int(number(block.get("warmup", 0))),
        float(number(block.get("factor", 0.1))),
        int(number(block.get("period", 10))),
    )


def _goal(written: object) -> Goal:
    found = GOAL.fullmatch(str(written))
    assert found is not None
    scale = 0.01 if found["percent"] else 1.0
    return Goal(
        found["column"], found["sign"] == "<=", float(found["number"]) * scale, str(written)
    )


def place_in(source: Source, *keys: str) -> Place | None:
    """Where the last of the keys stands under `train:` in the spec's text, as far as they lead."""
    try:
        node: Node = read(source.text, Faults())
    except Refused:
        return None
    found = None
    for wanted in ("train", *keys):
        entries = node.entries if isinstance(node, MappingNode) else ()
        entry = next((entry for entry in entries if entry[0].text == wanted), None)
        if entry is None:
            return found
        found, node = entry[0].place, entry[1]
    return found


def at_key(spec: Spec, key: str, fault: CallError) -> SpecError:
    """The fault, told where `key` stands under `train:`."""
    return SpecError(spec.source, [Fault(place_in(spec.source, key), fault.message, fault.fix)])
