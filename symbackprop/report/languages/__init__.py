"""The words of reports: a catalogue a language, from each English phrase to its text.

A phrase has named places in braces, as `str.format` reads them. What comes from the derivation, as
the names of rules, is English there, and is said here when it is printed; names of layers, and what
the user wrote, stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symbackprop.notation import Notation
from symbackprop.report.languages import chinese, english

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": english.PHRASES, "zh": chinese.PHRASES}


def _in_gb2312(letter: str) -> bool:
    """Whether the standard has it; Python's table of it has another dash."""
    return letter == "—" or bool(letter.encode("gb2312", "ignore"))


# Whether the language's font in LaTeX has a letter that LaTeX's own lack.
LETTERS: Mapping[str, Callable[[str], bool]] = {"en": lambda letter: False, "zh": _in_gb2312}


def say(notation: Notation, phrase: str, **parts: object) -> str:
    """The phrase in the notation's language, its places filled."""
    catalogue = CATALOGUES[notation.language]
    assert phrase in catalogue, f"no word in {notation.language} for {phrase!r}"
    return catalogue[phrase].format(**parts) if parts else catalogue[phrase]
