"""How a parameter starts: a scheme such as `normal(0.1)`, or its values."""

from __future__ import annotations

import re
from fractions import Fraction

from symbackprop.spec import grammar, lines
from symbackprop.spec.document import ListNode, Node, ScalarNode, describe
from symbackprop.spec.errors import Faults, Refused, did_you_mean, quoted
from symbackprop.spec.fields import number, scalar
from symbackprop.spec.syntax import Call, Expression, Init, Name, Number, Unary

# The named schemes of initial values, each with the number of its arguments.
SCHEMES = {
    "zeros": 0,
    "ones": 0,
    "normal": 1,
    "uniform": 2,
    "glorot_uniform": 0,
    "glorot_normal": 0,
    "he_uniform": 0,
    "he_normal": 0,
}
_LETTER = re.compile(r"[A-Za-z_]")


def default(shape: tuple[int | str, ...]) -> Init:
    """What a parameter without `init` has: vectors zeros, matrices Glorot's uniform."""
    return Init("zeros" if len(shape) < 2 else "glorot_uniform")


def initial(node: Node, shape: tuple[int | str, ...]) -> Init:
    """`zeros`, `normal(0.1)`, …, or a nested list of numbers of that shape."""
    if isinstance(node, ListNode):
        return Init("values", (), _values(node, shape))
    found = scalar(node, "init", f"write one of {', '.join(SCHEMES)}, or a nested list")
    if not found.style and not shape and not _LETTER.match(found.text):
        return Init("values", (), number(found, "init"))
    fix = 'write zeros, normal(0.1), … or a list; between braces in quotes: "uniform(-1, 1)"'
    scheme, arguments = call_of(found, "init", fix)
    if scheme not in SCHEMES:
        fix = did_you_mean(scheme, SCHEMES, f"write one of {', '.join(SCHEMES)}, or a nested list")
        raise Refused(found.place, f"unknown init {quoted(found.text)}", fix)
    if len(arguments) != SCHEMES[scheme]:
        example = {0: scheme, 1: f"{scheme}(0.1)", 2: f"{scheme}(-0.1, 0.1)"}[SCHEMES[scheme]]
        message = f"{scheme} takes {numbers_text(SCHEMES[scheme])}, not {len(arguments)}"
        raise Refused(found.place, message, f"write {example}")
    numbers = tuple(literal(argument) for argument in arguments)
    if scheme == "normal" and numbers[0] < 0:
        raise Refused(arguments[0].place, "a negative standard deviation", "write normal(0.1)")
    if scheme == "uniform" and numbers[0] > numbers[1]:
        raise Refused(arguments[0].place, "low is above high", "write uniform(low, high)")
    return Init(scheme, numbers)


def call_of(found: ScalarNode, what: str, fix: str) -> tuple[str, tuple[Expression, ...]]:
    """`normal(0.1)` or `zeros`: the name, "" for none, and its arguments."""
    code = lines.expression(found.excerpt(), Faults())
    if code is None:
        raise Refused(found.place, f"{what} cannot be read", fix)
    call = grammar.expression(code)
    if isinstance(call, Call):
        for keyword in call.keywords:
            message = f"{call.function} takes numbers without names"
            raise Refused(keyword.place, message, f"drop {keyword.name}=")
        return call.function, call.args
    return call.id if isinstance(call, Name) else "", ()


def numbers_text(numbers: int) -> str:
    """How many numbers, in words: `no numbers`, `1 number`."""
    return f"{numbers or 'no'} number{'s' if numbers != 1 else ''}"


def literal(node: Expression) -> Fraction:
    """A number as it is written, with its sign."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Unary) and node.op == "-" and isinstance(node.of, Number):
        return -node.of.value
    raise Refused(node.place, "not a number", "write a number, as in normal(0.1)")


def _values(node: Node, shape: tuple[int | str, ...]) -> object:
    """A nested tuple of exact numbers with the lengths of the shape."""
    if not shape:
        return number(node, "an entry of init")
    if not isinstance(node, ListNode):
        message = f"init has {describe(node)} where a list of {shape[0]} stands"
        raise Refused(node.place, message, "nest one list for each axis of the shape")
    if len(node.items) != shape[0]:
        message = f"init has a list of {len(node.items)}, but the extent is {shape[0]}"
        fix = "give init the lengths of the shape, all of them numbers"
        raise Refused(node.place, message, fix)
    return tuple(_values(item, shape[1:]) for item in node.items)
