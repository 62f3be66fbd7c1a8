"""Numbers as they are written, read exactly."""

from __future__ import annotations

import re
from fractions import Fraction

from symbackprop.spec.errors import Refused, quoted
from symbackprop.spec.syntax import Number, Place

_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")

_LEAST = 1e-308


def number(text: str, place: Place) -> Number:
    """An exact number; Refused where it is no decimal, or too large or small for a float."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        message = f"{quoted(text)} is no decimal number"
        raise Refused(place, message, "write it as in 12, 0.5 or 1e-4")
    exponent = int((match.group(2) or "e0")[1:][:8])
    value = float(text)
    vanishes = value < _LEAST and not set(match.group(1)) <= set("0.")
    if len(match.group(1)) > 400 or abs(exponent) > 400 or value == float("inf") or vanishes:
        message = f"{quoted(text)} is out of range"
        raise Refused(place, message, "numbers lie between 1e-308 and 1.8e308")
    return Number(Fraction(text), text, place)
