"""Equations that differ in one word below their names: said once, with a star in its place.

W_f, W_g, W_i and W_o of four gates have gradients of one form. What is made one is told from the
formulas alone; lines are joined where they follow each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from symbackprop.report.display import Display
from symbackprop.report.formula import Big, Formula, Named, Plus, walk
from symbackprop.report.view import Shown

STAR = "⋆"
Terms = tuple[tuple[bool, Formula], ...]
_LEAST = 3  # equations; fewer are as short without


@dataclass(frozen=True)
class Rewritten(Shown):
    """A line with other formulas, left and right; with a star, `words` are what it stands for."""

    forms: tuple[Formula, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def left(self) -> Formula:
        return self.forms[0]

    @property
    def formula(self) -> Formula:
        return self.forms[1]


def families(lines: Sequence[Shown]) -> Iterator[Shown]:
    """The lines, those of a family as one; in a line, the terms of a family as one sum."""
    start = 0
    while start < len(lines):
        first = lines[start]
        words = _longest(lines[start:])
        if len(words) < _LEAST:
            yield _summed(first)
            start += 1
        else:
            forms = (_starred(first.left, words[0]), _starred(first.formula, words[0]))
            yield rewritten(first, forms, words)
            start += len(words)


def rewritten(
    line: Shown, forms: tuple[Formula, Formula], words: tuple[str, ...] = ()
) -> Rewritten:
    """The line with other formulas."""
    given = {f.name: getattr(line, f.name) for f in fields(Shown)}
    return Rewritten(**given, forms=forms, words=words)


def _summed(line: Shown) -> Shown:
    """a_f b_f + a_g b_g + a_i b_i, the whole or a part, as a sum over the words."""
    for total in (part for part in walk(line.formula) if isinstance(part, Plus)):
        for word in _words(total):
            alike = _alike(total.terms, word)
            if len(alike) >= _LEAST:
                formula = _put(line.formula, total, _joined(total.terms, alike))
                return rewritten(line, (line.left, formula), tuple(alike.values()))
    return line


def _put(value: Any, old: Formula, new: Formula) -> Any:
    """A formula, or what it is made of, with another in the place of a part."""
    if value == old:
        return new
    if isinstance(value, tuple):
        return tuple(_put(item, old, new) for item in value)
    if isinstance(value, Formula.__args__):  # type: ignore[attr-defined]
        parts = {f.name: _put(getattr(value, f.name), old, new) for f in fields(value)}
        return replace(value, **parts)
    return value


def _alike(terms: Terms, word: str) -> dict[int, str]:
    """Where terms stand that are one but for a word, with the word of each."""
    form = next(_starred(term, word) for term in terms if word in _words(term[1]))
    found: dict[int, str] = {}
    for place, term in enumerate(terms):
        other = next((w for w in _words(term[1]) if _starred(term, w) == form), None)
        if other is not None and other not in found.values():
            found[place] = other
    return found


def _joined(terms: Terms, alike: Mapping[int, str]) -> Formula:
    first = min(alike)
    minus, term = terms[first]
    whole = Big("sum", (Named(Display(STAR)),), _starred(term, alike[first]))
    kept = tuple(
        (minus, whole) if place == first else each
        for place, each in enumerate(terms)
        if place == first or place not in alike
    )
    return whole if kept == ((False, whole),) else Plus(kept)


def _longest(lines: Sequence[Shown]) -> tuple[str, ...]:
    """The words of the longest family that these lines begin with."""
    found = (_family(word, lines) for word in _words(lines[0].left))
    return max(found, key=len, default=())


def _family(word: str, lines: Sequence[Shown]) -> tuple[str, ...]:
    """The words of the lines that are the first, but for this word."""
    words = [word]
    form = _form(lines[0], word)
    for line in lines[1:]:
        other = next((w for w in _words(line.left) if _form(line, w) == form), None)
        if other is None or other in words:
            break
        words.append(other)
    return tuple(words)


def _form(line: Shown, word: str) -> tuple[Any, ...]:
    also = [row.formula for row in line.other_forms()]
    starred = [_starred(f, word) for f in (line.left, line.formula, *also)]
    return (*starred, bool(line.gradient), line.loss)


def _words(formula: Formula) -> list[str]:
    """The words below the names of a formula."""
    named = (part for part in walk(formula) if isinstance(part, Named))
    below = (word for part in named for word in part.display.subscript.split(","))
    return list(dict.fromkeys(word for word in below if word and not word.isdecimal()))


def _starred(value: Any, word: str) -> Any:
    """A formula, or what it is made of, with a star in place of the word."""
    if isinstance(value, tuple):
        return tuple(_starred(item, word) for item in value)
    if isinstance(value, Named):
        below = value.display.subscript.split(",")
        starred = ",".join(STAR if w == word else w for w in below)
        display = replace(value.display, subscript=starred)
        return replace(value, display=display, indices=_starred(value.indices, word))
    if isinstance(value, Formula.__args__):  # type: ignore[attr-defined]
        parts = {f.name: _starred(getattr(value, f.name), word) for f in fields(value)}
        return replace(value, **parts)
    return value
