"""Operations as NumPy statements; constants as expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.emit.layout import Call, Code, Infix, lines
from symbackprop.emit.numbers import factor, number, operand
from symbackprop.emit.printer import Printer
from symbackprop.program.operations import (
    Accumulate,
    Apply,
    Arange,
    Assemble,
    Copy,
    Inner,
    Matmul,
    Ones,
    Put,
    Reduce,
    Scalar,
    Take,
    View,
)

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
        return printer.fresh(value) + lines("", Call("np.copyto", (printer.names[value], *inputs)))
    if function == "erf":
        return printer.assign(value, Call("_erf", (*inputs, printer.out(value))))
    return printer.call(value, f"np.{function}", *inputs)


def _where(printer: Printer, value: int, inputs: tuple[Code, ...]) -> list[str]:
    mask, a, b = inputs
    name = printer.names[value]
    if printer.places[value].inplace is None:
        found = printer.fresh(value) + lines("", Call("np.copyto", (name, b)))
    else:
        found = []
        if printer.out(value) != name:
            found += printer.assign(value, printer.out(value))
    return found + lines("", Call("np.copyto", (name, a, f"where={mask}")))


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
    if function == "erf":
        return printer.assign(value, Call("math.erf", seen))
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
    return printer.call(value, function, printer.see(operation.a), printer.see(operation.b))


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


def _based(printer: Printer, value: int, base: int) -> list[str]:
    """The base under the name of the value: copied, unless the value is written over it."""
    if printer.places[value].inplace is not None:
        name = printer.out(value)
        return [] if name == printer.names[value] else printer.assign(value, name)
    return printer.fresh(value) + lines(
        "", Call("np.copyto", (printer.names[value], printer.see(base)))
    )


def _put(printer: Printer, value: int, operation: Put) -> list[str]:
    index, entries = printer.see(operation.index), printer.see(operation.entries)
    return _based(printer, value, operation.base) + lines(
        "", Call(f"{printer.names[value]}.put", (index, entries))
    )


def _accumulate(printer: Printer, value: int, operation: Accumulate) -> list[str]:
    name = printer.names[value]
    flat = name if len(operation.shape) == 1 else f"{name}.reshape(-1)"
    index, entries = printer.see(operation.index), printer.see(operation.entries)
    return _based(printer, value, operation.base) + lines(
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
        found += lines(f"{target} = ", printer.beside(part, operation))
    return found


def _copy(printer: Printer, value: int, operation: Copy) -> list[str]:
    name = printer.names[value]
    of = printer.values[operation.of]
    if isinstance(of, Scalar):
        return printer.fresh(value) + lines("", Call(f"{name}.fill", (operand(of.number),)))
    return printer.fresh(value) + lines("", Call("np.copyto", (name, printer.see(operation.of))))


_STATEMENTS: Mapping[type, Callable[[Printer, int, Any], list[str]]] = {
    Apply: _apply,
    Reduce: _reduce,
    Matmul: _matmul,
    Inner: _inner,
    Take: _take,
    Put: _put,
    Accumulate: _accumulate,
    Assemble: _assemble,
    Copy: _copy,
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
        return Call("np.matmul", (printer.see(operation.a), printer.see(operation.b)))
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
