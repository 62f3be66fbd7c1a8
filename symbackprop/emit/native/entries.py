"""The functions of the module of the native target: compiled where they can be, else NumPy's.

Each stands under the name of the NumPy function that it replaces, with the same arguments. It first
tries what it was handed, as it is, which costs less than a microsecond; then checks every argument
as NumPy's does, fits arrays to what the loops take, and tries again.
"""

from __future__ import annotations

from symbackprop.emit.arguments import Arguments, arguments
from symbackprop.emit.functions import (
    docstring,
    extents_read,
    prepared,
    private_head,
    public_head,
    refused_divisors,
)
from symbackprop.emit.layout import Call, Code, lines, quoted
from symbackprop.emit.native.table import compiled, entry_name
from symbackprop.emit.printer import Printer
from symbackprop.program.model import Function, Program
from symbackprop.program.storage import root


def entries(program: Program) -> list[str]:
    """The source of every function; where training differs from use, of the body in each mode."""
    has_modes = program.in_use is not None
    return [_function(*each, has_modes) for each in compiled(program)]


def _function(program: Program, function: Function, mode: str, has_modes: bool) -> str:
    """One function: the quick way, the checks, the compiled function, NumPy's."""
    takes = arguments(program, function)
    entry = entry_name(function, mode)
    name = f"_{entry}" if has_modes else function.name
    head = private_head(program, function, mode) if has_modes else public_head(program, function)
    divisors = refused_divisors(program, function)
    body = docstring(program, function)
    if not (takes.drawn or takes.extents or takes.has_states or divisors):
        quick = _tried(program, function, entry, "workspace")
        body += ["    if type(workspace) is Workspace:", *(f"    {line}" for line in quick)]
    body += prepared(function, takes, ["work."])
    body += [*extents_read(program, divisors), *divisors]
    body += [*_fitted(program, function), *_tried(program, function, entry, "work")]
    body += _by_numpy(name, takes, has_modes)
    return "\n".join([f"{_kept(name)} = {name}", "", "", *head, *body])


def _tried(program: Program, function: Function, entry: str, work: str) -> list[str]:
    """The compiled function, and its results unless it declined."""
    takes = arguments(program, function)
    more = [*(["state"] if takes.has_states else []), *(["rate"] if takes.has_rate else [])]
    given = ("params", *takes.inputs, *takes.drawn, *more)
    returned = lines("return ", _results(program, function, work), indent=8)
    extents = [line.replace("work.", f"{work}.") for line in extents_read(program, returned)]
    return [
        *lines("_value = ", Call(f"{work}._compiled[{quoted(entry)}]", given)),
        "    if _value is not None:",
        *(f"    {line}" for line in extents),
        *returned,
    ]


def _fitted(program: Program, function: Function) -> list[str]:
    """Lines that bring what was handed in into the form that the loops take."""
    takes = arguments(program, function)
    kinds = {i.symbol.name: i.symbol.kind for i in program.derivation.system.inputs}
    dtypes = {"real": "work._dtype", "integer": "_POSITION", "mask": "_TRUTH"}
    found = ["    params = _fit_all(params, work._dtype)"]
    for name in (*takes.inputs, *takes.drawn):
        source = f'given["{name}"]' if takes.drawn else name
        found += lines(f"{name} = ", Call("_fit", (source, dtypes[kinds[name]])))
    if function.updates:
        found += [
            "    if state is work._state:  # nothing of the caller's to write over",
            "        state = {name: array.copy() for name, array in state.items()}",
        ]
    return found


def _results(program: Program, function: Function, work: str) -> Code:
    """What a function returns: arrays are the workspace's own."""
    printer = _AtWork(program, function, work)
    results = list(function.results.items())
    if function is program.forward:
        return Call("", tuple(_item(printer, function, *r) for r in results), "{}")
    if not any(loss.gradients is function for loss in program.losses):
        return "_value"
    items = tuple(_item(printer, function, *r) for r in results[1:])
    return Call("", ("_value", Call("", items, "{}")))


def _item(printer: _AtWork, function: Function, name: str, value: int) -> str:
    """`"W1": work.dW1`; rows and values of a sparse gradient."""
    if not printer.values[value].shape:
        return f"{quoted(name)}: {printer.owner}._result_{name}"
    seen = str(printer.see(value))
    if name in function.rows:
        seen = f"({printer.see(function.rows[name])}, {seen})"
    return f"{quoted(name)}: {seen}"


class _AtWork(Printer):
    """Sees every value in the workspace, not under the name that it has in the function."""

    def __init__(self, program: Program, function: Function, owner: str) -> None:
        super().__init__(program, function, owner)
        values = {
            root(program.values, v) for v in (*function.results.values(), *function.rows.values())
        }
        self.names = {v: f"{owner}.{self.places[v].buffer}" for v in values if v in self.places}


def _by_numpy(name: str, takes: Arguments, has_modes: bool) -> list[str]:
    """The call of the NumPy function, with the workspace that there is now."""
    given = [f"{n}={n}" for n in takes.names if n != "workspace"]
    if not has_modes:
        given.append("training=training")
    return lines("return ", Call(_kept(name), ("params", *given, "workspace=work")))


def _kept(name: str) -> str:
    """What the NumPy function is called."""
    return f"_numpy_{name.lstrip('_')}"
