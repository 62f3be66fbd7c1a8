"""Values that a user hands in, read exactly and held against what the spec declares.

Every fault is reported, not only the first, each with what came and what was expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from symbackprop.equations.system import Input, System
from symbackprop.errors import CallError
from symbackprop.report.worked.given import (
    Array,
    Declared,
    classes_of,
    declarations,
    exact_array,
    shape_of,
    small_extents,
    symbol_of,
)
from symbackprop.spec import document, fields
from symbackprop.spec.document import ListNode, MappingNode, Node, ScalarNode
from symbackprop.spec.errors import (
    Enough,
    Fault,
    Faults,
    Refused,
    SpecError,
    did_you_mean,
    printable,
    quoted,
)
from symbackprop.spec.syntax import Place, Source

SIZE = 100_000  # bytes of a file of values
FORM = "write 'name: numbers' lines, such as W1: [[0.5, -1], [2, 0]]"


@dataclass(frozen=True)
class Entry:
    """One value as it was handed in: a nested list of exact numbers, and where it stands."""

    nested: Any
    place: Place | None = None


@dataclass(frozen=True)
class Supplied:
    """The run-time extents, and the arrays that were handed in, by name."""

    extents: Mapping[str, int]
    arrays: Mapping[str, Array]


NOTHING: Mapping[str, Any] = {}


def supplied(system: System, values: Mapping[str, Any] | str | Path) -> Supplied:
    """The values of a mapping, or of the file at a path.

    Raises SpecError for a file, CallError for a mapping that does not fit or what is neither.
    """
    faults = Faults()
    if not isinstance(values, Mapping | str | Path):
        fix = "give a mapping of names to numbers, or the path of a file that holds one"
        raise CallError(f"the values are of type {type(values).__name__}", fix)
    if isinstance(values, Mapping):
        entries = dict(_from_mapping(values, faults))
        found = _fitting(system, entries, faults)
        if faults.found:
            raise _call_error(faults)
        return found
    source = _source(Path(values))
    try:
        entries = dict(_from_file(source, faults))
        found = _fitting(system, entries, faults)
    except Enough:
        raise SpecError(source, faults.found) from None
    except Refused as refused:
        raise SpecError(source, [refused.fault]) from None
    if faults.found:
        raise SpecError(source, faults.found)
    return found


def _call_error(faults: Faults) -> CallError:
    *front, last = faults.found
    before = "".join(f"{fault.message}\n  fix: {fault.fix}\n" for fault in front)
    return CallError(before + last.message, last.fix)


def _source(path: Path) -> Source:
    """The text of a file of values."""
    name = printable(str(path))[:300]
    try:
        content = path.read_bytes()[: SIZE + 1] if path.is_file() else None
        text = None if content is None else content.decode("utf-8")
    except (OSError, ValueError):
        text = None
    if text is None:
        message = f"no text file of values can be read at {quoted(name)}"
        raise CallError(message, "write a .yaml or .json file of names and numbers, in UTF-8")
    if len(text) > SIZE:
        message = f"{quoted(name)} is larger than {SIZE:,} bytes"
        raise CallError(message, "a worked example is for small networks")
    return Source(text.removeprefix("\ufeff").replace("\r\n", "\n"), name)


def _from_file(source: Source, faults: Faults) -> Iterator[tuple[str, Entry]]:
    try:
        root: MappingNode = document.read(source.text, faults)
    except Refused as refused:  # the reader speaks of specs
        fault = refused.fault
        message = fault.message.replace("the spec", "the file").replace("a spec", "such a file")
        if source.path.lower().endswith(".json"):
            message = message.replace("not YAML", "not JSON")
        fix = fault.fix if "not YAML" in fault.message else FORM
        raise Refused(fault.place, message, fix) from None
    for key, node in root.entries:
        found = fields.attempt(faults, lambda node=node, key=key: _numbers(node, key.text))  # type: ignore[misc]
        if found is not None:
            yield key.text, Entry(found, key.place)


def _numbers(node: Node, name: str) -> Any:
    if isinstance(node, ListNode):
        return [_numbers(item, name) for item in node.items]
    if isinstance(node, ScalarNode) and not node.style and node.text in ("true", "false"):
        return node.text == "true"
    return fields.number(node, f"an entry of {name}")


def _from_mapping(values: Mapping[str, Any], faults: Faults) -> Iterator[tuple[str, Entry]]:
    for name, value in values.items():
        try:
            yield str(name), Entry(_exact(value, str(name), ()))
        except Refused as refused:
            faults.add(refused.fault)


def _exact(value: Any, name: str, place: tuple[int, ...]) -> Any:
    """Nested lists of fractions: 0.1 is 1/10, as it is written. Refused at what is no number."""
    if isinstance(value, list | tuple) or getattr(value, "ndim", False):
        return [_exact(item, name, (*place, position)) for position, item in enumerate(value)]
    if str(value) in ("True", "False"):
        return bool(value)
    try:
        if isinstance(value, str):
            raise ValueError(value)
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        where = f"{name}{list(place)}" if place else name
        message = f"{where} is {quoted(str(value))}, not a finite number"
        fix = "give a number, or lists or an array of numbers"
        raise Refused(None, message, fix) from None


def _fitting(system: System, entries: Mapping[str, Entry], faults: Faults) -> Supplied:
    """Every entry held against its declaration."""
    known = declarations(system)
    names = {extent.name for extent in system.extents}
    extents: dict[str, tuple[int, str]] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, entry in entries.items():
        if name in names:
            _take_extent(name, entry, extents, faults)
        elif name not in known:
            what = "input, parameter, state or extent"
            listed = f"there are {', '.join([*known, *sorted(names)])}"
            fix = did_you_mean(name, [*known, *names], listed)
            faults.add(Fault(entry.place, f"no {what} is called {quoted(name)}", fix))
        else:
            shape = _shape(name, entry, faults)
            if shape is not None:
                shapes[name] = shape
    for name, shape in list(shapes.items()):
        if not _agrees(name, known[name], shape, extents, entries[name], faults):
            del shapes[name]
    complete = small_extents(system, {name: size for name, (size, _) in extents.items()})
    arrays = {}
    for name in shapes:
        arrays[name] = exact_array(entries[name].nested)
        _check_kind(known[name], arrays[name], complete, entries[name], faults)
    return Supplied(complete, arrays)


def _take_extent(
    name: str, entry: Entry, extents: dict[str, tuple[int, str]], faults: Faults
) -> None:
    value = entry.nested
    if isinstance(value, list | bool) or value != int(value) or value < 1:
        shown = {list: "a list", bool: str(value).lower()}.get(type(value), "")
        shown = shown or f"{float(value):.12g}"
        message = f"the extent {name} is {shown}, not a whole number from 1"
        faults.add(Fault(entry.place, message, f"write {name}: 2"))
    else:
        extents[name] = (int(value), "the value given for it")


def _listed(shape: Iterable[Any]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _shape(name: str, entry: Entry, faults: Faults) -> tuple[int, ...] | None:
    """The lengths of the nested lists, which are to be alike on every level."""
    shape: list[int] = []
    level = [entry.nested]
    while any(isinstance(item, list) for item in level):
        lengths = {len(item) if isinstance(item, list) else 0 for item in level}
        if len(lengths) > 1 or 0 in lengths:
            few, many = min(lengths), max(lengths)
            message = f"{name} has a list of {many} beside one of {few}"
            fault = Fault(entry.place, message, "make the lists of one level equally long")
            faults.add(fault)
            return None
        shape.append(lengths.pop())
        level = [number for item in level for number in item]
    return tuple(shape)


def _agrees(
    name: str,
    declared: Declared,
    shape: tuple[int, ...],
    extents: dict[str, tuple[int, str]],
    entry: Entry,
    faults: Faults,
) -> bool:
    """Whether the shape is the declared one; run-time extents take the first size met."""
    wanted = symbol_of(declared).shape
    fits = len(shape) == len(wanted) and all(
        not size.is_Integer or int(size) == found for size, found in zip(wanted, shape, strict=True)
    )
    if not fits:
        message = f"{name} is {_listed(wanted)}, but its value is {_listed(shape)}"
        faults.add(Fault(entry.place, message, "make the two agree"))
        return False
    for size, found in zip(wanted, shape, strict=True):
        if size.is_Symbol:
            first, where = extents.setdefault(size.name, (found, name))
            if first != found:
                message = f"the extent {size} is {first} by {where}, but {found} by {name}"
                faults.add(Fault(entry.place, message, "make the two agree"))
                return False
    return True


def _check_kind(
    declared: Declared,
    array: Array,
    extents: Mapping[str, int],
    entry: Entry,
    faults: Faults,
) -> None:
    """Labels are whole and below their classes, masks 0 or 1; rows of distributions sum to 1."""
    symbol = symbol_of(declared)
    if array.shape != shape_of(symbol, extents):
        wanted = _listed(shape_of(symbol, extents))
        message = f"{symbol.name} is {wanted}, but its value is {_listed(array.shape)}"
        faults.add(Fault(entry.place, message, "make the two agree"))
        return
    truths = [v for v in array.ravel().tolist() if isinstance(v, bool)]
    if truths and symbol.kind != "mask":
        message = f"{symbol.name} holds {str(truths[0]).lower()}, not a number"
        faults.add(Fault(entry.place, message, "write a number: masks alone are true or false"))
        return
    if symbol.kind != "real":
        assert isinstance(declared, Input)
        below = 2 if symbol.kind == "mask" else classes_of(declared.classes, extents)
        wrong = [v for v in array.ravel().tolist() if v != int(v) or not 0 <= v < below]
        if wrong:
            wanted = "0 or 1" if symbol.kind == "mask" else f"a whole number from 0 to {below - 1}"
            message = f"{symbol.name} holds {wrong[0]}, not {wanted}"
            faults.add(Fault(entry.place, message, "correct the value"))
        else:
            array.ravel()[:] = [int(v) for v in array.ravel().tolist()]
    if isinstance(declared, Input) and declared.distribution:
        for position, total in enumerate(array.sum(axis=-1).ravel().tolist()):
            if total != 1:
                message = f"row {position} of {symbol.name} sums to {float(total):.12g}, not 1"
                faults.add(Fault(entry.place, message, "divide every row by its sum"))
                return
