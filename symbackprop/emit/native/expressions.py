"""Functions of one entry as C expressions."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from sympy import Expr

from symbackprop.emit.native.accesses import Access
from symbackprop.emit.native.numbers import double, integer, is_simple

TYPES: Mapping[str, str] = {"real": "real", "integer": "int64_t", "mask": "unsigned char"}
VARIABLES: Mapping[str, str] = {"real": "real", "integer": "int64_t", "mask": "int"}

_INFIX: Mapping[str, str] = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
    "logical_and": "&&",
    "logical_or": "||",
}
# What is one for numbers of every type.
_BOTH = frozenset(["maximum", "minimum", "sign", "floor_divide", "remainder"])
_NAMES: Mapping[str, str] = {
    "absolute": "fabs",
    "arctan": "atan",
    "power": "pow",
    "remainder": "modulo",
}


# One or two instructions, whatever the processor.
_QUICK = frozenset(
    [
        *_INFIX,
        *("copy", "real", "zero", "negative", "logical_not", "where", "absolute", "sign"),
        *("maximum", "minimum", "first", "chosen", "attained", "left over"),
        *("descend", "part of step"),
    ]
)


def is_quick(function: str) -> bool:
    """Whether a function of entries takes about as long as an addition."""
    return function in _QUICK


def number(expr: Expr, kind: str, scalar: bool) -> str:
    """A number beside values of a kind: in double precision beside scalars."""
    if kind == "integer" or (is_simple(expr) and kind == "mask"):
        text = integer(expr)
    elif is_simple(expr) and not scalar:
        text = str(int(expr))
    elif scalar:
        text = double(expr)
    else:
        text = double(expr)
        return f"(real){text}" if _is_atom(text) else f"(real)({text})"
    return text if _is_atom(text) else f"({text})"


def _is_atom(text: str) -> bool:
    return text.replace(".", "").replace("_", "").replace("e-", "").isalnum()


def call(function: str, operands: Sequence[str], kind: str, scalar: bool) -> str:
    """A function of entries; `scalar` ones are computed in double precision."""
    sign = _INFIX.get(function)
    if sign and not (kind == "integer" and function == "divide"):
        return f" {sign} ".join(operands)
    if function in ("copy", "real"):
        return operands[0]
    if function == "zero":
        return "0"
    if function == "negative":
        return f"-{operands[0]}"
    if function == "logical_not":
        return f"!{operands[0]}"
    if function == "where":
        return f"{operands[0]} ? {operands[1]} : {operands[2]}"
    if function == "first":
        of, best, position, last = operands
        return f"{of} == {best} ? {position} : {last}"
    if function.endswith(" of all"):
        return _of_all(function.removesuffix(" of all"), operands, kind, scalar)
    if function == "chosen":
        entry, chosen, place = operands
        return f"{chosen} == {place} ? {entry} : 0"
    if function in ("attained", "left over"):
        entry, best, *others = operands
        tests = [f"{other} != {best}" for other in others]
        if function == "attained":
            tests[-1] = f"{others[-1]} == {best}"
        return f"{' && '.join(tests)} ? {entry} : 0"
    if function == "descend":
        parameter, gradient, rate = operands
        return f"{parameter} - {rate} * {gradient}"
    if function == "part of step":
        gradient, rate = operands
        return f"-{rate} * {gradient}"
    name = _NAMES.get(function, function)
    if function in _BOTH:
        return f"{name}({', '.join(operands)})"
    if function == "erfc" and scalar:
        # erfc(√s x), where Python's own knows no s
        return (
            f"erfc({operands[0]})"
            if len(operands) == 1
            else (f"erfc(sqrt({operands[1]}) * {operands[0]})")
        )
    prefix = "" if scalar else "real_"
    return f"{prefix}{name}({', '.join(operands)})"


def _of_all(function: str, operands: Sequence[str], kind: str, scalar: bool) -> str:
    """What is collected of several entries, or where the first that equals the best is."""
    if function == "sum":
        return " + ".join(operands)
    if function == "first":
        best, *entries = operands
        tests = [f"{entry} == {best} ? {k} : " for k, entry in enumerate(entries)]
        return "".join(tests) + str(len(entries))
    name = {"max": "larger", "min": "smaller"}[function]
    prefix = "double" if scalar else "whole" if kind == "integer" else "real"
    return functools.reduce(lambda a, b: f"{prefix}_{name}({a}, {b})", operands)


def position(access: Access, counters: Sequence[str]) -> str:
    """offset + Σ stride · counter, as an integer expression."""
    terms: list[str] = []
    for stride, counter in zip(access.strides, counters, strict=True):
        if stride == 0:
            continue
        if stride == 1:
            terms.append(counter)
        else:
            text = integer(stride)
            inner = text if text.isalnum() or text.replace("_", "").isalnum() else f"({text})"
            terms.append(f"{inner} * {counter}")
    if access.offset != 0:
        text = integer(access.offset)
        if text.startswith("-") and terms:
            return f"{' + '.join(terms)} - {integer(-access.offset)}"
        terms.append(text)
    return " + ".join(terms) or "0"
