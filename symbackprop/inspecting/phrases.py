"""What an inspection says: phrases of the reports' catalogues, with names and numbers in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from symbackprop.notation import USUAL, Notation
from symbackprop.report.languages import say

MOST = 8  # names that are listed before the others are counted


@dataclass(frozen=True)
class Phrase:
    """A phrase, and what stands in its places: words, other phrases, or lists of names."""

    phrase: str
    places: tuple[tuple[str, Any], ...] = ()

    def said(self, notation: Notation = USUAL) -> str:
        """In the notation's language."""
        return say(notation, self.phrase, **{name: _filled(p, notation) for name, p in self.places})


def phrase(words: str, **places: Any) -> Phrase:
    """The phrase with its places filled."""
    return Phrase(words, tuple(places.items()))


def joined(phrases: Iterable[Phrase], notation: Notation) -> str:
    """One after the other, in a line."""
    return say(notation, "; ").join(p.said(notation) for p in phrases)


def path(names: tuple[str, ...]) -> str:
    """Names from below to above; of very many the ends."""
    if len(names) > MOST:
        names = (*names[: MOST // 2], "…", *names[-MOST // 2 + 1 :])
    return " → ".join(names)


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if value < 1e5 else f"{value:.2e}"


def _filled(place: Any, notation: Notation) -> str:
    if isinstance(place, Phrase):
        return place.said(notation)
    if not isinstance(place, tuple):
        return str(place)
    kept = [_filled(p, notation) for p in place[:MOST]]
    if len(place) > MOST:
        kept.append(say(notation, "{count} more", count=len(place) - MOST))
    return say(notation, ", ").join(kept)
