"""The entries of a spec: shapes, inputs, parameters, constants, how parameters start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TypeVar

from symbackprop.spec import grammar, lines
from symbackprop.spec.document import ListNode, MappingNode, Node, ScalarNode, describe
from symbackprop.spec.errors import Fault, Faults, Refused, did_you_mean, listed, quoted
from symbackprop.spec.syntax import (
    Call,
    Expression,
    Init,
    InputDeclaration,
    Name,
    Number,
    ParameterDeclaration,
    Place,
    Unary,
)

KINDS = ("real", "labels", "mask", "distribution")
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
LARGEST = 2**31  # extents stay below

_INTEGER = re.compile(r"[-+]?\d{1,400}")
_WORD = re.compile(r"[A-Za-z_]\w*")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

Value = TypeVar("Value")


def attempt(faults: Faults, read: Callable[[], Value]) -> Value | None:
    """What `read` yields; None, and its fault noted, where it is Refused."""
    try:
        return read()
    except Refused as refusal:
        faults.add(refusal.fault)
        return None


def entries(node: Node, what: str) -> tuple[tuple[ScalarNode, Node], ...]:
    """The entries of a mapping; none where nothing stands."""
    if isinstance(node, ScalarNode) and node.is_nothing:
        return ()
    if not isinstance(node, MappingNode):
        message = f"{what} is a mapping, not {describe(node)}"
        raise Refused(node.place, message, "write 'name: value' lines below it, indented")
    return node.entries


def options(node: MappingNode, known: Iterable[str], where: str, faults: Faults) -> dict[str, Node]:
    """The entries with known keys; every other key is a fault."""
    known = tuple(known)
    found = {}
    for key, value in node.entries:
        if key.text in known:
            found[key.text] = value
        else:
            fix = did_you_mean(key.text, known, f"{where} takes {listed(known)}")
            faults.add(Fault(key.place, f"unknown key {quoted(key.text)} in {where}", fix))
    return found


def scalar(node: Node, what: str, fix: str) -> ScalarNode:
    """A value that is one word, number or text."""
    if not isinstance(node, ScalarNode) or node.is_nothing:
        raise Refused(node.place, f"{what} is {describe(node)}", fix)
    return node


def word(node: Node, what: str) -> tuple[str, Place]:
    """A name, as it stands."""
    found = scalar(node, what, "write a name")
    if found.style in ("|", ">"):
        raise Refused(found.place, f"{what} is a block of text", "write a name")
    return found.text, found.excerpt().place(0)


def words(node: Node, what: str) -> tuple[tuple[str, Place], ...]:
    """`[W1, b1]`, or one name alone."""
    if isinstance(node, ListNode):
        if not node.items:
            raise Refused(
                node.place, f"{what} is an empty list", "name something, or delete the key"
            )
        found = tuple(word(item, f"an entry of {what}") for item in node.items)
        for k, (name, place) in enumerate(found):
            if name in [earlier for earlier, _ in found[:k]]:
                raise Refused(place, f"{what} lists {quoted(name)} twice", "list it once")
        return found
    if isinstance(node, MappingNode) or node.is_nothing:
        message = f"{what} is a list of names, not {describe(node)}"
        raise Refused(node.place, message, "write [a, b]")
    return (word(node, what),)


def text(node: Node, what: str) -> str:
    """Any text; a block's last line break goes."""
    return scalar(node, what, "write some text, or delete the key").text.strip()


def number(node: Node, what: str) -> Fraction:
    """An exact number, as it is written: `1e-3` is 1/1000."""
    found = scalar(node, what, "write a number")
    sign, digits = (-1, found.text[1:]) if found.text[:1] == "-" else (1, found.text.lstrip("+"))
    if found.style:
        message = f"{what} is the text {quoted(found.text)}"
        raise Refused(found.place, message, "write a number without quotes")
    try:
        return sign * grammar.number(digits, found.place).value
    except Refused as refusal:
        if "range" in refusal.fault.message:
            raise
        message = f"{what} is {quoted(found.text)}, not a number"
        raise Refused(found.place, message, "write a number, as in 3, 0.5 or 1e-4") from None


def truth(node: Node, what: str) -> bool:
    found = scalar(node, what, "write true or false")
    if found.style or found.text not in _TRUTH:
        raise Refused(found.place, f"{what} is {quoted(found.text)}", "write true or false")
    return _TRUTH[found.text]


def size(node: Node, what: str) -> int:
    """A positive whole number."""
    fix = "write a whole number from 1"
    found = scalar(node, what, fix)
    if found.style or not _INTEGER.fullmatch(found.text) or not 0 < int(found.text) < LARGEST:
        raise Refused(found.place, f"{what} is {quoted(found.text)}", fix)
    return int(found.text)


