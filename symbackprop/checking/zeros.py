"""Gradients where entries are exactly 0 and run-time extents are 1: finite wherever the loss moves.

Values drawn at random never show a division by what may be zero, as by a gain that starts at 0. A
gradient that is no number there, though the loss has a derivative, is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from symbackprop.checking.complex_steps import STEP
from symbackprop.checking.draw import (
    Array,
    Instance,
    first_defined,
    least_extents,
    run_time_extents,
)
from symbackprop.checking.report import FLOATS, Comparison, Row, entry, row
from symbackprop.checking.values import Arrays, cotangent_arrays, forward_arrays, leading_to
from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.evaluate import Undefined
from symbackprop.equations.evaluate_arrays import evaluate_arrays

_NEAR = 1e-6  # how far to each side the loss is looked at
_ENTRIES = 3  # of a gradient that are looked at, of those that are no numbers


def check_zeros(derivation: Derivation, seed: int = 0) -> list[Row]:
    """One row for each loss: parameters of zeros, a third of all entries 0, or extents of 1."""
    found: dict[str, list[Comparison]] = {}
    for instance in _instances(derivation, seed):
        try:
            forward = forward_arrays(derivation, instance)
        except Undefined:
            continue
        for loss in (one for one in derivation.losses if one.gradients):
            values = cotangent_arrays(loss, forward, instance.extents)
            compared = found.setdefault(loss.loss.name, [])
            compared += _comparisons(derivation, loss, instance, values)
    how = "finite at zeros and at extents of 1"
    return [row(f"zeros, gradients of {name}", how, compared) for name, compared in found.items()]


def _instances(derivation: Derivation, seed: int) -> Iterator[Instance]:
    system = derivation.system
    real = [i.symbol.name for i in system.inputs if i.symbol.kind == "real"]
    parameters = [p.symbol.name for p in system.parameters]
    for extents in (run_time_extents(system), least_extents(system)):
        drawn = first_defined(system, lambda found: found, seed, extents, exact=False)
        rng = np.random.default_rng(seed)
        some = {n: _thinned(drawn.given[n], rng) for n in [*real, *parameters]}
        none = {n: np.zeros_like(drawn.given[n]) for n in parameters}
        for zeros in ({}, some, none):
            yield replace(drawn, given={**drawn.given, **zeros})


def _thinned(array: Array, rng: np.random.Generator) -> Array:
    return np.where(rng.random(array.shape) < 1 / 3, 0.0, array)


def _comparisons(
    derivation: Derivation, loss: LossDerivation, instance: Instance, values: Arrays
) -> Iterator[Comparison]:
    equations = leading_to(derivation.system.equations, {loss.loss.name})
    for name, line in loss.gradients.items():
        gradient = values[line.equation.tensor.name]
        wrong = np.argwhere(~np.isfinite(np.asarray(gradient, complex)))[:_ENTRIES]
        if not len(wrong):
            yield Comparison(0.0, 0.0, "", FLOATS)
        for place in map(tuple, wrong):

            def moved(step: complex, name: str = name, at: tuple[int, ...] = place) -> complex:
                given = _moved(instance.given, name, at, step)
                found = evaluate_arrays(equations, given, instance.extents)[loss.loss.name]
                return complex(found)

            rise = moved(1j * STEP).imag / STEP
            if _is_derivative(rise, moved):
                at = entry(line.equation.tensor.name, place)
                where = (
                    f"equation ({line.number}), {at} is {gradient[place]} where entries are 0, "
                    f"but the loss rises by {rise:.6g}"
                )
                yield Comparison(math.inf, 0.0, where, FLOATS)


def _is_derivative(rise: float, moved: Callable[[complex], complex]) -> bool:
    """Whether the loss rises so to both sides: not so at a kink, nor at the root of 0."""
    here = moved(0).real
    sides = [(moved(step).real - here) / step for step in (_NEAR, -_NEAR)]
    return all(abs(side - rise) <= 1e-3 * (1 + abs(rise)) for side in sides)


def _moved(
    given: Mapping[str, Array], name: str, place: tuple[int, ...], step: complex
) -> dict[str, Array]:
    array = np.asarray(given[name]).astype(complex)
    array[place] += step
    return {**given, name: array}
