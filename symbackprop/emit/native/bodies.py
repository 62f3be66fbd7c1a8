"""The bodies of compiled functions: declarations, the mathematics in loops, what is returned."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

from symbackprop.emit.native.expressions import TYPES, VARIABLES, number, position
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.naming import Names
from symbackprop.emit.native.nests import Nests
from symbackprop.emit.native.numbers import integer
from symbackprop.emit.native.pieces import Block, Statement, statement
from symbackprop.emit.native.statements import pieces, taken
from symbackprop.program.model import Function, Loop, Program
from symbackprop.program.operations import Branch, Either, Steps
from symbackprop.program.steps import Condition
from symbackprop.program.storage import root


def body(program: Program, function: Function, mode: str) -> list[str]:
    """The lines of the C function of one function of the program, in one mode.

    `program` has the table of pointers; the function may be one of `program.in_use`.
    """
    home = _home(program, function)
    names = Names(home, function)
    memory = Memory(program, home, function, names)
    nests = Nests(memory, _readers(home, function), _kept(home, function))
    lines = _mathematics(home, function, nests)
    lines += _results(home, function, nests)
    returned = _returned(home, function, nests)
    return [
        f"static double {function.name}_{mode}(",
        "        char *const *at, const int64_t *extents, const double *numbers)",
        "{",
        *_declarations(program, memory, lines),
        *lines,
        *returned,
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
        f"    const int64_t {e.name} = extents[{k}];"
        for k, e in enumerate(program.derivation.system.extents)
        if e.name in words
    ]
    if "rate" in words and not any("rate" == p.name for p in memory.pointers.values()):
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
    return [*found, ""] if found else []


def _words(line: str) -> list[str]:
    code = "" if line.lstrip().startswith("//") else line
    return "".join(c if c.isalnum() or c == "_" else " " for c in code).split()


def _mathematics(program: Program, function: Function, nests: Nests) -> list[str]:
    """All that a function computes: runs of values outside of loops, and loops over steps."""
    found: list[str] = []
    for loop, values in itertools.groupby(function.order, key=lambda v: program.loop_of[v]):
        if loop is None:
            found += nests.region([p for v in values for p in pieces(nests.memory, v)], 1)
        else:
            found += _loop(program, program.loops[loop], nests, list(values))
    return found


def _loop(program: Program, loop: Loop, nests: Nests, values: Sequence[int]) -> list[str]:
    """`for (t …)` and its body, whose parts may depend on conditions on the step."""
    step, end = loop.step.name, integer(loop.extent)
    head = f"    for (int64_t {step} = 0; {step} < {end}; {step}++) {{"
    if loop.reverse:
        head = f"    for (int64_t {step} = {end} - 1; {step} >= 0; {step}--) {{"
    nests.declared.pop(2, None)
    hoisted = _hoisted(program, nests, values)
    inside: list[str] = []
    together: list[Statement | Block] = []
    known: tuple[Condition, ...] = ()

    def ended() -> None:
        nonlocal together
        if together:
            inside.extend(_under(nests, step, known, lambda d: nests.region(together, d)))
        together = []

    for value in values:
        when = program.when.get(value, ())
        operation = program.values[value]
        if when != known or isinstance(operation, (Either, Branch)):
            ended()
            known = when
        if isinstance(operation, Either):
            inside += _under(
                nests, step, when, lambda d, v=value, o=operation: _chosen(nests, v, o, d)
            )
        elif isinstance(operation, Branch):
            inside += _under(
                nests, step, when, lambda d, v=value, o=operation: _branches(nests, v, o, d)
            )
        else:
            together += pieces(nests.memory, value)
    ended()
    nests.hoisted.clear()
    return [head, *hoisted, *inside, "    }"]


def _under(
    nests: Nests, step: str, conditions: Sequence[Condition], printed: Callable[[int], list[str]]
) -> list[str]:
    """Lines under conditions."""
    if not conditions:
        return printed(2)
    nests.declared.pop(3, None)
    test = " && ".join(f"{step} {c.op} {integer(c.bound)}" for c in conditions)
    return [f"        if ({test}) {{", *printed(3), "        }"]


def _hoisted(program: Program, nests: Nests, values: Sequence[int]) -> list[str]:
    """Declarations of what is set under conditions, and read under others."""
    found = []
    for value in values:
        operation = program.values[value]
        conditional = value in program.when or isinstance(operation, Branch)
        if not conditional or isinstance(operation, Steps):
            continue
        if operation.shape or value in nests.memory.function.places:
            continue
        name = nests.memory.names.of(value)
        kind = "double" if operation.kind == "real" else VARIABLES[operation.kind]
        nests.hoisted.add(name)
        found.append(f"        {kind} {name} = 0;")
    return found


def _chosen(nests: Nests, value: int, operation: Either, depth: int) -> list[str]:
    """A pointer to the one or the other, or for a number itself."""
    memory, margin = nests.memory, "    " * depth
    step, condition = operation.step.name, operation.condition
    test = f"{step} {condition.op} {integer(condition.bound)}"
    title = nests._title(memory.program.serves[value], depth)
    a, b = operation.a, operation.b
    name = memory.names.of(value)
    if not operation.shape:
        texts = [_scalar(nests, v) for v in (a, b)]
        type_ = "double" if operation.kind == "real" else VARIABLES[operation.kind]
        declared = "" if name in nests.hoisted else f"const {type_} "
        return [*title, f"{margin}{declared}{name} = {test} ? {texts[0]} : {texts[1]};"]
    seen = [memory.stored(v) for v in (a, b)]
    chosen = memory.choice(value, *seen)
    places = []
    for access in seen:
        pointer = nests.pointer(access)
        place = integer(access.offset)
        places.append(pointer if place == "0" else f"{pointer} + {place}")
    type_ = f"const {TYPES[operation.kind]} *"
    found = [f"{margin}{type_}{name} = {test} ? {places[0]} : {places[1]};"]
    if chosen.strides != seen[0].strides:
        for symbol, one, other in zip(
            chosen.strides, seen[0].strides, seen[1].strides, strict=True
        ):
            text = f"{test} ? {integer(one)} : {integer(other)}"
            found.append(f"{margin}const int64_t {symbol.name} = {text};")
    return [*title, *found]


def _scalar(nests: Nests, value: int) -> str:
    """A value without axes, in double precision."""
    access = nests.memory.see(value)
    if access.form == "number":
        return number(access.offset, access.kind, True)
    if access.form == "count":
        return position(access, ())
    if access.form == "local":
        return access.pointer
    return nests._memory(access, ())


def _branches(nests: Nests, value: int, operation: Branch, depth: int) -> list[str]:
    """Either branch copied where its condition holds."""
    margin, condition = "    " * depth, operation.condition
    test = f"{operation.step.name} {condition.op} {integer(condition.bound)}"
    found = nests._title(nests.memory.program.serves[value], depth)
    branches = []
    for chosen in (operation.a, operation.b):
        nests.declared.pop(depth + 1, None)
        branches.append(nests.region(taken(nests.memory, value, chosen), depth + 1))
    first, second = branches
    found += [f"{margin}if ({test}) {{", *first, f"{margin}}}"]
    return found + ([f"{margin}else {{", *second, f"{margin}}}"] if second else [])


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


def _returned(program: Program, function: Function, nests: Nests) -> list[str]:
    """The loss, or nothing."""
    losses = {loss.name for loss in program.losses}
    first = next(iter(function.results), "")
    if function is program.forward or first not in losses:
        return ["    return 0;"]
    value = function.results[first]
    return [f"    return {_scalar(nests, value)};"]


