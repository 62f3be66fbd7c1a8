"""How a function writes its values: where they are read, where results go."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Collection
from typing import Any

from sympy import Expr

from symbackprop.emit.layout import Call, Code, lines
from symbackprop.emit.numbers import number, operand
from symbackprop.program.descent import RATE
from symbackprop.program.model import Function, Place, Program
from symbackprop.program.names import has_meaning, local
from symbackprop.program.operations import (
    Operation,
    Read,
    Row,
    Scalar,
    Shape,
    View,
    Written,
)
from symbackprop.program.steps import Condition, Step
from symbackprop.program.storage import root


class Printer:
    """The values of one function. `owner` is what constants and buffers are attributes of."""

    def __init__(
        self, program: Program, function: Function, owner: str = "work", indent: int = 4
    ) -> None:
        self.program = program
        self.values = program.values
        self.constants = program.constants
        self.names = function.names
        self.places = function.places
        self.inputs = function.inputs
        self.results = {root(program.values, v) for v in function.results.values()}
        self.owner = owner
        system = program.derivation.system
        known = [*system.extents, *(p.symbol for p in system.parameters)]
        attributes = {e.tensor.name for e in system.equations} | {e.name for e in system.extents}
        # the number 1 as an array, unless the spec gives that name a meaning
        self.one = "1.0" if "one" in attributes else f"{owner}.one"
        self._taken = {*function.inputs, *self.names.values(), *(local(s.name) for s in known)}
        self.indent = indent
        # who reads the memory of a value
        self.readers: dict[int, set[int]] = {}
        for reader in function.order:
            for read in self.values[reader].operands:
                self.readers.setdefault(root(self.values, read), set()).add(reader)

    def indented(self) -> Printer:
        """The same, writing further in."""
        inner = copy.copy(self)
        inner.indent += 4
        return inner

    # Operands

    def see(self, value: int) -> Code:
        """A value where it is read: a name, a number, or a view of one."""
        operation = self.values[value]
        if isinstance(operation, Scalar):
            return number(operation.number)
        if isinstance(operation, View):
            return self._view(operation)
        if isinstance(operation, Written):
            return self.see(operation.of)
        if isinstance(operation, Row):
            return f"{self.see(operation.of)}[{':, ' * operation.axis}{number(operation.position)}]"
        if value in self.constants:
            return f"{self.owner}.{self.constants[value]}"
        if isinstance(operation, Read):
            own = operation.name in self.inputs or operation.name == RATE
            return operation.name if own else local(operation.name)
        return self.names[value]

    def beside(self, value: int, operation: Operation) -> Code:
        """The same as an operand of an operation on arrays: numbers take the kind of its result."""
        scalar = self.values[value]
        if isinstance(scalar, Scalar) and operation.kind != "integer":
            return operand(scalar.number)
        return self.see(value)

    def _view(self, view: View) -> Code:
        seen = self.see(view.of)
        if view.how == "transpose":
            if view.detail == (1, 0):
                return f"{seen}.T"
            return Call(f"{seen}.transpose", tuple(map(str, view.detail)))
        if view.how == "reshape":
            return Call(f"{seen}.reshape", self.reshaped(view.shape))
        if view.how == "diagonal":
            return Call(f"{seen}.diagonal", ("0", *map(str, view.detail)))
        if view.how == "windows":
            return windows_code(str(seen), view.shape, *view.detail)
        return subscripted(str(seen), view.detail, self.values[view.of].shape)

    def reshaped(self, shape: Shape) -> tuple[str, ...]:
        """The extents of a reshaped view."""
        return tuple(map(number, shape))

    def is_handed_in(self, value: int) -> bool:
        """Whether a value is an argument, or a view of one."""
        return isinstance(self.values[root(self.values, value)], Read)

    # Statements

    def out(self, value: int) -> str:
        """Where the result of a value is written."""
        place = self.places[value]
        return self.names[place.inplace] if place.inplace is not None else self.memory(value)

    def memory(self, value: int) -> str:
        """A buffer of the workspace, or a row of what the loop writes."""
        place = self.places[value]
        if place.row_of is None:
            return f"{self.owner}.{place.buffer}"
        loop = self.program.loops[self.program.loop_of[value] or 0]
        return f"{self.names[place.row_of]}[{loop.step.name}]"

    def write(self, prefix: str, code: Code) -> list[str]:
        """A statement, laid out where this printer writes."""
        return lines(prefix, code, indent=self.indent)

    def test(self, step: Step, condition: Condition) -> str:
        """`t >= 1`."""
        return f"{step.name} {condition.op} {number(condition.bound)}"

    def assign(self, value: int, code: Code) -> list[str]:
        """`name = code`; without the name where the result is written over what bears it.

        And where it is a row that nothing reads at the same step.
        """
        place = self.places.get(value, Place(""))
        kept = place.inplace is not None and self.names[place.inplace] == self.names[value]
        unread = place.row_of is not None and value not in self.readers
        return self.write("" if kept or unread else f"{self.names[value]} = ", code)

    def call(self, value: int, function: str, *arguments: Code) -> list[str]:
        """A NumPy function that writes into the value's buffer, or gives a Python number."""
        operation = self.values[value]
        if operation.shape:
            out = f"out={self.out(value)}"
            return self.assign(value, Call(function, (*arguments, out)))
        convert = {"real": "float", "integer": "int", "mask": "bool"}[operation.kind]
        return self.assign(value, Call(convert, (Call(function, arguments),)))

    def fresh(self, value: int) -> list[str]:
        """`name = buffer`, before it is filled."""
        return self.write(f"{self.names[value]} = ", self.memory(value))

    def based(self, value: int, base: int) -> list[str]:
        """The base under the name of the value: copied, unless the value is written over it."""
        if self.places[value].inplace is not None:
            name = self.out(value)
            return [] if name == self.names[value] else self.assign(value, name)
        copied = Call("np.copyto", (self.names[value], self.see(base)))
        return self.fresh(value) + self.write("", copied)

    def fresh_name(self, *wished: str, beside: Collection[str] = ()) -> str:
        """The first of the names that nothing in the function has, else one with a number.

        Nor has anything `beside` it, which the function does not know yet.
        """
        taken = {*self._taken, *beside}
        free = (n for n in wished if n not in taken and not has_meaning(n))
        numbered = (f"{wished[0]}_{k}" for k in itertools.count(2))
        return next(itertools.chain(free, (n for n in numbered if n not in taken)))


