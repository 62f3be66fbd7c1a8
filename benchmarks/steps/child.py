"""One contender in a process of its own, told what to do over a pipe.

`python -m benchmarks.steps.child CONTENDER WORKLOAD THREADS FOLDER` reads the arrays in the folder,
makes two steps on two batches, writes the parameters after them, and answers with the losses, the
seconds that importing and the first step took and the memory at their peak. Then each line that
comes, a number of steps, is answered with the seconds they took by two clocks.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


def megabytes(key: str) -> float:
    """`VmHWM` (the peak) or `VmRSS` (now) of this process; where there is no /proc, its peak."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        import resource

        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


def timed(contender: Any, steps: int) -> dict[str, float]:
    """Seconds of so many steps, the batches in turn: passed, and worked by the processor."""
    step, first, keywords = contender.step, contender.first, contender.keywords
    turns = [keywords[k % len(keywords)] for k in range(steps)]
    step(*first, **keywords[-1])
    start, start_cpu = time.perf_counter(), time.process_time()
    for batch in turns:
        step(*first, **batch)
    return {"wall": time.perf_counter() - start, "cpu": time.process_time() - start_cpu}


def main() -> None:
    name, workload_name, threads, folder = sys.argv[1:]
    # What libraries print goes to the errors: the answers have the old output to themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    start = time.perf_counter()
    import numpy as np

    from benchmarks.steps.contenders import CONTENDERS

    known = CONTENDERS[name]
    contender_file = import_module(f"benchmarks.steps.contenders.{known.file}")
    imported = time.perf_counter() - start

    from benchmarks.steps.workloads import WORKLOADS

    workload, room = WORKLOADS[workload_name], Path(folder)
    with np.load(room / "params.npz") as file:
        params = dict(file)
    batches = []
    for path in sorted(room.glob("batch*.npz")):
        with np.load(path) as file:
            batches.append(dict(file))

    before = megabytes("VmRSS")
    start = time.perf_counter()
    contender = contender_file.start(workload, params, batches, int(threads), folder)
    losses = [contender.step(*contender.first, **contender.keywords[0])]
    first = time.perf_counter() - start
    losses.append(contender.step(*contender.first, **contender.keywords[1]))
    peak = megabytes("VmHWM")
    np.savez(room / f"after_{name}.npz", **contender.params())

    def answer(**words: Any) -> None:
        answers.write(json.dumps(words) + "\n")
        answers.flush()

    answer(losses=losses, imported=imported, first=first, peak=peak, added=peak - before)
    for line in sys.stdin:
        answer(**timed(contender, int(line)))


if __name__ == "__main__":
    main()
