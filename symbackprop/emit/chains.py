"""Runs of operations on large arrays, computed for a few rows at a time, which stay in the cache.

Where every operation of a run computes an entry along the first axis from the same entries of what
it reads, it makes no difference to the values whether the rows are computed all at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr

from symbackprop.emit.waiting import Later, buffers_of, is_movable
from symbackprop.equations.ranges import nonnegative
from symbackprop.program.model import Function, Program
from symbackprop.program.operations import (
    Apply,
    Copy,
    Inner,
    Matmul,
    Operation,
    Reduce,
    Shape,
    View,
)
from symbackprop.program.shapes import product, size
from symbackprop.program.storage import LARGE, root

BLOCK = 32768
"""About how many entries of an array are computed at once: 128 KB in single precision."""
SHORTEST = 3
FAR = 32
"""How many values in a row may be computed before a chain that they stand in."""
_WHOLE = frozenset(["erf", "erfc"])  # which run in blocks of their own


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
        chain, before, after, stop = _longest(program, function, values, start, frozenset())
        if before:
            read = _read_by(program, chain, before)
            chain, before, after, stop = _longest(program, function, values, start, read)
        found = list(_worth(program, chain))
        if any(isinstance(part, Chain) for part in found):
            yield from chains(program, function, before)
        else:
            chain, _, after, stop = _longest(program, function, values, start, None)
            found = list(_worth(program, chain))
        yield from found or [values[start]]
        yield from after
        start = max(stop, start + 1)


def _read_by(program: Program, chain: Chain, before: Sequence[int]) -> frozenset[int]:
    """Those of the values before a chain that it reads, and what they read of those."""
    values = program.values
    read = {root(values, o) for v in chain.run for o in values[v].operands}
    for value in reversed(before):
        if value in read:
            read |= {root(values, o) for o in values[value].operands}
    return frozenset(read.intersection(before))


def _longest(
    program: Program,
    function: Function,
    values: Sequence[int],
    start: int,
    wanted: frozenset[int] | None,
) -> tuple[Chain, list[int], list[int], int]:
    """The chain from the start on, what is to be computed before and after it, and where it ends.

    Values that neither read what it computes nor touch its memory may be computed before it; but
    rather they join it where they are `wanted`, and always where that is None. Others may wait
    until after it, if what joins it later has to do with neither them nor their memory.
    """
    chain = Chain(program.values[values[start]].shape[:1])
    before: list[int] = []
    passed: list[int] = []
    later = Later()
    after: list[int] = []
    stop = start
    for k in range(start, len(values)):
        value = values[k]
        apart = later.is_apart(program, function, value)
        free = wanted is not None and chain.values and apart
        free = free and _passes(program, function, chain, value)
        if free and len(passed) == FAR:
            break
        if free and value not in (wanted or ()):
            passed.append(value)
        elif apart and _joins(program, function, chain, value):
            before, after, passed, stop = before + passed, list(later.values), [], k + 1
        elif free:
            passed.append(value)
        elif wanted is not None and chain.values and later.takes(program, function, value):
            continue
        else:
            break
    return chain, before, after, stop


def _passes(program: Program, function: Function, chain: Chain, value: int) -> bool:
    """Whether a value can as well be computed before the chain."""
    if not is_movable(program, function, value):
        return False
    reads = {root(program.values, o) for o in program.values[value].operands}
    read, written = buffers_of(program, function, value)
    free = written.isdisjoint(chain.written | chain.touched) and chain.written.isdisjoint(read)
    return free and chain.run.keys().isdisjoint(reads)


def _large(program: Program, values: Sequence[int]) -> list[int]:
    return [v for v in values if size(program.values[v].shape) >= LARGE]


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
        count = min(count, *(_kept(program, o) for o in operands), rank)
        lead = lead[: max(1, count)]
    for count in range(1, len(lead)):
        row = Chain(lead[:count], list(aligned)).row(program)
        if row.is_Integer and row <= BLOCK:
            return lead[:count]
    return lead


def _kept(program: Program, value: int) -> int:
    """How many of the first axes of a view are those of the memory that it looks at."""
    operation = program.values[value]
    kept = len(operation.shape)
    while isinstance(operation, View):
        below = program.values[operation.of]
        if operation.how == "select":
            same = zip(operation.detail, below.shape, strict=False)
            whole = itertools.takewhile(lambda pair: pair[0] == (0, pair[1]), same)
        elif operation.how == "reshape":
            whole = itertools.takewhile(
                lambda pair: pair[0] == pair[1], zip(operation.shape, below.shape, strict=False)
            )
        elif operation.how == "transpose":
            whole = itertools.takewhile(
                lambda pair: pair[0] == pair[1], enumerate(operation.detail)
            )
        else:
            return 0
        kept = min(kept, len(list(whole)))
        operation = below
    return kept


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
    aligned = _aligned(program, operation)
    if aligned is None or operation.shape[0] != chain.lead[0]:
        return False
    others = {o for o in operation.operands if o not in aligned}
    if not (aligned.isdisjoint(chain.as_wholes) and others.isdisjoint(chain.by_rows)):
        return False
    whole = {memory[o] for o in operation.operands if o not in aligned}
    if not inside.isdisjoint(whole):
        return False
    whole |= {memory[o] for o in aligned if not _kept(program, o)}
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


def _has_entries(shape: Shape) -> bool:
    """Whether no run-time extents leave an axis without any."""
    return all(e.is_Symbol or e.is_Integer or nonnegative(e - 1) for e in shape)


def _aligned(program: Program, operation: Operation) -> frozenset[int] | None:
    """The operands of which a row of the result reads one row; None where it reads others too."""
    values, extent = program.values, operation.shape[0]
    shapes = {o: values[o].shape for o in operation.operands}
    if not all(_has_entries(shape) for shape in (operation.shape, *shapes.values())):
        return None  # there are no rows of nothing
    if isinstance(operation, Apply):
        if operation.function in _WHOLE:
            return None
        rank = len(operation.shape)
        return frozenset(o for o, s in shapes.items() if len(s) == rank and s[0] == extent)
    if isinstance(operation, Reduce):
        return frozenset([operation.of]) if 0 not in operation.axes else None
    if isinstance(operation, Inner):
        return frozenset(shapes)
    if isinstance(operation, Copy):
        return frozenset(shapes) if shapes[operation.of] == operation.shape else None
    if isinstance(operation, Matmul) and operation.strips is None:
        a, b = shapes[operation.a], shapes[operation.b]
        natural, order = (*a[:-1], b[-1]), operation.order
        turned = tuple(natural[k] for k in order) if order else natural
        if len(a) > 2 and operation.shape == turned and order[:1] in ((), (0,)):
            return frozenset(shapes)
        if len(a) == 2 and len(b) == 1 and operation.shape == a[:1]:
            return frozenset([operation.a])
    return None
