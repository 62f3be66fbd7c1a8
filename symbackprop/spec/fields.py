"""What may stand behind a key: a name, a text, a number, a mapping, a list of names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TypeVar

from symbackprop.spec import numerals
from symbackprop.spec.document import ListNode, MappingNode, Node, ScalarNode, describe
from symbackprop.spec.errors import Fault, Faults, Refused, did_you_mean, listed, quoted
from symbackprop.spec.syntax import Place

LARGEST = 2**31  # extents stay below

# Python's float() reads YAML's numbers that are none, once their dot is gone.
_NO_NUMBER = re.compile(r"\.(nan|NaN|NAN)|[-+]?\.(inf|Inf|INF)")
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
    found: dict[str, Node] = {}
    for key, value in node.entries:
        if key.text in known:
            found[key.text] = value
        else:
            fix = did_you_mean(key.text, known, f"{where} takes {listed(known)}")
            faults.add(Fault(key.place, f"unknown key {quoted(key.text)} in {where}", fix))
    return found


def uncut(node: MappingNode) -> MappingNode:
    """The mapping without the rest of a call that a comma between braces has cut in two.

    In `{init: uniform(0, 1)}` that is the key `1)`; the fault is the value `uniform(0` before it.
    """
    kept: list[tuple[ScalarNode, Node]] = []
    is_open = False
    for key, value in node.entries:
        if not (is_open and isinstance(value, ScalarNode) and value.raw == ""):
            kept.append((key, value))
            text = value.text if isinstance(value, ScalarNode) and not value.style else ""
            is_open = text.count("(") > text.count(")")
    return MappingNode(tuple(kept), node.place)


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
        return sign * numerals.number(digits, found.place).value
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
    if _NO_NUMBER.fullmatch(node.text):
        return float(node.text.replace(".", ""))
    try:
        return float(number(node, "a number"))
    except Refused as refusal:
        if "range" in refusal.fault.message:
            raise
        return node.text