def windows_code(array: str, shape: Shape, axes: tuple[int, ...], steps: Shape) -> Code:
    """A view of the windows of an array."""
    lists = (map(number, shape), map(str, axes), map(number, steps))
    return Call("_windows", (array, *(Call("", tuple(each)) for each in lists)))


def subscripted(array: str, items: tuple[Any, ...], shape: tuple[Expr, ...]) -> str:
    """`array[:, None, 2:5]` for a selection; the array where it is whole."""
    inside = _subscript(items, shape)
    return array if inside == ":" else f"{array}[{inside}]"


def _subscript(items: tuple[Any, ...], shape: tuple[Expr, ...]) -> str:
    """`:, None, 2:5` for the items of a selection."""
    found: list[str] = []
    position = 0
    for item in items:
        if item is None:
            found.append("None")
            continue
        found.append(_item(item, shape[position]))
        position += 1
    while len(found) > 1 and found[-1] == ":":
        found.pop()
    return ", ".join(found)


def _item(item: Any, extent: Expr) -> str:
    if not isinstance(item, tuple):
        return number(item)
    start = "" if item[0] == 0 else number(item[0])
    stop = "" if item[1] == extent else number(item[1])
    if all(not text or text.isalnum() for text in (start, stop)):
        return f"{start}:{stop}"
    # A formatter sets spaces around the colon where a bound is more than a name or a number.
    return f"{start} : {stop}".strip() if start and stop else f"{start} :" if start else f": {stop}"
