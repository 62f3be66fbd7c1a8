"""Proof that a derivation and its module are right, by other means than made them.

| part | is held against |
|---|---|
| every step of every line (`steps`) | its other side, by the reference evaluator |
| whole gradients (`gradients`) | SymPy's scalar derivative of the expanded loss |
| the generated module (`module`) | the reference evaluator, and central differences |

Nothing here imports what it judges: the rules, the lowering, the emitter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from symbackprop.checking.draw import TooLarge
from symbackprop.checking.gradients import check_gradients
from symbackprop.checking.module import check_module
from symbackprop.checking.report import Report, Row
from symbackprop.checking.steps import check_steps
from symbackprop.checking.tiny import shrink
from symbackprop.derivation.model import Derivation
from symbackprop.equations.evaluate import Undefined

__all__ = ["Report", "Row", "check", "shrink"]


def check(
    derivation: Derivation,
    module: Any = None,
    tiny: Derivation | None = None,
    seed: int = 0,
) -> Report:
    """Check a derivation, and the module generated from it where there is one.

    `tiny` is the derivation of the same spec after `shrink`: there every entry of every step is
    checked and the loss is expanded. Without it both happen at full size, at sampled entries.
    """
    rows = _part("steps", check_steps, derivation, seed)
    if tiny is not None and tiny.system != derivation.system:
        rows += [_on_tiny(row) for row in _part("steps", check_steps, tiny, seed)]
    rows += _part("gradients", check_gradients, tiny or derivation, seed)
    if module is not None:
        rows += _part("module", check_module, derivation, module, seed)
    return Report(tuple(rows))


def _part(what: str, check_part: Callable[..., list[Row]], *given: Any) -> list[Row]:
    """A part's rows; one that failed where the equations themselves have no values.

    One that was not checked where there are too many values.
    """
    try:
        return check_part(*given)
    except TooLarge as large:
        return [Row(what, str(large), 0, 0.0)]
    except (AssertionError, Undefined) as wrong:
        return [Row(what, "values of all equations", 0, math.inf, str(wrong))]


def _on_tiny(row: Row) -> Row:
    return Row(row.what, f"{row.how}, tiny instance", row.equalities, row.error, row.failure)
