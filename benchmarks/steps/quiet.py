"""Whether others used the machine while something was timed; where the system does not tell, no."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Of all cores' time: a sample in which others used more is taken anew, so often at most.
LIMIT, TRIES, PAUSE = 0.08, 8, 0.1


def busy(pid: int) -> tuple[float, float]:
    """Seconds that all cores have worked so far (or were lent elsewhere), and that `pid` has."""
    try:
        counts = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        own = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    user, nice, system, _idle, _waiting, irq, soft, steal = map(int, counts)
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + soft + steal) / tick, (int(own[11]) + int(own[12])) / tick


@dataclass
class Patience:
    """Seconds that may go into taking disturbed samples anew, before they are taken as they are."""

    left: float

    def quietest(self, sample: Callable[[], float], pid: int) -> tuple[float, float]:
        """A sample taken while others used little, else the least disturbed; and what they used."""
        taken: list[tuple[float, float]] = []
        while not taken or (taken[-1][0] > LIMIT and len(taken) < TRIES and self.left > 0):
            if taken:
                time.sleep(PAUSE)
            all_before, own_before = busy(pid)
            start = time.perf_counter()
            seconds = sample()
            wall = time.perf_counter() - start
            all_after, own_after = busy(pid)
            others = (all_after - all_before) - (own_after - own_before)
            self.left -= (wall + PAUSE) if taken else 0
            taken.append((max(0.0, others) / (wall * (os.cpu_count() or 1)), seconds))
        others, seconds = min(taken)
        return seconds, others
