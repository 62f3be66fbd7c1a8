"""Factors of the way back that the way forward knows, computed there.

The derivative of gelu(z) takes z and the sigmoid that gelu has computed: two arrays kept until the
cotangent comes. Computed at once, it is one array, from entries that are in the cache.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from symbackprop.program.operations import Apply
from symbackprop.program.storage import needs_memory, root
from symbackprop.program.values import Values


def moved_forward(
    graph: Values, order: Sequence[int], forward: Collection[int], kept: Collection[int]
) -> tuple[list[int], frozenset[int]]:
    """The values in an order in which such factors come early, and those.

    `forward` are the lines of the way forward; `kept` values live to the end in any case.
    """
    known = _known(graph, order, forward)
    readers = _readers(graph, order)
    kept = {root(graph.values, v) for v in kept}
    now = {value: k for k, value in enumerate(order)}
    moved: dict[int, int] = {}
    for sink in order:
        if sink in known and _waits(graph, sink, known, readers, now, forward):
            factor = _made_for(graph, sink, known, readers)
            place = _place(graph, factor, readers, now, kept, forward)
            if place is not None:
                moved.update((value, now[place]) for value in factor)
    # Before its place, in the order of before.
    turn = {v: (moved.get(v, k), v not in moved, k) for v, k in now.items()}
    return sorted(order, key=lambda v: turn[v]), frozenset(moved)


def _known(graph: Values, order: Sequence[int], forward: Collection[int]) -> set[int]:
    """Pointwise values of the way back that depend on nothing of it but each other."""
    found: set[int] = set()
    before: set[int] = set()
    computed = set(order)
    for value in order:
        operation = graph.values[value]
        operands = {root(graph.values, o) for o in operation.operands} & computed
        pointwise = isinstance(operation, Apply) and operation.kind == "real" and operation.shape
        if graph.serves[value] in forward:
            before.add(value)
        elif pointwise and graph.loop_of[value] is None and operands <= before | found:
            found.add(value)
    return found


def _readers(graph: Values, order: Sequence[int]) -> Mapping[int, set[int]]:
    """Who reads the memory of each value."""
    found: dict[int, set[int]] = {}
    for value in order:
        for operand in graph.values[value].operands:
            found.setdefault(root(graph.values, operand), set()).add(value)
    return found


def _waits(
    graph: Values,
    sink: int,
    known: Collection[int],
    readers: Mapping[int, set[int]],
    now: Mapping[int, int],
    forward: Collection[int],
) -> bool:
    """Whether it is a factor of a cotangent: read beside what only the way back computes."""
    beside = {
        root(graph.values, operand)
        for reader in readers.get(sink, set()) - set(known)
        for operand in graph.values[reader].operands
    }
    return any(v in now and v not in known and graph.serves[v] not in forward for v in beside)


def _made_for(
    graph: Values, sink: int, known: Collection[int], readers: Mapping[int, set[int]]
) -> set[int]:
    """The value, and what is computed for it alone."""
    found: set[int] = set()
    waiting = [sink]
    while waiting:
        value = waiting.pop()
        found.add(value)
        for operand in graph.values[value].operands:
            same = operand in known and graph.shape(operand) == graph.shape(sink)
            if same and readers[operand] <= found:
                waiting.append(operand)
    return found


def _place(
    graph: Values,
    factor: Collection[int],
    readers: Mapping[int, set[int]],
    now: Mapping[int, int],
    kept: Collection[int],
    forward: Collection[int],
) -> int | None:
    """Before which value to compute the factor; None where it takes the place of just one array.

    That is the last that reads the arrays that are kept for the factor alone.
    """
    values, shape = graph.values, graph.shape(max(factor))
    read = {root(values, o) for v in factor for o in values[v].operands} - set(factor)
    read = {v for v in read if v in now}
    others = {v: readers[v] - set(factor) for v in read}
    freed = [
        v
        for v in read
        if graph.shape(v) == shape
        and needs_memory(values[v])
        and v not in kept
        and all(graph.serves[o] in forward for o in others[v])
    ]
    last = max((o for v in freed for o in others[v]), key=lambda o: now[o], default=None)
    if len(freed) < 2 or last is None or graph.loop_of[last] is not None:
        return None
    between = all(now[v] < now[last] for v in read) and now[last] < min(now[v] for v in factor)
    return last if between else None
