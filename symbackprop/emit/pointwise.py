"""Pointwise operations as NumPy statements; those of numbers in Python's own arithmetic."""

from __future__ import annotations

from sympy import Integer

from symbackprop.emit.layout import Call, Code, Infix
from symbackprop.emit.numbers import factor
from symbackprop.emit.printer import Printer
from symbackprop.program.operations import Apply, Operation, Scalar
from symbackprop.program.shapes import size

ONE = Scalar((), "integer", Integer(1))
SMALL = 4096
"""To less than about so many entries it takes long to add a number that is no array yet."""
_INFIX = {"add": "+", "subtract": "-", "multiply": "*"}
_IN_PLACE = {**_INFIX, "divide": "/"}
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
# Kernels for single precision that are off by nearly two units.
_IN_DOUBLE = frozenset(["tan"])
_IN_DOUBLE_WHERE_EXPOSED = frozenset(["exp", "expm1"])
_ADDING = frozenset(["add", "subtract"])
_PASSING_ON = frozenset(["multiply", "negative", "where", "Copy"])


def apply(printer: Printer, value: int, operation: Apply) -> list[str]:
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
    if function == "divide" and printer.values[operation.inputs[0]] == ONE:
        return printer.call(value, "np.reciprocal", inputs[1])
    inputs = _with_one(printer, operation, inputs)
    other = _other(printer, value, operation, inputs)
    if other is not None:
        return printer.write(f"{printer.names[value]} {_IN_PLACE[function]}= ", other)
    exposed = function in _IN_DOUBLE_WHERE_EXPOSED and _is_exposed(printer, value)
    double = ("dtype=float",) if exposed or function in _IN_DOUBLE else ()
    return printer.call(value, f"np.{function}", *inputs, *double)


def _with_one(printer: Printer, operation: Operation, inputs: tuple[Code, ...]) -> tuple[Code, ...]:
    """The operands; the number 1 as an array of the workspace where they are small."""
    kinds = {printer.values[o].kind for o in operation.operands if printer.values[o] != ONE}
    if kinds != {"real"} or operation.kind != "real" or size(operation.shape) >= SMALL:
        return inputs
    pairs = zip(operation.operands, inputs, strict=True)
    return tuple(printer.one if printer.values[o] == ONE else seen for o, seen in pairs)


def _other(printer: Printer, value: int, operation: Apply, inputs: tuple[Code, ...]) -> Code | None:
    """The other operand where a result takes the place and the name of one: `z += b`.

    Not what was handed in: that may be an array of another library, whose operators come first.
    """
    below, name = printer.places[value].inplace, printer.names[value]
    known = operation.function in _IN_PLACE and below is not None and printer.names[below] == name
    if not known or any(printer.is_handed_in(o) for o in operation.operands):
        return None
    first, second = inputs
    if str(first) == name:
        return second
    turns = operation.function in ("add", "multiply")
    return first if turns and str(second) == name else None


def _is_exposed(printer: Printer, value: int) -> bool:
    """Whether the error of a value is that of a result, to which nothing is added first."""
    if value in printer.results:
        return True
    passing = [r for r in _readers(printer, value) if _function(printer, r) in _PASSING_ON]
    return any(p in printer.results or not _only_added(printer, p) for p in passing)


def _only_added(printer: Printer, value: int) -> bool:
    return {_function(printer, r) for r in _readers(printer, value)} <= _ADDING


def _readers(printer: Printer, value: int) -> list[int]:
    found = sorted(printer.readers.get(value, ()))
    return [v for v in found if value in printer.values[v].operands]


def _function(printer: Printer, value: int) -> str:
    operation = printer.values[value]
    return operation.function if isinstance(operation, Apply) else type(operation).__name__


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
