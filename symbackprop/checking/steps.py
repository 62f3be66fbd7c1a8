"""Every equality of a derivation as a statement of its own: before = after for all tensors.

`proof` evaluates both sides, at more shapes and draws here than before a derivation is handed out.
"""

from __future__ import annotations

from collections.abc import Iterable

from symbackprop.checking.report import Proved, Row
from symbackprop.derivation.model import Derivation
from symbackprop.proof import (
    NO_VALUES,
    THOROUGH,
    TOO_DEAR,
    Facts,
    Outcome,
    equalities,
    outcomes,
    words,
)

KINKS = "steps at kinks and ties"


def check_steps(derivation: Derivation) -> list[Row]:
    """One row for each rule that the derivation uses, in order of first use, and one for kinks."""
    facts = Facts(derivation)
    found: dict[str, list[Outcome]] = {}
    failures: dict[str, str] = {}
    without: dict[str, list[int]] = {NO_VALUES: [], TOO_DEAR: []}
    for equality in equalities(derivation):
        each = outcomes(equality, facts)
        if not any(outcome.held or outcome.difference for outcome in each):
            without[each[-1].nothing].append(equality.line.number)
            continue
        for draw, outcome in zip(THOROUGH, each, strict=False):
            what = KINKS if draw.kinks else f"rule: {equality.rule}"
            found.setdefault(what, []).append(outcome)
            if outcome.difference:
                failures.setdefault(what, words(equality, facts))
    at_kinks = found.pop(KINKS, [])
    rows = [_row(what, _how(kinks=False), all_of, failures) for what, all_of in found.items()]
    if at_kinks:
        rows.append(_row(KINKS, _how(kinks=True), at_kinks, failures))
    return [*rows, *(_unseen(why, numbers) for why, numbers in without.items() if numbers)]


def _unseen(why: str, numbers: list[int]) -> Row:
    """A row "not checked" for equalities that were not compared at any point."""
    found = "have no values where they are drawn" if why == NO_VALUES else "are too dear"
    how = f"{len(numbers)} {found}, first in equation ({numbers[0]})"
    return Row("steps without values", how, Proved(), 0.0)


def _how(kinks: bool) -> str:
    draws = [draw for draw in THOROUGH if draw.kinks == kinks]
    shapes = len({draw.shape for draw in draws})
    return f"both sides, {'zeros and ties' if kinks else 'random tensors'} of {shapes} shapes"


def _row(what: str, how: str, each: Iterable[Outcome], failures: dict[str, str]) -> Row:
    total = sum(each, Outcome())
    proved = Proved(total.exactly, total.digits)
    how = how if proved.total or what in failures else f"no values: {how}"
    return Row(what, how, proved, total.error, failures.get(what, ""))
