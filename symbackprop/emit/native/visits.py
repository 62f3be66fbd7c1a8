"""Reductions over short windows, written out: one statement that reads every position of a window.

So a maximum over 2 by 2 entries lives in a register, and the loop over its results is vectorised.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from sympy import Integer

from symbackprop.emit.native.accesses import Access, at_position
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.pieces import Statement, statement
from symbackprop.program.operations import Shape
from symbackprop.program.shapes import ZERO, product
from symbackprop.program.windows import Attained, First, Overlap, Sweep

MOST = 9  # positions that are written out


def is_written_out(extents: Shape) -> bool:
    """Whether so few positions are written out."""
    count = product(extents)
    return bool(count.is_Integer) and count <= MOST


def at_visits(access: Access, axes: Sequence[int]) -> list[Access]:
    """An access at each position of some axes, in row-major order, over the other ones."""
    sizes = [range(int(access.shape[k])) for k in axes]
    found = []
    for visit in itertools.product(*sizes):
        seen = access
        for axis, position in sorted(zip(axes, visit, strict=True), reverse=True):
            seen = at_position(seen, axis, Integer(position))
        found.append(seen)
    return found


def sweep(memory: Memory, value: int, operation: Sweep) -> Statement:
    """The sum, the largest or the smallest of all positions."""
    seen = at_visits(memory.see(operation.of), operation.axes)
    function = f"{operation.function} of all"
    return _written_out(memory, value, operation.shape, function, seen)


def first(memory: Memory, value: int, operation: First) -> Statement:
    """The first position whose entry equals the best; the last one where none does."""
    seen = at_visits(memory.see(operation.of), operation.axes)
    best = memory.see(operation.best)
    return _written_out(memory, value, operation.shape, "first of all", [best, *seen[:-1]])


def chosen(
    memory: Memory, value: int, operation: Overlap, windows: Access, entries: Access, where: Access
) -> list[Statement]:
    """At each position the entries that were chosen, added to the windows."""
    visited = [operation.bearers.index(b) for b in operation.visited]
    kept = [k for k in range(len(windows.shape)) if k not in visited]
    at_entries = at_visits(entries, visited)
    seen = where.along(kept)
    found = []
    for k, target in enumerate(at_visits(windows, visited)):
        number = Access("number", "integer", seen.shape, (ZERO,) * len(kept), Integer(k))
        operands = [at_entries[k], seen, number]
        line = memory.program.serves[value]
        made = statement(value, line, seen.shape, target, "chosen", operands, whole=False)
        found.append(replace(made, combine="sum"))
    return found


def attained(
    memory: Memory,
    value: int,
    operation: Overlap,
    attained: Attained,
    windows: Access,
    entries: Access,
) -> list[Statement]:
    """At each position the entries where an extreme is attained there first, added to the windows.

    At the last one those where it is attained at none before.
    """
    visited = [operation.bearers.index(b) for b in operation.visited]
    best, of = memory.see(attained.best), at_visits(memory.see(attained.of), attained.axes)
    entry, found = at_visits(entries, visited), []
    for k, target in enumerate(at_visits(windows, visited)):
        function = "attained" if k < len(of) - 1 else "left over"
        operands = [entry[k], best, *of[: min(k + 1, len(of) - 1)]]
        line = memory.program.serves[value]
        made = statement(value, line, best.shape, target, function, operands, whole=False)
        found.append(replace(made, combine="sum"))
    return found


def _written_out(
    memory: Memory, value: int, shape: Shape, function: str, seen: Sequence[Access]
) -> Statement:
    line = memory.program.serves[value]
    return statement(value, line, shape, memory.see(value), function, seen)
