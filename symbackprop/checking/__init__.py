"""Proof that a derivation and its module are right, by other means than made them.

| part | is held against |
|---|---|
| every step of every line (`steps`) | its other side, by the reference evaluator |
| whole gradients (`gradients`) | SymPy's scalar derivative of the expanded loss |
| both, where that is too large (`wide`) | the same in floats; complex steps of the equations |
| gradients at zeros (`zeros`) | complex steps: finite where the loss moves |
| the generated module (`module`) | the reference evaluator, and central differences |

Nothing here imports what it judges: the rules, the lowering, the emitter.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from symbackprop.checking.draw import TooLarge, run_time_extents
from symbackprop.checking.gradients import check_gradients
from symbackprop.checking.module import check_in_use, check_module
from symbackprop.checking.report import Report, Row
from symbackprop.checking.steps import check_steps
from symbackprop.checking.tiny import shrinks
from symbackprop.checking.values import work
from symbackprop.checking.wide import check_wide
from symbackprop.checking.zeros import check_zeros
from symbackprop.derivation.model import Derivation
from symbackprop.equations.evaluate import Undefined
from symbackprop.equations.recurrence import NoRecurrence

__all__ = ["Report", "Row", "check", "shrinks"]

_OPERATIONS = 300_000  # what all values may cost exactly
_TINY = 8_000_000  # and those of a tiny instance, which nothing takes the place of


def check(
    derivation: Derivation,
    module: Any = None,
    tiny: Derivation | None = None,
    seed: int = 0,
) -> Report:
    """Check a derivation, and the module generated from it where there is one.

    `tiny` is the derivation of the same spec after one of `shrinks`: there every entry of every
    step is checked and the loss is expanded. What is too large for exact numbers is checked in
    floats. What is computed otherwise outside training is checked for that too.
    """
    rows = _derivation_rows(derivation, tiny, seed)
    if module is not None:
        rows += _part("module", check_module, derivation, module, seed)
    in_use = derivation.in_use
    if in_use is not None:
        found = _derivation_rows(in_use, tiny.in_use if tiny else None, seed)
        if module is not None:
            found += _part("module", check_in_use, in_use, module, seed)
        rows += [dataclasses.replace(row, what=f"in use: {row.what}") for row in found]
    return Report(tuple(rows))


def _derivation_rows(derivation: Derivation, tiny: Derivation | None, seed: int) -> list[Row]:
    """Steps and gradients: exactly where that is cheap, else in floats, and a tiny one exactly."""
    exact = _cost(derivation) <= _OPERATIONS
    nothing = "differentiated by nothing: name inputs or parameters in wrt"
    idle = [loss.loss.name for loss in derivation.losses if not loss.gradients]
    rows = [Row(f"gradients of {name}", nothing, 0, 0.0) for name in idle]
    rows += _part("steps", check_steps, derivation, seed) if exact else []
    if tiny is not None and tiny.system == derivation.system:
        tiny = None
    if tiny is not None and _cost(tiny) <= _TINY:
        rows += [_on_tiny(row) for row in _part("steps", check_steps, tiny, seed)]
        rows += _part("gradients", check_gradients, tiny, seed)
    elif exact:
        rows += _part("gradients", check_gradients, derivation, seed)
    rows += _part("zeros", check_zeros, tiny or derivation, seed)
    return rows if exact else rows + _part("derivation", check_wide, derivation, seed)


def _cost(derivation: Derivation) -> int:
    return work(derivation, run_time_extents(derivation.system))


def _part(what: str, check_part: Callable[..., list[Row]], *given: Any) -> list[Row]:
    """A part's rows; one that failed where the equations themselves have no values.

    One that was not checked where there are too many values.
    """
    try:
        return check_part(*given)
    except TooLarge as large:
        return [Row(what, str(large), 0, 0.0)]
    except (AssertionError, NoRecurrence, Undefined) as wrong:
        return [Row(what, "values of all equations", 0, math.inf, str(wrong))]


def _on_tiny(row: Row) -> Row:
    return Row(row.what, f"{row.how}, tiny instance", row.equalities, row.error, row.failure)
