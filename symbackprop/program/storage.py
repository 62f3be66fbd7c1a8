"""Where values live: liveness, results written over what dies, buffers used again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symbackprop.program.bodies import ends, rows
from symbackprop.program.model import Buffer, Loop, Place
from symbackprop.program.names import Namer, describe, local
from symbackprop.program.operations import (
    Accumulate,
    Apply,
    Arange,
    Branch,
    Copy,
    Descend,
    Either,
    Ones,
    Operation,
    Put,
    Read,
    Row,
    Scalar,
    Shape,
    View,
    Written,
)
from symbackprop.program.shapes import size
from symbackprop.program.tables import AddRows
from symbackprop.program.values import Values
from symbackprop.program.windows import Overlap

Key = tuple[Shape, str]

IN_BLOCKS = 131072
"""From about so many entries values are computed in blocks."""


class Pool:
    """The buffers of the workspace, shared by all functions because one runs at a time."""

    def __init__(self, namer: Namer) -> None:
        self.namer = namer
        self._buffers: dict[str, Key] = {}
        self._tenants: dict[str, dict[str, None]] = {}

    def free(self) -> dict[Key, dict[str, None]]:
        """All buffers, by what they hold: the start of a function, where none is in use."""
        found: dict[Key, dict[str, None]] = {}
        for name, key in self._buffers.items():
            found.setdefault(key, {})[name] = None
        return found

    def occupy(self, key: Key, tenant: str, free: dict[Key, dict[str, None]]) -> str:
        """A free buffer, if possible the tenant's own, else the last one freed, else a new one."""
        names = free.get(key, {})
        if names:
            name = tenant if tenant in names else next(reversed(names))
            del names[name]
        else:
            taken = tenant in self._buffers
            name = self.namer.new(tenant, self._buffers) if taken else tenant
            self._buffers[name] = key
            self._tenants[name] = {}
        self.join(name, tenant)
        return name

    def release(self, name: str, free: dict[Key, dict[str, None]]) -> None:
        free.setdefault(self._buffers[name], {})[name] = None

    def join(self, buffer: str, tenant: str) -> None:
        self._tenants[buffer][tenant] = None

    def buffers(self) -> tuple[Buffer, ...]:
        return tuple(
            Buffer(name, *key, tuple(self._tenants[name])) for name, key in self._buffers.items()
        )


def place(
    graph: Values,
    loops: Sequence[Loop],
    order: Sequence[int],
    results: Sequence[int],
    tensors: Mapping[int, str],
    pool: Pool,
) -> tuple[dict[int, str], dict[int, Place]]:
    """The name of every value computed, and the buffer of every one that is an array."""
    values = graph.values
    kept = rows(order, loops)
    last = _last_uses(graph, order, results)
    over = {v: _overwritten(graph, v, now, last, kept) for now, v in enumerate(order)}
    names = _names(values, order, over, tensors, graph.serves, pool.namer)
    dying: dict[int, list[int]] = {}
    for value, now in last.items():
        dying.setdefault(now, []).append(value)
    places: dict[int, Place] = {}
    free = pool.free()
    for now, value in enumerate(order):
        operation = values[value]
        target = over[value]
        if value in kept:
            places[value] = Place(places[kept[value]].buffer, row_of=kept[value])
        elif target is not None:
            places[value] = Place(places[target].buffer, target)
            pool.join(places[value].buffer, names[value])
        elif isinstance(operation, Descend) and not _is_scaling(values, operation):
            pass
        elif needs_memory(operation):
            key = (_shape_written(values, operation), operation.kind)
            places[value] = Place(pool.occupy(key, names[value], free))
        for dead in dying.get(now, ()):
            if dead in places and dead != target and dead not in kept:
                pool.release(places[dead].buffer, free)
    return names, places


def _last_uses(graph: Values, order: Sequence[int], results: Sequence[int]) -> dict[int, int]:
    """When each value's memory is read for the last time; results stay to the end.

    What the body of a loop reads from outside stays until the loop ends: the next step reads it.
    """
    values, loop_of = graph.values, graph.loop_of
    last = {value: now for now, value in enumerate(order)}
    end = ends(graph, order)
    for now, value in enumerate(order):
        loop = loop_of[value]
        for operand in values[value].operands:
            memory = root(values, operand)
            last[memory] = now if loop_of[memory] == loop else end[loop]
    last.update((root(values, value), len(order)) for value in results)
    computed = set(order)
    return {value: now for value, now in last.items() if value in computed}


