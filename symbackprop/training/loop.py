"""The training loop: batches in a seeded order, one step for each loss, one record an epoch.

Everything random is a function of the seed and the epoch, so a run that goes on from a saved
state does, to the last bit, what it would have done without a stop.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import Diverged
from symbackprop.training.plan import Plan
from symbackprop.training.rows import Rows

Array = NDArray[Any]
Record = tuple[float, ...]


@dataclass(frozen=True)
class Task:
    """What is trained: a generated module, which parameters by which loss, the rows, the plan.

    `labels` maps each input of labels to its number of classes.
    """

    module: ModuleType
    losses: Mapping[str, tuple[str, ...]]
    rows: Rows
    held_out: Rows | None
    labels: Mapping[str, int]
    plan: Plan

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.rows.count / (self.plan.batch or self.rows.count))

    @property
    def total_steps(self) -> int:
        epochs = self.plan.epochs
        return self.plan.steps or 0 if epochs is None else epochs * self.steps_per_epoch


@dataclass
class State:
    """All that changes while training: saved as it is, and gone on from.

    `memory` holds the optimizer's arrays by loss and parameter, `sums` each loss times its rows
    over the present epoch, `records` what `columns` names, one for each epoch.
    """

    params: dict[str, Array]
    memory: dict[tuple[str, str], tuple[Array, ...]]
    sums: dict[str, float]
    step: int
    columns: tuple[str, ...]
    records: list[Record]


def split(rows: Rows, fraction: float, seed: int) -> tuple[Rows, Rows | None]:
    """The rows to train on and, with a fraction above 0, those held out: at least one of each."""
    if not fraction or rows.count < 2:
        return rows, None
    order = np.random.default_rng([seed, 0]).permutation(rows.count)
    held = min(max(1, round(rows.count * fraction)), rows.count - 1)
    return rows.take(np.sort(order[held:])), rows.take(np.sort(order[:held]))


def start(task: Task) -> State:
    """The state before the first step."""
    params: dict[str, Array] = task.module.init_params(seed=task.plan.seed)
    memory = {
        (loss, name): tuple(np.zeros_like(params[name]) for _ in task.plan.optimizer.memory)
        for loss, names in task.losses.items()
        for name in names
    }
    state = State(params, memory, dict.fromkeys(task.losses, 0.0), 0, (), [])
    measured = _measure(task, state.params, task.rows)
    columns = [*task.losses, *(name for name in measured if name not in task.losses)]
    held = [f"validation {name}" for name in columns] if task.held_out else []
    state.columns = ("epoch", *columns, *held)
    return state


def run(
    task: Task, state: State, watch: Callable[[State, int], None], stop: Callable[[], bool]
) -> None:
    """Step until the plan is done or `stop()` is true; `watch(state, total)` sees every step.

    Raises Diverged, before the loss's own update, at a loss that is not finite.
    """
    per_epoch, total = task.steps_per_epoch, task.total_steps
    workspaces: dict[tuple[tuple[str, int], ...], Any] = {}
    calls = {name: getattr(task.module, f"{name}_and_grads") for name in task.losses}
    for batch in _batches(task, state.step):
        if stop():
            return
        key = tuple(batch.extents.items())
        if key not in workspaces:
            workspaces[key] = task.module.Workspace(**batch.extents)
        values = {}
        for loss, names in task.losses.items():
            value, grads = _call(calls[loss], state.params, batch, workspace=workspaces[key])
            if not math.isfinite(value):
                raise Diverged(_divergence(task, state, loss, value))
            values[loss] = value
            for name in names:
                memory = state.memory[loss, name]
                task.plan.optimizer.update(state.params[name], grads[name], memory, state.step + 1)
        for loss, value in values.items():
            state.sums[loss] += float(value) * batch.count
        state.step += 1
        if state.step % per_epoch == 0 or state.step == total:
            state.records.append(_record(task, state))
            state.sums = dict.fromkeys(state.sums, 0.0)
        watch(state, total)


def _batches(task: Task, step: int) -> Iterator[Rows]:
    """The batches from `step` to the end; each epoch has an order of its own."""
    count, size = task.rows.count, task.plan.batch
    for epoch in range(step // task.steps_per_epoch, task.total_steps):
        if size is None:
            yield task.rows
            continue
        order = np.random.default_rng([task.plan.seed, 1, epoch]).permutation(count)
        first = step % task.steps_per_epoch if epoch == step // task.steps_per_epoch else 0
        for position in range(first, task.steps_per_epoch):
            if epoch * task.steps_per_epoch + position == task.total_steps:
                return
            yield task.rows.take(order[position * size : (position + 1) * size])


def _record(task: Task, state: State) -> Record:
    """The epoch's mean losses as they were while training; the rest measured at its end."""
    epoch = math.ceil(state.step / task.steps_per_epoch)
    seen = (state.step - 1) % task.steps_per_epoch + 1
    rows = min(seen * (task.plan.batch or task.rows.count), task.rows.count)
    values = {loss: total / rows for loss, total in state.sums.items()}
    values |= _measure(task, state.params, task.rows)
    if task.held_out:
        values |= {f"validation {loss}": v for loss, v in _losses(task, state.params).items()}
        measured = _measure(task, state.params, task.held_out)
        values |= {f"validation {name}": value for name, value in measured.items()}
    return (epoch, *(values[name] for name in state.columns[1:]))


def _losses(task: Task, params: Mapping[str, Array]) -> dict[str, float]:
    """The mean of each loss over the rows held out, in batches of the size trained on."""
    assert task.held_out is not None
    rows, totals = task.held_out, dict.fromkeys(task.losses, 0.0)
    size = task.plan.batch or rows.count
    for first in range(0, rows.count, size):
        batch = rows.take(np.arange(first, min(first + size, rows.count)))
        for loss in task.losses:
            value = _call(getattr(task.module, loss), params, batch, training=False)
            totals[loss] += float(value) * batch.count / rows.count
    return totals


def _measure(task: Task, params: Mapping[str, Array], rows: Rows) -> dict[str, float]:
    """`accuracy`, where an input of labels that `forward` does not read has an output of scores.

    Scores are an output shaped like the labels with one more axis, as long as there are classes.
    """
    read = inspect.signature(task.module.forward).parameters
    candidates = {name: task.labels[name] for name in task.labels if name not in read}
    if not candidates:
        return {}
    outputs = _call(task.module.forward, params, rows)
    for name, classes in candidates.items():
        labels = rows.arrays[name]
        for scores in outputs.values():
            if scores.shape == (*labels.shape, classes):
                return {"accuracy": float(np.mean(scores.argmax(axis=-1) == labels))}
    return {}


def _call(
    function: Callable[..., Any], params: Mapping[str, Array], rows: Rows, **more: Any
) -> Any:
    """Call a generated function with those of its inputs, and of `more`, that it takes."""
    names = inspect.signature(function).parameters
    given = {**rows.arrays, **more}
    return function(params, **{name: value for name, value in given.items() if name in names})


def _divergence(task: Task, state: State, loss: str, value: float) -> str:
    step, epoch = state.step + 1, state.step // task.steps_per_epoch + 1
    missing = [n for n, a in task.rows.arrays.items() if a.dtype.kind == "f" and np.isnan(a).any()]
    fix = f"try a rate below {task.plan.optimizer.rate:g}"
    if missing:
        fix = f"take out the rows of input '{missing[0]}' that hold nan"
    return f"{loss} is {value} at step {step}, in epoch {epoch}\n  fix: {fix}"
