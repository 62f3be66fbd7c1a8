"""Windows of an array: copied in blocks for a product, or added to where they overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import Expr

from symbackprop.emit.native import visits
from symbackprop.emit.native.accesses import COUNT, START, Access, reshaped, selected, stretch
from symbackprop.emit.native.calls import product_call
from symbackprop.emit.native.memory import Memory, memories
from symbackprop.emit.native.numbers import Variable, integer
from symbackprop.emit.native.pieces import Block, Printing, Statement, statement
from symbackprop.emit.native.scatters import based
from symbackprop.program.operations import Copy, Shape
from symbackprop.program.shapes import ZERO, product, row_major
from symbackprop.program.storage import root
from symbackprop.program.windows import Attained, Blocked, Overlap, lie_apart


def blocked(memory: Memory, value: int, operation: Blocked) -> list[Statement | Block]:
    """For each block: windows copied, then multiplied into rows of the result or added to it."""
    windows, b = memory.see(operation.windows), memory.stored(operation.b)
    part, target = memory.see(operation.part), memory.see(value)
    axis, rank, line = operation.axis, operation.rows, memory.program.serves[value]
    extent, columns = windows.shape[axis], b.shape[1:]
    cut = stretch(windows, axis, START, COUNT)
    copied = stretch(part, axis, ZERO, COUNT)
    copy = statement(value, line, cut.shape, copied, "copy", [cut], whole=False)
    matrix = reshaped(copied, (product(copied.shape[:rank]), product(copied.shape[rank:])))
    if axis > 0:
        matrix = matrix.along((1, 0))
    found: list[Statement | Block] = []
    if operation.total is None:
        rows = stretch(target, 0, START, COUNT)
        c = reshaped(rows, (matrix.shape[0], *columns))
        product_of, beta = (matrix, b, c), "0"
    else:
        each = b.shape[0] / extent
        inner = stretch(b, 0, each * START, each * COUNT)
        matrix = matrix.along((1, 0))
        c = reshaped(target, (matrix.shape[0], *columns))
        product_of, beta = (matrix, inner, c), "start > 0"
    left, right, out = product_of
    if not columns:
        right, out = (a.along((0, None)) for a in (right, out))

    def lines(printing: Printing, depth: int) -> list[str]:
        body = printing.nest([copy], depth + 1)
        call = product_call(printing, left, right, out, (), "1", beta)
        body += ["    " * (depth + 1) + text for text in call]
        return _in_blocks(extent, operation.size, depth, body)

    reads = {m for a in (windows, b) for m in memories(a)}
    writes = {m for a in (part, target) for m in memories(a)}
    return [*found, Block(value, line, frozenset(reads), frozenset(writes), lines)]


def _in_blocks(extent: Expr, size: int, depth: int, body: list[str]) -> list[str]:
    margin, end = "    " * depth, integer(extent)
    least = f"{end} - start < {size} ? {end} - start : {size}"
    return [
        f"{margin}for (int64_t start = 0; start < {end}; start += {size}) {{",
        f"{margin}    const int64_t count = {least};",
        *body,
        f"{margin}}}",
    ]


def overlap(memory: Memory, value: int, operation: Overlap) -> list[Statement | Block]:
    """Entries added to windows of the base, at one position after the other."""
    target = memory.see(value)
    shape, along, steps = operation.windows
    start = selected(target, operation.start, tuple(b - a for a, b in operation.start))
    strides = tuple(start.strides[axis] * step for axis, step in zip(along, steps, strict=True))
    windows = replace(start, shape=shape, strides=strides)
    if _covers(memory, operation):
        memory.covered.add(value)
        entries = memory.see(operation.entries)
        added = _added(memory, value, operation, windows, entries)
        return [replace(one, combine="") for one in added]
    found = based(memory, value, operation)
    if operation.made is None:
        return [*found, *_added(memory, value, operation, windows, memory.see(operation.entries))]
    return [*found, _made(memory, value, operation, windows)]


def _covers(memory: Memory, operation: Overlap) -> bool:
    """Whether every entry is written just once, over zeros."""
    base = memory.program.values[operation.base]
    from_zero = isinstance(base, Copy) and memory.see(base.of).is_number(ZERO)
    shape, along, steps = operation.windows
    once = lie_apart(shape, along, steps) and product(shape) == product(operation.shape)
    return from_zero and once and operation.made is None


def _over(access: Access, bearers: Sequence[int], axes: Sequence[int], shape: Shape) -> Access:
    """An array whose axes bear numbers, over axes that bear numbers."""
    places: list[int | None] = [
        axes.index(b) if b in axes and access.shape[axes.index(b)] != 1 else None for b in bearers
    ]
    return replace(access.along(places), shape=shape)


def _added(
    memory: Memory, value: int, operation: Overlap, windows: Access, entries: Access
) -> list[Statement]:
    """windows += entries, or only those that were chosen."""
    seen = [_over(entries, operation.bearers, operation.entry_axes, windows.shape)]
    function = "copy"
    if isinstance(operation.chosen, Attained):
        return visits.attained(memory, value, operation, operation.chosen, windows, *seen)
    if operation.chosen is not None:
        rest = [b for b in operation.entry_axes if b not in operation.visited]
        chosen = memory.see(operation.chosen.position)
        seen.append(_over(chosen, operation.bearers, rest, windows.shape))
        visited = [operation.bearers.index(b) for b in operation.visited]
        if visits.is_written_out(tuple(windows.shape[k] for k in visited)):
            return visits.chosen(memory, value, operation, windows, *seen)
        seen.append(_visit(operation, windows.shape))
        function = "chosen"
    line = memory.program.serves[value]
    made = statement(value, line, windows.shape, windows, function, seen, whole=False)
    return [replace(made, combine="sum")]


def _visit(operation: Overlap, shape: Shape) -> Access:
    """The row-major number of the visited positions."""
    extents = dict(zip(operation.bearers, shape, strict=True))
    steps = row_major(tuple(extents[b] for b in operation.visited))
    step_of = dict(zip(operation.visited, steps, strict=True))
    strides = tuple(step_of.get(b, ZERO) for b in operation.bearers)
    return Access("count", "integer", shape, strides)


def _made(memory: Memory, value: int, operation: Overlap, windows: Access) -> Block:
    """For each block of rows and each position: their product, added to the windows."""
    made = operation.made
    assert made is not None and operation.chosen is None
    a, b = memory.stored(made.a), memory.stored(made.b)
    entries = memory.see(operation.entries)
    axis = operation.bearers.index(made.bearer)
    extent = windows.shape[axis]
    each = a.shape[0] / extent
    rows = stretch(a, 0, each * START, each * COUNT)
    part_axis = operation.entry_axes.index(made.bearer)
    part = stretch(entries, part_axis, ZERO, COUNT)
    visited = operation.visited
    names = [Variable(f"visit{k}", nonnegative=True) for k in range(len(visited))]
    block = stretch(windows, axis, START, COUNT)
    offset, matrix = block.offset, b
    for bearer, name in zip(visited, names, strict=True):
        offset += block.strides[operation.bearers.index(bearer)] * name
        matrix = selected(matrix, (name, *((ZERO, e) for e in matrix.shape[1:])), matrix.shape[1:])
    free = [k for k, bearer in enumerate(operation.bearers) if bearer not in visited]
    target = replace(block, offset=offset).along(free)
    seen = _over(part, [operation.bearers[k] for k in free], operation.entry_axes, target.shape)
    line = memory.program.serves[value]
    added = replace(
        statement(value, line, target.shape, target, "copy", [seen], whole=False), combine="sum"
    )
    if len(matrix.shape) == 1:
        matrix = matrix.along((0, None))
    out = _in_rows(memory, operation, matrix.shape[1])

    def lines(printing: Printing, depth: int) -> list[str]:
        inner = depth + 1
        body: list[str] = []
        for bearer, name in zip(visited, names, strict=True):
            end = integer(windows.shape[operation.bearers.index(bearer)])
            body.append(f"{'    ' * inner}for (int64_t {name} = 0; {name} < {end}; {name}++) {{")
            inner += 1
        body += ["    " * inner + text for text in product_call(printing, rows, matrix, out)]
        body += printing.nest([added], inner)
        body += ["    " * k + "}" for k in range(inner - 1, depth, -1)]
        return _in_blocks(extent, made.size, depth, body)

    reads = {m for x in (a, b) for m in memories(x)}
    writes = {m for x in (entries, windows) for m in memories(x)}
    return Block(value, line, frozenset(reads), frozenset(writes), lines)


def _in_rows(memory: Memory, operation: Overlap, columns: Expr) -> Access:
    """The memory for the entries of a block, as the matrix that a product writes."""
    made = operation.made
    assert made is not None
    part = memory.see(root(memory.program.values, operation.entries))
    cut = stretch(part, 0, ZERO, COUNT)
    total = product(cut.shape)
    return reshaped(cut, (total / columns, columns))