def extent(node: Node, what: str) -> tuple[int | str, Place]:
    """A positive whole number, or the name of an extent."""
    fix = "write a whole number from 1, or a name such as N"
    found = scalar(node, what, fix)
    if not found.style and _WORD.fullmatch(found.text):
        return found.text, found.place
    if found.style or not _INTEGER.fullmatch(found.text):
        raise Refused(found.place, f"{what} is {quoted(found.text)}", fix)
    return size(node, what), found.place


class Entries:
    """Reads inputs and parameters; `extents` collects the named extents with their places."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.extents: list[tuple[str, Place]] = []

    def shape(self, node: Node, what: str) -> tuple[int | str, ...]:
        if not isinstance(node, ListNode):
            example = node.text[:40] if isinstance(node, ScalarNode) and node.text else "N, 3"
            message = f"{what} is a list of extents, not {describe(node)}"
            raise Refused(node.place, message, f"write [{example}]")
        return tuple(self.extent(item, f"an extent of {what}") for item in node.items)

    def extent(self, node: Node, what: str) -> int | str:
        found, place = extent(node, what)
        if isinstance(found, str):
            self.extents.append((found, place))
        return found

    def input(self, key: ScalarNode, node: Node) -> InputDeclaration:
        """`x: [N, 784]` or `y: {shape: [N], classes: 10}`."""
        name, what = key.text, f"the shape of input {quoted(key.text)}"
        if not isinstance(node, MappingNode):
            return InputDeclaration(name, self.shape(node, what), "real", None, key.place)
        found = options(node, ("shape", "classes", "kind"), f"input {quoted(name)}", self.faults)
        shape = self._shape_of(found, node, f"input {quoted(name)}")
        kind, place = "labels" if "classes" in found else "real", node.place
        if "kind" in found:
            kind, place = word(found["kind"], "kind")
        if kind not in KINDS:
            fix = did_you_mean(kind, KINDS, f"kinds are {listed(KINDS)}")
            raise Refused(place, f"unknown kind {quoted(kind)}", fix)
        if kind == "labels" and "classes" not in found:
            message = f"labels {quoted(name)} without classes"
            raise Refused(place, message, "say how many classes there are: classes: 10")
        if kind != "labels" and "classes" in found:
            message = f"input {quoted(name)} has classes, but its kind is {kind}"
            raise Refused(place, message, "only labels have classes; delete one of the two")
        if kind == "distribution" and not shape:
            message = f"distribution {quoted(name)} of rank 0"
            raise Refused(place, message, "its rows lie along the last axis: give it one")
        classes = None
        if "classes" in found:
            classes = self.extent(found["classes"], f"classes of {quoted(name)}")
        return InputDeclaration(name, shape, kind, classes, key.place)

    def parameter(self, key: ScalarNode, node: Node) -> ParameterDeclaration:
        """`W: {shape: [3, 4], init: normal(0.1), trainable: false}`, or `W: [3, 4]`."""
        name, what = key.text, f"parameter {quoted(key.text)}"
        if not isinstance(node, MappingNode):
            shape = self.shape(node, f"the shape of {what}")
            return ParameterDeclaration(name, shape, _default(shape), True, key.place)
        found = options(node, ("shape", "init", "trainable"), what, self.faults)
        shape = self._shape_of(found, node, what)
        init = initial(found["init"], shape) if "init" in found else _default(shape)
        trainable = truth(found["trainable"], "trainable") if "trainable" in found else True
        return ParameterDeclaration(name, shape, init, trainable, key.place)

    def _shape_of(self, found: dict[str, Node], node: Node, what: str) -> tuple[int | str, ...]:
        if "shape" not in found:
            raise Refused(node.place, f"{what} has no shape", "add shape: [N, 3]")
        return self.shape(found["shape"], f"the shape of {what}")


def _default(shape: tuple[int | str, ...]) -> Init:
    return Init("zeros" if len(shape) < 2 else "glorot_uniform")


def initial(node: Node, shape: tuple[int | str, ...]) -> Init:
    """`zeros`, `normal(0.1)`, …, or a nested list of numbers of that shape."""
    if isinstance(node, ListNode):
        return Init("values", (), _values(node, shape))
    found = scalar(node, "init", f"write one of {', '.join(SCHEMES)}, or a nested list")
    if not found.style and not shape and not _WORD.match(found.text):
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


def plain(node: Node) -> object:
    """A node as plain Python values: numbers, truths, texts, lists and dicts."""
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    if isinstance(node, MappingNode):
        return {key.text: plain(item) for key, item in node.entries}
    if node.is_nothing or (not node.style and node.text in _TRUTH):
        return _TRUTH.get(node.text)
    return _plain_scalar(node)


def _plain_scalar(node: ScalarNode) -> object:
    if node.style:
        return node.text
    if _INTEGER.fullmatch(node.text):
        return int(node.text)
    try:
        return float(number(node, "a number"))
    except Refused as refusal:
        if "range" in refusal.fault.message:
            raise
        return node.text
