"""The derived gradients as a field: its Jacobian H is symmetric, and the curvature of the loss.

H w is how the derived gradients change along w, by a complex step of their equations. A field is
the gradient of some function only if v·H w = w·H v for all v and w; it is that of this loss only if
v·H v is how the slope of the loss along v changes along v. Each gradient takes part alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from symbackprop.checking.complex_steps import STEP, directions, slope_of
from symbackprop.checking.draw import Array, TooLarge, small_extents
from symbackprop.checking.evaluated import Evaluated, expect
from symbackprop.checking.report import FLOATS, Comparison, Proved, Row, apart, row
from symbackprop.checking.slopes import difference, held
from symbackprop.checking.values import work
from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.evaluate_arrays import evaluate_arrays

_TOLERANCE = 1e-10
_CANCELLED = 1e-2  # of a gradient's terms: a longer direction would show the rounding of changes
_OPERATIONS = 100_000_000  # past it, a derivation is not looked at


def check_second_order(derivation: Derivation, seed: int = 0) -> list[Row]:
    """One row for each loss with gradients, those left out that stop_gradient makes no slopes."""
    if (number := work(derivation, small_extents(derivation.system))) > _OPERATIONS:
        raise TooLarge(f"too large: {number:,} operations")
    found = expect(derivation, seed, small_extents(derivation.system))
    return [
        _row(derivation, loss, found.losses[loss.loss.name], seed)
        for loss in derivation.losses
        if loss.gradients
    ]


def _row(derivation: Derivation, loss: LossDerivation, at: Evaluated, seed: int) -> Row:
    what = f"second order of {loss.loss.name}"
    stops = held(derivation.system, loss.loss.name)
    names = [name for name in loss.gradients if name not in stops]
    without = [name for name in loss.gradients if name in stops]
    left_out = f", without {', '.join(without)} (stop_gradient)" if without else ""
    if not names:
        return Row(what, f"no gradient field{left_out}", Proved(), 0.0)
    rng = np.random.default_rng(seed)
    v, w = (directions(names, loss, at, rng, _CANCELLED) for _ in range(2))
    comparisons = [
        _symmetric(loss, names, v, w, at),
        _curvature(derivation, loss, names, v, at),
        _curvature(derivation, loss, names, w, at),
    ]
    how = "complex steps: symmetric, and how slopes change"
    return row(what, how + left_out, comparisons)


def _symmetric(
    loss: LossDerivation,
    names: Sequence[str],
    v: Mapping[str, Array],
    w: Mapping[str, Array],
    at: Evaluated,
) -> Comparison:
    """v·H w = w·H v."""
    one = _terms(v, _changes(loss, names, w, at))
    other = _terms(w, _changes(loss, names, v, at))
    size = float(np.abs(one).sum() + np.abs(other).sum())
    a, b = float(one.sum()), float(other.sum())
    bar = _TOLERANCE * size
    if not abs(a - b) <= bar:
        bar += _rounding(loss, v, w, at) + _rounding(loss, w, v, at)
    where = (
        f"gradients by {', '.join(names)}: v·H w is {a:.12g}, w·H v is {b:.12g}; "
        f"{apart(abs(a - b), bar)}"
    )
    scale = size or 1.0
    return Comparison(abs(a - b) / scale, bar / scale, where, FLOATS)


def _rounding(
    loss: LossDerivation, v: Mapping[str, Array], w: Mapping[str, Array], at: Evaluated
) -> float:
    """How far rounding may move v·H w: the gradients' own, for moves as long as the longest."""
    reach = max(float(np.abs(part).max(initial=0)) for part in w.values())
    tensors = {name: loss.gradients[name].equation.tensor.name for name in v}
    return reach * sum(float((at.bars(tensors[n]) * np.abs(v[n])).sum()) for n in v)


def _curvature(
    derivation: Derivation,
    loss: LossDerivation,
    names: Sequence[str],
    v: Mapping[str, Array],
    at: Evaluated,
) -> Comparison:
    """v·H v against the difference of slopes along v."""
    length = math.sqrt(sum(float((part * part).sum()) for part in v.values()))
    along = {name: part / length for name, part in v.items()}
    terms = _terms(along, _changes(loss, names, along, at))
    tensors = {name: loss.gradients[name].equation.tensor.name for name in names}
    bar = sum(float((at.bars(tensors[n]) * np.abs(along[n])).sum()) for n in names)

    def moved(step: float) -> Evaluated:
        values = {n: at.values[n] + step * along[n] for n in names}
        return replace(at, values={**at.values, **values})

    def slope(step: float) -> float:
        return slope_of(derivation.system, loss, along, moved(step))

    def curvature(step: float) -> float:
        return float(_terms(along, _changes(loss, names, along, moved(step))).sum())

    found = difference(slope, bar)
    # Each gradient makes a slope of 1 / length along v: so large are its changes at random.
    size = float(np.abs(terms).sum()) + len(names) / length**2
    found = replace(found, rounding=found.rounding + _TOLERANCE * size)
    where = (
        f"gradients by {', '.join(names)}: v·H v is {terms.sum():.9g}, "
        "the slope of the loss changes by"
    )
    comparison = found.against(float(terms.sum()), size, where)
    if comparison.held:
        return comparison
    return found.unless_turning(curvature).against(float(terms.sum()), size, where)


def _changes(
    loss: LossDerivation, names: Sequence[str], along: Mapping[str, Array], at: Evaluated
) -> dict[str, Array]:
    """H along: how fast each derived gradient changes."""
    given = {name: at.values[name] for name in at.instance.given}
    moved = {name: given[name] + 1j * STEP * direction for name, direction in along.items()}
    found = evaluate_arrays(at.equations, {**given, **moved}, at.instance.extents)
    tensors = {name: loss.gradients[name].equation.tensor.name for name in names}
    return {name: np.imag(found[tensor]) / STEP for name, tensor in tensors.items()}


def _terms(v: Mapping[str, Array], h: Mapping[str, Array]) -> Array:
    return np.concatenate([(part * h[name]).ravel() for name, part in v.items()])
