"""The rate of a step taken into the cotangents: rate * gradient costs no pass over the gradient.

Gradients are linear in the first cotangents of the way back. Where one of those is made with a
number, as (p - y) / N is, that number becomes rate / N, and every gradient bears the rate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from symbackprop.program.graph import Graph
from symbackprop.program.operations import (
    Accumulate,
    Apply,
    Assemble,
    Copy,
    Inner,
    Matmul,
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
from symbackprop.program.windows import Blocked, Overlap, Sweep

# What a result is linear in: in all of these together, or in one where the others are given.
_TOGETHER = {
    View: ("of",),
    Copy: ("of",),
    Reduce: ("of",),
    Sweep: ("of",),
    Take: ("of",),
    Put: ("base", "entries"),
    Accumulate: ("base", "entries"),
}
_ONE = {Matmul: ("a", "b"), Inner: ("a", "b"), Blocked: ("windows", "b")}


class NotLinear(Exception):
    """The cotangents reach a gradient by an operation that is not known to be linear in them."""


class Scaled:
    """The values that depend on the cotangents, each times the rate; `made` gives them by those.

    `cost` is about how many entries have to be multiplied by the rate for that.
    """

    def __init__(self, graph: Graph, rate: int, cotangents: Collection[int]) -> None:
        self.made: dict[int, int] = {}
        self.cost = 0
        self._graph = graph
        self._rate = rate
        self._bearing = _bearing(graph, cotangents)

    def of(self, value: int) -> int:
        """rate * value. Raises NotLinear."""
        if value not in self.made:
            line = self._graph.line
            self._graph.line = self._graph.serves[value]
            self.made[value] = self._times(value)
            self._graph.line = line
        return self.made[value]

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
                    changed = {name: self.of(getattr(operation, name)) for name in names}
                    return graph.add(replace(operation, **changed))
        raise NotLinear

    def _one(self, operation: object, bears: Sequence[int]) -> tuple[str, ...]:
        names = _ONE.get(type(operation), ())  # type: ignore[call-overload]
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
            if function == "negative" and self._is_made(inputs[0]):
                return graph.apply("negative", self.of(inputs[0]))
            if function in ("add", "subtract") and all(map(self._is_made, inputs)):
                return graph.apply(function, *map(self.of, inputs))
            if function == "multiply":
                small = min(inputs, key=lambda v: size(graph.shape(v)))
                if size(graph.shape(small)) < size(operation.shape):
                    return graph.apply(function, *(self.of(v) if v == small else v for v in inputs))
        self.cost += size(operation.shape)
        return graph.apply("multiply", value, self._rate)

    def _is_made(self, value: int) -> bool:
        """Whether a value is made with a number, which may take in the rate."""
        operation = self._graph.values[value]
        if not operation.shape:
            return True
        if isinstance(operation, (View, Copy)):
            return self._is_made(operation.of)
        if isinstance(operation, Apply) and operation.function in ("multiply", "divide"):
            return any(not self._graph.shape(v) for v in operation.inputs)
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
    graph: Graph, gradients: Iterable[int], cotangents: Iterable[int], forward: Collection[int], rate: int
) -> Scaled | None:
    """All gradients times the rate; None where that takes longer than to multiply each."""
    gradients = list(gradients)
    roots = {untransposed(graph, c) for c in cotangents}
    if not all(is_own(graph, c, forward) for c in roots):
        return None
    scaled = Scaled(graph, rate, roots)
    try:
        for gradient in gradients:
            scaled.of(gradient)
    except NotLinear:
        return None
    plain = sum(size(graph.shape(g)) for g in gradients)
    return scaled if scaled.cost <= plain else None
