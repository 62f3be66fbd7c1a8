"""Entries gathered from an array before it is written over, so that it need not be kept for them.

The cross-entropy of a softmax reads one score of each row. Read first, the exponentials take the
place of the scores.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from symbackprop.program.operations import Apply, Take
from symbackprop.program.storage import needs_memory, root
from symbackprop.program.values import Values


def gathered_first(graph: Values, order: Sequence[int], kept: Collection[int]) -> list[int]:
    """The values in an order in which such gathers, and their positions, come first.

    `kept` values live to the end in any case.
    """
    values, found = graph.values, list(order)
    readers = _readers(graph, order)
    kept = {root(values, v) for v in kept}
    for memory in order:
        takes = [v for v in readers.get(memory, ()) if _gathers(graph, v, memory)]
        if takes and memory not in kept and needs_memory(values[memory]):
            now = {value: k for k, value in enumerate(found)}
            moved = _needed(graph, takes, now, now[memory])
            others = set(readers[memory]) - set(takes)
            last = max(others, key=lambda v: now[v], default=memory)
            late = any(now[last] < now[take] for take in takes)
            if moved is not None and late and _overwrites(graph, last, memory):
                rest = [v for v in found if v not in moved]
                place = rest.index(memory) + 1
                found = [*rest[:place], *moved, *rest[place:]]
    return found


def _readers(graph: Values, order: Sequence[int]) -> Mapping[int, list[int]]:
    """Who reads the memory of each value, in order."""
    found: dict[int, list[int]] = {}
    for value in order:
        for memory in {root(graph.values, o) for o in graph.values[value].operands}:
            found.setdefault(memory, []).append(value)
    return found


def _gathers(graph: Values, value: int, memory: int) -> bool:
    """Whether it is a gather from this memory, outside of loops."""
    operation = graph.values[value]
    reads = isinstance(operation, Take) and root(graph.values, operation.of) == memory
    return reads and graph.loop_of[value] is None and graph.loop_of[memory] is None


def _overwrites(graph: Values, value: int, memory: int) -> bool:
    """Whether a result may take the place of an operand that nothing else reads any more."""
    operation, below = graph.values[value], graph.values[memory]
    same = (operation.shape, operation.kind) == (below.shape, below.kind)
    return isinstance(operation, Apply) and memory in operation.inputs and same


def _needed(
    graph: Values, takes: Sequence[int], now: Mapping[int, int], place: int
) -> list[int] | None:
    """The gathers, and the pointwise values after the place that they need; None with others."""
    found: set[int] = set()
    waiting = list(takes)
    while waiting:
        value = waiting.pop()
        if value in found or now.get(value, -1) <= place:
            continue
        if value not in takes and not isinstance(graph.values[value], Apply):
            return None
        found.add(value)
        waiting += [root(graph.values, o) for o in graph.values[value].operands]
    return sorted(found, key=lambda v: now[v])
