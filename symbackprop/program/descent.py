"""Steps of gradient descent, parameter -= rate * gradient, after all that reads the old value."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from symbackprop.program.graph import Graph
from symbackprop.program.operations import Copy, Descend, Operation, Read
from symbackprop.program.shapes import size
from symbackprop.program.storage import needs_memory, root
from symbackprop.program.values import Values

RATE = "rate"


def descend(graph: Graph, parameter: int, gradient: int, rows: int | None = None) -> int | None:
    """The step of a parameter; None where the gradient is 0."""
    if graph.number(gradient) == 0 or 0 in graph.shape(gradient):
        return None
    gradient = graph.real(gradient)
    below = graph.values[root(graph.values, gradient)]
    if below.shape and isinstance(below, Read):
        # It may be another parameter, which takes its own step before this one.
        gradient = graph.append(Copy(graph.shape(gradient), "real", gradient))
    rate = graph.read(RATE, (), "real")
    shape = graph.shape(parameter)
    return graph.append(Descend(shape, "real", parameter, gradient, rate, rows))


def in_order(computed: Sequence[int], graph: Values, steps: Collection[int]) -> tuple[int, ...]:
    """The values in order, with each step as soon as nothing reads the parameter any more.

    A gradient that nothing else needs is computed no sooner than its step: a printer may make one
    product of both. But not where what it is computed from takes more memory to keep.
    """
    rest = [v for v in computed if v not in steps]
    groups = {step: _own(rest, graph, step, steps) for step in steps}
    held = {v for group in groups.values() for v in group}
    ends = _ends(rest, graph)
    after: dict[int, list[int]] = {}
    for step in steps:
        waits = [now for now, v in enumerate(rest) if _precedes(v, step, groups[step], graph)]
        last = max((ends[now] for now in waits), default=-1)
        after.setdefault(last, []).append(step)
    found: list[int] = []
    for now in range(-1, len(rest)):
        if now >= 0 and rest[now] not in held:
            found.append(rest[now])
        for step in after.get(now, ()):
            found += [*groups[step], step]
    return tuple(found)


def _precedes(value: int, step: int, group: Collection[int], graph: Values) -> bool:
    """Whether a value is needed for a step, or reads the parameter as it was."""
    values = graph.values
    needed = {root(values, o) for o in values[step].operands}
    return value in group or value in needed or values[step].operands[0] in _read(values, value)


def _own(rest: Sequence[int], graph: Values, step: int, steps: Collection[int]) -> list[int]:
    """What serves the equation of a step's gradient, outside of loops, and nothing else.

    Without what reads other parameters that are stepped: it may have to come before their steps.
    """
    values = graph.values
    others = {values[s].operands[0] for s in steps if s != step}
    readers: dict[int, set[int]] = {}
    for value in (*rest, *steps):
        for memory in _read(values, value):
            readers.setdefault(memory, set()).add(value)
    found: set[int] = set()
    for value in reversed(rest):
        same = graph.serves[value] == graph.serves[step] and graph.loop_of[value] is None
        private = readers.get(value, set()) <= {step, *found}
        if same and private and others.isdisjoint(_read(values, value)):
            found.add(value)
    kept = {memory for v in found for memory in _read(values, v)} - found
    sizes = [size(values[v].shape) for v in kept if needs_memory(values[v])]
    is_larger = size(values[step].shape) >= max(sizes, default=0)
    return [v for v in rest if v in found] if is_larger else []


def _read(values: Sequence[Operation], value: int) -> set[int]:
    """The memory that an operation reads."""
    return {root(values, operand) for operand in values[value].operands}


def _ends(rest: Sequence[int], graph: Values) -> list[int]:
    """For each value the end of its loop, or of the run of values that serve its equation."""
    ends = list(range(len(rest)))
    for now in range(len(rest) - 2, -1, -1):
        here, there = rest[now], rest[now + 1]
        loops = graph.loop_of[here], graph.loop_of[there]
        if loops[0] == loops[1] and (
            loops[0] is not None or graph.serves[here] == graph.serves[there]
        ):
            ends[now] = ends[now + 1]
    return ends
