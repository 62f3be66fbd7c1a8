"""A product in strips of its long side: a stack of small products."""

from __future__ import annotations

from sympy import Expr

from symbackprop.emit.layout import Call, Code
from symbackprop.emit.numbers import number
from symbackprop.emit.printer import Printer
from symbackprop.program.operations import Matmul, View


def in_strips(printer: Printer, value: int, operation: Matmul) -> list[str]:
    """np.matmul of the strips, into strips of the result; or their sum, where they have room."""
    assert operation.strips is not None
    side, count = operation.strips
    rows, columns = printer.values[operation.a].shape[0], printer.values[operation.b].shape[1]
    name, found = printer.names[value], printer.fresh(value)
    a, b = printer.see(operation.a), printer.see(operation.b)
    if side != 1:
        a = _cut(printer, operation.a, 0 if side == 0 else 1, count)
    if side != 0:
        b = _cut(printer, operation.b, 1 if side == 1 else 0, count)
    if operation.room:
        room = printer.see(operation.room[0])
        found += printer.write("", Call("np.matmul", (a, b, f"out={room}")))
        out = name if operation.shape == (rows, columns) else _reshaped(name, rows, columns)
        added = (room, "axis=0", _named("out", out))
        return found + printer.write("", Call("np.add.reduce", added))
    if side == 0:
        out = _reshaped(name, count, rows / count, columns)
    else:
        out = Call(f"{_reshaped(name, rows, count, columns / count)}.transpose", ("1", "0", "2"))
    return found + printer.write("", Call("np.matmul", (a, b, _named("out", out))))


def _cut(printer: Printer, matrix: int, axis: int, count: Expr) -> Code:
    """The strips of a matrix along an axis, as a stack: seen in its memory without a copy."""
    operation, order = printer.values[matrix], (1, 0, 2) if axis else (0, 1, 2)
    if isinstance(operation, View) and operation.how == "transpose":
        matrix, order = operation.of, (0, 2, 1) if axis else (1, 2, 0)
        operation, axis = printer.values[matrix], 1 - axis
    rows, columns = operation.shape
    split = (count, rows / count, columns) if axis == 0 else (rows, count, columns / count)
    of = operation.of if isinstance(operation, View) and operation.how == "reshape" else matrix
    cut = _reshaped(printer.see(of), *split)
    return cut if order == (0, 1, 2) else Call(f"{cut}.transpose", tuple(map(str, order)))


def _reshaped(array: Code, *shape: Expr) -> Call:
    return Call(f"{array}.reshape", tuple(map(number, shape)))


def _named(keyword: str, code: Code) -> Code:
    return (
        Call(f"{keyword}={code.name}", code.arguments)
        if isinstance(code, Call)
        else f"{keyword}={code}"
    )
