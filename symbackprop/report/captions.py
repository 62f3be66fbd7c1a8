"""What stands below a name in the picture: a word, and the signs of its cotangents.

Lengths are in em of the box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symbackprop.equations.nodes import TensorSymbol
from symbackprop.report.formula import Formula
from symbackprop.report.latex import box
from symbackprop.report.view import Shown, View

_SIZE, _FRACTION = 0.85, 0.75  # of the letters, and of a fraction among them
LETTER, _GAP, _FRAME = 0.5, 0.5, 0.5  # in em of the caption: a letter; between parts; of a result


@dataclass(frozen=True)
class Sign:
    """How a cotangent is written, and its equations: one for each loss whose cotangent looks so.

    `gradient`: it is a result.
    """

    formula: Formula
    lines: tuple[Shown, ...]

    @property
    def gradient(self) -> bool:
        return any(shown.gradient for shown in self.lines)


def signs(view: View) -> Mapping[TensorSymbol, tuple[Sign, ...]]:
    """The signs of every tensor's cotangents: what looks alike stands once, whatever the loss."""
    found: dict[TensorSymbol, dict[Formula, list[Shown]]] = {}
    for section in view.sections:
        for shown in section.lines:
            if shown.loss is not None:
                sign = shown.known.whole(shown.line.equation.tensor)
                found.setdefault(shown.subject, {}).setdefault(sign, []).append(shown)
    return {
        tensor: tuple(Sign(sign, tuple(lines)) for sign, lines in alike.items())
        for tensor, alike in found.items()
    }


def caption_width(word: float, number: int, signs: Sequence[Sign], told: bool) -> float:
    """The width of a word so wide, of the number of an equation unless it is 0, and of signs.

    Behind a sign stand its numbers if there are several, or if `told`.
    """
    parts = [word, _number_width(number) if number else 0.0]
    for sign in signs:
        written = box(sign.formula)
        parts.append(written.width * (_FRACTION if written.tall else 1.0) + _FRAME)
        if told or len(sign.lines) > 1:
            parts += [_number_width(shown.number) for shown in sign.lines]
    parts = [part for part in parts if part]
    return _SIZE * (sum(parts) + _GAP * (len(parts) - 1))


def _number_width(number: int) -> float:
    """The width of (12)."""
    return 0.8 + LETTER * len(str(number))
