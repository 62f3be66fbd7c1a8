"""The notation that a reader asks for: how derivatives, layers, batches and words are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from symbackprop.errors import refuse_unknown

# Each field of Notation with its choices, the first of which is meant where nothing is said.
CHOICES: Mapping[str, Mapping[str, str]] = {
    "cotangents": {"bars": "Z̄", "delta": "δZ"},
    "gradients": {"cotangents": "like every cotangent", "denominators": "∂L/∂W", "nabla": "∇_W L"},
    "convention": {"row": "X W + 1 bᵀ", "column": "W X + b 1ᵀ"},
    "layers": {"superscript": "Z²", "brackets": "Z⁽²⁾", "subscript": "Z₂"},
    "language": {"en": "English", "zh": "中文"},
}


@dataclass(frozen=True)
class Notation:
    """A choice for each of `CHOICES`. Raises CallError for one that there is not.

    `cotangents` are the derivatives of the loss by any tensor, `gradients` those among them that
    the derivation was asked for. In the `column` convention every array is written with its axes
    in the opposite order: the samples of a batch are the columns of a matrix. `language` is that of
    every word but the user's own.
    """

    cotangents: str = "bars"
    gradients: str = "cotangents"
    convention: str = "row"
    layers: str = "superscript"
    language: str = "en"

    def __post_init__(self) -> None:
        for field in fields(self):
            what = f"notation of {field.name}"
            refuse_unknown(getattr(self, field.name), CHOICES[field.name], what)

    @property
    def reverses(self) -> bool:
        """Whether arrays are written with their axes in the opposite order."""
        return self.convention == "column"


USUAL = Notation()
