"""Matrix products in blocks: Python loops over a few positions at a time."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr

from symbackprop.emit.layout import Call, Code
from symbackprop.emit.numbers import factor, number
from symbackprop.emit.printer import Printer
from symbackprop.program.operations import Shape, View
from symbackprop.program.shapes import product
from symbackprop.program.windows import Blocked


def blocked(printer: Printer, value: int, operation: Blocked) -> list[str]:
    """For each block: windows copied, then multiplied into rows of the result or added to it."""
    name, rank = printer.names[value], operation.rows
    shape, axis = printer.values[operation.windows].shape, operation.axis
    blocks, inner = blocks_of(printer, operation.size), printer.indented()
    windows, copied = printer.fresh_name("windows"), printer.fresh_name("copied")
    part = blocks.first(printer.see(operation.part), axis)
    rows, columns = shape[:rank], shape[rank:]
    matrix: Code = Call(f"{copied}.reshape", ("-1", number(product(columns))))
    if axis > 0:
        matrix = Call(f"{copied}.reshape", (number(product(rows)), "-1"))
    found = printer.fresh(value)
    if operation.total is not None:
        found += printer.write("", Call(f"{name}.fill", ("0.0",)))
    found += printer.write(f"{windows} = ", printer.see(operation.windows))
    found.append(blocks.head(printer, shape[axis]))
    found += blocks.cut(inner, windows, axis)
    found += inner.write(f"{copied} = ", part)
    found += inner.write("", Call("np.copyto", (copied, blocks.block)))
    b = printer.values[operation.b].shape
    across = matrix if (axis > 0) == (operation.total is not None) else f"{matrix}.T"
    if operation.total is None:
        out = as_rows(blocks.of(name), operation.shape, b[1:])
        return found + inner.write("", dot(across, printer.see(operation.b), out))
    total = str(printer.see(operation.total))
    sizes = (product(rows if axis > 0 else columns), *b[1:])
    out = total if operation.shape == sizes else Call(f"{total}.reshape", _numbers(sizes))
    found += inner.write(
        "", dot(across, block_rows(printer, operation.b, shape[axis], blocks), out)
    )
    return found + inner.write(f"{name} += ", total)


def dot(a: Code, b: Code, out: Code) -> Call:
    target = Call(f"out={out.name}", out.arguments) if isinstance(out, Call) else f"out={out}"
    return Call("np.dot", (a, b, target))


def as_rows(array: str, shape: Shape, columns: Shape) -> Code:
    """Part of an array of that shape, as the rows of a matrix or, without columns, a vector."""
    if shape[1:] == columns:
        return array
    return Call(f"{array}.reshape", ("-1", *_numbers(columns)))


def block_rows(printer: Printer, matrix: int, extent: Expr, blocks: Blocks) -> Code:
    """The rows of a matrix that belong to a block of positions, each of which has equally many."""
    operation = printer.values[matrix]
    shape = operation.shape
    if shape[0] == extent:
        return blocks.of(printer.see(matrix))
    if isinstance(operation, View) and operation.how == "reshape":
        whole = printer.values[operation.of].shape
        if whole[0] == extent:
            return as_rows(blocks.of(printer.see(operation.of)), whole, shape[1:])
    each = factor(shape[0] / extent)
    span = f"{each} * {blocks.start} : {each} * ({blocks.start} + {blocks.size})"
    return f"{printer.see(matrix)}[{span}]"


def _numbers(shape: Shape) -> tuple[str, ...]:
    return tuple(map(number, shape))


@dataclass(frozen=True)
class Blocks:
    """A loop over blocks: the names of where a block starts, of the block, of its length."""

    size: int
    start: str
    block: str
    count: str

    def head(self, printer: Printer, extent: Expr) -> str:
        """`for start in range(0, N, 8):`."""
        return f"{' ' * printer.indent}for {self.start} in range(0, {number(extent)}, {self.size}):"

    def cut(self, printer: Printer, array: str, axis: int) -> list[str]:
        """The block of an array, and its length: the last one may be shorter."""
        length = f"{self.block}.shape[{axis}]" if axis else f"len({self.block})"
        return [
            *printer.write(f"{self.block} = ", self.of(array, axis)),
            *printer.write(f"{self.count} = ", length),
        ]

    def of(self, array: Code, axis: int = 0) -> str:
        return f"{array}[{':, ' * axis}{self.start} : {self.start} + {self.size}]"

    def first(self, array: Code, axis: int = 0) -> str:
        """As many positions as the block has of memory for one."""
        return f"{array}[{':, ' * axis}:{self.count}]"


def blocks_of(printer: Printer, size: int) -> Blocks:
    return Blocks(size, *(printer.fresh_name(n) for n in ("start", "block", "count")))
