"""What a function reads and writes: the pointer or the variable that each value is seen through."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr

from symbackprop.emit.native.accesses import (
    Access,
    at_position,
    in_memory,
    viewed,
)
from symbackprop.emit.native.naming import Names
from symbackprop.emit.native.numbers import Variable
from symbackprop.emit.native.table import Slot, slots
from symbackprop.program.model import Function, Program
from symbackprop.program.operations import (
    Accumulate,
    Arange,
    Branch,
    Either,
    Ones,
    Put,
    Read,
    Row,
    Scalar,
    View,
    Written,
)
from symbackprop.program.shapes import ONE, ZERO
from symbackprop.program.tables import AddRows
from symbackprop.program.windows import Overlap

RATE = "rate"


@dataclass(frozen=True)
class Pointer:
    """A pointer that a function declares: to a slot of the table, or the same as another one."""

    name: str
    kind: str
    slot: int
    same: str | None


class Memory:
    """The accesses of the values of one function; what is asked for is declared."""

    def __init__(self, program: Program, mode: Program, function: Function, names: Names) -> None:
        self.program = mode
        self.function = function
        self.names = names
        self.table = slots(program)
        self.position = {(s.source, s.name): k for k, s in enumerate(self.table)}
        self.pointers: dict[str, Pointer] = {}
        self.written: set[str] = set()
        self._owner: dict[str, str] = {}
        self._known: dict[int, Access] = {}
        self.choices: dict[int, Access] = {}
        self.covered: set[int] = set()
        self.strips: dict[str, tuple[str, int]] = {}
        self._strip_of: dict[tuple[str, int], str] = {}

    def see(self, value: int) -> Access:
        """How a value is read."""
        if value not in self._known:
            self._known[value] = self._seen(value)
        return self._known[value]

    def _seen(self, value: int) -> Access:
        operation = self.program.values[value]
        kind, shape = operation.kind, operation.shape
        if isinstance(operation, Scalar):
            return Access("number", kind, (), (), operation.number)
        if isinstance(operation, View):
            return viewed(self.see(operation.of), operation)
        if isinstance(operation, Written):
            return self.see(operation.of)
        if isinstance(operation, Row):
            return at_position(self.see(operation.of), operation.axis, operation.position)
        if isinstance(operation, Arange):
            return Access("count", kind, shape, (ONE,))
        if isinstance(operation, Ones):
            return Access("number", kind, shape, (ZERO,), ONE)
        if isinstance(operation, Either) and shape:
            return self.choices[value]
        if value in self.program.constants:
            return self._whole("constant", self.program.constants[value], kind, shape)
        if isinstance(operation, Read):
            if operation.name == RATE and ("input", RATE) not in self.position:
                return Access("local", kind, (), (), ZERO, RATE, RATE)
            return self._whole(self._source(operation.name), operation.name, kind, shape)
        if value in self.function.places:
            return self._placed(value)
        name = self.names.of(value)
        return Access("local", kind, shape, (), ZERO, name, f"{name} {value}", origin=value)

    def stored(self, value: int) -> Access:
        """How a value is read where only memory will do: also of what counts, or is 1."""
        operation = self.program.values[value]
        if isinstance(operation, View):
            return viewed(self.stored(operation.of), operation)
        if isinstance(operation, (Arange, Ones)):
            name = self.program.constants[value]
            return self._whole("constant", name, operation.kind, operation.shape)
        return self.see(value)

    def given(
        self, source: str, name: str, kind: str, shape: tuple[Expr, ...], pointer: str | None
    ) -> Access:
        """What has a slot of the table, under the pointer of that name or its own."""
        pointer = pointer or self.names.source(name)
        return in_memory(kind, shape, pointer, f"{source} {name}")

    def _source(self, name: str) -> str:
        return next(s for s in ("parameter", "input", "state") if (s, name) in self.position)

    def _whole(self, source: str, name: str, kind: str, shape: tuple[Expr, ...]) -> Access:
        """A whole array that has a slot of its own."""
        return self.given(source, name, kind, shape, None)

    def written_over(self, value: int) -> int:
        """The value whose memory a value takes; -1 for none, or where no entry is left of it."""
        if value in self.covered:
            return -1
        place = self.function.places.get(value)
        return -1 if place is None or place.inplace is None else place.inplace

    def based_on(self, value: int) -> int:
        """The value that is there before only some of its entries are changed; -1 for none."""
        changes = (Put, Accumulate, AddRows, Overlap, Branch)
        changed = isinstance(self.program.values[value], changes) if value >= 0 else False
        return self.written_over(value) if changed else -1

    def _placed(self, value: int) -> Access:
        """A value in a buffer, or in a row of what a loop writes."""
        operation, place = self.program.values[value], self.function.places[value]
        if place.row_of is not None:
            loop = self.program.loops[self.program.loop_of[value] or 0]
            return replace(at_position(self.see(place.row_of), 0, loop.step), origin=value)
        name = self.names.of(value)
        found = in_memory(operation.kind, operation.shape, name, f"buffer {place.buffer}")
        return replace(found, origin=value)

    def declare(self, access: Access, written: bool = False) -> str:
        """The pointer of an access, which the function declares."""
        name, memory = access.pointer, access.memory
        if "|" in memory or memory == f"strip {name}":  # no slot of the table
            return name
        if written:
            self.written.add(memory)
        if name not in self.pointers:
            source, _, own = memory.partition(" ")
            owner = self._owner.setdefault(memory, name)
            slot = self.position[(source, own)]
            self.pointers[name] = Pointer(name, access.kind, slot, None if owner == name else owner)
        return name

    def strip(self, kind: str, number: int, count: int) -> str:
        """An array on the stack, of at least so many entries: the same for the same number."""
        if (kind, number) not in self._strip_of:
            self._strip_of[kind, number] = self.names.new("strip")
        name = self._strip_of[kind, number]
        self.strips[name] = kind, max(count, self.strips.get(name, (kind, 0))[1])
        return name

    def slot(self, pointer: Pointer) -> Slot:
        return self.table[pointer.slot]

    def choice(self, value: int, a: Access, b: Access) -> Access:
        """What a loop sees through a pointer that it sets at every step: the one or the other.

        Either access may be meant; so both memories count as read.
        """
        name = self.names.of(value)
        found = replace(a, pointer=name, memory=f"{a.memory}|{b.memory}", offset=ZERO)
        if a.strides != b.strides:
            strides = [Variable(f"{name}_stride{k}") for k in range(len(a.shape))]
            found = replace(found, strides=tuple(strides))
        self.choices[value] = found
        return found


def memories(access: Access) -> list[str]:
    """The memories that an access may touch, those of the integers that it reads among them."""
    own = access.memory.split("|") if access.memory else []
    return [*own, *(m for g in access.gathered for m in memories(g.access))]
