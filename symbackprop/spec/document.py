"""YAML as data: a tree of nodes, each with its place; no tags, no aliases, no types but text.

    node := ScalarNode | ListNode | MappingNode

The tree is made from the event stream of ruamel.yaml (YAML 1.2, pure Python), so that nothing
is resolved or constructed behind our back, and nesting and size are bounded as it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from symbackprop.spec import excerpt
from symbackprop.spec.errors import Fault, Faults, Refused, quoted
from symbackprop.spec.excerpt import Excerpt
from symbackprop.spec.syntax import Place

DEPTH = 100  # the deepest nesting of brackets, in YAML and in expressions
VALUES = 20_000  # keys and values of one file

_RUN = re.compile(rf"(?:[\[{{]\s*){{{DEPTH + 1},}}")


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A word, number or text. `style` is one of `| > ' "`, or empty for a plain scalar."""

    text: str
    style: str
    raw: str
    place: Place

    @property
    def is_nothing(self) -> bool:
        return self.style == "" and self.text in ("", "~", "null", "Null", "NULL")

    def excerpt(self) -> Excerpt:
        """The text with the place of each character."""
        if self.style == "|":
            return excerpt.block(self.text, self.raw, self.place)
        return excerpt.flow(self.text, self.raw, self.place, self.style)


@dataclass(frozen=True, slots=True)
class ListNode:
    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys are distinct."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    place: Place


Node = ScalarNode | ListNode | MappingNode


