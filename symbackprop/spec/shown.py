"""How a spec shows itself: by its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbackprop import hypertext

if TYPE_CHECKING:
    from symbackprop.spec.syntax import Source


class Shown:
    """In a terminal its text, in a list of values its name, in a notebook both."""

    __slots__ = ()
    name: str
    source: Source

    def __str__(self) -> str:
        return self.source.text

    def __repr__(self) -> str:
        return f"<spec {self.name}>"

    def _repr_html_(self) -> str:
        return hypertext.verbatim(self.source.text)
