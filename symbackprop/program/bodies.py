"""The bodies of loops inside a function: when a value is computed, until when one is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import Expr

from symbackprop.program.model import Loop
from symbackprop.program.operations import Branch, Either, Row
from symbackprop.program.steps import Condition, existence, implies, strongest
from symbackprop.program.values import Values


def conditions(graph: Values, loops: Sequence[Loop]) -> dict[int, tuple[Condition, ...]]:
    """All that must hold of the step where a value of a body is computed: its rows exist."""
    found: dict[int, tuple[Condition, ...]] = {}
    for value, loop in enumerate(graph.loop_of):
        if loop is not None:
            found[value] = _conditions(graph, value, loops[loop].extent, found)
    return {value: when for value, when in found.items() if when}


def _conditions(
    graph: Values, value: int, steps: Expr, known: Mapping[int, tuple[Condition, ...]]
) -> tuple[Condition, ...]:
    operation = graph.values[value]
    if isinstance(operation, Row):
        extent = graph.shape(operation.of)[operation.axis]
        return strongest(existence(operation.position, operation.step, extent, steps), steps)
    if isinstance(operation, (Either, Branch)):
        condition = operation.condition
        left = [c for c in known.get(operation.a, ()) if not implies(condition, c, steps)]
        other = condition.negation
        right = [c for c in known.get(operation.b, ()) if not implies(other, c, steps)]
        return strongest([*left, *right], steps)
    return strongest([c for o in operation.operands for c in known.get(o, ())], steps)


def conditions_of(graph: Values, value: int, steps: Expr) -> tuple[Condition, ...]:
    """The same of one value, in a body that runs so many steps."""
    found: dict[int, tuple[Condition, ...]] = {}
    waiting = [value]
    while waiting:
        missing = [o for o in graph.values[waiting[-1]].operands if o not in found]
        if not missing:
            latest = waiting.pop()
            found[latest] = _conditions(graph, latest, steps, found)
        waiting += missing
    return found[value]


def rows(order: Sequence[int], loops: Sequence[Loop]) -> dict[int, int]:
    """The memory in which a value of a body is kept, where the function keeps it."""
    needed = set(order)
    return {v: memory for loop in loops for memory, v in loop.writes.items() if memory in needed}


def ends(graph: Values, order: Sequence[int]) -> dict[int | None, int]:
    """Where in the order each loop's last value stands."""
    return {graph.loop_of[value]: now for now, value in enumerate(order)}
