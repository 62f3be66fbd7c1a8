"""`python -m benchmarks.steps`: training steps timed beside each other; `--help` says more."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

from benchmarks.steps.contenders import CONTENDERS
from benchmarks.steps.rounds import timed
from benchmarks.steps.table import UNIT, disturbed, starts, table, text
from benchmarks.steps.workloads import WORKLOADS


def arguments() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="W", help="W1 to W8; all, if none is named")
    parser.add_argument("--threads", type=int, default=2, help="threads of every library")
    parser.add_argument("--rounds", type=int, default=11, help="rounds, each through everybody")
    parser.add_argument("--only", help=f"some of {','.join(CONTENDERS)}")
    parser.add_argument("--without", default="", help="all but these")
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu counts the work of all threads: for one thread, where others use the machine",
    )
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    parser.add_argument("--plot", type=Path, help="draw the ratios into this file")
    chosen = parser.parse_args()
    chosen.workloads = chosen.workloads or list(WORKLOADS)
    names = chosen.only.split(",") if chosen.only else list(CONTENDERS)
    left = chosen.without.split(",")
    if chosen.threads == 1:
        left.append("jax1")
    chosen.names = [name for name in CONTENDERS if name in names and name not in left]
    for given, known in ((chosen.workloads, WORKLOADS), (names, CONTENDERS)):
        for name in given:
            if name not in known:
                parser.error(f"{name!r} is none of {', '.join(known)}")
    return chosen


def say(words: str) -> None:
    """A word on the error output about what goes on, over the one before where it is a screen."""
    if words.endswith("\n") or sys.stderr.isatty():
        print(f"\r{words:<60}", end="", file=sys.stderr, flush=True)


def main() -> None:
    chosen = arguments()
    # Whoever ends this process ends the contenders with it: they are stopped, and would stay so.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    results = {}
    for name in chosen.workloads:
        results[name] = timed(
            *(WORKLOADS[name], chosen.names, chosen.rounds, chosen.threads, say, chosen.clock)
        )
        if chosen.json:
            whole = {"threads": chosen.threads, "rounds": chosen.rounds, "results": results}
            chosen.json.write_text(json.dumps(whole, indent=1) + "\n")
    say("\n")
    print(
        f"A training step, {chosen.threads} threads: median (least–most), {chosen.rounds} rounds, "
        f"as ratios to the {UNIT} of the same round"
    )
    print(text(table(results)))
    print(disturbed(results))
    print()
    print(text(starts(results)))
    if chosen.plot:
        from benchmarks.steps.plot import draw

        draw(results, chosen.threads, chosen.plot)


if __name__ == "__main__":
    main()
