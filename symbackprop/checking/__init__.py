"""Proof that a derivation and its module are right, by other means than made them.

| part | is held against |
|---|---|
| every step of every line (`steps`) | its other side, for random tensors, also at kinks and ties |
| whole gradients (`gradients`) | SymPy's scalar derivative of the expanded loss |
| the same, where that is too large (`wide`) | complex steps of the equations, in floats |
| gradients as a field (`second_order`) | its own symmetry; how slopes of the loss change |
| gradients at zeros (`zeros`) | complex steps: finite where the loss moves |
| the generated module (`module`) | the reference evaluator, and differences (`slopes`) |

What is compared in floats may differ by as much as `rounding` may move it, and not by more.
Nothing here imports what it judges: the rules, the lowering, the emitter.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from symbackprop.checking.draw import TooLarge, run_time_extents
from symbackprop.checking.evaluated import expect
from symbackprop.checking.extremes import check_extremes
from symbackprop.checking.gradients import check_gradients
from symbackprop.checking.module import check_module
from symbackprop.checking.report import Proved, Report, Row
from symbackprop.checking.second_order import check_second_order
from symbackprop.checking.steps import check_steps
from symbackprop.checking.tiny import shrinks
from symbackprop.checking.values import work
from symbackprop.checking.wide import check_wide
from symbackprop.checking.zeros import check_zeros
from symbackprop.derivation.model import Derivation
from symbackprop.equations.evaluate import Undefined
from symbackprop.equations.recurrence import NoRecurrence

__all__ = ["Proved", "Report", "Row", "check", "shrinks"]

_OPERATIONS = 8_000_000  # that all values may take exactly


def check(
    derivation: Derivation,
    module: Any = None,
    tiny: Derivation | None = None,
    seed: int = 0,
) -> Report:
    """Check a derivation, and the module generated from it where there is one.

    `tiny` is the derivation of the same spec after one of `shrinks`: there the loss is expanded.
    Gradients that are too large for exact numbers are checked in floats. What is computed otherwise
    outside training is checked for that too.
    """
    in_use = derivation.in_use
    rows = _idle(derivation)
    rows += _rows(derivation, module, tiny, None if in_use is None else True, seed)
    if in_use is not None:
        found = _rows(in_use, module, tiny.in_use if tiny else None, False, seed)
        rows += [dataclasses.replace(row, what=f"in use: {row.what}") for row in found]
    return Report(tuple(rows))


def _idle(derivation: Derivation) -> list[Row]:
    """Losses without gradients are named; where there are no gradients at all, none is proved.

    So are gradients that were asked for and are not there, or the other way round.
    """
    nothing = "differentiated by nothing: name inputs or parameters in wrt"
    idle = [loss.loss.name for loss in derivation.losses if not loss.gradients]
    failure = nothing if len(idle) == len(derivation.losses) else ""
    rows = [Row(f"gradients of {name}", nothing, Proved(), 0.0, failure) for name in idle]
    for loss in derivation.losses:
        missing = [name for name in loss.wrt if name not in loss.gradients]
        other = [name for name in loss.gradients if name not in loss.wrt]
        wrong = [f"no gradient by {name}, which was asked for" for name in missing]
        wrong += [f"a gradient by {name}, which was not asked for" for name in other]
        if wrong:
            what, how = f"gradients of {loss.loss.name}", "those that were asked for"
            rows.append(Row(what, how, Proved(), 0.0, "; ".join(wrong)))
    return rows


def _rows(
    derivation: Derivation, module: Any, tiny: Derivation | None, training: bool | None, seed: int
) -> list[Row]:
    """Steps; gradients of a tiny instance, exactly where that is cheap; at full size, in floats.

    Then the module, called with `training` where that is not None.
    """
    small = tiny or derivation
    rows = _part("steps", check_steps, derivation)
    if work(small, run_time_extents(small.system)) <= _OPERATIONS:
        rows += _part("gradients", check_gradients, small, seed)
    rows += _part("second order", check_second_order, small, seed)
    rows += _part("zeros", check_zeros, small, seed)
    full = "full size" if module is None else "the module, at full size"
    return rows + _part(full, _full_size, derivation, module, training, seed)


def _full_size(derivation: Derivation, module: Any, training: bool | None, seed: int) -> list[Row]:
    """What is computed in floats at the extents of the spec: the derivation, and the module."""
    expected = expect(derivation, seed)
    rows = check_wide(derivation, expected, seed)
    if module is not None:
        rows += check_module(derivation, module, expected, training, seed)
        rows += check_extremes(derivation, module, expected.forward.instance, training)
    return rows


def _part(what: str, check_part: Callable[..., list[Row]], *given: Any) -> list[Row]:
    """A part's rows; one that failed where the equations themselves have no values.

    One that was not checked where there are too many values.
    """
    try:
        return check_part(*given)
    except TooLarge as large:
        return [Row(what, f"not run, {large}", Proved(), 0.0)]
    except (AssertionError, NoRecurrence, Undefined) as wrong:
        return [Row(what, "values of all equations", Proved(), math.inf, str(wrong))]
