"""The user's words, made harmless on a page.

Titles, notes and names come from strangers: nothing in them may be read as LaTeX, Markdown or
HTML. Control characters go; everything else is shown as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from string import ascii_letters

from symbackprop.hypertext import escaped
from symbackprop.report.naming import GREEK_LETTERS

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "-": r"{-}",
    "`": "{`}",
    "'": r"{'}",
}
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "$": "&#36;"}
_MARKDOWN = re.compile(r"[\\`*_{}\[\]|~^@]|:(?=[\w/])|^[#+\-=]|(?<=^[0-9])[.)]")
_MATHEMATICAL = {
    "Σ": r"\Sigma", "Π": r"\Pi", "∂": r"\partial", "≤": r"\le", "≥": r"\ge", "≠": r"\ne",
    "−": "-", "→": r"\to", "⊙": r"\odot", "∞": r"\infty", "√": r"\surd", "∈": r"\in",
    "′": r"^{\prime}", "ᵀ": r"^{\top}", "⁻": "^{-}", "₊": "_{+}",
    **{letter: "\\" + name for name, letter in GREEK_LETTERS.items() if name != "lamda"},
    "λ": r"\lambda",
    **{digit: f"^{{{n}}}" for n, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{digit: f"_{{{n}}}" for n, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}  # fmt: skip
UNBROKEN = 20  # letters of a name that is not broken
_NOTATION = re.compile("([A-Za-z]\u0304|[ΣΠ]_[a-z])")


def plain_text(text: str) -> str:
    """Text without control characters, every run of white space one blank."""
    visible = (" " if c.isspace() else c for c in text)
    kept = "".join(c for c in visible if not unicodedata.category(c).startswith("C"))
    return " ".join(kept.split())


def latex_text(text: str) -> str:
    """Running text for LaTeX; mathematical signs become mathematics.

    An accent that is no part of a letter goes, but for the bar of a cotangent: LaTeX has few.
    """
    composed = unicodedata.normalize("NFC", plain_text(text)).replace("ȳ", "y\u0304")
    decomposed = "".join(
        c
        for before, c in zip(" " + composed, composed, strict=False)
        if unicodedata.category(c)[0] != "M" or (c == "\u0304" and before in ascii_letters)
    )
    parts = _NOTATION.split(decomposed)
    return "".join(
        _notation(part) if position % 2 else "".join(_latex_letter(c) for c in part)
        for position, part in enumerate(parts)
    )


def _notation(part: str) -> str:
    """x̄, or a large sign with its index."""
    if part[1] == "_":
        return rf"${_MATHEMATICAL[part[0]]}_{{{part[2:]}}}$"
    return rf"$\bar{{{part[0]}}}$"


def _latex_letter(letter: str) -> str:
    if letter in _MATHEMATICAL:
        return f"${_MATHEMATICAL[letter]}$"
    return _LATEX.get(letter, letter)


def latex_word(word: str) -> str:
    """A name inside \\mathrm, \\mathit and the like: letters, digits, primes, and commas.

    What pdfTeX's mathematical fonts lack goes through \\text.
    """
    pieces = []
    for ascii_part, dots, other in re.findall("([ -~]+)|(…)|([^ -~…]+)", plain_text(word)):
        pieces.append("".join(_LATEX.get(c, c) for c in ascii_part))
        pieces.append(r"{\ldots}" * len(dots) + _beyond_ascii(other))
    return "".join(pieces)


def _beyond_ascii(text: str) -> str:
    primes = len(text) - len(text.rstrip("′"))
    stem = text[: len(text) - primes]
    return (rf"\text{{{stem}}}" if stem else "") + r"^{\prime}" * bool(primes)


def latex_names(text: str) -> str:
    """Running text for the article; long names in it may be broken, where it has \\cut."""
    return " ".join(map(_breakable, plain_text(text).split(" ")))


def _breakable(words: str) -> str:
    """What no space parts: names after commas in Chinese, and parts of a long one."""
    return r"\cut{}".join(map(_parted, re.split("(?<=、)", words)))


def _parted(word: str) -> str:
    if len(word) <= UNBROKEN:
        return latex_text(word)
    return r"\cut{}".join(map(latex_text, re.findall(r"[^_]{1,16}_*|_+", word)))


def markdown_text(text: str) -> str:
    """Running text for Markdown, which may hold HTML."""
    marked = _MARKDOWN.sub(lambda m: "\\" + m.group(), plain_text(text))
    return "".join(_HTML.get(c, c) for c in marked)


def html_text(text: str) -> str:
    """Running text for HTML."""
    return escaped(plain_text(text))


def foreign_letters(tex: str, known: Callable[[str], bool]) -> list[str]:
    """Characters that LaTeX's standard fonts do not have, nor another that knows of some, in order
    of code point.
    """
    return sorted({c for c in tex if ord(c) > 0x17F and not known(c)})
