"""What users are handed: derivations that were proved, and that show themselves.

In a notebook they are mathematics, in a terminal text.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from symbackprop.derivation.model import Derivation, Line
from symbackprop.errors import CallError
from symbackprop.notation import USUAL, Notation


@dataclass(frozen=True, repr=False, eq=False)
class Gradient(Line):
    """The equation of one gradient, with the steps that led to it; written as `derivation` is."""

    derivation: Derivation | None = None

    def latex(self, notation: Notation = USUAL) -> str:
        r"""The equation as LaTeX, in matrix form where there is one: `\bar{W}^{1} = …`."""
        from symbackprop.report import line_latex

        return line_latex(self, notation, self.derivation)

    def text(self, notation: Notation = USUAL) -> str:
        """The equation in Unicode."""
        from symbackprop.report import line_text

        return line_text(self, notation, self.derivation)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


@dataclass(frozen=True, repr=False, eq=False)
class ProvedDerivation(Derivation):
    """A derivation whose equalities were put to the proof; there is none with one that fails.

    Its `d["W1"]` is a Gradient, and it is its own report when it is shown. Raises Unproved.
    """

    def __post_init__(self) -> None:
        from symbackprop.proof import prove

        prove(self)

    def __getitem__(self, name: str) -> Gradient:
        line = super().__getitem__(name)
        return Gradient(**{f.name: getattr(line, f.name) for f in fields(line)}, derivation=self)

    def __str__(self) -> str:
        from symbackprop.report import text

        return text(self)

    def __repr__(self) -> str:
        return f"<derivation of {self.system.name}: {', '.join(self)}>"

    def _repr_markdown_(self) -> str:
        from symbackprop.report import markdown

        return markdown(self)

    def _repr_latex_(self) -> str:
        from symbackprop.report import latex

        return latex(self)


def proved(derivation: Derivation) -> ProvedDerivation:
    """The same derivation, once all of it is proved. Raises Unproved, and CallError for no such."""
    if isinstance(derivation, ProvedDerivation):
        return derivation
    if not isinstance(derivation, Derivation):
        message = f"what was given is of type {type(derivation).__name__}, not a derivation"
        raise CallError(message, "give what sb.derive(sb.load(...)) returns")
    return ProvedDerivation(**{f.name: getattr(derivation, f.name) for f in fields(derivation)})
