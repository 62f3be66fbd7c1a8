"""A module's gradients against how much its own loss changes: central differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from symbackprop.checking.calling import Case, dense
from symbackprop.checking.draw import Array
from symbackprop.checking.report import Comparison, entry
from symbackprop.checking.values import leading_to
from symbackprop.derivation.model import LossDerivation
from symbackprop.equations.nodes import Stop, tensors
from symbackprop.equations.system import System

_TOLERANCE = 1e-6
_STEPS = (1e-4, 1e-5, 1e-6, 1e-7)  # of differences; a smaller one where a kink lies within
_ENTRIES = 4  # of each gradient that is looked at, beside one direction


def slopes(
    case: Case, loss: LossDerivation, seed: int
) -> tuple[str, Callable[[], Iterator[Comparison]]]:
    """How it is done, and each gradient against the slope of the loss.

    stop_gradient makes some gradients that are no slopes; they are left out.
    """
    held = _held(case.derivation.system, loss.loss.name)
    free = [name for name in loss.gradients if name not in held]
    stopped = [name for name in loss.gradients if name in held]

    def comparisons() -> Iterator[Comparison]:
        _, found = case.call(f"{loss.loss.name}_and_grads")
        rng = np.random.default_rng(seed)
        for name in free:
            shape = {**case.inputs, **case.params}[name].shape
            gradient = dense(found[name], shape).astype(float)
            for what, direction in _directions(name, shape, rng):
                yield _slope(case, loss, name, what, direction, float((gradient * direction).sum()))

    how = "module's central differences"
    return (f"{how}, without {', '.join(stopped)} (stop_gradient)" if stopped else how), comparisons


def _held(system: System, loss: str) -> set[str]:
    """The names that stop_gradient holds constant on the way to a loss, and all they come from."""
    stops = {s for e in leading_to(system.equations, {loss}) for s in e.rhs.atoms(Stop)}
    stopped = {tensor.name for stop in stops for tensor in tensors(stop)}
    before = leading_to(system.equations, stopped)
    return stopped | {tensor.name for equation in before for tensor in tensors(equation.rhs)}


def _directions(
    name: str, shape: tuple[int, ...], rng: np.random.Generator
) -> Iterator[tuple[str, Array]]:
    """One random direction, and single entries, drawn or all where they are few."""
    direction = rng.normal(size=shape)
    yield (
        f"along a random direction of {name}",
        direction / max(1.0, float(np.linalg.norm(direction))),
    )
    size = math.prod(shape)
    for flat in sorted(rng.permutation(size)[:_ENTRIES].tolist()):
        unit = np.zeros(size)
        unit[flat] = 1
        point = tuple(map(int, np.unravel_index(flat, shape)))
        yield f"at {entry(name, point)}", unit.reshape(shape)


def _slope(
    case: Case, loss: LossDerivation, name: str, what: str, direction: Array, expected: float
) -> Comparison:
    """Whether the loss changes along a direction as the gradient says, for one of the steps."""
    tried = []
    for step in _STEPS:
        up, down = (_moved(case, loss, name, sign * step * direction) for sign in (1, -1))
        slope = (up - down) / (2 * step)
        rounding = 1e-15 * max(abs(up), abs(down)) / step
        scale = max(abs(slope), abs(expected), 1e-3)
        error, tolerance = abs(slope - expected) / scale, _TOLERANCE + rounding / scale
        where = (
            f"equation ({loss.gradients[name].number}), {what}: "
            f"the module says {expected:.9g}, its loss rises by {slope:.9g}"
        )
        tried.append(Comparison(error, tolerance, where))
    return next((c for c in tried if c.held), tried[0])


def _moved(case: Case, loss: LossDerivation, name: str, by: Array) -> float:
    if name in case.params:
        params = {**case.params, name: case.params[name] + by}
        return float(case.call(loss.loss.name, params=params))
    return float(case.call(loss.loss.name, **{name: case.inputs[name] + by}))
