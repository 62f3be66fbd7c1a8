"""Gradients against complex steps of the user's equations, in floats.

The imaginary part of loss(x + ε v i) / ε is the derivative along v, free of cancellation and of the
other side of a kink (Squire and Trapp 1998).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symbackprop.checking.draw import Instance
from symbackprop.checking.report import Comparison
from symbackprop.checking.sizes import cotangent_sizes
from symbackprop.checking.values import Arrays, leading_to
from symbackprop.derivation.model import LossDerivation
from symbackprop.equations.evaluate_arrays import evaluate_arrays
from symbackprop.equations.system import System

STEP = 1e-30
TOLERANCE = 1e-8
_SIZE = 1e-4  # of what cancels in a gradient, beside the gradient itself


def rises_as_derived(
    system: System,
    loss: LossDerivation,
    names: Sequence[str],
    instance: Instance,
    values: Arrays,
    rng: np.random.Generator,
) -> Comparison:
    """Whether the loss rises along a random direction of these names as their gradients say.

    `values` are those of all tensors, the cotangents among them.
    """
    tensors = {name: loss.gradients[name].equation.tensor.name for name in names}
    along = {name: rng.normal(size=values[tensor].shape) for name, tensor in tensors.items()}
    given = {name: values[name] for name in instance.given}
    moved = {name: given[name] + 1j * STEP * along[name] for name in names}
    equations = leading_to(system.equations, {loss.loss.name})
    found = evaluate_arrays(equations, {**given, **moved}, instance.extents)
    rise = float(found[loss.loss.name].imag) / STEP
    derived = sum(float((values[tensors[name]] * along[name]).sum()) for name in names)

    def size(of: Arrays) -> float:
        return sum(float(np.abs(of[tensors[name]] * along[name]).sum()) for name in names)

    scale = size(values) + 1e-300
    if not abs(derived - rise) <= TOLERANCE * scale:
        scale += _SIZE * size(cotangent_sizes(loss, values, instance.extents))
    where = (
        f"equation ({loss.gradients[names[0]].number}), along a random direction of "
        f"{', '.join(names)}: derived {derived:.12g}, the loss rises by {rise:.12g}"
    )
    return Comparison(abs(derived - rise) / scale, TOLERANCE, where)
