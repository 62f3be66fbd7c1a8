"""Steps of gradient descent, parameter -= rate * gradient, after all that reads the old value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from symbackprop.program.graph import Graph
from symbackprop.program.operations import Apply, Copy, Descend, Read, Steps
from symbackprop.program.rates import Scaled, scaled_gradients
from symbackprop.program.shapes import ONE, size
from symbackprop.program.storage import needs_memory, root
from symbackprop.program.tables import AddRows, room
from symbackprop.program.values import Values

RATE = "rate"


@dataclass(frozen=True, slots=True)
class Gradient:
    """The gradient by a parameter, both values; by rows where there are `rows`; and its line."""

    parameter: int
    value: int
    rows: int | None
    line: int


def steps(
    graph: Graph,
    gradients: Mapping[str, Gradient],
    cotangents: Iterable[int],
    forward: Collection[int],
) -> tuple[dict[str, int], Scaled | None]:
    """The step of each parameter whose gradient is not 0; and what was made for that.

    `forward` are the lines of the way forward.
    """
    rate = graph.read(RATE, (), "real")
    values = [gradient.value for gradient in gradients.values()]
    scaled = scaled_gradients(graph, values, cotangents, forward, rate)
    found: dict[str, int] = {}
    for name, gradient in gradients.items():
        graph.line = gradient.line
        value = gradient.value
        if scaled is not None:
            value, rate = scaled.made[value], graph.scalar(ONE)
        step = None if scaled is None else _decayed(graph, gradient.parameter, value, rate)
        if step is None:
            step = _step(graph, gradient.parameter, value, rate, gradient.rows)
        if step is not None:
            found[name] = step
    return found, scaled


def _decayed(graph: Graph, parameter: int, gradient: int, rate: int) -> int | None:
    """The step by number * parameter + rest, as an l2 penalty makes it: parameter *= 1 - number.

    The rate is in the gradient already. None where the gradient is no such sum.
    """
    operation, shape = graph.values[gradient], graph.shape(parameter)
    terms: tuple[int, ...] = ()
    if isinstance(operation, AddRows):
        terms = (operation.base, operation.entries)
    elif isinstance(operation, Apply) and operation.function == "add":
        terms = operation.inputs
    for one, rest in zip(terms, reversed(terms), strict=True):
        number = _times(graph, one, parameter)
        if number is None or isinstance(graph.values[root(graph.values, rest)], Read):
            continue
        if not isinstance(operation, AddRows):
            return graph.append(Descend(shape, "real", parameter, rest, rate, decay=number))
        if one == operation.base:
            table = (operation.rows, operation.room, number)
            return graph.append(Descend(shape, "real", parameter, rest, rate, *table))
    return None


def _times(graph: Graph, value: int, parameter: int) -> int | None:
    """The number of a product of a number and the parameter; None for anything else."""
    operation = graph.values[value]
    if not isinstance(operation, Apply) or operation.function != "multiply":
        return None
    if operation.shape != graph.shape(parameter) or parameter not in operation.inputs:
        return None
    (number,) = {*operation.inputs} - {parameter} or {parameter}
    return number if not graph.shape(number) and operation.shape else None


def _step(graph: Graph, parameter: int, gradient: int, rate: int, rows: int | None) -> int | None:
    """The step of a parameter; None where the gradient is 0."""
    if graph.number(gradient) == 0 or 0 in graph.shape(gradient):
        return None
    gradient = graph.real(gradient)
    below = graph.values[root(graph.values, gradient)]
    if below.shape and isinstance(below, Read):
        # It may be another parameter, which takes its own step before this one.
        gradient = graph.append(Copy(graph.shape(gradient), "real", gradient))
    shape = graph.shape(parameter)
    memory: tuple[int, ...] = ()
    if rows is not None:
        gradient = graph.contiguous(gradient)
        memory = room(graph, shape, gradient)
    return graph.append(Descend(shape, "real", parameter, gradient, rate, rows, memory))


def in_order(computed: Sequence[int], graph: Values, steps: Collection[int]) -> tuple[int, ...]:
    """The values in order, with each step as soon as nothing reads the parameter any more.

    A gradient that nothing else needs is computed no sooner than its step: a printer may make one
    product of both. But not where what it is computed from takes more memory to keep.
    """
    stepped = frozenset(steps)
    rest = [v for v in computed if v not in stepped]
    memory = _Memory(graph, rest, steps)
    groups = {step: memory.own(step) for step in steps}
    held = {v for group in groups.values() for v in group}
    ends = _ends(rest, graph)
    after: dict[int, list[int]] = {}
    for step in steps:
        last = max((ends[now] for now in memory.before(step, groups[step])), default=-1)
        after.setdefault(last, []).append(step)
    found: list[int] = []
    for now in range(-1, len(rest)):
        if now >= 0 and rest[now] not in held:
            found.append(rest[now])
        for step in after.get(now, ()):
            found += [*groups[step], step]
    return tuple(found)


class _Memory:
    """What values read: whose memory, and who reads that of each."""

    def __init__(self, graph: Values, rest: Sequence[int], steps: Collection[int]) -> None:
        self._graph = graph
        self._now = {v: now for now, v in enumerate(rest)}
        self._parameters = {graph.values[step].operands[0] for step in steps}
        self._lines: dict[int, list[int]] = {}
        self._readers: dict[int, set[int]] = {}
        for value in (*rest, *steps):
            for read in self._read(value):
                self._readers.setdefault(read, set()).add(value)
        for value in rest:
            if graph.loop_of[value] is None:
                self._lines.setdefault(graph.serves[value], []).append(value)

    def _read(self, value: int) -> set[int]:
        values = self._graph.values
        return {root(values, operand) for operand in values[value].operands}

    def before(self, step: int, group: Sequence[int]) -> list[int]:
        """Where the values stand that a step needs, or that read the parameter as it was."""
        readers = self._readers[self._graph.values[step].operands[0]]
        needed = {*readers, *group, *self._read(step)}
        return [self._now[v] for v in needed if v in self._now]

    def own(self, step: int) -> list[int]:
        """What serves the equation of a step's gradient, outside of loops, and nothing else.

        Without what reads other parameters that are stepped: it may have to come before their
        steps. And nothing where it needs more memory than the gradient takes.
        """
        values = self._graph.values
        stepped = {values[step].operands[0]}
        found: set[int] = set()
        line = self._lines.get(self._graph.serves[step], [])
        for value in reversed(line):
            private = self._readers.get(value, set()) <= {step, *found}
            if private and self._read(value) & self._parameters <= stepped:
                found.add(value)
        kept = {memory for v in found for memory in self._read(v)} - found
        sizes = [size(values[v].shape) for v in kept if needs_memory(values[v])]
        is_larger = size(values[step].shape) >= max(sizes, default=0)
        return [v for v in line if v in found] if is_larger else []


def _ends(rest: Sequence[int], graph: Values) -> list[int]:
    """For each value the end of its loop, or of the run of values that serve its equation.

    The memory that a loop writes stands right before its body, so its end is the loop's.
    """
    ends = list(range(len(rest)))
    for now in range(len(rest) - 2, -1, -1):
        here, there = rest[now], rest[now + 1]
        loops = _loop(graph, here), _loop(graph, there)
        if loops[0] == loops[1] and (
            loops[0] is not None or graph.serves[here] == graph.serves[there]
        ):
            ends[now] = ends[now + 1]
    return ends


def _loop(graph: Values, value: int) -> int | None:
    """The loop that computes a value, or that writes a memory."""
    operation = graph.values[value]
    return operation.loop if isinstance(operation, Steps) else graph.loop_of[value]
