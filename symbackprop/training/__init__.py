"""Training a generated module on the rows that its spec names."""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType, ModuleType

import numpy as np

from symbackprop.errors import CallError
from symbackprop.spec.syntax import Spec
from symbackprop.training.loop import State, Task, run, split, start
from symbackprop.training.plan import Plan, read_plan
from symbackprop.training.rows import read_rows
from symbackprop.training.storage import (
    load_state,
    save_curves,
    save_params,
    save_records,
    save_state,
)

__all__ = ["Outcome", "Plan", "State", "read_plan", "train"]

SECONDS_BETWEEN_SAVES = 10.0


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `files` are what it wrote, by what they are; `curves` may be missing."""

    state: State
    total_steps: int
    interrupted: bool
    files: Mapping[str, Path]


def train(
    spec: Spec,
    module: ModuleType,
    directory: Path,
    plan: Plan | None = None,
    resume: bool = False,
    watch: Callable[[State, int], None] = lambda state, total: None,
) -> Outcome:
    """Train by the spec's plan, or the one given; write what came of it into `directory`.

    `watch(state, total_steps)` is called after every step. Ctrl-C ends the run after the step in
    hand, with everything saved. Raises SpecError for a plan or rows that do not fit, CallError
    where there is nothing to resume or to train, Diverged at a loss that is not finite.
    """
    plan = plan or read_plan(spec)
    task = _task(spec, module, plan)
    with np.errstate(all="ignore"):  # a loss that is not finite is reported once, by its step
        state = start(task)
        settings = _settings(spec, plan, state)
        checkpoint = directory / "checkpoint.npz"
        if resume:
            load_state(checkpoint, state, settings)
        saved = time.monotonic()

        def watch_and_save(state: State, total: int) -> None:
            nonlocal saved
            watch(state, total)
            if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                save_state(checkpoint, state, settings)
                saved = time.monotonic()

        with _interruptions() as interrupted:
            run(task, state, watch_and_save, interrupted.is_set)
    files = {
        "parameters": save_params(directory / "params.npz", state.params),
        "state": save_state(checkpoint, state, settings),
        "record": save_records(directory / "history.csv", state),
    }
    curves = save_curves(directory / "curves.png", spec.title or spec.name, state)
    if curves:
        files["curves"] = curves
    return Outcome(state, task.total_steps, interrupted.is_set(), files)


def _task(spec: Spec, module: ModuleType, plan: Plan) -> Task:
    params = module.init_params(seed=plan.seed)
    rows = read_rows(spec, plan, str(next(iter(params.values())).dtype) if params else "float32")
    training, held_out = split(rows, plan.validation, plan.seed)
    frozen = {p.name for p in spec.params if not p.trainable}
    default = tuple(name for name in params if name not in frozen)
    losses = {}
    for loss in spec.losses:
        wrt = loss.wrt or spec.wrt
        names = default if wrt is None else tuple(name for name, _ in wrt if name in params)
        losses[loss.name] = names
    if not any(losses.values()):
        raise CallError(
            f"{spec.name} is differentiated by no parameter, so there is nothing to train",
            "name parameters under wrt, or leave wrt out",
        )
    labels = {d.name: spec.dims.get(str(d.classes), d.classes) for d in spec.inputs}
    classes = {name: count for name, count in labels.items() if isinstance(count, int)}
    return Task(module, losses, training, held_out, classes, plan)


def _settings(spec: Spec, plan: Plan, state: State) -> dict[str, object]:
    """What two runs must share for one to go on where the other stopped; not how long they are."""
    network = "\n".join(statement.text for statement in spec.network)
    return {
        "network": hashlib.sha256(network.encode()).hexdigest()[:12],
        "parameters": {n: f"{a.dtype}{list(a.shape)}" for n, a in state.params.items()},
        "optimizer": {type(plan.optimizer).__name__.lower(): asdict(plan.optimizer)},
        "batch": plan.batch or "full",
        "seed": plan.seed,
        "validation": plan.validation,
    }


@contextmanager
def _interruptions() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets; a second Ctrl-C interrupts as ever. Only the main thread hears."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
