"""Several specs checked side by side: a line for each in their order, failures in full, totals."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

from symbackprop.errors import CallError
from symbackprop.spec import load
from symbackprop.spec.errors import printable

if TYPE_CHECKING:
    from symbackprop.checking import Report

_TITLES = ("exactly", "30 digits", "floats", "differences", "seconds")


@dataclass(frozen=True)
class Outcome:
    """What came of one spec: its report, or why there is none; and how long that took."""

    report: Report | None
    refusal: str
    seconds: float


def run(specs: Sequence[str], processes: int | None) -> int:
    """Check them all. 0: every equality held; 1: one did not; 2: a spec is wrong.

    Raises SpecError for a fault in a spec's text, before any work.
    """
    from symbackprop.checking import Proved

    for where in specs:
        load(where)
    proved, held, refused = Proved(), 0, 0
    names = [printable(where) for where in specs]
    width = max(len("spec"), *map(len, names))
    print(f"{'spec':{width}}", *(f"{title:>11}" for title in _TITLES), " result", flush=True)
    for name, outcome in zip(names, _outcomes(specs, processes), strict=True):
        report = outcome.report
        counts = report.proved.counts if report else (0, 0, 0, 0)
        cells = [*(f"{count:,}" for count in counts), f"{outcome.seconds:.1f}"]
        result = "refused" if report is None else report.result
        print(f"{name:{width}}", *(f"{cell:>11}" for cell in cells), f" {result}", flush=True)
        if report is None:
            refused += 1
            print(outcome.refusal, flush=True)
        else:
            proved, held = proved + report.proved, held + bool(report)
            print(*(f"  {failure}\n" for failure in report.failures), sep="", end="", flush=True)
    verdict = "all held" if held == len(specs) else f"{len(specs) - held} did not hold"
    print(f"{len(specs)} specs, {proved.total:,} equalities proved, {proved}: {verdict}")
    return 2 if refused else 0 if held == len(specs) else 1


def _outcomes(specs: Sequence[str], processes: int | None) -> Iterator[Outcome]:
    """One outcome a spec, in their order. Raises CallError where a process was ended."""
    processes = min(processes or _cores(), len(specs))
    if processes == 1:
        yield from map(_outcome, specs)
        return
    # Each process starts afresh, and with one thread for products: the cores are taken already.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _alone)
    try:
        yield from pool.map(_outcome, specs)
    except BrokenProcessPool:
        fix = "give it more memory, or check fewer at once with --processes 1"
        raise CallError("a process was ended before its check was done", fix) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _outcome(where: str) -> Outcome:
    from symbackprop import pipeline
    from symbackprop.spec.errors import SpecError

    start = time.perf_counter()
    report, refusal = None, ""
    try:
        spec = pipeline.load(where)
        report = pipeline.check(pipeline.derive(spec), spec)
    except (SpecError, CallError) as refused:
        refusal = str(refused)
    return Outcome(report, refusal, time.perf_counter() - start)


def _alone() -> None:
    """Before NumPy is imported here: one thread; Ctrl-C ends the process without a word."""
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
