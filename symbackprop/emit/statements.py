"""Operations as NumPy statements; constants as expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.emit import windows
from symbackprop.emit.blocks import blocked
from symbackprop.emit.descent import descend
from symbackprop.emit.layout import Call, Code, Infix
from symbackprop.emit.numbers import number, operand
from symbackprop.emit.pointwise import apply
from symbackprop.emit.printer import Printer, subscripted
from symbackprop.emit.strips import in_strips
from symbackprop.program.operations import (
    Accumulate,
    Apply,
    Arange,
    Assemble,
    Box,
    Branch,
    Copy,
    Descend,
    Either,
    Inner,
    Matmul,
    Ones,
    Put,
    Reduce,
    Scalar,
    Scratch,
    Steps,
    Take,
    View,
)
from symbackprop.program.shapes import size
from symbackprop.program.storage import root
from symbackprop.program.tables import AddRows
from symbackprop.program.windows import Blocked, First, Overlap, Sweep

BY_MATMUL = 16384
"""From about so many entries `matmul` is faster than `dot`, which fills its result with 0 first."""
ROWS = 4096
"""From about so many entries the largest of each short row is found quicker by its place."""
_REDUCED = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum"}


def statement(printer: Printer, value: int) -> list[str]:
    """The lines that compute a value."""
    operation = printer.values[value]
    return _STATEMENTS[type(operation)](printer, value, operation)


def _reduce(printer: Printer, value: int, operation: Reduce) -> list[str]:
    rank = len(printer.values[operation.of].shape)
    axes = operation.axes
    axis = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
    if operation.function.startswith("arg"):
        return printer.call(
            value, f"np.{operation.function}", printer.see(operation.of), f"axis={axis}"
        )
    if operation.ones is not None:
        pair = (printer.see(operation.of), printer.see(operation.ones))
        return printer.call(value, "np.matmul", *pair)
    if operation.function == "max" and _is_of_rows(printer, operation):
        return printer.call(value, "_largest", printer.see(operation.of))
    axis = "None" if len(axes) == rank else axis
    name = f"np.{_REDUCED[operation.function]}.reduce"
    return printer.call(value, name, printer.see(operation.of), f"axis={axis}")


def _is_of_rows(printer: Printer, operation: Reduce) -> bool:
    """Whether an extreme is that of each row of a buffer, of many entries together."""
    memory = printer.values[operation.of]
    last = operation.axes == (len(memory.shape) - 1,) and bool(operation.shape)
    own = root(printer.values, operation.of) == operation.of
    dense = memory.kind == "real" and own and not printer.is_handed_in(operation.of)
    return last and dense and size(memory.shape) >= ROWS


def _matmul(printer: Printer, value: int, operation: Matmul) -> list[str]:
    if operation.strips is not None:
        return in_strips(printer, value, operation)
    stacked = len(printer.values[operation.a].shape) > 2
    a, b = (printer.see(v) for v in (operation.a, operation.b))
    whole = _flattened(printer, operation) if not operation.shape else None
    if whole is not None:
        return printer.call(value, "np.vdot", *map(printer.see, whole))
    function, *pair = "np.matmul", a, b
    if not stacked and size(operation.shape) < BY_MATMUL:
        # The method is quicker than the function, which reads better where a line is too short.
        where = (f"out={printer.out(value)}",) if operation.shape else ()
        method = Call("float", (Call(f"{a}.dot", (b, *where)),))
        short = len(printer.write(f"{printer.names[value]} = ", method)) == 1
        function, *pair = (f"{a}.dot", b) if short else ("np.dot", a, b)
    left, right = (printer.values[v].shape for v in (operation.a, operation.b))
    natural = (*left[:-1], *(right[-1:] if stacked else right[1:]))
    name, order = printer.names[value], operation.order
    if operation.shape == natural and not order:
        return printer.call(value, function, *pair)
    out = Call(f"out={name}.reshape", tuple(map(number, natural)))
    if order:
        out = Call(f"out={name}.transpose", tuple(str(order.index(k)) for k in range(len(order))))
    return printer.fresh(value) + printer.write("", Call(function, (*pair, out)))


def _flattened(printer: Printer, operation: Matmul) -> tuple[int, int] | None:
    """The arrays of equal shapes that two vectors are, row by row."""
    a, b = (printer.values[v] for v in (operation.a, operation.b))
    if not (isinstance(a, View) and isinstance(b, View) and a.how == b.how == "reshape"):
        return None
    same = printer.values[a.of].shape == printer.values[b.of].shape
    return (a.of, b.of) if same else None


def _inner(printer: Printer, value: int, operation: Inner) -> list[str]:
    pair = (printer.see(operation.a), printer.see(operation.b))
    return printer.call(value, "np.einsum", '"...i,...i->..."', *pair)


def _take(printer: Printer, value: int, operation: Take) -> list[str]:
    of = printer.values[operation.of]
    index = printer.see(operation.index)
    if not operation.shape:
        return printer.call(value, "np.take", printer.see(operation.of), index, 'mode="clip"')
    flat = isinstance(of, View) and of.how == "reshape" and len(of.shape) == 1
    source = printer.see(of.of if flat and isinstance(of, View) else operation.of)
    axis = () if len(of.shape) == 1 else (f"axis={operation.axis}",)
    out = f"out={printer.out(value)}"
    call = Call("np.take", (source, index, *axis, out, 'mode="clip"'))
    if str(source).isidentifier():
        call = Call(f"{source}.take", (index, *axis, out, 'mode="clip"'))
    return printer.assign(value, call)


def _put(printer: Printer, value: int, operation: Put) -> list[str]:
    index, entries = printer.see(operation.index), printer.see(operation.entries)
    return printer.based(value, operation.base) + printer.write(
        "", Call(f"{printer.names[value]}.put", (index, entries))
    )


def _accumulate(printer: Printer, value: int, operation: Accumulate) -> list[str]:
    name = printer.names[value]
    flat = name if len(operation.shape) == 1 else f"{name}.reshape(-1)"
    index, entries = printer.see(operation.index), printer.see(operation.entries)
    return printer.based(value, operation.base) + printer.write(
        "", Call("np.add.at", (flat, index, entries))
    )


def _add_rows(printer: Printer, value: int, operation: AddRows) -> list[str]:
    seen = (printer.see(v) for v in (operation.rows, operation.entries, *operation.room))
    return printer.based(value, operation.base) + printer.write(
        "", Call("_at_rows", ("np.add", printer.names[value], *seen))
    )


def _assemble(printer: Printer, value: int, operation: Assemble) -> list[str]:
    found = printer.fresh(value)
    for part, (start, stop) in zip(operation.parts, operation.ranges, strict=True):
        before = ":, " * operation.axis
        span = f"{number(start)} : {number(stop)}"
        if all(text.isalnum() for text in (number(start), number(stop))):
            span = span.replace(" ", "")
        target = f"{printer.names[value]}[{before}{span}]"
        found += printer.write(f"{target} = ", printer.beside(part, operation))
    return found


def _box(printer: Printer, value: int, operation: Box) -> list[str]:
    name = printer.names[value]
    found = printer.fresh(value)
    found += printer.write(
        "", Call(f"{name}.fill", (printer.beside(operation.outside, operation),))
    )
    target = subscripted(name, operation.ranges, operation.shape)
    return found + printer.write(f"{target} = ", printer.beside(operation.inside, operation))


def _copy(printer: Printer, value: int, operation: Copy) -> list[str]:
    name = printer.names[value]
    if not operation.shape and printer.places[value].row_of is not None:
        return printer.write(f"{printer.out(value)} = ", printer.see(operation.of))
    of = printer.values[operation.of]
    if windows.is_covered(printer, value):
        return printer.fresh(value)
    if isinstance(of, Scalar):
        return printer.fresh(value) + printer.write("", Call(f"{name}.fill", (operand(of.number),)))
    target: Code = name
    if len(of.shape) > len(operation.shape):
        target = Call(f"{name}.reshape", tuple(number(e) for e in of.shape))
    copied = Call("np.copyto", (target, printer.see(operation.of)))
    return printer.fresh(value) + printer.write("", copied)


def _either(printer: Printer, value: int, operation: Either) -> list[str]:
    """`name = a if condition else b`."""
    a, b = (printer.beside(v, operation) for v in (operation.a, operation.b))
    test = printer.test(operation.step, operation.condition)
    return printer.assign(value, Infix(f"{a}", f"if {test} else", f"{b}"))


def branches(printer: Printer, value: int) -> tuple[list[str], list[str]]:
    """The statements of a `Branch`: those where its condition holds, and those elsewhere."""
    operation = printer.values[value]
    assert isinstance(operation, Branch)
    return tuple(_taken(printer, value, operation, v) for v in (operation.a, operation.b))  # type: ignore[return-value]


def _taken(printer: Printer, value: int, operation: Branch, chosen: int) -> list[str]:
    """The branch under its name: as it is where its own memory is used, else copied."""
    seen = printer.beside(chosen, operation)
    if not operation.shape:
        return printer.assign(value, seen)
    if printer.places[value].inplace == chosen:
        same = printer.names[chosen] == printer.names[value]
        return [] if same else printer.write(f"{printer.names[value]} = ", seen)
    name = printer.names[value]
    memory = printer.write(f"{name} = ", printer.memory(value))
    if isinstance(printer.values[chosen], Scalar):
        return memory + printer.write("", Call(f"{name}.fill", (seen,)))
    return memory + printer.write("", Call("np.copyto", (name, seen)))


_STATEMENTS: Mapping[type, Callable[[Printer, int, Any], list[str]]] = {
    Apply: apply,
    Reduce: _reduce,
    Matmul: _matmul,
    Inner: _inner,
    Take: _take,
    Put: _put,
    Accumulate: _accumulate,
    AddRows: _add_rows,
    Assemble: _assemble,
    Box: _box,
    Copy: _copy,
    Steps: windows.scratch,
    Descend: descend,
    Either: _either,
    Scratch: windows.scratch,
    Sweep: windows.sweep,
    First: windows.first,
    Overlap: windows.overlap,
    Blocked: blocked,
}


def constant(printer: Printer, value: int) -> Code:
    """A value that depends on extents alone, as an expression that allocates it."""
    operation = printer.values[value]
    if isinstance(operation, Arange):
        return Call("np.arange", (number(operation.shape[0]),))
    if isinstance(operation, Ones):
        return Call("np.ones", (number(operation.shape[0]), "dtype"))
    if isinstance(operation, Apply):
        inputs = tuple(printer.beside(v, operation) for v in operation.inputs)
        if operation.function == "real":
            return Call(f"{inputs[0]}.astype", ("dtype",))
        call = Call(f"np.{operation.function}", inputs)
        return Call(f"{call}.astype", ("dtype",)) if operation.kind == "real" else call
    if isinstance(operation, Reduce):
        name = (
            operation.function
            if operation.function.startswith("arg")
            else (f"{_REDUCED[operation.function]}.reduce")
        )
        axes = operation.axes
        axis = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
        return Call(f"np.{name}", (printer.see(operation.of), f"axis={axis}"))
    if isinstance(operation, Matmul):
        pair = (printer.see(operation.a), printer.see(operation.b))
        shape = tuple(map(number, operation.shape))
        return Call(f"{Call('np.matmul', pair)}.reshape", shape)
    if isinstance(operation, Take):
        return Call(
            "np.take",
            (
                printer.see(operation.of),
                printer.see(operation.index),
                f"axis={operation.axis}",
                'mode="clip"',
            ),
        )
    raise AssertionError(f"{operation} is no constant")