def _overwritten(
    graph: Values, value: int, now: int, last: Mapping[int, int], kept: Mapping[int, int]
) -> int | None:
    """The operand whose memory the result may take: it dies here and is read entry by entry."""
    values, operation = graph.values, graph.values[value]
    if value in kept:
        return None
    if isinstance(operation, Descend):
        scaling = _is_scaling(values, operation)
        return _scaled(graph, operation, now, last, kept) if scaling else None
    if isinstance(operation, (Put, Accumulate, AddRows, Overlap)):
        candidates: tuple[int, ...] = (operation.base,)
    elif isinstance(operation, Branch):
        candidates = (operation.a, operation.b)
    elif isinstance(operation, Apply):
        candidates = operation.inputs[2:] if operation.function == "where" else operation.inputs
        # Rather what serves the same equation: it goes by the name of its result. Of large arrays
        # the older one, which is there as a whole, where those after it may be made in blocks.
        serves, large = graph.serves, size(operation.shape) >= IN_BLOCKS
        candidates = tuple(sorted(candidates, key=lambda o: large or serves[o] != serves[value]))
    else:
        return None
    for operand in candidates:
        below = values[operand]
        others = [o for o in operation.operands if o != operand]
        if (
            needs_memory(below)
            and last.get(operand) == now
            and graph.loop_of[operand] == graph.loop_of[value]
            and operand not in kept
            and (below.shape, below.kind) == (operation.shape, operation.kind)
            and operand not in {root(values, other) for other in others}
        ):
            return operand
    return None


def _scaled(
    graph: Values, step: Descend, now: int, last: Mapping[int, int], kept: Mapping[int, int]
) -> int | None:
    """The memory of the gradient of a step, if it dies here and each entry is seen once."""
    values, memory = graph.values, root(graph.values, step.gradient)
    value, once = step.gradient, True
    while value != memory:
        operation = values[value]
        once = once and isinstance(operation, View) and operation.how in _ONCE
        value = operation.operands[0]
    shares = step.rows is not None and root(values, step.rows) == memory
    alone = once and not shares and memory not in kept and needs_memory(values[memory])
    return memory if alone and last.get(memory) == now else None


def _shape_written(values: Sequence[Operation], operation: Operation) -> Shape:
    """The shape of what an operation writes into its place: a step writes rate * gradient."""
    return values[operation.gradient].shape if isinstance(operation, Descend) else operation.shape


def _is_scaling(values: Sequence[Operation], step: Descend) -> bool:
    """Whether a step has to write rate * gradient: not where it is a number, or the rate is 1."""
    rate = values[step.rate]
    return bool(values[step.gradient].shape) and not isinstance(rate, Scalar)


def _names(
    values: Sequence[Operation],
    order: Sequence[int],
    over: Mapping[int, int | None],
    tensors: Mapping[int, str],
    lines: Sequence[int],
    namer: Namer,
) -> dict[int, str]:
    """A tensor's own name for its value and what it is made from in place; else a description."""
    seen = {root(values, v): name for v, name in reversed(list(tensors.items()))}
    wanted = seen | dict(tensors)
    chosen: dict[int, str] = {}
    for value in reversed(order):
        if value in wanted:
            chosen[value] = wanted[value]
        target = over[value]
        same = target is not None and target not in wanted and lines[target] == lines[value]
        if target is not None and value in chosen and same:
            chosen[target] = chosen[value]
    names: dict[int, str] = {}
    owner: dict[str, int] = {}
    chain: dict[int, int] = {}
    for value in order:
        target = over[value]
        chain[value] = value if target is None else chain[target]
        if value in chosen:
            name = local(chosen[value])
        elif target is not None and target not in wanted and lines[target] == lines[value]:
            name = names[target]
        else:
            name = namer.new(describe(values, value, lines[value]), owner)
        if owner.setdefault(name, chain[value]) != chain[value]:
            name = namer.new(f"{name}_2", owner)
            owner[name] = chain[value]
        names[value] = name
    return names


def root(values: Sequence[Operation], value: int) -> int:
    """The value whose memory a view looks at."""
    operation = values[value]
    while isinstance(operation, (View, Row, Written)):
        value = operation.of
        operation = values[value]
    return value


def needs_memory(operation: Operation) -> bool:
    """Whether the result is an array that a function computes."""
    if isinstance(operation, Copy):
        return True
    return bool(operation.shape) and not isinstance(operation, _NO_MEMORY)


_ONCE = ("transpose", "reshape", "select")

_NO_MEMORY = (Read, View, Arange, Ones, Scalar, Row, Written, Either)
