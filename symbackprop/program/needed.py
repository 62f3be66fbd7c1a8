"""What a function has to compute: the equations behind its results, and the states that move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from symbackprop.derivation.model import Derivation, Line
from symbackprop.equations.nodes import TensorSymbol, tensor_set, tensors
from symbackprop.program.graph import Graph
from symbackprop.program.operations import Read


class _Reach(Protocol):
    def __call__(self, results: Iterable[int], /) -> set[int]:
        """Every value that the results are computed from."""


def needed(lines: Iterable[Line], wanted: Iterable[TensorSymbol]) -> list[int]:
    """The numbers of the lines that define tensors, and of all that those are computed from."""
    known = {line.equation.tensor: line for line in lines}
    found: dict[TensorSymbol, int] = {}
    waiting = list(wanted)
    while waiting:
        tensor = waiting.pop()
        if tensor in known and tensor not in found:
            found[tensor] = known[tensor].number
            waiting += tensor_set(known[tensor].equation.rhs)
    return sorted(found.values())


def moving(
    derivation: Derivation,
    graph: Graph,
    known: Mapping[TensorSymbol, tuple[int, Sequence[int]]],
    reach: _Reach,
    results: Iterable[int],
) -> dict[str, int]:
    """The new values of the states whose batch values the results are computed from anyway."""
    values, serves = graph.values, graph.serves
    states = derivation.system.states
    moved = {state.symbol for state in states}
    lines = {0}
    for line in derivation.forward:
        if not moved.isdisjoint(tensors(line.equation.rhs)):
            moved.add(line.equation.tensor)
            lines.add(line.number)
    reached = reach(results)
    found: dict[str, int] = {}
    for state in states:
        if state.update in known:
            value = known[state.update][0]
            more = reach([value]) - reached
            if all(serves[v] in lines or isinstance(values[v], Read) for v in more):
                found[state.symbol.name] = value
    return found
