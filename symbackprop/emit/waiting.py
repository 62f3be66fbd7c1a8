"""Values that stand inside a chain and are not of it: which may wait until after it."""

from __future__ import annotations

from dataclasses import dataclass, field

from symbackprop.program.model import Function, Program
from symbackprop.program.operations import Apply, Copy, Inner, Matmul, Reduce, Scratch
from symbackprop.program.storage import root

LATE = 4
"""So many may wait for one chain."""
_MOVABLE = (Apply, Copy, Inner, Matmul, Reduce, Scratch)


def is_movable(program: Program, function: Function, value: int) -> bool:
    return isinstance(program.values[value], _MOVABLE) and value in function.places


@dataclass
class Later:
    """Values that wait until after a chain, and the buffers that they read and write."""

    values: list[int] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)

    def is_apart(self, program: Program, function: Function, value: int) -> bool:
        """Whether a value may as well be computed before them."""
        if not self.values:
            return True
        read, written = buffers_of(program, function, value)
        return self.written.isdisjoint(read | written) and self.read.isdisjoint(written)

    def takes(self, program: Program, function: Function, value: int) -> bool:
        """Let a value wait as well, where it can and they are not too many."""
        if len(self.values) == LATE or not is_movable(program, function, value):
            return False
        read, written = buffers_of(program, function, value)
        self.values.append(value)
        self.read |= read
        self.written |= written
        return True


def buffers_of(program: Program, function: Function, value: int) -> tuple[set[str], set[str]]:
    """The buffers that a value is computed from, and those that are written for it."""
    values, places = program.values, function.places
    reads = {root(values, o) for o in values[value].operands}
    room = (v for v in reads if isinstance(values[v], Scratch))
    read = {places[v].buffer for v in reads if v in places}
    return read, {places[v].buffer for v in (value, *room) if v in places}
