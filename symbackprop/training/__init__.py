"""Training a generated module on the rows that its spec names."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, ModuleType

import numpy as np

from symbackprop import hypertext
from symbackprop.errors import CallError
from symbackprop.files import alone_in, make_folder
from symbackprop.spec.errors import did_you_mean, quoted
from symbackprop.spec.syntax import Spec
from symbackprop.training.batches import Batches
from symbackprop.training.curves import save_curves
from symbackprop.training.episodes import Episodes
from symbackprop.training.loop import State, Supply, Task, run, start
from symbackprop.training.plan import Plan, at_key, read_plan
from symbackprop.training.room import Memory, parameters_need, refuse_beyond
from symbackprop.training.rows import read_rows, split
from symbackprop.training.settings import settings_of
from symbackprop.training.storage import (
    load_state,
    save_arrays,
    save_records,
    save_state,
)

__all__ = ["Memory", "Outcome", "Plan", "State", "read_plan", "train"]

SECONDS_BETWEEN_SAVES = 10.0


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `files` are what it wrote, by what they are; `curves` may be missing.

    `reached` says whether the last record reaches the plan's goal; None where it has none.
    """

    state: State
    total_steps: int
    interrupted: bool
    files: Mapping[str, Path]
    reached: bool | None = None

    def __str__(self) -> str:
        """How far it came, the last record, and the files."""
        return "\n".join(f"{name:24} {value}" for name, value in self._said())

    def _repr_html_(self) -> str:
        """The same as a table, above the curves where there are any."""
        curves = self.files.get("curves")
        drawn = hypertext.image(curves.read_bytes()) if curves and curves.is_file() else ""
        return hypertext.table(("", ""), self._said()) + drawn

    def _said(self) -> list[tuple[str, str]]:
        stopped = ", interrupted" if self.interrupted else ""
        said = [("steps", f"{self.state.step} of {self.total_steps}{stopped}")]
        if self.state.records:
            record = zip(self.state.columns, self.state.records[-1], strict=True)
            said += [(name, f"{value:.4g}") for name, value in record]
        if self.reached is not None:
            said.append(("goal", "reached" if self.reached else "missed"))
        return said + [(what, str(path)) for what, path in self.files.items()]


def train(
    spec: Spec,
    module: ModuleType,
    directory: Path,
    plan: Plan | None = None,
    resume: bool = False,
    watch: Callable[[State, int], None] = lambda state, total: None,
    memory: Memory | None = None,
) -> Outcome:
    """Train by the spec's plan, or the one given; write what came of it into `directory`.

    `watch(state, total_steps)` is called after every step. Ctrl-C ends the run after the step in
    hand, with everything saved; a second one at once, with a KeyboardInterrupt that says what was.
    Raises SpecError for a plan or rows that do not fit, CallError where there is nothing to resume
    or to train, where the computer has less room than the `memory` that the module takes, or where
    another run is writing to the directory; OSError for a directory that cannot be written,
    Diverged at a loss that is not finite.
    """
    plan = plan or read_plan(spec)
    checkpoint = _Checkpoint(directory / "checkpoint.npz")
    with (
        _interruptions() as interrupted,
        checkpoint.told_when_interrupted(),
        np.errstate(all="ignore"),  # a loss that is not finite is reported once, by its step
    ):
        task, state = _begin(spec, module, plan, checkpoint, resume, memory)
        with alone_in(make_folder(directory), "run"):

            def watch_and_save(state: State, total: int) -> None:
                watch(state, total)
                if time.monotonic() - checkpoint.time > SECONDS_BETWEEN_SAVES:
                    checkpoint.save(state)

            run(task, state, watch_and_save, interrupted.is_set)
            stopped = interrupted.is_set() and state.step < task.total_steps
            files = _save(spec, directory, checkpoint, state)
    reached = None
    if plan.goal and state.records:
        reached = plan.goal.reached(state.last(plan.goal.column))
    return Outcome(state, task.total_steps, stopped, files, reached)


