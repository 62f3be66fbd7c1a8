"""The training loop: one step for each loss, one record an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import Diverged
from symbackprop.training.network import Network
from symbackprop.training.plan import Plan
from symbackprop.training.rows import Rows
from symbackprop.training.stepping import update

Array = NDArray[Any]
Record = tuple[float, ...]


class Supply(Protocol):
    """Where the rows of a step come from: rows in batches, or episodes in an environment."""

    @property
    def steps_per_epoch(self) -> int: ...

    def batch(self, network: Network, step: int, rng: np.random.Generator) -> Rows:
        """The rows of the step that follows `step` steps: a function of these and the seed."""

    def measure(self, network: Network) -> dict[str, float]:
        """What the record of an epoch holds beside the losses, always by the same names."""


@dataclass(frozen=True)
class Task:
    """What is trained: a generated module, which parameters by which loss, on what, by what plan.

    `losses` are those that step; a module may have others, which are only measured.
    """

    module: ModuleType
    losses: Mapping[str, tuple[str, ...]]
    supply: Supply
    plan: Plan

    @property
    def total_steps(self) -> int:
        epochs = self.plan.epochs
        return self.plan.steps or 0 if epochs is None else epochs * self.supply.steps_per_epoch


@dataclass
class State:
    """All that changes while training: saved as it is, and gone on from.

    `states` are the network's own, such as running means; `memory` holds the optimizer's arrays by
    loss and parameter, `sums` of each loss over the present epoch its sum times the rows, and the
    rows; `records` what `columns` names, one for each epoch.
    """

    params: dict[str, Array]
    states: dict[str, Array]
    memory: dict[tuple[str, str], tuple[Array, ...]]
    sums: dict[str, tuple[float, float]]
    step: int
    columns: tuple[str, ...]
    records: list[Record]

    @property
    def at_end_of_epoch(self) -> bool:
        return bool(self.records) and not any(rows for _, rows in self.sums.values())

    def last(self, column: str) -> float:
        """The last value of a column."""
        return self.records[-1][self.columns.index(column)]


def start(task: Task) -> State:
    """The state before the first step."""
    module = task.module
    params: dict[str, Array] = module.init_params(seed=task.plan.seed)
    states: dict[str, Array] = module.init_state() if hasattr(module, "init_state") else {}
    memory = {
        (loss, name): tuple(
            np.zeros_like(params[name]) for _ in task.plan.rules[loss].optimizer.memory
        )
        for loss, names in task.losses.items()
        for name in names
    }
    measured = task.supply.measure(Network(module, params, states))
    columns = ("epoch", *task.losses, *(name for name in measured if name not in task.losses))
    return State(params, states, memory, _nothing(task), 0, columns, [])


def run(
    task: Task, state: State, watch: Callable[[State, int], None], stop: Callable[[], bool]
) -> None:
    """Step until the plan is done or `stop()` is true; `watch(state, total)` sees every step.

    Raises Diverged, before the loss's own update, at a loss that is not finite.
    """
    plan, per_epoch, total = task.plan, task.supply.steps_per_epoch, task.total_steps
    network = Network(task.module, state.params, state.states)
    memory = {
        loss: {name: state.memory[loss, name] for name in names}
        for loss, names in task.losses.items()
    }
    # Tables with sparse gradients are never stepped whole: they get none of these when first read.
    scratch = _Scratch(state.params)
    while state.step < total:
        if stop():
            return
        rng = np.random.default_rng([plan.seed, 2, state.step])
        batch = task.supply.batch(network, state.step, rng)
        factor = plan.schedule.at(state.step, per_epoch, total)
        sums = dict(state.sums)
        for loss in task.losses:
            rule = plan.rules[loss]
            if state.step % rule.every:
                continue
            value, grads = network.loss_and_grads(loss, batch, rng)
            if not math.isfinite(value):
                raise Diverged(_divergence(task, state, batch, loss, value))
            step = state.step // rule.every + 1
            update(rule, factor, step, state.params, grads, memory[loss], scratch)
            so_far, rows = sums[loss]
            sums[loss] = so_far + value * batch.count, rows + batch.count
        state.sums = sums
        state.step += 1
        if state.step % per_epoch == 0 or state.step == total:
            state.records.append(_record(task, state, network))
            state.sums = _nothing(task)
        watch(state, total)


class _Scratch(dict[str, Array]):
    """An array like each parameter, made when it is first asked for."""

    def __init__(self, params: Mapping[str, Array]) -> None:
        self.params = params

    def __missing__(self, name: str) -> Array:
        self[name] = np.empty_like(self.params[name])
        return self[name]


def _nothing(task: Task) -> dict[str, tuple[float, float]]:
    return dict.fromkeys(task.losses, (0.0, 0.0))


def _record(task: Task, state: State, network: Network) -> Record:
    """The epoch's mean losses as they were while training; the rest measured at its end."""
    epoch = math.ceil(state.step / task.supply.steps_per_epoch)
    values = {
        loss: total / rows if rows else math.nan for loss, (total, rows) in state.sums.items()
    }
    values |= task.supply.measure(network)
    return (epoch, *(values[name] for name in state.columns[1:]))


def _divergence(task: Task, state: State, batch: Rows, loss: str, value: float) -> str:
    step, epoch = state.step + 1, state.step // task.supply.steps_per_epoch + 1
    missing = [n for n, a in batch.arrays.items() if a.dtype.kind == "f" and np.isnan(a).any()]
    fix = f"try a rate below {task.plan.rules[loss].optimizer.rate:g}"
    if missing:
        fix = f"take out the rows of input '{missing[0]}' that hold nan"
    return f"{loss} is {value} at step {step}, in epoch {epoch}\n  fix: {fix}"
