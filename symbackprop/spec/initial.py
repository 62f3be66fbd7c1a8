"""How a parameter starts: a scheme such as `normal(0.1)`, or its values."""

from __future__ import annotations

import re
from fractions import Fraction

from symbackprop.spec import grammar, lines
from symbackprop.spec.document import ListNode, Node, describe
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
    code = lines.expression(found.excerpt(), Faults())
    if code is None:
        fix = 'write zeros, normal(0.1), … or a list; between braces in quotes: "uniform(-1, 1)"'
        raise Refused(found.place, "init cannot be read", fix)
    call = grammar.expression(code)
    scheme = call.id if isinstance(call, Name) else call.function if isinstance(call, Call) else ""
    if scheme not in SCHEMES:
        fix = did_you_mean(scheme, SCHEMES, f"write one of {', '.join(SCHEMES)}, or a nested list")
        raise Refused(found.place, f"unknown init {quoted(found.text)}", fix)
    arguments = call.args if isinstance(call, Call) else ()
    keywords = call.keywords if isinstance(call, Call) else ()
    if keywords or len(arguments) != SCHEMES[scheme]:
        count = len(arguments) + len(keywords)
        example = {0: scheme, 1: f"{scheme}(0.1)", 2: f"{scheme}(-0.1, 0.1)"}[SCHEMES[scheme]]
        message = f"{scheme} takes {_count(SCHEMES[scheme])}, not {count}"
        raise Refused(found.place, message, f"write {example}")
    numbers = tuple(_literal(argument) for argument in arguments)
    if scheme == "normal" and numbers[0] < 0:
        raise Refused(arguments[0].place, "a negative standard deviation", "write normal(0.1)")
    if scheme == "uniform" and numbers[0] > numbers[1]:
        raise Refused(arguments[0].place, "low is above high", "write uniform(low, high)")
    return Init(scheme, numbers)


def _count(numbers: int) -> str:
    return f"{numbers or 'no'} number{'s' if numbers != 1 else ''}"


def _literal(node: Expression) -> Fraction:
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
