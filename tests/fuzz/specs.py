"""Random specs, each derived, generated and checked, or refused: a long run as a command.

    python -m tests.fuzz.specs --specs 100000 --seed 0 --processes 1 --failures fuzzed/

Spec k is drawn from the number k alone; `--only k` shows it and what becomes of it. A run goes in
blocks, each in a process of its own, so that a crash is a failure like any other; their tallies
stay in the folder of failures, and a run that is started again goes on after the last whole block.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from tests.fuzz.draws import Draws, shrunk
from tests.fuzz.held import Hangs, outcome
from tests.fuzz.whole import Drawn, whole

BLOCK = 500
SECONDS_OF_BLOCK = 6 * 3600
THOROUGH = 100  # one spec in so many goes through the whole checker
SHRUNK = 5  # failures of one kind in a block that are made small


def drawn(seed: int) -> tuple[Draws, Drawn]:
    draws = Draws(Random(seed))
    return draws, whole(draws)


def failure(text: str, seed: int) -> tuple[str, str] | None:
    """The kind of failure and all that is known of it; None where the property holds."""
    try:
        outcome(text, seed, seed % THOROUGH == 0)
    except (Exception, Hangs) as raised:
        return kind_of(raised), "".join(traceback.format_exception(raised))
    return None


def kind_of(raised: BaseException) -> str:
    """The exception and the innermost place in the package: what has one cause is of one kind."""
    frames = traceback.extract_tb(raised.__traceback__)
    own = [f for f in frames if "symbackprop" in f.filename or f.filename == "fuzzed.py"]
    where = f"{Path(own[-1].filename).stem}.{own[-1].name}" if own else ""
    return f"{type(raised).__name__} in {where or 'held'}"


def block(first: int, number: int, failures: Path) -> Counter[str]:
    """So many specs from the seed on; the tally of what was drawn and what became of it."""
    tally: Counter[str] = Counter()
    gc.set_threshold(200_000)  # expressions make no cycles to speak of
    for seed in range(first, first + number):
        draws, found = drawn(seed)
        tally.update({f"drawn: {note}": count for note, count in found.notes.items()})
        tally[f"mistake: {found.mistake or 'none'}"] += 1
        begun = time.process_time()
        try:
            ended = outcome(found.text, seed, seed % THOROUGH == 0)
            tally[f"outcome: {ended.kind}"] += 1
            if ended.kind == "refused":
                who = "with" if found.mistake else "without"
                tally[f"refused {who} a mistake: {ended.why}"] += 1
            elif ended.why:
                tally[f"undefined: {ended.why}"] += 1
        except (Exception, Hangs) as raised:
            kind = kind_of(raised)
            tally["outcome: failed"] += 1
            tally[f"failed: {kind}"] += 1
            few = tally[f"failed: {kind}"] <= SHRUNK
            _write(
                failures, seed, kind, raised, found.text, _small(draws, kind, seed) if few else ""
            )
        spent = time.process_time() - begun
        tally["milliseconds"] += round(1000 * spent)
        limit = next((limit for limit in (10, 3, 1) if spent > limit), None)
        if limit and seed % THOROUGH:
            tally[f"slow: over {limit} s"] += 1
    return tally


def _small(draws: Draws, kind: str, seed: int) -> str:
    """A smaller spec that fails in the same way."""
    ends = time.process_time() + 60

    def fails(made: list[int]) -> bool:
        if time.process_time() > ends:
            return False
        found = failure(whole(Draws(given=made)).text, seed)
        return found is not None and found[0] == kind

    return whole(Draws(given=shrunk(draws.made, fails))).text


def _write(
    failures: Path, seed: int, kind: str, raised: BaseException, text: str, small: str
) -> None:
    failures.mkdir(parents=True, exist_ok=True)
    told = "".join(traceback.format_exception(raised))
    whole_text = f"# seed {seed}: {kind}\n\n{small or text}\n---\n{text}\n---\n{told}"
    (failures / f"{seed}.txt").write_text(whole_text, encoding="utf-8")


def _in_a_process(first: int, number: int, failures: Path) -> Counter[str]:
    """The tally of a block, from the file of an earlier run if it is there."""
    path = failures / f"block_{first}_{number}.json"
    if not path.exists():
        command = [sys.executable, "-m", "tests.fuzz.specs", "--failures", str(failures)]
        command += ["--block", str(first), str(number)]
        # Hashes by chance: what is made must not depend on them. A larger cache is faster.
        environment = {**os.environ, "SYMPY_CACHE_SIZE": "20000", "OPENBLAS_NUM_THREADS": "1"}
        try:
            ended = subprocess.run(
                command, timeout=SECONDS_OF_BLOCK, capture_output=True, text=True, env=environment
            )
            crash = ended.stderr[-2000:] if ended.returncode else ""
        except subprocess.TimeoutExpired:
            crash = f"more than {SECONDS_OF_BLOCK} s"
        if crash:
            (failures / f"crash_{first}.txt").write_text(crash, encoding="utf-8")
            return Counter({"outcome: failed": 1, f"failed: block from {first} crashed": 1})
    return Counter(json.loads(path.read_text("utf-8")))


def _run(seed: int, specs: int, processes: int, failures: Path) -> Counter[str]:
    failures.mkdir(parents=True, exist_ok=True)
    starts = range(seed, seed + specs, BLOCK)
    blocks = [(start, min(BLOCK, seed + specs - start), failures) for start in starts]
    total: Counter[str] = Counter()
    begun, done = time.time(), 0
    with ThreadPoolExecutor(processes) as pool:
        tallies = pool.map(lambda b: _in_a_process(*b), blocks)
        for (_, number, _), tally in zip(blocks, tallies, strict=True):
            total += tally
            done += number
            kinds = {k.removeprefix("outcome: "): v for k, v in total.items() if "outcome" in k}
            words = ", ".join(f"{v:,} {k}" for k, v in sorted(kinds.items()))
            print(f"{done:,} specs in {time.time() - begun:,.0f} s: {words}", flush=True)
    return total


def _histogram(total: Counter[str]) -> None:
    groups: dict[str, list[tuple[int, str]]] = {}
    for key, count in total.items():
        group, _, what = key.partition(": ")
        if what:
            groups.setdefault(group, []).append((count, what))
    for group, found in sorted(groups.items()):
        print(f"\n{group}")
        for count, what in sorted(found, reverse=True)[:90]:
            print(f"{count:9,}  {what}")
    specs = sum(count for key, count in total.items() if key.startswith("mistake: "))
    print(f"\n{total['milliseconds'] / max(1, specs):.1f} ms of processor time a spec")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--specs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--failures", type=Path, default=Path("fuzzed"))
    parser.add_argument("--only", type=int, metavar="K", help="show spec K and what becomes of it")
    parser.add_argument("--block", type=int, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only is not None:
        text = drawn(given.only)[1].text
        print(text)
        found = failure(text, given.only)
        print(found[1] if found else outcome(text, given.only))
        return int(found is not None)
    if given.block is not None:
        first, number = given.block
        tally = block(first, number, given.failures)
        path = given.failures / f"block_{first}_{number}.json"
        path.write_text(json.dumps(tally), encoding="utf-8")
        return 0
    total = _run(given.seed, given.specs, given.processes, given.failures)
    _histogram(total)
    return int(total["outcome: failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
