"""Whole gradients at full size, in floats: what is too large for exact numbers.

The loss is differentiated by complex steps of the equations: free of cancellation, and of one side
of a kink.
"""

from __future__ import annotations

import numpy as np

from symbackprop.checking.complex_steps import rises_as_derived
from symbackprop.checking.evaluated import Evaluated, Expected
from symbackprop.checking.report import Row, row
from symbackprop.checking.values import equation_work, leading_to
from symbackprop.derivation.model import Derivation, LossDerivation

_OPERATIONS = 200_000_000  # that derivatives of whole losses may cost, beside the first


def check_wide(derivation: Derivation, expected: Expected, seed: int = 0) -> list[Row]:
    """One row for each loss's gradients."""
    rng = np.random.default_rng(seed)
    return [
        _gradients_row(derivation, loss, expected.losses[loss.loss.name], rng)
        for loss in derivation.losses
        if loss.gradients
    ]


def _gradients_row(
    derivation: Derivation,
    loss: LossDerivation,
    at: Evaluated,
    rng: np.random.Generator,
) -> Row:
    """The slope of the loss along one direction of everything; if it is wrong, of each alone."""
    system = derivation.system
    names = sorted(loss.gradients)
    leading = leading_to(system.equations, {loss.loss.name})
    cost = sum(equation_work(equation, at.instance.extents) for equation in leading)
    found = [rises_as_derived(system, loss, names, at, rng)]
    if not found[0].held or cost * len(names) <= _OPERATIONS:
        found = [rises_as_derived(system, loss, [n], at, rng) for n in names]
    return row(f"gradients of {loss.loss.name}", "complex steps, full size in floats", found)
