"""The C file: the bodies of all functions, and the tables by which they are entered."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Symbol

from symbackprop.emit.arguments import arguments
from symbackprop.emit.layout import escaped
from symbackprop.emit.native.bodies import body
from symbackprop.emit.native.numbers import integer
from symbackprop.emit.native.table import Slot, compiled, entry_name, slots
from symbackprop.program.model import Function, Program
from symbackprop.templating import fill

SOURCES = {"parameter": "PARAMETER", "input": "INPUT", "state": "STATE"}
KINDS = {"real": "REAL_ENTRIES", "integer": "POSITIONS", "mask": "TRUTHS"}


@dataclass(frozen=True)
class Entry:
    """How a function is entered: the slots of what is handed in, in the order of the arguments."""

    name: str
    reads: tuple[int, ...]
    arguments: int
    writes_parameters: int
    writes_states: int
    has_rate: int


def emit_native(program: Program) -> str:
    """The C99 file of a program, to be compiled for one dtype: -DREAL=float or -DREAL=double."""
    system = program.derivation.system
    table = slots(program)
    given = [slot for slot in table if slot.is_given]
    known = {e: Symbol(f"extents[{k}]") for k, e in enumerate(system.extents)}
    axes = [integer(extent.xreplace(known)) for slot in given for extent in slot.shape]
    written = list(compiled(program))
    return fill(
        "native.c.jinja",
        name=system.name,
        title=_comment(system.title or system.name),
        bodies=["\n".join(body(program, function, name)) for _, function, name in written],
        entries=[_entry(*each, table) for each in written],
        slots=_rows(table),
        parameters=len(system.parameters),
        extents=len(system.extents),
        axes=axes,
        classes=[
            (
                next(k for k, s in enumerate(table) if s.name == i.symbol.name),
                integer(i.classes.xreplace(known)),
            )
            for i in system.inputs
            if i.classes is not None
        ],
    )


def _comment(text: str) -> str:
    """Text as it may stand in a comment of C."""
    return escaped(text).replace("*/", "* /").replace("/*", "/ *").replace("??/", "?? /")


def _rows(table: tuple[Slot, ...]) -> list[dict[str, object]]:
    """What the C table says of each slot; only what is handed in has extents to hold it against."""
    rows: list[dict[str, object]] = []
    axes = 0
    for slot in table:
        rows.append(
            {
                "source": SOURCES.get(slot.source, "OWN"),
                "kind": KINDS[slot.kind],
                "rank": len(slot.shape),
                "axes": axes,
                "name": slot.name,
            }
        )
        axes += len(slot.shape) if slot.is_given else 0
    return rows


def _entry(program: Program, function: Function, mode: str, table: tuple[Slot, ...]) -> Entry:
    takes = arguments(program, function)
    by_name = {(s.source, s.name): k for k, s in enumerate(table)}
    reads = [by_name["parameter", name] for name in function.parameters]
    reads += [by_name["input", name] for name in (*takes.inputs, *takes.drawn)]
    reads += [by_name["state", name] for name in function.states]
    return Entry(
        name=entry_name(function, mode),
        reads=(*reads, -1),  # a list in C has at least one
        arguments=1 + len((*takes.inputs, *takes.drawn)) + takes.has_states + takes.has_rate,
        writes_parameters=int(bool(function.steps)),
        writes_states=int(bool(function.updates)),
        has_rate=int(takes.has_rate),
    )
