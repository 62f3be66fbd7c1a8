"""Running text with formulas in it, for every format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from symbackprop.notation import Notation
from symbackprop.report.escape import latex_text, markdown_text, plain_text
from symbackprop.report.formula import Formula
from symbackprop.report.languages import say
from symbackprop.report.latex import latex_of
from symbackprop.report.unicode import text_of

Words = tuple["str | Formula", ...]
_PLACE = re.compile(r"\{(\w+)\}")


def phrased(notation: Notation, phrase: str, **parts: Words) -> Words:
    """A phrase of the catalogue with words and formulas in its places."""
    pieces = enumerate(_PLACE.split(say(notation, phrase)))
    found = (parts[piece] if position % 2 else (piece,) for position, piece in pieces)
    return tuple(piece for words in found for piece in words if piece != "")


def text_words(words: Words) -> str:
    """For a terminal."""
    return "".join(plain_pieces(words, text_of, _spaced))


def latex_words(words: Words) -> str:
    """For LaTeX."""
    return "".join(plain_pieces(words, _dollars, lambda text: _kept(text, latex_text)))


def markdown_words(words: Words) -> str:
    """For Markdown as GitHub reads it."""
    return "".join(plain_pieces(words, _dollars, lambda text: _kept(text, markdown_text)))


def plain_pieces(
    words: Words, formula: Callable[[Formula], str], text: Callable[[str], str]
) -> Iterable[str]:
    """Each piece in print."""
    return (text(piece) if isinstance(piece, str) else formula(piece) for piece in words)


def _dollars(formula: Formula) -> str:
    return f"${latex_of(formula)}$"


def _spaced(text: str) -> str:
    return _kept(text, plain_text)


def _kept(text: str, escape: Callable[[str], str]) -> str:
    """Escaped, with the blanks at its ends."""
    before = " " if text[:1] == " " else ""
    after = " " if text[-1:] == " " and text.strip() else ""
    return before + escape(text) + after
