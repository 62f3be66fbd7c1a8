"""A derivation's values in floats at one drawn instance, each with its error bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symbackprop.checking.draw import Array, Instance, first_defined
from symbackprop.checking.rounding import rounding
from symbackprop.checking.values import (
    Arrays,
    cotangent_arrays,
    forward_arrays,
    forward_equations,
)
from symbackprop.derivation.model import Derivation
from symbackprop.equations.system import Equation

BARS = 16  # an error bar, in how far random walks of rounding move a value


@dataclass(frozen=True)
class Evaluated:
    """Equations and the values of all tensors: those given, and those that the equations define."""

    equations: Sequence[Equation]
    instance: Instance
    values: Arrays

    @cached_property
    def sizes(self) -> Arrays:
        """How far rounding moves each value, in units of the precision."""
        rng = np.random.default_rng(0)
        return rounding(self.equations, self.values, self.instance.extents, rng)

    def bars(self, name: str, dtype: Any = np.float64) -> Array:
        """How far the entries of a tensor computed in that dtype may be from its values.

        What is below its smallest number is lost.
        """
        precision = np.finfo(dtype)
        return BARS * (float(precision.eps) * self.sizes[name] + float(precision.tiny))


@dataclass(frozen=True)
class Expected:
    """The way forward, and with it the way back from each loss, by its name."""

    forward: Evaluated
    losses: Mapping[str, Evaluated]


def expect(
    derivation: Derivation, seed: int = 0, extents: Mapping[str, int] | None = None
) -> Expected:
    """The values at a drawn instance, of the run-time extents or those given.

    Raises Undefined where there are none, TooLarge where there are too many.
    """
    instance, values = first_defined(
        derivation.system,
        lambda drawn: (drawn, forward_arrays(derivation, drawn)),
        seed,
        extents,
        exact=False,
    )
    equations = forward_equations(derivation)
    losses = {}
    for loss in derivation.losses:
        back = cotangent_arrays(loss, values, instance.extents)
        both = [*equations, *(line.equation for line in loss.cotangents)]
        losses[loss.loss.name] = Evaluated(both, instance, back)
    return Expected(Evaluated(equations, instance, values), losses)
