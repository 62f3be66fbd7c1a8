"""Faults of a spec: where, what, and how to mend it; all of them at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from symbackprop.spec.syntax import Place, Source

LISTED = 20  # faults that a report spells out
WIDTH = 100  # characters of the faulty line that a report shows


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake: its place (None for the whole file), what is wrong with both values, a fix."""

    place: Place | None
    message: str
    fix: str


class SpecError(ValueError):
    """A spec that is wrong; `str()` is the report that the command line prints.

    Each fault reads `FILE:LINE:COL: message`, the line with a caret, and `fix: …`.
    """

    def __init__(self, source: Source, faults: Iterable[Fault]) -> None:
        self.source = source
        self.faults = tuple(sorted(dict.fromkeys(faults), key=_position))
        assert self.faults, "a SpecError states at least one fault"
        lines = source.text.split("\n")
        reports = [_report(source.path, lines, fault) for fault in self.faults[:LISTED]]
        if len(self.faults) > LISTED:
            reports.append(f"{source.path}: only the first {LISTED} faults are shown")
        super().__init__("\n".join(reports))


class Enough(Exception):
    """More faults are found than a report shows: reading ends."""


@dataclass
class Faults:
    """The faults found so far; Enough is raised once they are too many to show."""

    found: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self.found.append(fault)
        if len(self.found) > LISTED:
            raise Enough


class Refused(Exception):
    """Reading one entry or statement stops at this fault; the reader goes on with the next."""

    def __init__(self, place: Place | None, message: str, fix: str) -> None:
        super().__init__(message)
        self.fault = Fault(place, message, fix)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """A fix that names the nearest known word, or `otherwise` where none is near."""
    # A thousand words of about its length are enough to search.
    candidates = sorted(known, key=lambda k: (abs(len(k) - len(word)), k))[:1000]
    near = [k for k in candidates if k.lower() == word.lower()]
    cutoff = 0.6 if len(word) > 2 else 0.5
    near = near or difflib.get_close_matches(word[:100], candidates, n=1, cutoff=cutoff)
    return f"did you mean '{near[0]}'?" if near else otherwise


def quoted(word: str) -> str:
    """A word of the user's inside a message: one line, printable, not long."""
    word = printable(word)
    return f"'{word}'" if len(word) <= 60 else f"'{word[:57]}...'"


def printable(text: str) -> str:
    """The text with every character that a terminal would act on replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def listed(words: Iterable[str]) -> str:
    """`a, b and c`."""
    *front, last = words
    return f"{', '.join(front)} and {last}" if front else last


def _position(fault: Fault) -> tuple[int, int]:
    return (fault.place.line, fault.place.column) if fault.place else (0, 0)


def _report(path: str, lines: list[str], fault: Fault) -> str:
    if fault.place is None:
        return f"{path}: {fault.message}\n  fix: {fault.fix}"
    line, column = fault.place.line, fault.place.column
    text = lines[line - 1] if line <= len(lines) else ""
    start = max(0, column - 1 - WIDTH * 2 // 3)
    shown = printable(text[start : start + WIDTH].expandtabs(1)).rstrip()
    caret = " " * (column - 1 - start) + "^"
    return f"{path}:{line}:{column}: {fault.message}\n  {shown}\n  {caret}\n  fix: {fault.fix}"
