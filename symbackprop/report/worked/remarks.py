"""What is said in words beside the numbers."""

from __future__ import annotations

from functools import partial

from symbackprop.notation import Notation
from symbackprop.report.languages import say
from symbackprop.report.worked.values import Worked

AFTERWARDS = "{name} was {before}, and is {now} with the new parameters."


def remarks(worked: Worked, notation: Notation) -> list[str]:
    """How the numbers came about, and how they are printed."""
    drawn, digits = worked.given.drawn, worked.digits
    said = partial(say, notation)
    exact = "Values are exact; printed with {digits} digits, or fewer where these are all."
    found = [said(exact, digits=digits)]
    if drawn:
        names = said(", ").join(drawn)
        found[:0] = [said("Drawn with seed {seed}: {names}.", seed=worked.given.seed, names=names)]
    return found
