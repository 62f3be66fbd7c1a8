"""The front end: a spec's text to a `Spec`, with the place of every fault. No SymPy, no NumPy."""

from __future__ import annotations

from pathlib import Path

from symbackprop.spec import excerpt, grammar, lines, reader, source
from symbackprop.spec.errors import Fault, Faults, Refused, SpecError
from symbackprop.spec.syntax import Expression, Place, Source, Spec, Statement


def parse(text: str, path: str = "<spec>") -> Spec:
    """The spec in the text; `path` is what messages call it. Raises SpecError with every fault."""
    return reader.read(source.normalised(text, path))


def load(where: str | Path) -> Spec:
    """The spec at a path, or the gallery's of that name. Raises SpecError with every fault."""
    found = source.open_source(where)
    return parse(found.text, found.path)


def statement(text: str, layer: bool = False) -> Statement:
    """One statement by itself; `layer` admits `...` in index lists. Raises SpecError."""
    try:
        return grammar.statement(_code(text), layer)
    except Refused as refusal:
        raise SpecError(Source(text, "<statement>"), [refusal.fault]) from None


def expression(text: str, layer: bool = False) -> Expression:
    """One expression by itself; `layer` admits `...` in index lists. Raises SpecError."""
    try:
        return grammar.expression(_code(text), layer)
    except Refused as refusal:
        raise SpecError(Source(text, "<expression>"), [refusal.fault]) from None


def _code(text: str) -> lines.Code:
    faults = Faults()
    code = lines.expression(excerpt.whole(text), faults)
    if code is None and not faults.found:
        faults.add(Fault(Place(1, 1), "nothing stands here", "write an expression"))
    if code is None:
        raise SpecError(Source(text, "<expression>"), faults.found)
    return code


__all__ = ["Spec", "SpecError", "expression", "load", "parse", "statement"]
