"""Whether a run fits into the computer's memory: refused beforehand, with the figure."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from symbackprop.errors import CallError
from symbackprop.training.plan import Plan

_LIMIT_OF_THE_GROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Memory:
    """Bytes that a module takes: of each parameter, and of a workspace at run-time extents."""

    parameters: Mapping[str, int]
    workspace: Callable[[Mapping[str, int]], int]


def parameters_need(memory: Memory, losses: Mapping[str, tuple[str, ...]], plan: Plan) -> int:
    """Bytes of the parameters, and of what the optimizers keep beside those that they step."""
    beside = 0
    for loss, names in losses.items():
        arrays = 1 + len(plan.rules[loss].optimizer.memory)
        beside += arrays * sum(memory.parameters[name] for name in names)
    return sum(memory.parameters.values()) + beside


def refuse_beyond(needed: int, what: str) -> None:
    """Raises CallError where more bytes are needed than this computer gives a process."""
    there = available()
    if needed > there:
        message = f"{what} {shown(needed)} of memory, and this computer has {shown(there)}"
        raise CallError(message, "make the extents of the spec, or batch under train, smaller")


def available() -> int:
    """The bytes of memory that a process can have: the computer's, or a limit below that."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with contextlib.suppress(OSError, ValueError):  # there may be no such limit
        found.append(int(_LIMIT_OF_THE_GROUP.read_text()))
    return min(found)


def shown(number: int) -> str:
    """`7.3 TiB`."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB")
    power = min(max(number.bit_length() - 1, 0) // 10, len(units) - 1)
    return f"{number / 1024**power:.3g} {units[power]}"
