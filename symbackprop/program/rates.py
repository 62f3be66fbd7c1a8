"""The rate of a step taken into the cotangents: rate * gradient costs no pass over the gradient.

Gradients are linear in the first cotangents of the way back. Where one of those is made with a
number, as (p - y) / N is, that number becomes rate / N, and every gradient bears the rate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from symbackprop.program.graph import Graph
from symbackprop.program.operations import (
    Accumulate,
    Apply,
    Assemble,
    Box,
    Copy,
    Inner,
    Matmul,
    Operation,
    Put,
    Read,
    Reduce,
    Row,
    Steps,
    Take,
    View,
    Written,
)
from symbackprop.program.shapes import size
from symbackprop.program.tables import AddRows
from symbackprop.program.windows import Blocked, Overlap, Sweep

# What a result is linear in: in all of these together, or in one where the others are given.
_TOGETHER = {
    View: ("of",),
    Copy: ("of",),
    Reduce: ("of",),
    Sweep: ("of",),
    Take: ("of",),
    Box: ("inside", "outside"),
    Put: ("base", "entries"),
    Accumulate: ("base", "entries"),
    AddRows: ("base", "entries"),
}
_ONE = {Matmul: ("a", "b"), Inner: ("a", "b"), Blocked: ("windows", "b")}


class NotLinear(Exception):
    """The cotangents reach a gradient by an operation that is not known to be linear in them."""


class Scaled:
    """The values that depend on the cotangents, each times the rate; `made` gives them by those.

    `origins` gives for every value made here the one that it was made for. `cost` is about how many
    entries have to be multiplied by the rate.
    """

    def __init__(
        self, graph: Graph, rate: int, cotangents: Collection[int], forward: Collection[int]
    ) -> None:
        self.made: dict[int, int] = {}
        self.origins: dict[int, int] = {}
        self.cost = 0
        self._graph = graph
        self._rate = rate
        self._forward = forward
        self._bearing = _bearing(graph, cotangents)

    def of(self, value: int) -> int:
        """rate * value. Raises NotLinear."""
        if value not in self.made:
            graph, line, first = self._graph, self._graph.line, len(self._graph.values)
            graph.line = graph.serves[value]
            self.made[value] = self._times(value)
            graph.line = line
            for new in range(first, len(graph.values)):
                self.origins.setdefault(new, value)
        return self.made[value]

    def needed(self, gradients: Iterable[int]) -> list[int]:
        """What depends on the cotangents and is needed for the gradients, operands first."""
        found: set[int] = set()
        waiting = [g for g in gradients if g in self._bearing]
        while waiting:
            value = waiting.pop()
            if value not in found:
                found.add(value)
                waiting += self._bearing.intersection(self._graph.values[value].operands)
        return sorted(found)

    def put_in_order(self) -> None:
        """Let nothing stand after what reads it."""
        for value in sorted(self.origins, reverse=True):
            for operand in self._graph.values[value].operands:
                if operand in self.origins:
                    earliest = min(self.origins[operand], self.origins[value])
                    self.origins[operand] = earliest

    def _times(self, value: int) -> int:
        graph, operation = self._graph, self._graph.values[value]
        bears = [o for o in operation.operands if o in self._bearing]
        if graph.loop_of[value] is not None or isinstance(operation, (Written, Row, Steps)):
            raise NotLinear
        if not bears:
            return self._first(value)
        if isinstance(operation, Apply):
            return self._applied(operation, bears)
        if isinstance(operation, Overlap):
            return graph.add(self._overlap(operation, bears))
        if isinstance(operation, Assemble):
            return graph.add(replace(operation, parts=tuple(map(self.of, operation.parts))))
        if getattr(operation, "function", "sum") == "sum":
            for names in (_TOGETHER.get(type(operation)), self._one(operation, bears)):
                if names and set(bears) <= {getattr(operation, name) for name in names}:
                    changed: dict[str, Any] = {n: self.of(getattr(operation, n)) for n in names}
                    return graph.add(replace(operation, **changed))
        raise NotLinear

    def _one(self, operation: Operation, bears: Sequence[int]) -> tuple[str, ...]:
        names = _ONE.get(type(operation), ())
        found = [name for name in names if getattr(operation, name) in bears]
        return tuple(found) if len(found) == 1 else ()

    def _applied(self, operation: Apply, bears: Sequence[int]) -> int:
        graph, inputs = self._graph, operation.inputs
        if operation.function in ("add", "subtract", "negative", "real"):
            return graph.apply(operation.function, *map(self.of, inputs))
        if operation.function == "where" and inputs[0] not in bears:
            return graph.apply("where", inputs[0], *map(self.of, inputs[1:]))
        above = operation.function == "divide" and inputs[1] not in bears
        if above or (operation.function == "multiply" and len(bears) == 1):
            (bearing,) = set(bears)
            times = (self.of(v) if v == bearing else v for v in inputs)
            return graph.apply(operation.function, *times)
        raise NotLinear

    def _overlap(self, operation: Overlap, bears: Sequence[int]) -> Overlap:
        base, made = self.of(operation.base), operation.made
        if made is None:
            if not set(bears) <= {operation.base, operation.entries}:
                raise NotLinear
            return replace(operation, base=base, entries=self.of(operation.entries))
        rest = set(bears) - {operation.base}
        if rest == {made.a}:
            return replace(operation, base=base, made=replace(made, a=self.of(made.a)))
        if rest == {made.b}:
            return replace(operation, base=base, made=replace(made, b=self.of(made.b)))
        raise NotLinear

    def _first(self, value: int) -> int:
        """rate * value for what depends on no cotangent: by a number that it is made with, if any.

        That costs nothing.
        """
        graph, operation = self._graph, self._graph.values[value]
        number = graph.number(value)
        if number == 0:
            return value
        if not operation.shape:
            return graph.apply("multiply", self._rate, value)
        if isinstance(operation, (View, Copy)) and self._is_made(operation.of):
            return graph.add(replace(operation, of=self.of(operation.of)))
        if isinstance(operation, Apply):
            function, inputs = operation.function, operation.inputs
            if function == "divide" and not graph.shape(inputs[1]):
                times = graph.apply("divide", self._rate, inputs[1])
                return graph.apply("multiply", inputs[0], times)
            if function == "divide" and self._is_made(inputs[0]):
                return graph.apply("divide", self.of(inputs[0]), inputs[1])
            if function == "negative" and self._is_made(inputs[0]):
                return graph.apply("negative", self.of(inputs[0]))
            if function in ("add", "subtract") and all(map(self._is_made, inputs)):
                return graph.apply(function, *map(self.of, inputs))
            if function == "multiply":
                smaller = [v for v in inputs if size(graph.shape(v)) < size(operation.shape)]
                for one in (*smaller, *filter(self._is_made, inputs)):
                    other = inputs[1] if one == inputs[0] else inputs[0]
                    return graph.apply(function, self.of(one), other)
        self.cost += size(operation.shape)
        return graph.apply("multiply", value, self._rate)

    def _is_made(self, value: int) -> bool:
        """Whether a value is made with a number, which may take in the rate, on the way back."""
        operation = self._graph.values[value]
        if not operation.shape:
            return True
        if self._graph.serves[value] in self._forward:
            return False
        if isinstance(operation, (View, Copy)):
            return self._is_made(operation.of)
        if isinstance(operation, Apply) and operation.function == "divide":
            return not self._graph.shape(operation.inputs[1]) or self._is_made(operation.inputs[0])
        if isinstance(operation, Apply) and operation.function == "multiply":
            return any(map(self._is_made, operation.inputs))
        return False


def is_own(graph: Graph, cotangent: int, forward: Collection[int]) -> bool:
    """Whether a cotangent is computed for itself, and is no constant: so known from all others."""
    operation = graph.values[cotangent]
    own = not isinstance(operation, Read) and graph.serves[cotangent] not in forward
    return own and not graph.is_constant(cotangent)


def untransposed(graph: Graph, value: int) -> int:
    """The value that a transpose looks at."""
    operation = graph.values[value]
    while isinstance(operation, View) and operation.how == "transpose":
        value = operation.of
        operation = graph.values[value]
    return value


def _bearing(graph: Graph, cotangents: Collection[int]) -> set[int]:
    """The cotangents and all values that depend on them."""
    found = set(cotangents)
    for value in range(min(found, default=0), len(graph.values)):
        if not found.isdisjoint(graph.values[value].operands):
            found.add(value)
    return found


def scaled_gradients(
    graph: Graph,
    gradients: Iterable[int],
    cotangents: Iterable[int],
    forward: Collection[int],
    rate: int,
) -> Scaled | None:
    """All gradients times the rate; None where that takes longer than to multiply each."""
    gradients = list(gradients)
    roots = {untransposed(graph, c) for c in cotangents}
    if not all(is_own(graph, c, forward) for c in roots):
        return None
    scaled = Scaled(graph, rate, roots, forward)
    try:
        for value in (*scaled.needed(gradients), *gradients):
            scaled.of(value)
    except NotLinear:
        return None
    scaled.put_in_order()
    plain = sum(size(graph.shape(g)) for g in gradients)
    return scaled if scaled.cost < max(plain, 1) else None
