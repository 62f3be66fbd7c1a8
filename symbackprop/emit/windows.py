"""Operations that visit the positions of short axes, as Python loops over slices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sympy import Expr

from symbackprop.emit.blocks import blocks_of, made
from symbackprop.emit.layout import Call, Code
from symbackprop.emit.numbers import number
from symbackprop.emit.printer import Printer, subscripted, windows_code
from symbackprop.program.operations import Scratch
from symbackprop.program.storage import root
from symbackprop.program.windows import First, Overlap, Sweep

_UFUNCS = {"sum": "add", "max": "maximum", "min": "minimum"}
_STARTS = {"sum": "0.0", "max": "-np.inf", "min": "np.inf"}
_LETTERS = ("p", "q", "r", "u", "v", "w")


def scratch(printer: Printer, value: int, operation: Scratch) -> list[str]:
    return printer.fresh(value)


def sweep(printer: Printer, value: int, operation: Sweep) -> list[str]:
    """out = start; for each position: out = ufunc(out, slice)."""
    name, shape = printer.names[value], printer.values[operation.of].shape
    windows = printer.fresh_name("windows")
    visits = visits_of(printer, {k: shape[k] for k in operation.axes})
    slices = sliced(windows, range(len(shape)), visits.at)
    body = Call(f"np.{_UFUNCS[operation.function]}", (name, slices, f"out={name}"))
    return [
        *printer.fresh(value),
        *printer.write("", Call(f"{name}.fill", (_STARTS[operation.function],))),
        *printer.write(f"{windows} = ", printer.see(operation.of)),
        visits.head(printer),
        *printer.indented().write("", body),
    ]


def first(printer: Printer, value: int, operation: First) -> list[str]:
    """From the last position to the first, so that the first that equals the best remains."""
    name, shape = printer.names[value], printer.values[operation.of].shape
    mask, windows = printer.see(operation.mask), printer.fresh_name("windows")
    visits = visits_of(printer, {k: shape[k] for k in operation.axes})
    slices = sliced(windows, range(len(shape)), visits.at)
    inner = printer.indented()
    equal = Call("np.equal", (slices, printer.see(operation.best), f"out={mask}"))
    return [
        *printer.fresh(value),
        *printer.write("", Call(f"{name}.fill", ("0",))),
        *printer.write(f"{windows} = ", printer.see(operation.of)),
        visits.head(printer, counted=True, backwards=True),
        *inner.write("", equal),
        *inner.write("", Call("np.copyto", (name, visits.count, f"where={mask}"))),
    ]


def overlap(printer: Printer, value: int, operation: Overlap) -> list[str]:
    """For each position: a slice of the windows += a slice of the entries."""
    windows = printer.fresh_name("windows")
    found = printer.based(value, operation.base)
    start = subscripted(printer.names[value], operation.start, operation.shape)
    found += printer.write(f"{windows} = ", windows_code(start, *operation.windows))
    entries = printer.see(operation.entries)
    short = set(operation.visited) if operation.made is None else {operation.made.bearer}
    if not str(entries).isidentifier() and not short.isdisjoint(operation.entry_axes):
        own = printer.fresh_name("entries")
        found += printer.write(f"{own} = ", entries)
        entries = own
    if operation.made is None:
        return found + _added(printer, operation, windows, entries, {})
    inner, blocks = printer.indented(), blocks_of(printer, operation.made.size)
    axis = operation.bearers.index(operation.made.bearer)
    found.append(blocks.head(printer, operation.windows[0][axis]))
    found += blocks.cut(inner, windows, axis)
    part = root(printer.values, operation.entries)
    found += made(inner, operation.made, blocks, part, operation.windows[0][axis])
    count = {operation.made.bearer: f":{blocks.count}"}
    return found + _added(inner, operation, blocks.block, entries, count)


def _added(
    printer: Printer, operation: Overlap, windows: str, entries: Code, kept: Mapping[int, str]
) -> list[str]:
    """The loop over the visited positions; of the entries, what is `kept` of some axes."""
    extents = dict(zip(operation.bearers, operation.windows[0], strict=True))
    visits = visits_of(printer, {b: extents[b] for b in operation.visited})
    target = sliced(windows, operation.bearers, visits.at)
    added = sliced(entries, operation.entry_axes, {**visits.at, **kept})
    inner = printer.indented() if visits.at else printer
    body: list[str] = []
    if operation.chosen is not None:
        chosen = operation.chosen
        mask, part = (str(printer.see(v)) for v in (chosen.mask, chosen.part))
        equal = (printer.see(chosen.position), visits.count, f"out={mask}")
        body += inner.write("", Call("np.equal", equal))
        body += inner.write("", Call("np.multiply", (added, mask, f"out={part}")))
        added = part
    body += inner.write(f"{target} += ", added)
    head = [visits.head(printer, operation.chosen is not None)] if visits.at else []
    return [*head, *body]


@dataclass(frozen=True)
class Visits:
    """A loop over positions: their names by axis, their extents, and a name that counts them."""

    at: Mapping[int, str]
    extents: tuple[Expr, ...]
    count: str

    def head(self, printer: Printer, counted: bool = False, backwards: bool = False) -> str:
        """`for p, q in np.ndindex(3, 3):`."""
        names, sizes = ", ".join(self.at.values()), ", ".join(map(number, self.extents))
        if len(self.at) == 1:
            order = f"range({sizes})"
        else:
            order = f"np.ndindex({sizes})"
            if counted:
                names, order = f"{self.count}, ({names})", f"enumerate({order})"
                order = f"[*{order}]" if backwards else order
        order = f"reversed({order})" if backwards else order
        return f"{' ' * printer.indent}for {names} in {order}:"


def visits_of(printer: Printer, extents: Mapping[int, Expr]) -> Visits:
    """Names for a loop over the axes of these extents."""
    names: list[str] = []
    for _ in extents:
        names.append(printer.fresh_name(*(c for c in _LETTERS if c not in names)))
    count = names[0] if len(names) == 1 else printer.fresh_name("k")
    return Visits(dict(zip(extents, names, strict=True)), tuple(extents.values()), count)


def sliced(array: Code, axes: Iterable[int], at: Mapping[int, str]) -> Code:
    """`array[:, p, :, q]`, what is whole at the end left out."""
    found = [at.get(k, ":") for k in axes]
    while found and found[-1] == ":":
        found.pop()
    return f"{array}[{', '.join(found)}]" if found else array
