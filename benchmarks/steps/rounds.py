"""One workload's contenders: made ready, checked, and timed in rounds, in an order drawn anew."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.steps.checking import Refused, checker
from benchmarks.steps.contenders import CONTENDERS
from benchmarks.steps.processes import Failed, Process
from benchmarks.steps.quiet import Patience
from benchmarks.steps.workloads import Workload, batches, parameters, reals

BATCHES = 4
# Seconds of each sample, at least, of which the first milliseconds after a pause are a small part;
# and steps, at most.
SAMPLE, MOST = 0.2, 100_000
# Seconds a workload that may go into taking anew what others have disturbed.
PATIENCE = 60.0
Say = Callable[[str], None]


def timed(
    workload: Workload,
    names: Sequence[str],
    rounds: int,
    threads: int,
    say: Say,
    clock: str = "wall",
) -> dict[str, Any]:
    """By contender: what it told at its start, and its seconds a step in every round.

    Those that are missing, refused or that fail are named to `say`, and left out.
    """
    import symbackprop as sb

    spec = sb.load(workload.path)
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        module = prepared(workload, sb.derive(spec), names, folder)
        params = parameters(module)
        drawn = batches(spec, workload.extents, BATCHES)
        rounded = [reals(batch, workload.dtype) for batch in drawn]
        start = reals(params, workload.dtype)
        np.savez(folder / "params.npz", **start)
        for k, batch in enumerate(rounded):
            np.savez(folder / f"batch{k}.npz", **batch)
        check = checker(
            workload, reals(start, "float64"), [reals(batch, "float64") for batch in rounded[:2]]
        )
        running: dict[str, Process] = {}
        try:
            for name in (n for n in names if workload.name not in CONTENDERS[n].without):
                say(f"{workload.name} {name}")
                try:
                    running[name] = ready(name, workload, threads, folder, check)
                    running[name].clock = clock
                except (Failed, Refused) as problem:
                    say(f"{workload.name} {name} is left out: {problem}\n")
            patience = Patience(PATIENCE if clock == "wall" else 0)
            return measured(running, rounds, patience, say, workload.name)
        finally:
            for process in running.values():
                process.end()


def prepared(workload: Workload, derivation: Any, names: Sequence[str], folder: Path) -> Any:
    """The generated modules as files, for processes that import nothing else; one of them here."""
    import symbackprop as sb

    for name, target in (("ours", "numpy"), ("native", "native")):
        if name in names:
            sb.generate(derivation, folder / target, workload.dtype, target)
            (folder / target / f"test_{derivation.system.name}.py").unlink()
    return sb.compile(derivation, dtype="float64")


def ready(
    name: str, workload: Workload, threads: int, folder: Path, check: Callable[..., None]
) -> Process:
    """The process of a contender whose first steps are right. Raises Failed, Refused."""
    known = CONTENDERS[name]
    if find_spec(known.needs) is None:
        raise Failed(f"{known.needs} is not installed")
    process = Process(name, workload.name, threads, folder)
    try:
        if known.checked:
            with np.load(folder / f"after_{name}.npz") as after:
                check(name, process.facts["losses"], dict(after))
    except Refused:
        process.end()
        raise
    return process


def measured(
    running: dict[str, Process], rounds: int, patience: Patience, say: Say, title: str
) -> dict[str, Any]:
    steps = {}
    for name, process in running.items():
        process.seconds(1)
        once = min(process.seconds(1) for _ in range(2))
        enough = max(1, min(MOST, int(SAMPLE / once)))
        # Of short steps one alone says too little.
        again = process.seconds(enough) / enough
        steps[name] = max(1, min(MOST, round(SAMPLE / again)))
    found = {
        name: {**process.facts, "steps": steps[name], "seconds": [], "others": []}
        for name, process in running.items()
    }
    order, draw = list(running), random.Random(0)
    for k in range(rounds):
        say(f"{title} round {k + 1} of {rounds}")
        draw.shuffle(order)
        for name in order:
            process, count = running[name], steps[name]
            seconds, others = patience.quietest(
                partial(process.seconds, count), process.running.pid
            )
            found[name]["seconds"].append(seconds / count)
            found[name]["others"].append(others)
    return found
