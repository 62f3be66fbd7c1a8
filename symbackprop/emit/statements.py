"""Operations as NumPy statements; constants as expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.emit import windows
from symbackprop.emit.blocks import blocked
from symbackprop.emit.descent import descend
from symbackprop.emit.layout import Call, Code, Infix
from symbackprop.emit.numbers import factor, number, operand
from symbackprop.emit.printer import Printer, subscripted
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
from symbackprop.program.windows import Blocked, First, Overlap, Sweep

_INFIX = {"add": "+", "subtract": "-", "multiply": "*"}
_COMPARISONS = {
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
    "logical_and": "and",
    "logical_or": "or",
}
_IN_DOUBLE = frozenset(["tan"])  # the kernel for single precision is off by nearly two units
_REDUCED = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum"}


def statement(printer: Printer, value: int) -> list[str]:
    """The lines that compute a value."""
    operation = printer.values[value]
    return _STATEMENTS[type(operation)](printer, value, operation)


def _apply(printer: Printer, value: int, operation: Apply) -> list[str]:
    if not operation.shape:
        return _apply_number(printer, value, operation)
    function = operation.function
    inputs = tuple(printer.beside(v, operation) for v in operation.inputs)
    if function == "where":
        return _where(printer, value, inputs)
    if function == "real":
        return printer.fresh(value) + printer.write(
            "", Call("np.copyto", (printer.names[value], *inputs))
        )
    if function in ("erf", "erfc"):
        return printer.assign(value, Call(f"_{function}", (*inputs, printer.out(value))))
    double = ("dtype=float",) if function in _IN_DOUBLE else ()
    return printer.call(value, f"np.{function}", *inputs, *double)


def _where(printer: Printer, value: int, inputs: tuple[Code, ...]) -> list[str]:
    mask, a, b = inputs
    name = printer.names[value]
    if printer.places[value].inplace is None:
        found = printer.fresh(value) + printer.write("", Call("np.copyto", (name, b)))
    else:
        found = []
        if printer.out(value) != name:
            found += printer.assign(value, printer.out(value))
    return found + printer.write("", Call("np.copyto", (name, a, f"where={mask}")))


def _apply_number(printer: Printer, value: int, operation: Apply) -> list[str]:
    """A function of numbers, in Python's own arithmetic where it has it."""
    function = operation.function
    seen = tuple(printer.see(v) for v in operation.inputs)
    scalars = [printer.values[v] for v in operation.inputs]
    tight = tuple(
        factor(o.number) if isinstance(o, Scalar) else s for o, s in zip(scalars, seen, strict=True)
    )
    sign = _INFIX.get(function) or _COMPARISONS.get(function)
    if sign:
        return printer.assign(value, Infix(str(tight[0]), sign, str(tight[1])))
    if function == "negative":
        return printer.assign(value, f"-{tight[0]}")
    if function == "divide" and isinstance(scalars[1], Scalar) and scalars[1].number.is_nonzero:
        return printer.assign(value, Infix(str(tight[0]), "/", str(tight[1])))
    if function == "logical_not":
        return printer.assign(value, f"not {seen[0]}")
    if function in ("real", "where"):
        inner = seen[0] if function == "real" else Call("np.where", seen)
        return printer.assign(value, Call("float", (inner,)))
    if function in ("erf", "erfc"):
        return printer.assign(value, Call(f"math.{function}", seen[:1]))
    return printer.call(value, f"np.{function}", *seen)


def _reduce(printer: Printer, value: int, operation: Reduce) -> list[str]:
    rank = len(printer.values[operation.of].shape)
    axes = operation.axes
    axis = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
    if operation.function.startswith("arg"):
        return printer.call(
            value, f"np.{operation.function}", printer.see(operation.of), f"axis={axis}"
        )
    axis = "None" if len(axes) == rank else axis
    name = f"np.{_REDUCED[operation.function]}.reduce"
    return printer.call(value, name, printer.see(operation.of), f"axis={axis}")


def _matmul(printer: Printer, value: int, operation: Matmul) -> list[str]:
    stacked = len(printer.values[operation.a].shape) > 2
    function = "np.matmul" if stacked else "np.dot"
    pair = (printer.see(operation.a), printer.see(operation.b))
    left, right = (printer.values[v].shape for v in (operation.a, operation.b))
    natural = (*left[:-1], *(right[-1:] if stacked else right[1:]))
    if operation.shape == natural:
        return printer.call(value, function, *pair)
    name = printer.names[value]
    out = Call(f"out={name}.reshape", tuple(map(number, natural)))
    return printer.fresh(value) + printer.write("", Call(function, (*pair, out)))


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
    Apply: _apply,
    Reduce: _reduce,
    Matmul: _matmul,
    Inner: _inner,
    Take: _take,
    Put: _put,
    Accumulate: _accumulate,
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
