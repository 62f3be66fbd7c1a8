"""Runs of operations on large arrays, computed for a few rows at a time, which stay in the cache.

Where every operation of a run computes an entry along the first axis from the same entries of what
it reads, it makes no difference to the values whether the rows are computed all at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr

from symbackprop.emit.rowwise import axes_kept, rows_read
from symbackprop.emit.waiting import Later, buffers_of, is_movable
from symbackprop.program.model import Function, Program
from symbackprop.program.operations import Apply, Copy, Matmul, Reduce, Shape
from symbackprop.program.shapes import product, size
from symbackprop.program.storage import IN_BLOCKS, root

BLOCK = 32768
"""About how many entries of an array are computed at once: 128 KB in single precision."""
SHORTEST = 3
FAR = 32
"""How many values in a row may be computed before a chain that they stand in."""


@dataclass(eq=False)
class Chain:
    """Values computed block by block along their first axes, of these extents, seen as one axis.

    `aligned` says of each value which of its operands have those axes as well. `run` has with them
    the numbers among them, which are computed before. They read the buffers `touched`, those in
    `read` otherwise than by the rows that they compute, and write the buffers `written`. No operand
    is read both `by_rows` and `as_wholes`: in a block it has one name.
    """

    lead: Shape
    values: list[int] = field(default_factory=list)
    aligned: dict[int, frozenset[int]] = field(default_factory=dict)
    run: dict[int, None] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    by_rows: set[int] = field(default_factory=set)
    as_wholes: set[int] = field(default_factory=set)

    @property
    def merged(self) -> int:
        """How many axes are one."""
        return len(self.lead)

    @property
    def rows(self) -> Expr:
        return product(self.lead)

    def row(self, program: Program) -> Expr:
        """The entries of a row of the largest array."""
        return product(max((program.values[v].shape[self.merged :] for v in self.values), key=size))


def chains(program: Program, function: Function, values: Sequence[int]) -> Iterator[int | Chain]:
    """The values in order, and chains in the place of those that are computed in blocks."""
    if len(_large(program, values)) < SHORTEST:
        yield from values
        return
    start = 0
    while start < len(values):
        found = _Search(program, function).along(values[start:])
        if found.before:
            wanted = _read_by(program, found.chain, found.before)
            found = _Search(program, function, wanted).along(values[start:])
        parts = list(_worth(program, found.chain))
        if any(isinstance(part, Chain) for part in parts):
            yield from chains(program, function, found.before)
            yield from parts
            yield from found.after
            start += found.length
        else:
            chain = _unbroken(program, function, values[start:])
            yield from list(_worth(program, chain)) or [values[start]]
            start += max(1, len(chain.run))


def _read_by(program: Program, chain: Chain, before: Sequence[int]) -> frozenset[int]:
    """Those of the values before a chain that it reads, and what they read of those."""
    values = program.values
    read = {root(values, o) for v in chain.run for o in values[v].operands}
    for value in reversed(before):
        if value in read:
            read |= {root(values, o) for o in values[value].operands}
    return frozenset(read.intersection(before))


def _unbroken(program: Program, function: Function, values: Sequence[int]) -> Chain:
    """The chain of the first values, as far as each joins it."""
    chain = Chain(program.values[values[0]].shape[:1])
    for value in values:
        if not _joins(program, function, chain, value):
            break
    return chain


class _Search:
    """A chain as it grows, and the values that it is passing by.

    Values that neither read what it computes nor touch its memory may be computed `before` it; but
    rather they join it where they are `wanted`. Others may wait until `after` it, if what joins it
    later has to do with neither them nor their memory. `length` is that of all of them together.
    """

    def __init__(
        self, program: Program, function: Function, wanted: frozenset[int] = frozenset()
    ) -> None:
        self.chain = Chain(())
        self.before: list[int] = []
        self.after: list[int] = []
        self.length = 0
        self._program, self._function, self._wanted = program, function, wanted
        self._passed: list[int] = []  # since the last that joined
        self._later = Later()

    def along(self, values: Sequence[int]) -> _Search:
        """The same, having gone as far along the values as it can."""
        self.chain = Chain(self._program.values[values[0]].shape[:1])
        for count, value in enumerate(values, start=1):
            known = len(self.chain.run)
            if not self._takes(value):
                break
            if len(self.chain.run) > known:
                self.before += self._passed
                self._passed = []
                self.after = list(self._later.values)
                self.length = count
        return self

    def _takes(self, value: int) -> bool:
        """Let the value join, or be computed before or after the chain, where it can."""
        context = self._program, self._function
        apart = self._later.is_apart(*context, value)
        early = bool(self.chain.values) and apart and _passes(*context, self.chain, value)
        if early and len(self._passed) == FAR:
            return False
        rather = value in self._wanted or not early
        if rather and apart and _joins(*context, self.chain, value):
            return True
        if early:
            self._passed.append(value)
            return True
        return bool(self.chain.values) and self._later.takes(*context, value)


def _passes(program: Program, function: Function, chain: Chain, value: int) -> bool:
    """Whether a value can as well be computed before the chain."""
    if not is_movable(program, function, value):
        return False
    reads = {root(program.values, o) for o in program.values[value].operands}
    read, written = buffers_of(program, function, value)
    free = written.isdisjoint(chain.written | chain.touched) and chain.written.isdisjoint(read)
    return free and chain.run.keys().isdisjoint(reads)


def _large(program: Program, values: Sequence[int]) -> list[int]:
    return [v for v in values if size(program.values[v].shape) >= IN_BLOCKS]


def _worth(program: Program, chain: Chain) -> Iterator[int | Chain]:
    """The chain from its first large value to its last, if there are enough of them."""
    large = _large(program, chain.values)
    if len(large) < SHORTEST:
        yield from chain.run
        return
    run = list(chain.run)
    first, last = (run.index(large[k]) for k in (0, -1))
    part = run[first : last + 1]
    inside = [v for v in part if v in chain.aligned]
    aligned = {v: chain.aligned[v] for v in inside}
    found = Chain(_lead(program, aligned), inside, aligned, dict.fromkeys(inside))
    short = found.rows.is_Integer and size((found.rows, found.row(program))) <= 2 * BLOCK
    if 2 * len(large) < len(inside) or short:
        yield from chain.run
        return
    yield from run[:first]
    yield from (v for v in part if v not in aligned)
    yield found
    yield from run[last + 1 :]


def _lead(program: Program, aligned: Mapping[int, frozenset[int]]) -> Shape:
    """The first axes of all values as far as they may be one, which makes blocks of any size."""
    lead = program.values[next(iter(aligned))].shape
    for value, operands in aligned.items():
        operation = program.values[value]
        rank, count = len(operation.shape), len(lead)
        if isinstance(operation, Matmul | Copy):
            count = 1
        if isinstance(operation, Reduce):
            count = min(count, *operation.axes)
        if isinstance(operation, Apply):
            others = (len(program.values[o].shape) for o in operation.operands if o not in operands)
            count = min(count, *(rank - r for r in others), rank)
        for shape in (operation.shape, *(program.values[o].shape for o in operands)):
            same = itertools.takewhile(
                lambda pair: pair[0] == pair[1], zip(lead, shape, strict=False)
            )
            count = min(count, len(list(same)))
        count = min(count, *(axes_kept(program, o) for o in operands), rank)
        lead = lead[: max(1, count)]
    for count in range(1, len(lead)):
        row = Chain(lead[:count], list(aligned)).row(program)
        if row.is_Integer and row <= BLOCK:
            return lead[:count]
    return lead


def _joins(program: Program, function: Function, chain: Chain, value: int) -> bool:
    """Take a value into the chain, if it is computed row by row like all others."""
    operation = program.values[value]
    inside, places = chain.aligned.keys(), function.places
    memory = {o: root(program.values, o) for o in operation.operands}
    if not operation.shape:
        if inside.isdisjoint(memory.values()) and chain.values:
            chain.run[value] = None
            chain.touched |= {places[v].buffer for v in memory.values() if v in places}
            return True
        return False
    aligned = rows_read(program, operation)
    if aligned is None or operation.shape[0] != chain.lead[0]:
        return False
    others = {o for o in operation.operands if o not in aligned}
    if not (aligned.isdisjoint(chain.as_wholes) and others.isdisjoint(chain.by_rows)):
        return False
    whole = {memory[o] for o in operation.operands if o not in aligned}
    if not inside.isdisjoint(whole):
        return False
    whole |= {memory[o] for o in aligned if not axes_kept(program, o)}
    written = places[value].buffer
    read = {places[v].buffer for v in whole if v in places}
    if written in chain.read or written in read or not read.isdisjoint(chain.written):
        return False
    chain.written.add(written)
    chain.read |= read
    chain.values.append(value)
    chain.run[value] = None
    chain.touched |= {places[v].buffer for v in memory.values() if v in places}
    chain.aligned[value] = aligned
    chain.by_rows |= aligned
    chain.as_wholes |= others
    return True
