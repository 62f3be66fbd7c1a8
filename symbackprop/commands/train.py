"""Train the generated module by the spec's plan."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from symbackprop.commands import options as common

if TYPE_CHECKING:
    from symbackprop.spec.syntax import Spec
    from symbackprop.training import Outcome, Plan, State

SUMMARY = "train it: progress, curves, saved parameters"
LINES = 20  # at most about so many lines of progress where there is no terminal


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)
    parser.add_argument("-o", metavar="DIR", help="default: runs/NAME")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=common.count(1), help="instead of the spec's")
    length.add_argument("--steps", type=common.count(1), help="updates, instead of epochs")
    parser.add_argument("--seed", type=common.count(0), help="instead of the spec's")
    parser.add_argument("--resume", action="store_true", help="go on where DIR's run stopped")
    common.dtype(parser)
    common.target(parser)
    common.memory(parser)


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline
    from symbackprop.training import read_plan

    spec = pipeline.load(options.spec)
    plan = read_plan(spec)
    if options.epochs or options.steps:
        plan = dataclasses.replace(plan, epochs=options.epochs, steps=options.steps)
    if options.seed is not None:
        plan = dataclasses.replace(plan, seed=options.seed)
    directory = Path(options.o or Path("runs") / spec.name)
    generated = {name: getattr(options, name) for name in ("dtype", "target", "memory")}
    outcome = train(spec, plan, directory, options.resume, generated)
    if outcome.interrupted:
        sys.stdout.flush()
        state = outcome.state
        print(
            f"symbackprop: stopped after step {state.step} of {outcome.total_steps}, all saved\n"
            "  fix: the same command with --resume goes on",
            file=sys.stderr,
        )
        return 130
    return 0


def train(
    spec: Spec, plan: Plan, directory: Path, resume: bool, generated: Mapping[str, str]
) -> Outcome:
    """Train, show progress, and print how it ended and where the files lie.

    `generated` says how the module is generated: its dtype, target and memory.
    """
    from symbackprop import pipeline

    with _progress() as watch:
        outcome = pipeline.train(
            spec, directory, plan=plan, resume=resume, watch=watch, **generated
        )
    if outcome.state.records:
        print(describe(outcome.state))
    if plan.goal and outcome.reached is not None:
        verdict = "reached" if outcome.reached else "missed"
        print(f"{'goal':10} {verdict}: {plan.goal}")
    for what, path in outcome.files.items():
        print(f"{what:10} {path}")
    if "curves" not in outcome.files:
        print("no picture of the curves without matplotlib: pip install 'symbackprop[train]'")
    return outcome


def describe(state: State, held_out: bool = True) -> str:
    """The last record in words: `epoch 5  loss 0.1234  accuracy 96.1%`."""
    words = []
    for name, value in zip(state.columns, state.records[-1], strict=True):
        if name.startswith("validation") and not held_out:
            continue
        if name == "epoch":
            words.append(f"epoch {int(value)}")
        else:
            shown = f"{value:.1%}" if name.endswith("accuracy") else f"{value:.4g}"
            words.append(f"{name} {shown}")
    return "  ".join(words)


@contextmanager
def _progress() -> Iterator[Callable[[State, int], None]]:
    """What watches the steps: a bar on a terminal, else some lines."""
    from rich.console import Console

    if not Console().is_terminal:
        yield _plainly
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(20), TextColumn("{task.completed}/{task.total} steps"))
    text = TextColumn("{task.description}", markup=False)
    with Progress(*columns, TimeRemainingColumn(), text, transient=True) as progress:
        bar = progress.add_task("", visible=False)
        shown = 0.0

        def watch(state: State, total: int) -> None:
            nonlocal shown
            if time.monotonic() - shown > 0.1:
                words = describe(state, held_out=False) if state.records else ""
                progress.update(
                    bar, completed=state.step, total=total, description=words, visible=True
                )
                shown = time.monotonic()

        yield watch


def _plainly(state: State, total: int) -> None:
    """A line at the end of an epoch, at most LINES or so in the whole run; the last comes later."""
    due = state.step * LINES // total > (state.step - 1) * LINES // total
    if state.at_end_of_epoch and due and state.step < total:
        print(describe(state))
