"""Contenders' processes as the parent sees them: started, asked, stopped while others are timed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

# Seconds: the first step of a compiled network, and any number of steps after it.
PATIENCE = 300


class Failed(Exception):
    """A contender that did not answer."""


class Process:
    """A contender's process. It is stopped, with all its threads, except while it is asked."""

    def __init__(self, contender: str, workload: str, threads: int, folder: Path) -> None:
        self.clock = "wall"
        self.errors = folder / f"errors_{contender}.txt"
        words = [contender, workload, str(threads), str(folder)]
        with self.errors.open("w") as errors:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.steps.child", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=Path(__file__).parents[2],
                env=environment(threads, folder),
                preexec_fn=one_core if pinned(contender, threads) else None,
            )
        self.facts = self._answer()
        self._stop()

    def seconds(self, steps: int) -> float:
        """What so many steps take by the clock: `wall`, or `cpu` for the work of all threads."""
        self.running.send_signal(signal.SIGCONT)
        assert self.running.stdin
        self.running.stdin.write(f"{steps}\n")
        self.running.stdin.flush()
        seconds: float = self._answer()[self.clock]
        self._stop()
        return seconds

    def end(self) -> None:
        self.running.kill()
        self.running.communicate()

    def _stop(self) -> None:
        self.running.send_signal(signal.SIGSTOP)

    def _answer(self) -> dict[str, Any]:
        assert self.running.stdout
        ready, _, _ = select.select([self.running.stdout], [], [], PATIENCE)
        line = self.running.stdout.readline() if ready else ""
        if not line:
            self.end()
            said = self.errors.read_text().strip().split("\n")[-1]
            raise Failed(said if ready else f"no answer in {PATIENCE} s")
        answer: dict[str, Any] = json.loads(line)
        return answer


def environment(threads: int, folder: Path) -> dict[str, str]:
    """As many threads for every library; a cache of its own for what is compiled at the first step.

    torch.compile keeps its cache, unless TORCHINDUCTOR_CACHE_DIR says otherwise.
    """
    pools = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(pools, str(threads)), "XDG_CACHE_HOME": str(folder)}


def pinned(contender: str, threads: int) -> bool:
    """JAX has no setting for its threads: it counts the cores that it may use."""
    return contender == "jax1" or (contender == "jax" and threads == 1)


def one_core() -> None:
    """Keep this process on the last core that it may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
