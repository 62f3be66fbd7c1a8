"""Operations that visit the positions of short axes, as Python loops over slices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sympy import Expr

from symbackprop.emit.blocks import as_rows, block_rows, blocks_of, dot
from symbackprop.emit.layout import Call, Code
from symbackprop.emit.numbers import number
from symbackprop.emit.printer import Printer, subscripted, windows_code
from symbackprop.program.operations import Copy, Operation, Scalar, Scratch, Steps
from symbackprop.program.shapes import ZERO, row_major
from symbackprop.program.storage import root
from symbackprop.program.windows import Attained, First, Overlap, Sweep, lie_apart

ZERO_NUMBER = Scalar((), "integer", ZERO)
_UFUNCS = {"sum": "add", "max": "maximum", "min": "minimum"}
_LETTERS = ("p", "q", "r", "u", "v", "w")


def scratch(printer: Printer, value: int, operation: Scratch | Steps) -> list[str]:
    readers = [printer.values[v] for v in printer.names if value in printer.values[v].operands]
    unused = readers and all(_writes_directly(printer, reader, value) for reader in readers)
    return [] if unused else printer.fresh(value)


def _writes_directly(printer: Printer, reader: Operation, part: int) -> bool:
    """Whether a reader of memory for parts has no need of it."""
    chosen = reader.chosen if isinstance(reader, Overlap) else None
    if not isinstance(reader, Overlap) or chosen is None:
        return False
    return chosen.part == part and _into_zeros(printer, reader)


def sweep(printer: Printer, value: int, operation: Sweep) -> list[str]:
    """out = ufunc of the first two slices; for each further position: out = ufunc(out, slice)."""
    name, shape = printer.names[value], printer.values[operation.of].shape
    windows = printer.fresh_name("windows")
    visits = visits_of(printer, {k: shape[k] for k in operation.axes})
    ufunc, axes = f"np.{_UFUNCS[operation.function]}", range(len(shape))
    start = (sliced(windows, axes, visits.place(k)) for k in range(2))
    body = Call(ufunc, (name, sliced(windows, axes, visits.at), f"out={name}"))
    found = printer.write(f"{windows} = ", printer.see(operation.of))
    found += printer.call(value, ufunc, *start)
    if visits.number == 2:
        return found
    return [*found, visits.head(printer, without="[2:]"), *printer.indented().write("", body)]


def first(printer: Printer, value: int, operation: First) -> list[str]:
    """How many entries stand before the first that equals the best: the last one if no other."""
    name, shape = printer.names[value], printer.values[operation.of].shape
    mask, before = (str(printer.see(v)) for v in (operation.mask, operation.before))
    windows = printer.fresh_name("windows")
    visits = visits_of(printer, {k: shape[k] for k in operation.axes})
    slices = sliced(windows, range(len(shape)), visits.at)
    inner = printer.indented()
    different = (slices, printer.see(operation.best), f"out={mask}")
    return [
        *printer.fresh(value),
        *printer.write("", Call(f"{name}.fill", ("0",))),
        *printer.write("", Call(f"{before}.fill", ("True",))),
        *printer.write(f"{windows} = ", printer.see(operation.of)),
        visits.head(printer, without="[:-1]"),
        *inner.write("", Call("np.not_equal", different)),
        *inner.write("", Call("np.logical_and", (before, mask, f"out={before}"))),
        *inner.write(f"{name} += ", before),
    ]


def overlap(printer: Printer, value: int, operation: Overlap) -> list[str]:
    """For each position: a slice of the windows += a slice of the entries."""
    windows = printer.fresh_name("windows")
    found = printer.based(value, operation.base)
    start = subscripted(printer.names[value], operation.start, operation.shape)
    found += printer.write(f"{windows} = ", _seen(start, operation))
    entries = printer.see(operation.entries)
    made = operation.made
    short = set(operation.visited) if made is None else {made.bearer}
    if not str(entries).isidentifier() and not short.isdisjoint(operation.entry_axes):
        own = printer.fresh_name("entries")
        found += printer.write(f"{own} = ", entries)
        entries = own
    extents = dict(zip(operation.bearers, operation.windows[0], strict=True))
    visits = visits_of(printer, {b: extents[b] for b in operation.visited})
    if made is None:
        added = sliced(entries, operation.entry_axes, visits.at)
        return found + _added(printer, operation, windows, added, visits)
    factors, rows = printer.fresh_name("factors"), printer.fresh_name("rows")
    found += printer.write(f"{factors} = ", printer.see(made.b))
    blocks, inner = blocks_of(printer, made.size), printer.indented()
    found.append(blocks.head(printer, extents[made.bearer]))
    found += blocks.cut(inner, windows, operation.bearers.index(made.bearer))
    found += inner.write(f"{rows} = ", block_rows(printer, made.a, extents[made.bearer], blocks))
    part = root(printer.values, operation.entries)
    shape = printer.values[made.b].shape[len(operation.visited) + 1 :]
    out = as_rows(blocks.first(printer.see(part)), printer.values[part].shape, shape)
    product = dot(rows, sliced(factors, operation.visited, visits.at), out)
    added = sliced(entries, operation.entry_axes, {made.bearer: f":{blocks.count}"})
    return found + _added(inner, operation, blocks.block, added, visits, product)


def _added(
    printer: Printer,
    operation: Overlap,
    windows: str,
    added: Code,
    visits: Visits,
    product: Code | None = None,
) -> list[str]:
    """The loop over the visited positions: what is added there may be a product made before."""
    if isinstance(operation.chosen, Attained):
        return _where_attained(printer, operation, operation.chosen, windows, added, visits)
    target = sliced(windows, operation.bearers, visits.at)
    inner = printer.indented() if visits.at else printer
    body = [] if product is None else inner.write("", product)
    if operation.chosen is not None:
        chosen = operation.chosen
        mask, part = (str(printer.see(v)) for v in (chosen.mask, chosen.part))
        equal = (printer.see(chosen.position), visits.count, f"out={mask}")
        body += inner.write("", Call("np.equal", equal))
        if _into_zeros(printer, operation):
            part = f"{target}"
        body += inner.write("", Call("np.multiply", (added, mask, f"out={part}")))
        added = part
    if added != target:
        body += inner.write(f"{target} += ", added)
    head = [visits.head(printer, operation.chosen is not None)] if visits.at else []
    return [*head, *body]


def _into_zeros(printer: Printer, operation: Overlap) -> bool:
    """Whether every entry is added to 0: windows that lie apart, on a base of zeros."""
    return (
        is_zeros(printer, operation.base)
        and lie_apart(*operation.windows)
        and len(set(operation.bearers)) == len(operation.bearers)
    )


def is_zeros(printer: Printer, value: int) -> bool:
    base = printer.values[value]
    return isinstance(base, Copy) and printer.values[base.of] == ZERO_NUMBER


def is_covered(printer: Printer, value: int) -> bool:
    """Whether memory of zeros is written over, every entry of it, by all that reads it."""
    readers = [printer.values[v] for v in printer.names if value in printer.values[v].operands]
    covered = (
        isinstance(r, Overlap) and r.base == value and r.chosen is not None and r.covers
        for r in readers
    )
    return is_zeros(printer, value) and len(readers) == 1 and all(covered)


def _seen(start: str, operation: Overlap) -> Code:
    """The windows: where they are all of the memory in its order, its axes split."""
    shape, axes, steps = operation.windows
    if operation.covers and tuple(sorted(axes)) == axes:
        rows = row_major(shape)
        whole = row_major(operation.shape)
        if all(whole[a] * s == r for a, s, r in zip(axes, steps, rows, strict=True)):
            return Call(f"{start}.reshape", tuple(map(number, shape)))
    return windows_code(start, shape, axes, steps)


def _where_attained(
    printer: Printer,
    operation: Overlap,
    chosen: Attained,
    windows: str,
    added: Code,
    visits: Visits,
) -> list[str]:
    """At each visit the entries where the extreme is attained there, and was not before."""
    of, mask, left, part = (
        str(printer.see(v)) for v in (chosen.of, chosen.mask, chosen.left, chosen.part)
    )
    seen, shape = printer.fresh_name("seen"), printer.values[chosen.of].shape
    direct = _into_zeros(printer, operation)

    def put(inner: Printer, at: Mapping[int, str], where: str) -> list[str]:
        target = sliced(windows, operation.bearers, at)
        out = target if direct else part
        found = inner.write("", Call("np.multiply", (added, where, f"out={out}")))
        return found if direct else [*found, *inner.write(f"{target} += ", part)]

    inner = printer.indented()
    letters = dict(zip(chosen.axes, visits.at.values(), strict=True))
    own = sliced(seen, range(len(shape)), letters)
    return [
        *printer.write("", Call(f"{left}.fill", ("True",))),
        *printer.write(f"{seen} = ", of),
        visits.head(printer, without="[:-1]"),
        *inner.write("", Call("np.equal", (own, printer.see(chosen.best), f"out={mask}"))),
        *inner.write("", Call("np.logical_and", (left, mask, f"out={mask}"))),
        *inner.write("", Call("np.logical_xor", (left, mask, f"out={left}"))),
        *put(inner, visits.at, mask),
        *put(printer, visits.place(-1), left),
    ]


@dataclass(frozen=True)
class Visits:
    """A loop over positions: their names by axis, their extents, and a name that counts them."""

    at: Mapping[int, str]
    extents: tuple[Expr, ...]
    count: str

    @property
    def number(self) -> int:
        return math.prod(map(int, self.extents))

    def place(self, visit: int) -> Mapping[int, str]:
        """The positions of one visit; of the last for -1."""
        rest, places = visit % self.number, []
        for extent in reversed(self.extents):
            rest, place = divmod(rest, int(extent))
            places.append(str(place))
        return dict(zip(self.at, reversed(places), strict=True))

    def head(self, printer: Printer, counted: bool = False, without: str = "") -> str:
        """`for p, q in np.ndindex(3, 3):`; `without` cuts some of them off."""
        names, sizes = ", ".join(self.at.values()), ", ".join(map(number, self.extents))
        order = f"np.ndindex({sizes})"
        if len(self.at) == 1:
            order = f"range({sizes})"
        elif counted:
            names, order = f"{self.count}, ({names})", f"enumerate({order})"
        if without:
            order = f"{order}{without}" if len(self.at) == 1 else f"[*{order}]{without}"
        return f"{' ' * printer.indent}for {names} in {order}:"


def visits_of(printer: Printer, extents: Mapping[int, Expr]) -> Visits:
    """Names for a loop over the axes of these extents."""
    names: list[str] = []
    for _ in extents:
        names.append(printer.fresh_name(*_LETTERS, beside=names))
    count = names[0] if len(names) == 1 else printer.fresh_name("k", beside=names)
    return Visits(dict(zip(extents, names, strict=True)), tuple(extents.values()), count)


def sliced(array: Code, axes: Iterable[int], at: Mapping[int, str]) -> Code:
    """`array[:, p, :, q]`, what is whole at the end left out."""
    found = [at.get(k, ":") for k in axes]
    while found and found[-1] == ":":
        found.pop()
    return f"{array}[{', '.join(found)}]" if found else array
