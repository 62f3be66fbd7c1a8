"""Gradients against complex steps of the user's equations, in floats.

The imaginary part of loss(x + ε v i) / ε is the derivative along v, free of cancellation and of the
other side of a kink (Squire and Trapp 1998).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from symbackprop.checking.draw import Array
from symbackprop.checking.evaluated import Evaluated
from symbackprop.checking.report import FLOATS, Comparison, apart
from symbackprop.checking.values import leading_to
from symbackprop.derivation.model import LossDerivation
from symbackprop.equations.evaluate_arrays import evaluate_arrays
from symbackprop.equations.system import System

STEP = 1e-30
TOLERANCE = 1e-10
_CANCELLED = 1e-6  # of the size of a gradient's terms: what is less may be rounding alone


def directions(
    names: Sequence[str],
    loss: LossDerivation,
    at: Evaluated,
    rng: np.random.Generator,
    cancelled: float = _CANCELLED,
) -> dict[str, Array]:
    """A random direction of all names together, along which each gradient is as much of the slope.

    So a small gradient that is wrong shows among large ones, but for what is so much smaller than
    its terms that it is `cancelled`.
    """
    along: dict[str, Array] = {}
    for name in names:
        along[name] = direction = np.asarray(rng.normal(size=at.values[name].shape))
        if len(names) > 1:
            tensor = _gradient(loss, name)
            terms = np.abs(at.values[tensor]) + cancelled * at.sizes[tensor]
            along[name] = direction / (float((np.abs(direction) * terms).sum()) or 1.0)
    return along


def _gradient(loss: LossDerivation, name: str) -> str:
    return str(loss.gradients[name].equation.tensor.name)


def rises_as_derived(
    system: System,
    loss: LossDerivation,
    names: Sequence[str],
    at: Evaluated,
    rng: np.random.Generator,
) -> Comparison:
    """Whether the loss rises along a random direction of these names as their gradients say."""
    along = directions(names, loss, at, rng)
    rise = slope_of(system, loss, along, at)
    tensors = {name: _gradient(loss, name) for name in names}
    terms = {name: at.values[tensors[name]] * along[name] for name in names}
    derived = sum(float(term.sum()) for term in terms.values())
    size = sum(float(np.abs(term).sum()) for term in terms.values())
    bar = TOLERANCE * size
    if not abs(derived - rise) <= bar:
        bar += sum(float((at.bars(tensors[n]) * np.abs(along[n])).sum()) for n in names)
        # Where a gradient is 0 in every entry, the rise is still a sum of rounding errors.
        zero = [name for name, term in terms.items() if not term.any()]
        loss_bar = float(at.bars(loss.loss.name))
        bar += sum(loss_bar * float(np.abs(along[name]).sum()) for name in zero)
    scale = size or 1.0
    where = (
        f"equation ({loss.gradients[names[0]].number}), along a random direction of "
        f"{', '.join(names)}: derived {derived:.12g}, the loss rises by {rise:.12g}; "
        f"{apart(abs(derived - rise), bar)}"
    )
    return Comparison(abs(derived - rise) / scale, bar / scale, where, FLOATS)


def slope_of(
    system: System, loss: LossDerivation, along: Mapping[str, Array], at: Evaluated
) -> float:
    """How fast the loss rises along a direction, by one complex step of the user's equations."""
    given = {name: at.values[name] for name in at.instance.given}
    moved = {name: given[name] + 1j * STEP * direction for name, direction in along.items()}
    equations = leading_to(system.equations, {loss.loss.name})
    found = evaluate_arrays(equations, {**given, **moved}, at.instance.extents)
    return float(found[loss.loss.name].imag) / STEP
