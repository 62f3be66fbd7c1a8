"""The statements of a function: under the equation that each serves, in loops and branches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field

from symbackprop.emit.aliases import Alias, Aliases
from symbackprop.emit.chains import Chain, chains
from symbackprop.emit.formulas import formula
from symbackprop.emit.layout import comment
from symbackprop.emit.numbers import number
from symbackprop.emit.printer import Printer
from symbackprop.emit.rows import in_rows
from symbackprop.emit.statements import branches, statement
from symbackprop.program.descent import RATE
from symbackprop.program.model import Function, Loop, Program
from symbackprop.program.operations import Branch, Descend, Operation, Read
from symbackprop.program.steps import Condition
from symbackprop.program.storage import root


def mathematics(program: Program, function: Function, printer: Printer) -> list[str]:
    """All that a function computes; each run of statements under the equation that it serves."""
    found: list[str] = []
    rated = _rated(program, function) if function.steps else set()
    aliases = Aliases(program, function)
    for part in _parts(program, function):
        whole = part.values if isinstance(part, Chain) else part
        numbers = {program.serves[value] for value in whole} & program.lines.keys()
        found += _told(program, aliases.before(numbers), printer, rated)
        loop = program.loop_of[whole[0]]
        if loop is None:
            found += _straight(program, function, printer, part, rated)
        else:
            found += ["", *_loop(program, program.loops[loop], printer, whole)]
    return found + _told(program, aliases.rest(), printer, rated)


def _parts(program: Program, function: Function) -> Iterator[Sequence[int] | Chain]:
    """What stands together: the body of a loop, a chain, or what serves one equation."""
    for loop, values in itertools.groupby(function.order, key=lambda v: program.loop_of[v]):
        if loop is not None:
            yield list(values)
            continue
        runs = itertools.groupby(
            chains(program, function, list(values)),
            key=lambda part: part if isinstance(part, Chain) else program.serves[part],
        )
        for _, run in runs:
            group = list(run)
            chain = group[0] if isinstance(group[0], Chain) else None
            yield chain or [value for value in group if isinstance(value, int)]


def _told(
    program: Program, aliases: Sequence[Alias], printer: Printer, rated: Set[int]
) -> list[str]:
    """The equations of aliases, each with what its tensor is."""
    found = [""] if aliases else []
    for alias in aliases:
        times = ", times rate" if alias.value in rated else ""
        text = f"({alias.number}) {formula(program.lines[alias.number].equation)}{times}"
        found += comment(f"{text}: {alias.said}", printer.indent)
    return found


def _straight(
    program: Program,
    function: Function,
    printer: Printer,
    part: Sequence[int] | Chain,
    rated: Set[int],
) -> list[str]:
    """Statements outside of loops; long runs on large arrays in blocks of rows."""

    def title(served: int, group: Sequence[int], indent: int) -> list[str]:
        known = served in program.lines
        if known and function.early.issuperset(group):
            tensor = program.lines[served].equation.tensor.name
            return comment(f"({served}) {tensor}, the part that is known already", indent)
        return _title(program, served, indent, group, rated) if known else []

    if isinstance(part, Chain):
        return in_rows(printer, function, part, title)
    found = ["", *title(program.serves[part[0]], part, printer.indent)]
    return found + [line for value in part for line in statement(printer, value)]


def _title(
    program: Program, served: int, indent: int, group: Sequence[int], rated: Set[int] = frozenset()
) -> list[str]:
    """The equation that values serve; in short for what is computed before its loop."""
    equation, value = program.lines[served].equation, group[0]
    operation = program.values[value]
    if isinstance(operation, Descend):
        parameter = program.values[operation.parameter]
        assert isinstance(parameter, Read)
        return comment(f"({served}) {parameter.name} -= rate * {equation.tensor.name}", indent)
    for loop in program.loops:
        inside = served in {program.serves[v] for v in loop.writes.values()}
        if inside and value < loop.end and program.loop_of[value] is None:
            return comment(f"({served}) {equation.tensor.name}, apart from other steps", indent)
    times = "" if rated.isdisjoint(group) else ", times rate"
    return comment(f"({served}) {formula(equation)}{times}", indent)


def _rated(program: Program, function: Function) -> set[int]:
    """The values that the rate of a step has been taken into."""
    found: set[int] = set()
    for value in sorted(function.order):
        operation = program.values[value]
        if not isinstance(operation, Descend):
            rooted = (root(program.values, o) for o in operation.operands)
            if any(o in found or _is_rate(program.values[o]) for o in rooted):
                found.add(value)
    return found


def _is_rate(operation: Operation) -> bool:
    return isinstance(operation, Read) and operation.name == RATE


def _loop(program: Program, loop: Loop, printer: Printer, values: Sequence[int]) -> list[str]:
    """`for t in range(T):` and its body; each equation once, in the order within a step."""
    margin = " " * printer.indent
    steps = f"range({number(loop.extent)})"
    over = f"reversed({steps})" if loop.reverse else steps
    body = _Block(printer.indented())
    shown = 0
    for value in values:
        served = program.serves[value]
        if served != shown and served in program.lines:
            space = [""] if shown else []
            body.text([*space, *_title(program, served, printer.indent + 4, [value])])
        shown = served
        _place(program, loop, body, value)
    return [f"{margin}for {loop.step.name} in {over}:", *body.lines()]


def _place(program: Program, loop: Loop, body: _Block, value: int) -> None:
    """A value in the body, under the conditions at which it is computed."""
    block = body
    for condition in program.when.get(value, ()):
        block = block.under(loop, condition)
    operation = program.values[value]
    if not isinstance(operation, Branch):
        block.text(statement(block.printer, value))
        return
    inside = block.under(loop, operation.condition)
    outside = block.under(loop, operation.condition.negation)
    for place, written in zip((inside, outside), branches(inside.printer, value), strict=True):
        place.text(written)


@dataclass
class _Block:
    """Statements, and conditions with the statements of both their branches."""

    printer: Printer
    entries: list[list[str] | _Test] = field(default_factory=list)

    def text(self, lines: list[str]) -> None:
        if lines:
            self.entries.append(lines)

    def under(self, loop: Loop, condition: Condition) -> _Block:
        """The block of a condition: of the last statement if it tests that, else of a new one."""
        last = self.entries[-1] if self.entries else None
        if isinstance(last, _Test):
            if last.condition == condition:
                return last.inside
            if last.condition == condition.negation:
                return last.outside
        deeper = self.printer.indented()
        test = _Test(loop, condition, _Block(deeper), _Block(deeper))
        self.entries.append(test)
        return test.inside

    def lines(self) -> list[str]:
        return [
            line for e in self.entries for line in (e if isinstance(e, list) else e.lines(self))
        ]


@dataclass
class _Test:
    loop: Loop
    condition: Condition
    inside: _Block
    outside: _Block

    def lines(self, block: _Block) -> list[str]:
        """`if … else`, turned round where nothing is to be done inside."""
        condition, inside, outside = self.condition, self.inside.lines(), self.outside.lines()
        if not inside:
            condition, inside, outside = condition.negation, outside, inside
        if not inside:
            return []
        margin = " " * block.printer.indent
        test = block.printer.test(self.loop.step, condition)
        rest = [f"{margin}else:", *outside] if outside else []
        return [f"{margin}if {test}:", *inside, *rest]