def describe(node: Node) -> str:
    """What a node is, for messages."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, ListNode):
        return "a list"
    return "nothing" if node.is_nothing else quoted(node.text)


def read(text: str, faults: Faults) -> MappingNode:
    """The top-level mapping of a YAML text.

    Raises Refused where the text is no such mapping; a key that stands twice is a fault, and the
    first stays.
    """
    _refuse_deep_brackets(text)
    try:
        root = _document(_Events(text), text, faults)
    except MarkedYAMLError as error:
        raise _syntax_fault(error) from None
    except (YAMLError, ValueError, AssertionError, IndexError, AttributeError, TypeError) as error:
        # ruamel.yaml fails in its own ways on a few broken texts.
        problem = quoted(str(error).strip().split("\n")[0])
        message = f"not YAML: {problem}"
        raise Refused(None, message, "check quotes and indentation") from None
    if isinstance(root, ScalarNode) and root.is_nothing:
        raise Refused(None, "the spec is empty", "write its keys: name, inputs, network, loss")
    if not isinstance(root, MappingNode):
        message = f"a spec is a mapping of keys to values, not {describe(root)}"
        raise Refused(root.place, message, "write 'key: value' lines, from 'name: ...' on")
    return root


class _Events:
    """The event stream, with one event of look-ahead and bounds on what passes."""

    def __init__(self, text: str) -> None:
        self.stream: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
        self.depth = 0
        self.count = 0

    def next(self) -> tuple[str, Any]:
        """The kind of the next event (`Scalar`, `MappingStart`, …) and the event."""
        event = next(self.stream)
        kind = type(event).__name__.removesuffix("Event")
        place = _place(event.start_mark)
        self.count += 1
        if self.count > VALUES:
            message = f"the spec has more than {VALUES:,} values"
            raise Refused(place, message, "keep large data in a file of its own")
        if kind == "Alias":
            message = f"alias {quoted('*' + event.anchor)}: a spec repeats nothing by reference"
            raise Refused(place, message, "write the value out")
        if getattr(event, "anchor", None):
            message = f"anchor {quoted('&' + event.anchor)}: a spec repeats nothing by reference"
            raise Refused(place, message, "delete the anchor")
        if getattr(event, "tag", None) and kind != "DocumentStart":
            message = f"tag {quoted(str(event.tag))}: a spec is plain data"
            raise Refused(place, message, "delete the tag")
        self.depth += kind.endswith("Start") - kind.endswith("End")
        if self.depth > DEPTH + 2:  # the stream and the document are two
            raise _too_deep(place, f"more than {DEPTH}")
        return kind, event


def _refuse_deep_brackets(text: str) -> None:
    """Refuses a long run of opening brackets unread: on those ruamel.yaml takes quadratic time."""
    run = _RUN.search(text)
    if run is not None:
        before = text[: run.start()]
        place = Place(before.count("\n") + 1, run.start() - before.rfind("\n"))
        raise _too_deep(place, f"{run.group().count('[') + run.group().count('{'):,}")


def _too_deep(place: Place, depth: str) -> Refused:
    message = f"values are nested {depth} deep; the limit is {DEPTH}"
    return Refused(place, message, "a spec needs no such nesting; look for stray brackets")


def _document(events: _Events, text: str, faults: Faults) -> Node:
    events.next()
    kind, event = events.next()
    if kind == "StreamEnd":
        return ScalarNode("", "", "", Place(1, 1))
    if event.version or event.tags:
        message = "a YAML directive: a spec is plain YAML 1.2"
        raise Refused(_place(event.start_mark), message, "delete the line that starts with '%'")
    kind, event = events.next()
    root = _node(kind, event, events, text, faults)
    events.next()
    kind, event = events.next()
    if kind != "StreamEnd":
        message = "a second document starts here; a spec is one"
        raise Refused(_place(event.start_mark), message, "delete the '---' line, or use two files")
    return root


def _node(kind: str, event: Any, events: _Events, text: str, faults: Faults) -> Node:
    place = _place(event.start_mark)
    if kind == "Scalar":
        raw = text[event.start_mark.index : event.end_mark.index]
        return ScalarNode(event.value, event.style or "", raw, place)
    if kind == "SequenceStart":
        items = []
        while (following := events.next())[0] != "SequenceEnd":
            items.append(_node(*following, events, text, faults))
        return ListNode(tuple(items), place)
    assert kind == "MappingStart", kind
    entries: dict[str, tuple[ScalarNode, Node]] = {}
    while (following := events.next())[0] != "MappingEnd":
        key = _node(*following, events, text, faults)
        value = _node(*events.next(), events, text, faults)
        if isinstance(value, ScalarNode) and value.raw == "" and isinstance(key, ScalarNode):
            value = replace(value, place=key.place)  # nothing stands where it is missed
        if not isinstance(key, ScalarNode):
            raise Refused(key.place, f"a key is a word, not {describe(key)}", "write 'key: value'")
        if key.text in entries:
            first = entries[key.text][0].place
            message = f"key {quoted(key.text)} stands twice, first at {at(first)}"
            faults.add(Fault(key.place, message, "keep one of them"))
        else:
            entries[key.text] = (key, value)
    return MappingNode(tuple(entries.values()), place)


def at(place: Place) -> str:
    """A place inside a message."""
    return f"line {place.line}, column {place.column}"


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


# What ruamel.yaml says (a part of it), what it means here, and what helps.
_SYNTAX = (
    (
        "mapping values are not allowed",
        "a ':' where no key can stand",
        "indent the keys of one mapping alike; quote a text that contains ': '",
    ),
    ("'\\t'", "a tab at the start of a value", "indent with spaces"),
    ("cannot start any token", "a value that starts with a reserved character", "put it in quotes"),
    ("unknown escape", "an unknown escape in double quotes", "use single quotes"),
    (
        "while parsing a block",
        "a line that does not fit those above it",
        "indent the entries of one block alike, each 'key: value' or '- item'",
    ),
)
# Likewise, where the place is not the one where reading stopped but the one where it began.
_OPEN = (
    ("could not find expected ':'", "a key without its ':'", "write 'key: value'"),
    ("while parsing a flow sequence", "a list that does not end", "check its commas and its ']'"),
    ("while parsing a flow mapping", "a mapping that does not end", "check its commas and its '}'"),
    ("while scanning a quoted scalar", "a quoted text that does not end", "add the missing quote"),
)


def _syntax_fault(error: MarkedYAMLError) -> Refused:
    said = f"{error.context or ''} {error.problem or ''}"
    for mark, rows in ((error.problem_mark, _SYNTAX), (error.context_mark, _OPEN)):
        for part, message, fix in rows:
            if part in said and mark is not None:
                return Refused(_place(mark), f"not YAML: {message}", fix)
    mark = error.problem_mark or error.context_mark
    problem = quoted((error.problem or error.context or "unreadable").split("\n")[0])
    fix = "check indentation, quotes and brackets here"
    return Refused(_place(mark) if mark else None, f"not YAML: {problem}", fix)
