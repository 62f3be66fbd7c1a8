"""Equations that need no statement: what they define is there already, as `dh = dz2` is.

Their numbers stand where they hold, each once, so that a function has every equation it computes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from symbackprop.program.model import Function, Program
from symbackprop.program.names import local
from symbackprop.program.operations import Read, Steps, View
from symbackprop.program.storage import root


@dataclass(frozen=True)
class Alias:
    """An equation without a statement: its number, and in words what its tensor is.

    `value` has its entries; `after` is the number of the equation that it is computed for, or 0.
    """

    number: int
    value: int
    after: int
    said: str


class Aliases:
    """The aliases of a function that have not been told yet.

    One is told behind the statements that it needs, and before those for a later equation.
    """

    def __init__(self, program: Program, function: Function) -> None:
        served = {program.serves[value] for value in function.order}
        self._waiting = [
            _alias(program, function, number, value)
            for number, value in function.equations.items()
            if number not in served
        ]
        self._told = {0}

    def before(self, numbers: Collection[int]) -> list[Alias]:
        """Those to be told now, as the next statements are for the equations of these numbers."""
        first = min(numbers, default=0)
        found = [a for a in self._waiting if a.number < first and a.after in self._told]
        self._waiting = [a for a in self._waiting if a not in found]
        self._told |= set(numbers)
        return found

    def rest(self) -> list[Alias]:
        """Those that are left when all statements are written."""
        found, self._waiting = self._waiting, []
        return found


def _alias(program: Program, function: Function, number: int, value: int) -> Alias:
    below = root(program.values, value)
    operation = program.values[below]
    after = program.serves[below]
    if isinstance(operation, Steps):
        after = program.serves[program.loops[operation.loop].writes[below]]
    said = _said(program, function, number, value)
    return Alias(number, below, after if below in function.order else 0, said)


def _said(program: Program, function: Function, number: int, value: int) -> str:
    """Where the entries of an equation's tensor are found."""
    below = root(program.values, value)
    operation = program.values[below]
    name = function.names.get(below) or program.constants.get(below)
    if isinstance(operation, Read):
        name = local(operation.name)
    if name is None:
        return "part of what reads it"
    if name == local(program.lines[number].equation.tensor.name):
        return f"computed with ({program.serves[below]})"
    if not operation.shape:
        return f"the number {name}"
    return f"a view of {name}" if _is_seen_otherwise(program, value) else f"the array {name}"


def _is_seen_otherwise(program: Program, value: int) -> bool:
    operation = program.values[value]
    while operation.operands and root(program.values, value) != value:
        if isinstance(operation, View):
            return True
        (value,) = operation.operands
        operation = program.values[value]
    return False
