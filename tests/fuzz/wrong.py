"""Mistakes put into a spec on purpose, as people make them."""

from __future__ import annotations

import re

from tests.fuzz.draws import Draws
from tests.fuzz.parts import Parts

MISTAKES = (
    "misspelt", "index dropped", "index added", "size changed", "lines swapped", "line removed",
    "line twice", "cycle", "character", "index renamed", "name for name", "axis", "no numbers",
    "wrong wrt", "huge number", "shifted",
)  # fmt: skip
_WORD = re.compile(r"[A-Za-z_]\w*")
_BRACKETS = re.compile(r"\[([^\[\]]+)\]")
_NUMBER = re.compile(r"\b\d+\b")
_ODD = "[](){}:&*!|>'\"#-?%@`,=\\;~é.\t"


def damaged(draws: Draws, lines: list[str], parts: Parts) -> tuple[str, list[str]]:
    """The lines with one mistake, which may by chance be none, and its name."""
    mistake = draws.pick(MISTAKES)
    place = 1 + draws.below(len(lines) - 1)
    line = lines[place]
    match mistake:
        case "misspelt":
            line = _replaced(draws, _WORD, line, lambda word: word[:-1] or word * 2)
        case "index dropped":
            line = _replaced(draws, _BRACKETS, line, lambda all: all.rpartition(",")[0] + "]")
        case "index added":
            line = _replaced(draws, _BRACKETS, line, lambda all: f"[{draws.pick('n0i')}, {all[1:]}")
        case "size changed":
            new = draws.pick(("2", "7", "0", "-1", "N", "1.5"))
            line = _replaced(draws, _NUMBER, line, lambda _: new)
        case "lines swapped":
            other = 1 + draws.below(len(lines) - 1)
            lines = list(lines)
            lines[place], lines[other] = lines[other], lines[place]
            return mistake, lines
        case "line removed":
            return mistake, [*lines[:place], *lines[place + 1 :]]
        case "line twice":
            return mistake, [*lines[: place + 1], *lines[place:]]
        case "cycle":
            if parts.made:
                line = f"{line} + {draws.pick(parts.made)}"
        case "character":
            at = draws.below(len(line) + 1)
            line = line[:at] + draws.pick(_ODD) + line[at + draws.below(2) :]
        case "index renamed":
            line = _replaced(draws, re.compile(r"\b[a-z]\b"), line, lambda _: draws.pick("nijzp"))
        case "name for name":
            names = [t.name for t in parts.tensors]
            line = _replaced(draws, re.compile(r"\b[hwxu]\d"), line, lambda _: draws.pick(names))
        case "axis":
            line = _replaced(draws, re.compile(r"\w+\(\w+\)"), line, lambda c: f"{c[:-1]}, axis=3)")
        case "no numbers":
            line = _replaced(
                draws, _NUMBER, line, lambda _: draws.pick(("True", "'same'", "x0", ""))
            )
        case "wrong wrt":
            return mistake, [*lines, f"wrt: [{draws.pick(('loss', 'h0', 'u0', 'W1', 'nothing'))}]"]
        case "huge number":
            huge = draws.pick(("10**9", "1e400", "999999999999", "9**9**9", "1e-400"))
            line = _replaced(draws, _NUMBER, line, lambda _: huge)
        case "shifted":
            line = _replaced(draws, re.compile(r"\b[nijt]\b"), line, lambda i: f"{i} - 1")
    return mistake, [*lines[:place], line, *lines[place + 1 :]]


def _replaced(draws: Draws, pattern: re.Pattern[str], line: str, change) -> str:
    """One place where the pattern is found, changed."""
    found = list(pattern.finditer(line))
    if not found:
        return line
    one = draws.pick(found)
    return line[: one.start()] + change(one[0]) + line[one.end() :]
