"""Running text of the page, with formulas in it."""

from __future__ import annotations

from symbackprop.report.escape import html_text
from symbackprop.report.latex import latex_of
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.words import Words, plain_pieces


def html_words(words: Words, mathematics: Mathematics) -> str:
    """Words and formulas."""
    pieces = plain_pieces(words, lambda f: mathematics.inline(latex_of(f)), spaced)
    return "".join(pieces)


def prose(text: str, mathematics: Mathematics) -> str:
    """The program's own words, with LaTeX between dollars."""
    return "".join(
        mathematics.inline(part) if position % 2 else spaced(part)
        for position, part in enumerate(text.split("$"))
    )


def spaced(text: str) -> str:
    """The program's own words, whose blanks at the ends matter."""
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() and text.strip() else ""
    return before + html_text(text) + after
