"""The bodies of compiled functions: declarations, the mathematics in loops, what is returned."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from symbackprop.emit.native.expressions import TYPES
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.naming import Names, spelled
from symbackprop.emit.native.nests import Nests
from symbackprop.emit.native.pieces import Block, Statement, statement
from symbackprop.emit.native.products import product_pieces
from symbackprop.emit.native.statements import pieces
from symbackprop.emit.native.steps import loop_over_steps, scalar
from symbackprop.emit.native.variables import Variables
from symbackprop.emit.native.writer import Writer
from symbackprop.program.model import Function, Program
from symbackprop.program.operations import Descend, Matmul, Read
from symbackprop.program.storage import root

WIDTH = 100


def body(program: Program, function: Function, mode: str) -> list[str]:
    """The lines of the C function of one function of the program, in one mode.

    `program` has the table of pointers; the function may be one of `program.in_use`.
    """
    home = _home(program, function)
    names = Names(home, function)
    memory = Memory(program, home, function, names)
    variables = Variables(memory, _readers(home, function), _kept(home, function))
    nests = Nests(Writer(memory, variables))
    before, returned = _returned(home, function, nests)
    lines = [*before, *_mathematics(home, function, nests)]
    lines += _results(home, function, nests)
    return [
        f"static double {function.name}_{mode}(",
        "        char *const *at, const int64_t *extents, const double *numbers)",
        "{",
        *_declarations(program, memory, lines),
        *(part for line in lines for part in _broken(line)),
        f"    return {returned};",
        "}",
    ]


def _home(program: Program, function: Function) -> Program:
    in_use = program.in_use
    if in_use is not None and any(function is f for f in in_use.functions):
        return in_use
    return program


def _readers(program: Program, function: Function) -> Mapping[int, frozenset[int]]:
    """The values that read the memory of each value."""
    found: dict[int, set[int]] = {}
    for value in function.order:
        for operand in program.values[value].operands:
            found.setdefault(root(program.values, operand), set()).add(value)
    return {value: frozenset(readers) for value, readers in found.items()}


def _kept(program: Program, function: Function) -> frozenset[int]:
    """The values that are read after the function, or at other steps of a loop."""
    handed_out = (*function.results.values(), *function.rows.values(), *function.updates.values())
    rows = (v for v, place in function.places.items() if place.row_of is not None)
    return frozenset([*(root(program.values, v) for v in handed_out), *rows])


def _declarations(program: Program, memory: Memory, lines: Sequence[str]) -> list[str]:
    """Extents, the rate and pointers, as far as the lines read them."""
    words = {w for line in lines for w in _words(line)}
    found = [
        f"    const int64_t {name} = extents[{k}];"
        for k, name in enumerate(spelled(e.name) for e in program.derivation.system.extents)
        if name in words
    ]
    if "rate" in words and not any(p.name == "rate" for p in memory.pointers.values()):
        found.append("    const double rate = numbers[0];")
    for pointer in memory.pointers.values():
        slot = memory.slot(pointer)
        constant = "" if f"{slot.source} {slot.name}" in memory.written else "const "
        type_ = f"{constant}{TYPES[slot.kind]}"
        if pointer.same is None:
            cast = f"({type_} *)at[{pointer.slot}]"
            found.append(f"    {type_} *restrict {pointer.name} = {cast};")
        else:
            found.append(f"    {type_} *const {pointer.name} = {pointer.same};")
    for name, (kind, count) in memory.strips.items():
        if name in words:
            found.append(f"    {TYPES[kind]} {name}[{count}];")
    return [*found, ""] if found else []


def _broken(line: str) -> list[str]:
    """A line, or several where it is too long for one."""
    if len(line) <= WIDTH or line.lstrip().startswith("//"):
        return [line]
    if line.startswith("#"):
        return line.replace(" reduction(", " \\\n        reduction(").split("\n")
    found, rest = [], line
    further = " " * (len(line) - len(line.lstrip()) + 8)
    while len(rest) > WIDTH:
        at = _break(rest)
        if at is None:
            break
        found.append(rest[:at])
        rest = further + rest[at:].lstrip()
    return [*found, rest]


def _break(line: str) -> int | None:
    """The last space within the width that is in the fewest brackets, those of entries first."""
    start = len(line) - len(line.lstrip())
    best: tuple[int, int, int] | None = None
    square = round_ = 0
    for at, character in enumerate(line[: WIDTH + 1]):
        square += {"[": 1, "]": -1}.get(character, 0)
        round_ += {"(": 1, ")": -1}.get(character, 0)
        # Far to the left only where nothing else is left.
        cost = square + (2 if at < start + (WIDTH - start) // 3 else 0), round_, -at
        if character == " " and at > start and (best is None or cost <= best):
            best = cost
    return None if best is None else -best[2]


def _words(line: str) -> list[str]:
    code = "" if line.lstrip().startswith("//") else line
    return "".join(c if c.isalnum() or c == "_" else " " for c in code).split()


def _mathematics(program: Program, function: Function, nests: Nests) -> list[str]:
    """All that a function computes: runs of values outside of loops, and loops over steps."""
    found: list[str] = []
    for loop, values in itertools.groupby(function.order, key=lambda v: program.loop_of[v]):
        if loop is None:
            found += nests.region(_straight(nests.variables, list(values)), 1)
        else:
            found += loop_over_steps(program, program.loops[loop], nests, list(values))
    return found + nests.untold(1)


def _straight(variables: Variables, values: Sequence[int]) -> list[Statement | Block]:
    """Values that follow each other; products that are only subtracted go into the parameter."""
    memory, readers, kept = variables.memory, variables.readers, variables.kept
    operations = memory.program.values
    found: list[Statement | Block] = []
    waiting: dict[int, int] = {}
    for value in values:
        operation = operations[value]
        if isinstance(operation, Matmul) and len(readers.get(value, ())) == 1 and value not in kept:
            waiting[value] = len(found)
        if isinstance(operation, Descend) and operation.rows is None and operation.decay is None:
            made = root(operations, operation.gradient)
            product = operations[made]
            if made in waiting and readers[made] == {value} and isinstance(product, Matmul):
                inside = product_pieces(memory, made, product, value)
                place = waiting[made]
                if inside and all(
                    found[place].reads.isdisjoint(p.writes) for p in found[place + 1 :]
                ):
                    del found[place]
                    waiting = {v: k - (k > place) for v, k in waiting.items()}
                    found += inside
                    continue
        found += pieces(memory, value)
    return found


def _results(program: Program, function: Function, nests: Nests) -> list[str]:
    """New states over the old ones, and results without axes, to where they are handed out."""
    memory = nests.memory
    found: list[Statement] = []
    for name, value in function.updates.items():
        found.append(_handed_out(memory, ("state", name), value))
    for name, value in function.results.items():
        if ("result", name) in memory.position and not program.values[value].shape:
            found.append(_handed_out(memory, ("result", name), value))
    return nests.region(found, 1)


def _handed_out(memory: Memory, slot: tuple[str, str], value: int) -> Statement:
    place = memory.table[memory.position[slot]]
    source, name = slot
    pointer = memory.names.new(f"{name}_out") if source == "result" else None
    target = memory.given(source, name, place.kind, place.shape, pointer)
    return statement(-1, 0, place.shape, target, "copy", [memory.see(value)], whole=False)


def _returned(program: Program, function: Function, nests: Nests) -> tuple[list[str], str]:
    """The loss, or 0; and what is kept of it beforehand where it is a parameter that changes."""
    losses = {loss.name for loss in program.losses}
    first = next(iter(function.results), "")
    if function is program.forward or first not in losses:
        return [], "0"
    value = function.results[first]
    if not isinstance(program.values[root(program.values, value)], Read):
        return [], scalar(nests, value)
    name = nests.memory.names.new("before")
    return [f"    const double {name} = {scalar(nests, value)};"], name