def _save(spec: Spec, directory: Path, checkpoint: _Checkpoint, state: State) -> dict[str, Path]:
    """The files of a run, by what they are."""
    saved = checkpoint.save(state)
    files = {
        "parameters": save_arrays(directory / "params.npz", state.params),
        "checkpoint": saved,
        "record": save_records(directory / "history.csv", state),
    }
    if state.states:
        files["states"] = save_arrays(directory / "states.npz", state.states)
    curves = save_curves(directory / "curves.png", spec.title or spec.name, state)
    if curves:
        files["curves"] = curves
    return files


@dataclass
class _Checkpoint:
    """Where the state is saved, the settings to save with it, and when it was saved last."""

    path: Path
    settings: Mapping[str, object] = field(default_factory=dict)
    time: float = field(default_factory=time.monotonic)
    step: int | None = None

    def save(self, state: State) -> Path:
        save_state(self.path, state, self.settings)
        self.time, self.step = time.monotonic(), state.step
        return self.path

    @contextmanager
    def told_when_interrupted(self) -> Iterator[None]:
        """A KeyboardInterrupt that leaves says what this run has saved."""
        try:
            yield
        except KeyboardInterrupt:
            said = "interrupted at once; this run has saved nothing"
            if self.step is not None:
                said = (
                    f"interrupted at once; {self.path} is what was saved last, "
                    f"after step {self.step}\n"
                    "  fix: the same command with --resume goes on from there"
                )
            raise KeyboardInterrupt(said) from None


def _begin(
    spec: Spec,
    module: ModuleType,
    plan: Plan,
    checkpoint: _Checkpoint,
    resume: bool,
    memory: Memory | None,
) -> tuple[Task, State]:
    """What is trained, and where it starts: at the first step, or where the checkpoint stopped."""
    if memory:
        refuse_beyond(sum(memory.parameters.values()), "the parameters take")
    params = module.init_params(seed=plan.seed)
    dtype = str(next(iter(params.values())).dtype) if params else "float32"
    losses = _losses(spec, tuple(params))
    stepped = {name: names for name, names in losses.items() if names}
    if not stepped:
        raise CallError(
            f"{spec.name} is differentiated by no parameter, so there is nothing to train",
            "name parameters under wrt, or leave wrt out",
        )
    supply: Supply
    rows = None
    if plan.source is not None:
        rows = read_rows(spec, plan, dtype)
        training, held_out = split(rows, plan.validation, plan.seed)
        known = {d.name: spec.dims.get(str(d.classes), d.classes) for d in spec.inputs}
        labels = {name: count for name, count in known.items() if isinstance(count, int)}
        if memory:
            step = memory.workspace(training.extents_of(plan.batch or training.count))
            refuse_beyond(parameters_need(memory, stepped, plan) + step, "training takes")
        supply = Batches(training, held_out, labels, tuple(losses), tuple(stepped), plan)
    try:
        if plan.source is None:
            supply = Episodes.of(spec, plan, dtype)
        task = Task(module, stepped, supply, plan)
        state = start(task)
    except CallError as fault:
        raise at_key(spec, "environment" if plan.environment else "measure", fault) from None
    if plan.goal and plan.goal.column not in state.columns:
        raise at_key(spec, "goal", _unrecorded(plan.goal.column, state.columns[1:]))
    checkpoint.settings = settings_of(spec, plan, rows, state, task.total_steps)
    return task, load_state(checkpoint.path, state, checkpoint.settings) if resume else state


def _unrecorded(column: str, columns: tuple[str, ...]) -> CallError:
    message = f"the goal is of {quoted(column)}, which is not recorded"
    return CallError(message, did_you_mean(column, columns, f"there are {', '.join(columns)}"))


def _losses(spec: Spec, params: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The parameters that each loss of the spec is differentiated by."""
    frozen = {p.name for p in spec.params if not p.trainable}
    default = tuple(name for name in params if name not in frozen)
    losses = {}
    for loss in spec.losses:
        wrt = spec.wrt if loss.wrt is None else loss.wrt
        losses[loss.name] = (
            default if wrt is None else tuple(name for name, _ in wrt if name in params)
        )
    return losses


@contextmanager
def _interruptions() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets; a second Ctrl-C interrupts as ever. Only the main thread hears."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
