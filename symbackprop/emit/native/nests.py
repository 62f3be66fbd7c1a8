"""Loop nests as C: which values live in variables, where sums start and end, what is vectorised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from symbackprop.emit.formulas import formula
from symbackprop.emit.layout import comment
from symbackprop.emit.native.accesses import Access
from symbackprop.emit.native.expressions import VARIABLES, call, number, position
from symbackprop.emit.native.fusion import collapsed, fused
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.numbers import integer
from symbackprop.emit.native.pieces import Block, Loop, Node, Statement

STARTS: Mapping[str, str] = {"sum": "0", "prod": "1", "max": "-INFINITY", "min": "INFINITY"}
REDUCTIONS: Mapping[str, str] = {"sum": "+", "prod": "*", "max": "largest", "min": "smallest"}
FEW = 4  # a loop over so few positions is rolled out by the compiler


class Nests:
    """Prints the loops of one function. `readers` are the values that read each value."""

    def __init__(self, memory: Memory, readers: Mapping[int, frozenset[int]], kept: frozenset[int]):
        self.memory = memory
        self.readers = readers
        self.kept = kept
        self.shown = 0
        self._local: dict[int, str] = {}
        self._stored: set[int] = set()
        self._through: set[tuple[Statement, int]] = set()
        self._names: dict[tuple[str, int], str] = {}
        self.hoisted: set[str] = set()
        self.declared: dict[int, set[str]] = {}

    # What blocks ask for

    def pointer(self, access: Access, written: bool = False) -> str:
        return self.memory.declare(access, written)

    def counters(self, depth: int) -> tuple[str, ...]:
        return self.memory.names.counters(depth)

    def nest(self, statements: Sequence[Statement], depth: int) -> list[str]:
        """Statements of a block: nothing of theirs lives in variables."""
        found: list[str] = []
        for node in collapsed(fused(statements)):
            found += self._node(node, depth, depth, ())
        return found

    # Regions

    def region(self, pieces: Sequence[Statement | Block], depth: int) -> list[str]:
        """Pieces that follow each other in a function, or in the body of a loop over steps."""
        nodes = collapsed(fused(pieces))
        self._settle(nodes)
        declared = self.declared.setdefault(depth, set())
        found: list[str] = []
        for node in nodes:
            found += self._node(node, depth, depth, tuple(sorted(declared)))
            declared |= self._declared(node)
        return found

    def _settle(self, nodes: Sequence[Node]) -> None:
        """Which values live in variables, and which of them are stored as well."""
        paths = dict(_paths(nodes, ()))
        blocks = {n.value for n in nodes if isinstance(n, Block)}
        by_value: dict[int, list[Statement]] = {}
        for one in paths:
            by_value.setdefault(one.value, []).append(one)
        for value, (made, *more) in by_value.items():
            self._stored.add(value)
            if made.target.form == "local":
                continue
            depth = _scope(made)
            if more or not made.whole or depth is None or made.target.form != "memory":
                continue
            found = [s for reader in self.readers.get(value, ()) for s in by_value.get(reader, ())]
            inside = self._inside(made, depth, found, paths)
            self._through |= inside
            if inside:
                self._local[value] = self._name(made)
            counted = {s.value for s in found for o in s.operands if o.origin == value} - blocks
            everywhere = all(
                (s, k) in inside
                for s in found
                for k, o in enumerate(s.operands)
                if value in _origins(o)
            )
            if (
                value not in self.kept
                and self.readers.get(value, frozenset()) <= counted
                and everywhere
            ):
                self._stored.discard(value)

    def _inside(
        self,
        made: Statement,
        depth: int,
        readers: Iterable[Statement],
        paths: Mapping[Statement, tuple[Loop, ...]],
    ) -> set[tuple[Statement, int]]:
        """The operands that can be the variable which the statement sets."""
        scope = paths[made][:depth]
        found: set[tuple[Statement, int]] = set()
        for reader in readers:
            if len(paths[reader]) < depth or any(
                a is not b for a, b in zip(paths[reader], scope, strict=False)
            ):
                continue
            for k, operand in enumerate(reader.operands):
                same = (
                    operand.origin == made.value
                    and operand.form == "memory"
                    and operand.offset == made.target.offset
                    and operand.strides[:depth] == made.target.strides[:depth]
                    and all(s == 0 for s in operand.strides[depth:])
                )
                if same:
                    found.add((reader, k))
        return found

    def _name(self, made: Statement) -> str:
        key = made.target.pointer, _scope(made) or 0
        if key not in self._names:
            self._names[key] = self.memory.names.new(f"{key[0]}_i")
        return self._names[key]

    # Printing

    def _node(self, node: Node, depth: int, base: int, outer: tuple[str, ...]) -> list[str]:
        margin = "    " * depth
        if isinstance(node, Block):
            return [*self._title(node.line, depth), *node.lines(self, depth)]
        if isinstance(node, Statement):
            return [
                *self._title(node.line, depth),
                *(margin + line for line in self._statement(node, base, outer)),
            ]
        statements = node.statements()
        found: list[str] = []
        if len({s.line for s in statements}) == 1:
            found += self._title(statements[0].line, depth)
        found += self._starts(node, statements, depth, base)
        counter = self.counters(depth - base + 1)[-1]
        found += [f"#pragma omp simd{c}" for c in self._simd(node)]
        end = integer(node.extent)
        found.append(f"{margin}for (int64_t {counter} = 0; {counter} < {end}; {counter}++) {{")
        declared = set(outer)
        for inner in node.body:
            lines = self._node(inner, depth + 1, base, tuple(sorted(declared)))
            found += lines
            declared |= self._declared(inner)
        found.append(f"{margin}}}")
        return found + self._ends(node, statements, depth, base)

    def _declared(self, node: Node) -> set[str]:
        """The variables that stand in the body in which a node does."""
        if isinstance(node, Statement):
            return {self._local[node.value]} if node.value in self._local else set()
        if isinstance(node, Loop):
            return {
                self._accumulator(s)
                for s in node.statements()
                if s.suffix == node.level and s.suffix < len(s.shape)
            }
        return set()

    def _title(self, line: int, depth: int) -> list[str]:
        """The equation that the next lines serve, where it is another one than before."""
        lines = self.memory.program.lines
        if line == self.shown or line not in lines:
            self.shown = line
            return []
        self.shown = line
        text = f"({line}) {formula(lines[line].equation)}"
        return [t.replace("#", "//", 1) for t in comment(text, 4 * depth)]

    def _simd(self, loop: Loop) -> list[str]:
        """The clauses of a loop that may be vectorised, as one text; none where it may not."""
        body = loop.body
        if any(not isinstance(n, Statement) for n in body):
            return []
        if loop.extent.is_Integer and loop.extent <= FEW:
            return []
        clauses: dict[str, list[str]] = {}
        for one in loop.statements():
            if one.target.form == "gather" or one.combine.startswith("arg"):
                return []
            if one.suffix <= loop.level:
                sign = REDUCTIONS[one.combine]
                clauses.setdefault(sign, []).append(self._accumulator(one))
        return ["".join(f" reduction({s} : {', '.join(n)})" for s, n in clauses.items())]

    # Sums and extremes

    def _accumulator(self, one: Statement) -> str:
        if one.target.form == "local":
            return one.target.pointer
        if one.value not in self._local:
            self._local[one.value] = self._name(one)
        return self._local[one.value]

    def _starts(
        self, loop: Loop, statements: Sequence[Statement], depth: int, base: int
    ) -> list[str]:
        """What is set before a loop that reduces."""
        margin, found = "    " * depth, []
        for one in statements:
            if not any(one.reduced):
                continue
            kind = one.target.kind
            start = STARTS.get(one.combine, "0")
            if one.combine == "min" and kind == "integer":
                start = "INT64_MAX"
            if one.combine == "max" and kind == "integer":
                start = "INT64_MIN"
            if one.suffix == loop.level and one.suffix < len(one.shape):
                name = self._accumulator(one)
                scalar = one.target.form == "local"
                type_ = "double" if scalar and kind == "real" else VARIABLES[kind]
                declared = "" if name in self.hoisted else f"{type_} "
                found.append(f"{margin}{declared}{name} = {start};")
                if one.combine.startswith("arg"):
                    best = "-INFINITY" if one.combine == "argmax" else "INFINITY"
                    found.append(f"{margin}real {name}_best = {best};")
            if one.reduced.index(True) == loop.level < one.suffix:
                found += self._cleared(one, start, depth, base)
        return found

    def _cleared(self, one: Statement, start: str, depth: int, base: int) -> list[str]:
        """Loops that set memory to what a reduction starts with."""
        free = [k for k in range(len(one.shape)) if k >= depth - base and not one.reduced[k]]
        held = list(range(depth - base))
        names = self.counters(depth - base + len(free))
        place = position(one.target.along([*held, *free]), names)
        found = []
        for n, k in enumerate(free):
            i = names[len(held) + n]
            margin = "    " * (depth + n)
            end = integer(one.shape[k])
            found.append(f"{margin}for (int64_t {i} = 0; {i} < {end}; {i}++) {{")
        inner = "    " * (depth + len(free))
        found.append(f"{inner}{self.pointer(one.target, True)}[{place}] = {start};")
        return found + ["    " * (depth + n) + "}" for n in reversed(range(len(free)))]

    def _ends(
        self, loop: Loop, statements: Sequence[Statement], depth: int, base: int
    ) -> list[str]:
        """What is stored after a loop that reduces."""
        found = []
        for one in statements:
            if one.suffix != loop.level or one.suffix == len(one.shape):
                continue
            if one.target.form == "local" or one.value not in self._stored:
                continue
            level = loop.level
            names = self.counters(level)
            target = self._memory(one.target.along(range(level)), names, True)
            found.append("    " * depth + self._combined(one, target, self._accumulator(one)))
        return found

    def _combined(self, one: Statement, target: str, text: str) -> str:
        """A statement that stores, or adds to what is stored."""
        if any(one.reduced[: one.suffix]) or (one.combine and not any(one.reduced)):
            return _combine(one.combine, target, text)
        return f"{target} = {text};"

    # One entry

    def _statement(self, one: Statement, base: int, outer: tuple[str, ...]) -> list[str]:
        counters = self.counters(len(one.shape))
        scalar = one.target.form == "local" and not any(one.reduced)
        operands = [
            self._operand(one, k, counters, scalar or not one.shape and one.target.form == "local")
            for k in range(len(one.operands))
        ]
        kinds = {o.kind for o in one.operands if o.form != "number"}
        kind = "integer" if kinds == {"integer"} else one.target.kind
        if one.suffix < len(one.shape):
            return self._reduced(one, operands, kind)
        text = call(one.function, operands, kind, scalar)
        if one.target.form == "local":
            type_ = "double" if one.target.kind == "real" else VARIABLES[one.target.kind]
            declared = "" if one.target.pointer in self.hoisted else f"const {type_} "
            return [f"{declared}{one.target.pointer} = {text};"]
        if one.value in self._local and not any(one.reduced) and one.whole:
            name = self._local[one.value]
            type_ = "" if name in outer else f"{VARIABLES[one.target.kind]} "
            found = [f"{type_}{name} = {text};"]
            if one.value in self._stored:
                found.append(f"{self._memory(one.target, counters, True)} = {name};")
            return found
        target = self._memory(one.target, counters, True)
        return [self._combined(one, target, text)]

    def _reduced(self, one: Statement, operands: Sequence[str], kind: str) -> list[str]:
        name = self._accumulator(one)
        if one.combine.startswith("arg"):
            entry, place = operands
            sign = ">" if one.combine == "argmax" else "<"
            best = f"{name}_best"
            return [
                f"if ({entry} {sign} {best} || ({entry} != {entry} && {best} == {best})) {{",
                f"    {best} = {entry};",
                f"    {name} = {place};",
                "}",
            ]
        text = call(one.function, operands, kind, False)
        return [_combine(one.combine, name, text)]

    def _operand(self, one: Statement, k: int, counters: Sequence[str], scalar: bool) -> str:
        access = one.operands[k]
        if access.form == "number":
            kinds = {o.kind for o in one.operands if o.form != "number"}
            beside = "integer" if kinds == {"integer"} and access.kind == "integer" else "real"
            if one.target.kind == "integer":
                beside = "integer"
            return number(access.offset, beside, scalar)
        if access.form == "count":
            place = position(access, counters)
            return place if place.isalnum() else f"({place})"
        if access.form == "local":
            plain = scalar or access.kind != "real"
            return access.pointer if plain else f"(real){access.pointer}"
        if (one, k) in self._through:
            return self._local[access.origin]
        return self._memory(access, counters)

    def _memory(self, access: Access, counters: Sequence[str], written: bool = False) -> str:
        """An entry in memory."""
        name = self.pointer(access, written)
        if access.index is None:
            return f"{name}[{position(access, counters)}]"
        gathered = access.index
        where = self._memory_or_count(gathered.access, counters)
        if not written:
            where = f"clipped({where}, {integer(gathered.extent)})"
        stride = integer(gathered.stride)
        if stride != "1":
            where = f"{stride if stride.isalnum() else f'({stride})'} * {where}"
        rest = position(replace(access, index=None), counters)
        return f"{name}[{where}]" if rest == "0" else f"{name}[{rest} + {where}]"

    def _memory_or_count(self, access: Access, counters: Sequence[str]) -> str:
        if access.form == "memory":
            return self._memory(access, counters)
        if access.form == "local":
            return access.pointer
        place = position(access, counters) if access.form == "count" else integer(access.offset)
        return place if place.isalnum() else f"({place})"


def _combine(combine: str, target: str, text: str) -> str:
    if combine in ("sum", "prod"):
        return f"{target} {REDUCTIONS[combine]}= {text};"
    if not combine:
        return f"{target} = {text};"
    inner = text if text.replace("_", "").isalnum() else f"({text})"
    return f"{target} = {combine}imum({target}, {inner});"


def _paths(
    nodes: Iterable[Node], path: tuple[Loop, ...]
) -> Iterable[tuple[Statement, tuple[Loop, ...]]]:
    """Every statement, and the loops around it."""
    for node in nodes:
        if isinstance(node, Loop):
            yield from _paths(node.body, (*path, node))
        elif isinstance(node, Statement):
            yield node, path


def _scope(made: Statement) -> int | None:
    """How many loops are around where the value is known; None where it is only in memory."""
    if not any(made.reduced):
        return None if made.combine else len(made.shape)
    return None if any(made.reduced[: made.suffix]) else made.suffix


def _origins(access: Access) -> set[int]:
    inner = _origins(access.index.access) if access.index is not None else set()
    return {access.origin} | inner
