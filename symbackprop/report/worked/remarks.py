"""What is said in words beside the numbers."""

from __future__ import annotations

from functools import partial

from symbackprop.report.languages import say
from symbackprop.report.worked.equations import Example
from symbackprop.report.worked.values import Worked

AFTERWARDS = "{name} was {before}, and is {now} with the new parameters."


def remarks(worked: Worked, shown: Example) -> list[str]:
    """How the numbers came about, how they are printed, and where results stand alone."""
    drawn, digits = worked.given.drawn, worked.digits
    said = partial(say, shown.view.known.notation)
    exact = "Values are exact; printed with {digits} digits, or fewer where these are all."
    found = [said(exact, digits=digits)]
    if drawn:
        names = said(", ").join(drawn)
        found[:0] = [said("Drawn with seed {seed}: {names}.", seed=worked.given.seed, names=names)]
    equations = (equation for _, section in shown.sections for equation in section)
    alone = [f"({equation.shown.number})" for equation in equations if equation.alone]
    if alone:
        words = (
            "At {equations} values stand alone: with numbers put in, the formula would be too long "
            "to read, or has no such form."
        )
        found.append(said(words, equations=said(", ").join(alone)))
    return found
