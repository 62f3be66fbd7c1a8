"""Statements of one entry as C, and what reductions set before their loops and store after them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sympy import Expr

from symbackprop.emit.native.accesses import END, ROWS, START, Access, Gathered
from symbackprop.emit.native.expressions import VARIABLES, call, number, position
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.numbers import integer
from symbackprop.emit.native.pieces import Loop, Statement
from symbackprop.emit.native.variables import Variables
from symbackprop.equations.nodes import Index

REDUCTIONS: Mapping[str, str] = {"sum": "+", "prod": "*", "max": "largest", "min": "smallest"}
_STARTS: Mapping[str, str] = {"sum": "0", "prod": "1", "max": "-INFINITY", "min": "INFINITY"}
_WHOLE_STARTS: Mapping[str, str] = {"max": "INT64_MIN", "min": "INT64_MAX"}
_BESTS: Mapping[str, str] = {"argmax": "-INFINITY", "argmin": "INFINITY"}


class Writer:
    """Writes what single entries need; `hoisted` variables are declared elsewhere."""

    def __init__(self, memory: Memory, variables: Variables) -> None:
        self.memory = memory
        self.variables = variables
        self.hoisted: set[str] = set()
        self.around: list[str] = []
        self._known: dict[int, tuple[frozenset[Index], frozenset[Index]]] = {}
        self.rows: dict[str, str] = {}
        self._row_names: dict[str, str] = {}

    def counters(self, depth: int) -> tuple[str, ...]:
        """The counters of the loops around, and of others inside of them."""
        missing = max(depth - len(self.around), 0)
        more = self.memory.names.counters(missing, self.around)
        return (*self.around[:depth], *more)

    def counter(self, loop: Loop) -> str:
        """The index of the equations that a loop runs over, where that is clear by its extent.

        Else a name that no index of theirs has.
        """
        fitting, others = [], set(self.around)
        for one in loop.statements():
            free, bound = self._indices(one.line)
            indices = free if any(one.reduced) else free | bound
            indices = bound if one.reduced[loop.level] else indices
            if free or bound:
                fitting.append({str(i) for i in indices if i.extent == loop.extent})
            others |= {str(i) for i in free | bound}
        names = set.intersection(*fitting) - {*self.around} if fitting else set()
        name = names.pop() if len(names) == 1 and loop.step == 1 else ""
        if name and self.memory.names.counts(name):
            return name
        return self.memory.names.counters(1, others)[0]

    def _indices(self, line: int) -> tuple[frozenset[Index], frozenset[Index]]:
        """The indices of an equation: those of its left side, and others."""
        if line not in self._known:
            known = self.memory.program.lines.get(line)
            free = frozenset(known.equation.indices if known else ())
            atoms = known.equation.rhs.atoms(Index) if known else ()
            self._known[line] = free, frozenset(atoms) - free
        return self._known[line]

    # One entry

    def statement(self, one: Statement, outer: Sequence[str]) -> list[str]:
        """The lines of a statement, in a body that sees the variables `outer`."""
        counters = self.counters(len(one.shape))
        scalar = one.target.form == "local" and not any(one.reduced)
        operands = [self._operand(one, k, counters, scalar) for k in range(len(one.operands))]
        kind = "integer" if _is_whole(one) else one.target.kind
        if one.suffix < len(one.shape):
            return self._collected(one, operands, kind)
        text = call(one.function, operands, kind, scalar)
        if one.target.form == "local":
            name = one.target.pointer
            declared = "" if name in self.hoisted else f"const {_type(one)} "
            return [f"{declared}{name} = {text};"]
        variable = self.variables.of(one.value)
        if variable is not None and not one.combine and one.whole:
            declared = "" if variable in outer else f"{_type(one)} "
            found = [f"{declared}{variable} = {text};"]
            if self.variables.is_stored(one.value):
                found.append(f"{self.entry(one.target, counters, True)} = {variable};")
            return found
        return [_stored(one, self.entry(one.target, counters, True), text)]

    def _collected(self, one: Statement, operands: Sequence[str], kind: str) -> list[str]:
        """An entry, into the variable in which a reduction is collected."""
        name = self.variables.accumulator(one)
        if one.combine not in _BESTS:
            return [_combined(one.combine, name, call(one.function, operands, kind, False))]
        entry, place = operands
        best, sign = f"{name}_best", ">" if one.combine == "argmax" else "<"
        return [
            f"if ({entry} {sign} {best} || ({entry} != {entry} && {best} == {best})) {{",
            f"    {best} = {entry};",
            f"    {name} = {place};",
            "}",
        ]

    def _operand(self, one: Statement, k: int, counters: Sequence[str], scalar: bool) -> str:
        access = one.operands[k]
        if access.form == "number":
            whole = one.target.kind == "integer" or (_is_whole(one) and access.kind == "integer")
            return number(access.offset, "integer" if whole else "real", scalar)
        if access.form == "local" and access.kind == "real" and not scalar:
            return f"(real){access.pointer}"
        variable = self.variables.read(one, k)
        return self._seen(access, counters) if variable is None else variable

    def _seen(self, access: Access, counters: Sequence[str]) -> str:
        if access.form == "memory":
            return self.entry(access, counters)
        if access.form == "local":
            return access.pointer
        place = position(access, counters) if access.form == "count" else integer(access.offset)
        return place if place.isalnum() else f"({place})"

    def entry(self, access: Access, counters: Sequence[str], written: bool = False) -> str:
        """An entry in memory."""
        name = self.memory.declare(access, written)
        place = position(access, counters)
        terms = [] if place == "0" else [place]
        for one in access.gathered:
            farther = self._farther(one, counters)
            terms.append(self.rows.get(farther, farther))
        return f"{name}[{' + '.join(terms) or '0'}]"

    def _farther(self, one: Gathered, counters: Sequence[str]) -> str:
        """How much farther an entry lies that an integer tells."""
        where = self._seen(one.access, counters)
        if one.clipped:
            where = f"clipped({where}, {integer(one.extent)})"
        stride = integer(one.stride)
        if stride == "1":
            return where
        return f"{stride if stride.isalnum() else f'({stride})'} * {where}"

    def rows_of(self, loop: Loop, written: Collection[str], depth: int) -> list[str]:
        """Variables for what integers tell that are the same at every position of a loop."""
        found = []
        for one in loop.statements():
            seen = [o for k, o in enumerate(one.operands) if self.variables.read(one, k) is None]
            for access in (one.target, *seen):
                for told in access.gathered:
                    fixed = not any(told.access.strides[loop.level :])
                    if told.access.form != "memory" or told.access.gathered or not fixed:
                        continue
                    text = self._farther(told, self.counters(len(one.shape)))
                    if text in self.rows or told.access.memory in written:
                        continue
                    name = self._row_names.get(text)
                    name = name or self.memory.names.new(f"{told.access.pointer}_row")
                    self.rows[text] = self._row_names[text] = name
                    found.append(f"{'    ' * depth}const int64_t {name} = {text};")
        return found

    # Reductions

    def starts(self, loop: Loop, depth: int, base: int) -> list[str]:
        """What is set before a loop that reduces."""
        margin, found = "    " * depth, []
        for one in loop.statements():
            kind = one.target.kind
            if one.ends_with(loop):
                name = self.variables.accumulator(one)
                declared = "" if name in self.hoisted else f"{_type(one)} "
                found.append(f"{margin}{declared}{name} = {_start(one.combine, kind)};")
                if one.combine in _BESTS:
                    found.append(f"{margin}real {name}_best = {_BESTS[one.combine]};")
            if any(one.reduced) and one.reduced.index(True) == loop.level < one.suffix:
                found += self._cleared(one, depth, base)
        return found

    def _cleared(self, one: Statement, depth: int, base: int) -> list[str]:
        """Loops that set memory to what a reduction starts with."""
        level = depth - base
        free = [k for k in range(level, len(one.shape)) if not one.reduced[k]]
        names = self.counters(level + len(free))
        found = [
            f"{'    ' * (depth + n)}{loop_head(names[level + n], one.shape[k])}"
            for n, k in enumerate(free)
        ]
        target = self.entry(one.target.along([*range(level), *free]), names, True)
        start = _start(one.combine, one.target.kind)
        found.append(f"{'    ' * (depth + len(free))}{target} = {start};")
        return found + ["    " * (depth + n) + "}" for n in reversed(range(len(free)))]

    def ends(self, loop: Loop, depth: int) -> list[str]:
        """What is stored after a loop that reduces."""
        found = []
        for one in loop.statements():
            stored = one.target.form != "local" and self.variables.is_stored(one.value)
            if stored and one.ends_with(loop):
                outside = one.target.along(range(loop.level))
                target = self.entry(outside, self.counters(loop.level), True)
                text = _stored(one, target, self.variables.accumulator(one))
                found.append("    " * depth + text)
        return found


def loop_head(counter: str, extent: Expr, step: int = 1) -> str:
    """`for (int64_t i = 0; i < N; i++) {`; over 5 ROWS, from 5 START to before 5 END."""
    turn = f"{counter}++" if step == 1 else f"{counter} += {step}"
    start = integer(extent.subs(ROWS, START)) if extent.has(ROWS) else "0"
    end = integer(extent.subs(ROWS, END))
    return f"for (int64_t {counter} = {start}; {counter} < {end}; {turn}) {{"


def _type(one: Statement) -> str:
    """The type of the variable that a statement sets: numbers of a function are double."""
    kind = one.target.kind
    if one.function == "first of all":  # one of a few positions
        return "whole"
    return "double" if one.target.form == "local" and kind == "real" else VARIABLES[kind]


def _is_whole(one: Statement) -> bool:
    """Whether all that a statement reads are integers."""
    return {o.kind for o in one.operands if o.form != "number"} == {"integer"}


def _start(combine: str, kind: str) -> str:
    starts = _WHOLE_STARTS if kind == "integer" and combine in _WHOLE_STARTS else _STARTS
    return starts.get(combine, "0")


def _stored(one: Statement, target: str, text: str) -> str:
    """A statement that stores, or adds to what is stored."""
    adds = any(one.reduced[: one.suffix]) or not any(one.reduced)
    return _combined(one.combine if adds else "", target, text)


def _combined(combine: str, target: str, text: str) -> str:
    if combine in ("sum", "prod"):
        return f"{target} {REDUCTIONS[combine]}= {text};"
    if not combine:
        return f"{target} = {text};"
    inner = text if text.replace("_", "").isalnum() else f"({text})"
    return f"{target} = {combine}imum({target}, {inner});"
