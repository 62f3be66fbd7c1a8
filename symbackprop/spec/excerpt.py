"""A piece of the file's text that knows the place of each of its characters."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from symbackprop.spec.syntax import Place


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Text, and for each run of characters that lie side by side in the file, where it starts.

    `starts[k]` is the offset of run k in the text and `places[k]` its place in the file.
    """

    text: str
    starts: tuple[int, ...]
    places: tuple[Place, ...]

    def place(self, offset: int) -> Place:
        """Where the character at `offset` stands in the file."""
        run = max(0, bisect.bisect_right(self.starts, offset) - 1)
        place = self.places[run]
        return Place(place.line, place.column + offset - self.starts[run])


def whole(text: str) -> Excerpt:
    """A text that is its own file."""
    lines = text.split("\n")
    return _by_lines(text, [Place(number, 1) for number in range(1, len(lines) + 1)])


def block(text: str, raw: str, place: Place) -> Excerpt:
    """The value of a literal block (`|`): line k of the value is line k + 1 of the raw text."""
    raw_lines = raw.split("\n")[1:]
    places = []
    for k, line in enumerate(text.split("\n")):
        indent = max(0, len(raw_lines[k]) - len(line)) if k < len(raw_lines) else 0
        places.append(Place(place.line + 1 + k, indent + 1))
    return _by_lines(text, places)


def flow(text: str, raw: str, place: Place, style: str) -> Excerpt:
    """The value of a plain, quoted or folded scalar, each character found again in the raw text."""
    newlines = [-place.column, *(k for k, c in enumerate(raw) if c == "\n")]
    places = []
    for offset in _offsets(text, raw, style):
        line = bisect.bisect_left(newlines, offset, lo=1) - 1
        places.append(Place(place.line + line, offset - newlines[line]))
    return Excerpt(text, tuple(range(len(text))) or (0,), tuple(places) or (place,))


def _by_lines(text: str, places: list[Place]) -> Excerpt:
    starts = [0]
    for line in text.split("\n")[:-1]:
        starts.append(starts[-1] + len(line) + 1)
    return Excerpt(text, tuple(starts), tuple(places))


def _offsets(text: str, raw: str, style: str) -> list[int]:
    """The offset in the raw text of each character of the value.

    Line folding turned breaks into blanks and dropped indentation, so white space in the raw
    text is skipped before a character that is none; escapes count as one character.
    """
    at = {"": 0, ">": raw.find("\n") + 1}.get(style, 1)
    last = max(0, len(raw) - 1)
    offsets = []
    for character in text:
        if not character.isspace():
            while at < last and (raw[at].isspace() or _continues(raw, at, style)):
                at += 1
        at = min(at, last)
        offsets.append(at)
        if style == '"' and raw[at] == "\\":
            at += {"x": 4, "u": 6, "U": 10}.get(raw[at + 1 : at + 2], 2)
        elif style == "'" and raw[at : at + 2] == "''":
            at += 2
        elif raw[at : at + 1] == character:
            at += 1
    return offsets


def _continues(raw: str, at: int, style: str) -> bool:
    """Whether a backslash ends the line, in double quotes."""
    return style == '"' and raw[at : at + 2] == "\\\n"
