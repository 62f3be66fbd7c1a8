"""A chain as a Python loop over blocks of rows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from symbackprop.emit.chains import BLOCK, Chain
from symbackprop.emit.layout import Call, Code
from symbackprop.emit.numbers import factor, number
from symbackprop.emit.printer import Printer
from symbackprop.emit.statements import statement
from symbackprop.program.model import Function
from symbackprop.program.operations import Operation, Reduce, Shape, View
from symbackprop.program.shapes import ZERO
from symbackprop.program.storage import root

Title = Callable[[int, Sequence[int], int], list[str]]


def in_rows(printer: Printer, function: Function, chain: Chain, title: Title) -> list[str]:
    """The loop. What lives longer is named after it; other memory is that of one block."""
    inner = _RowPrinter(printer, function, chain)
    margin, rows, row = " " * printer.indent, number(chain.rows), chain.row(printer.program)
    found = [""]
    block = str(max(1, BLOCK // int(row))) if row.is_Integer else printer.fresh_name("block")
    if not row.is_Integer:
        most = Call("max", ("1", f"{BLOCK} // {factor(row)}"))
        found += printer.write(f"{block} = ", most)
    found.append(f"{margin}for {inner.start} in range(0, {rows}, {block}):")
    stop = f"min({inner.start} + {block}, {rows})"
    found += inner.write(f"{inner.rows} = ", Call("slice", (inner.start, stop)))
    if inner.passing:
        part = Call("slice", (f"{inner.rows}.stop - {inner.start}",))
        found += inner.write(f"{inner.part} = ", part)
    for name, seen in inner.read.values():
        found += inner.write(f"{name} = ", seen)
    serves = printer.program.serves
    for served, group in itertools.groupby(chain.values, key=lambda v: serves[v]):
        values = list(group)
        found += title(served, values, inner.indent)
        for value in values:
            found += statement(inner, value)
    return [*found, *inner.named_after()]


class _RowPrinter(Printer):
    """Prints what is read and written as rows of it, which bear the names of the whole inside.

    `read` names the rows of what was there before. Values `over` that are written there. Nothing
    reads `passing` memory after the loop: that of the first block serves for all.
    """

    def __init__(self, printer: Printer, function: Function, chain: Chain) -> None:
        vars(self).update(vars(printer))
        self.indent = printer.indent + 4
        self._taken = set(printer._taken)
        self.start, self.rows, self.part = map(self.fresh_name, ("start", "rows", "part"))
        self._plain, self._chain = printer, chain
        self._over = {v: below for v in chain.values if (below := self._first(v)) is not None}
        self._last = _read_after(printer, function, chain)
        kept = {self.places[v].buffer for v in (*self._last, *self._over)}
        self.passing = {v for v in chain.values if self.places[v].buffer not in kept}
        self.read: dict[int, tuple[str, Code]] = {}
        for value in chain.values:
            for operand in self.values[value].operands:
                below = root(self.values, operand)
                if operand in chain.aligned[value] and below not in chain.aligned:
                    self._name_rows(operand)
        self.names = {**function.names, **{v: name for v, (name, _) in self.read.items()}}
        self.names |= {v: self.read[below][0] for v, below in self._over.items()}
        self.values = _merged(self.values, chain) if chain.merged > 1 else self.values

    def _first(self, value: int) -> int | None:
        """The value from before the loop whose memory is written over; None where none is."""
        below = self.places[value].inplace
        if below is None or below not in self._chain.aligned:
            return below
        return self._first(below)

    def _name_rows(self, value: int) -> None:
        if value not in self.read:
            seen = str(self._plain.see(value))
            found = re.match(r"\w+", seen.removeprefix(f"{self.owner}."))
            name = self.fresh_name(f"{found[0] if found else 'array'}_rows")
            self._taken.add(name)
            self.read[value] = name, self._rows_of(seen, self.values[value].shape, self.rows)

    def _rows_of(self, array: str, shape: Shape, rows: str) -> str:
        merged = self._chain.merged
        if merged > 1:
            rest = ", ".join(["-1", *map(number, shape[merged:])])
            array = f"{array}.reshape({rest})"
        return f"{array}[{rows}]"

    def named_after(self) -> list[str]:
        """What is read after the loop, as a whole."""
        plain, found = self._plain, {}
        for value in self._last:
            below = self._over.get(value)
            memory = plain.memory(value) if below is None else plain.names[below]
            found[plain.names[value]] = memory
        pairs = ((name, memory) for name, memory in found.items() if name != memory)
        return [line for name, memory in pairs for line in plain.write(f"{name} = ", memory)]

    def see(self, value: int) -> Code:
        """Rows of a value where it is read row by row."""
        if value in self.read:
            return self.read[value][0]
        inside = root(self.values, value) in self._chain.aligned
        return super().see(value) if inside else self._plain.see(value)

    def reshaped(self, shape: Shape) -> tuple[str, ...]:
        """The first extent of a block is whatever is left."""
        return ("-1", *map(number, shape[1:]))

    def memory(self, value: int) -> str:
        shape = self.program.values[value].shape
        rows = self.part if value in self.passing else self.rows
        return self._rows_of(super().memory(value), shape, rows)

    def assign(self, value: int, code: Code) -> list[str]:
        """Nothing is assigned where rows of what was there before are written."""
        if value not in self._over:
            return super().assign(value, code)
        return [] if str(code) == self.names[value] else self.write("", code)


def _merged(values: Sequence[Operation], chain: Chain) -> tuple[Operation, ...]:
    """The operations of a program, those of a chain on arrays whose leading axes are one."""
    found = list(values)
    used = {o for v in chain.values for o in values[v].operands}
    for value in (*chain.values, *_views(values, used)):
        operation = values[value]
        if root(values, value) in chain.aligned and operation.shape[: chain.merged] == chain.lead:
            found[value] = _on_rows(operation, chain)
    return tuple(found)


def _views(values: Sequence[Operation], used: set[int]) -> list[int]:
    """The views among values, and what they are views of."""
    found: list[int] = []
    for value in sorted(used):
        while isinstance(operation := values[value], View):
            found.append(value)
            value = operation.of
    return found


def _on_rows(operation: Operation, chain: Chain) -> Operation:
    shape = (chain.rows, *operation.shape[chain.merged :])
    if isinstance(operation, Reduce):
        axes = tuple(axis - chain.merged + 1 for axis in operation.axes)
        return replace(operation, shape=shape, axes=axes)
    if isinstance(operation, View) and operation.how == "select":
        detail = ((ZERO, chain.rows), *operation.detail[chain.merged :])
        return replace(operation, shape=shape, detail=detail)
    if isinstance(operation, View) and operation.how == "transpose":
        order = (axis - chain.merged + 1 for axis in operation.detail[chain.merged :])
        return replace(operation, shape=shape, detail=(0, *order))
    return replace(operation, shape=shape)


def _read_after(printer: Printer, function: Function, chain: Chain) -> list[int]:
    """The values of a chain that are read after it."""
    values, inside = printer.values, set(chain.values)
    handed_out = (*function.results.values(), *function.rows.values(), *function.updates.values())
    kept = {root(values, v) for v in handed_out}
    return [v for v in chain.values if v in kept or not printer.readers.get(v, set()) <= inside]
