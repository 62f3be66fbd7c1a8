"""The body of a loop over steps: pointers, branches and conditions that depend on the step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from symbackprop.emit.native.accesses import Access
from symbackprop.emit.native.expressions import TYPES, VARIABLES, number, position
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.naming import spelled
from symbackprop.emit.native.nests import Nests
from symbackprop.emit.native.numbers import integer
from symbackprop.emit.native.pieces import Block, Statement
from symbackprop.emit.native.rows import independent_rows
from symbackprop.emit.native.statements import pieces, taken
from symbackprop.program.model import Loop, Program
from symbackprop.program.operations import Branch, Either, Operation
from symbackprop.program.steps import Condition, Step


def loop_over_steps(program: Program, loop: Loop, nests: Nests, values: Sequence[int]) -> list[str]:
    """`for (t …)` and its body, whose parts may depend on conditions on the step."""
    branches = {value: _branches(nests.memory, value) for value in values}
    flat = [piece for of_value in branches.values() for one in of_value for piece in one]
    choices = {v: o for v in values if isinstance(o := program.values[v], Either)}
    rows = independent_rows(nests.memory, loop.extent, flat, choices)
    if rows is not None:
        branches = {v: [[rows.own(p) for p in one] for one in b] for v, b in branches.items()}
    lines = _loop(program, loop, nests, branches)
    if rows is None:
        return lines
    return rows.shared(lines, loop.extent, _strips_in(nests, lines))


def _branches(memory: Memory, value: int) -> list[list[Statement | Block]]:
    """What computes a value, or each of the two that it may be; nothing for what is chosen."""
    operation = memory.program.values[value]
    if isinstance(operation, Branch):
        return [taken(memory, value, chosen) for chosen in (operation.a, operation.b)]
    if isinstance(operation, Either):
        if operation.shape:
            memory.choice(value, memory.stored(operation.a), memory.stored(operation.b))
        return []
    return [pieces(memory, value)]


def _loop(
    program: Program,
    loop: Loop,
    nests: Nests,
    branches: Mapping[int, Sequence[Sequence[Statement | Block]]],
) -> list[str]:
    step, end = spelled(loop.step.name), integer(loop.extent)
    head = f"    for (int64_t {step} = 0; {step} < {end}; {step}++) {{"
    if loop.reverse:
        head = f"    for (int64_t {step} = {end} - 1; {step} >= 0; {step}--) {{"
    nests.begin(2)
    inside = _hoisted(program, nests, list(branches))
    together: list[Statement | Block] = []
    known: tuple[Condition, ...] = ()
    for value, of_value in branches.items():
        when, operation = program.when.get(value, ()), program.values[value]
        chooses = isinstance(operation, (Either, Branch))
        if when != known or chooses:
            inside += _region(nests, loop.step, known, together)
            known, together = when, []
        if isinstance(operation, Either):
            inside += _either(nests, value, operation, when)
        elif isinstance(operation, Branch):
            inside += _branch(nests, value, operation, of_value, when)
        else:
            together += of_value[0]
    inside += _region(nests, loop.step, known, together)
    nests.writer.hoisted.clear()
    return [head, *inside, "    }"]


def _strips_in(nests: Nests, lines: Sequence[str]) -> list[str]:
    """The arrays on the stack that lines use."""
    words = set(re.findall(r"\w+", "\n".join(lines)))
    return [name for name in nests.memory.strips if name in words]


def _region(
    nests: Nests, step: Step, when: Sequence[Condition], together: list[Statement | Block]
) -> list[str]:
    if not together:
        return []
    return _under(nests, step, when, lambda depth: nests.region(together, depth))


def _under(
    nests: Nests, step: Step, when: Sequence[Condition], printed: Callable[[int], list[str]]
) -> list[str]:
    """Lines of a body under conditions."""
    if not when:
        return printed(2)
    nests.begin(3)
    tests = " && ".join(test(step, condition) for condition in when)
    return [f"        if ({tests}) {{", *printed(3), "        }"]


def test(step: Step, condition: Condition) -> str:
    """`t >= 1`."""
    return f"{spelled(step.name)} {condition.op} {integer(condition.bound)}"


def _hoisted(program: Program, nests: Nests, values: Sequence[int]) -> list[str]:
    """Declarations of numbers that are set under conditions, and read under others."""
    memory, found = nests.memory, []
    for value in values:
        operation = program.values[value]
        conditional = value in program.when or isinstance(operation, Branch)
        if conditional and not operation.shape and value not in memory.function.places:
            name = memory.names.of(value)
            nests.writer.hoisted.add(name)
            found.append(f"        {_type(operation)} {name} = 0;")
    return found


def _type(operation: Operation) -> str:
    return "double" if operation.kind == "real" else VARIABLES[operation.kind]


def _either(nests: Nests, value: int, operation: Either, when: Sequence[Condition]) -> list[str]:
    """A pointer to the one or the other, or for a number itself."""
    condition = test(operation.step, operation.condition)
    chosen = _number if not operation.shape else _pointer

    def printed(depth: int) -> list[str]:
        margin = "    " * depth
        title = nests.title(nests.memory.program.serves[value], depth)
        return [*title, *(margin + t for t in chosen(nests, value, operation, condition))]

    # A pointer may point anywhere while nothing is read through it.
    return _under(nests, operation.step, () if operation.shape else when, printed)


def _number(nests: Nests, value: int, operation: Either, condition: str) -> list[str]:
    name = nests.memory.names.of(value)
    a, b = (scalar(nests, v) for v in (operation.a, operation.b))
    declared = "" if name in nests.writer.hoisted else f"const {_type(operation)} "
    return [f"{declared}{name} = {condition} ? {a} : {b};"]


def _pointer(nests: Nests, value: int, operation: Either, condition: str) -> list[str]:
    memory = nests.memory
    name = memory.names.of(value)
    a, b = (memory.stored(v) for v in (operation.a, operation.b))
    chosen = memory.choices[value]
    type_ = f"const {TYPES[operation.kind]} *"
    found = [f"{type_}{name} = {condition} ? {_place(nests, a)} : {_place(nests, b)};"]
    if chosen.strides != a.strides:
        for symbol, one, other in zip(chosen.strides, a.strides, b.strides, strict=True):
            text = f"{condition} ? {integer(one)} : {integer(other)}"
            found.append(f"const int64_t {symbol.name} = {text};")
    return found


def _place(nests: Nests, access: Access) -> str:
    pointer, place = nests.pointer(access), integer(access.offset)
    return pointer if place == "0" else f"{pointer} + {place}"


def scalar(nests: Nests, value: int) -> str:
    """A value without axes, in double precision."""
    access = nests.memory.see(value)
    if access.form == "number":
        return number(access.offset, access.kind, True)
    if access.form == "count":
        return position(access, ())
    return access.pointer if access.form == "local" else nests.writer.entry(access, ())


def _branch(
    nests: Nests,
    value: int,
    operation: Branch,
    copied: Sequence[Sequence[Statement | Block]],
    when: Sequence[Condition],
) -> list[str]:
    """Either branch copied where its condition holds."""
    condition = operation.condition

    def printed(depth: int) -> list[str]:
        margin = "    " * depth
        title = nests.title(nests.memory.program.serves[value], depth)
        branches = []
        for one in copied:
            nests.begin(depth + 1)
            branches.append(nests.region(one, depth + 1))
        first, second = branches
        if not first:
            first, second, holds = second, [], condition.negation
        else:
            holds = condition
        rest = [f"{margin}else {{", *second, f"{margin}}}"] if second else []
        return [
            *title,
            f"{margin}if ({test(operation.step, holds)}) {{",
            *first,
            f"{margin}}}",
            *rest,
        ]

    return _under(nests, operation.step, when, printed)
