"""The body of a loop over steps: pointers, branches and conditions that depend on the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symbackprop.emit.native.accesses import Access
from symbackprop.emit.native.expressions import TYPES, VARIABLES, number, position
from symbackprop.emit.native.naming import spelled
from symbackprop.emit.native.nests import Nests
from symbackprop.emit.native.numbers import integer
from symbackprop.emit.native.pieces import Block, Statement
from symbackprop.emit.native.statements import pieces, taken
from symbackprop.program.model import Loop, Program
from symbackprop.program.operations import Branch, Either, Operation
from symbackprop.program.steps import Condition, Step


def loop_over_steps(program: Program, loop: Loop, nests: Nests, values: Sequence[int]) -> list[str]:
    """`for (t …)` and its body, whose parts may depend on conditions on the step."""
    step, end = spelled(loop.step.name), integer(loop.extent)
    head = f"    for (int64_t {step} = 0; {step} < {end}; {step}++) {{"
    if loop.reverse:
        head = f"    for (int64_t {step} = {end} - 1; {step} >= 0; {step}--) {{"
    nests.begin(2)
    inside = _hoisted(program, nests, values)
    together: list[Statement | Block] = []
    known: tuple[Condition, ...] = ()
    for value in values:
        when, operation = program.when.get(value, ()), program.values[value]
        chooses = isinstance(operation, (Either, Branch))
        if when != known or chooses:
            inside += _region(nests, loop.step, known, together)
            known, together = when, []
        if isinstance(operation, Either):
            inside += _either(nests, value, operation, when)
        elif isinstance(operation, Branch):
            inside += _branch(nests, value, operation, when)
        else:
            together += pieces(nests.memory, value)
    inside += _region(nests, loop.step, known, together)
    nests.writer.hoisted.clear()
    return [head, *inside, "    }"]


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
    chosen = memory.choice(value, a, b)
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


def _branch(nests: Nests, value: int, operation: Branch, when: Sequence[Condition]) -> list[str]:
    """Either branch copied where its condition holds."""
    condition = operation.condition

    def printed(depth: int) -> list[str]:
        margin = "    " * depth
        title = nests.title(nests.memory.program.serves[value], depth)
        branches = []
        for chosen in (operation.a, operation.b):
            nests.begin(depth + 1)
            branches.append(nests.region(taken(nests.memory, value, chosen), depth + 1))
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
