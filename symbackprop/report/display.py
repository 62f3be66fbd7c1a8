"""How a name looks on the page, and how it is marked as a derivative."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Display:
    """How a name is written: z2 has letter z and layer 2; h_a has letter h and subscript a.

    `array` is the rank that decides bold type; 0 is a scalar, in plain italics.
    """

    letter: str
    layer: str = ""
    subscript: str = ""
    array: int = 0

    @property
    def plain(self) -> Display:
        """In plain italics, as an entry of the array is."""
        return Display(self.letter, self.layer, self.subscript)


@dataclass(frozen=True, slots=True)
class Mark:
    """How the derivative of the loss by what is named is written.

    `sign` is bar, delta (in front), denominator (∂L/∂ in front) or nabla; the last two name the
    loss.
    """

    sign: str
    loss: Display = Display("")
