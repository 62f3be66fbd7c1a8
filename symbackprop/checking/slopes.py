"""A module's gradients against how much its own loss changes: central differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from symbackprop.checking.calling import Case, dense
from symbackprop.checking.draw import Array
from symbackprop.checking.report import Comparison, entry
from symbackprop.checking.values import equation_work, leading_to
from symbackprop.derivation.model import LossDerivation
from symbackprop.equations.nodes import Stop, tensors
from symbackprop.equations.system import System

_TOLERANCE = 1e-6
_STEPS = (1e-4, 1e-5, 1e-6, 1e-7)  # of differences; a smaller one where a kink lies within
_ENTRIES = 4  # of each gradient that is looked at, beside one direction
_OPERATIONS = 200_000_000  # that all losses may cost; past it, one direction for all gradients


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
        given = {**case.inputs, **case.params}
        gradients = {name: dense(found[name], given[name].shape).astype(float) for name in free}
        alone = 2 * (1 + _ENTRIES) * len(free) * _cost(case, loss) <= _OPERATIONS
        if free and not alone:
            together = {name: next(_directions(name, given[name].shape, rng))[1] for name in free}
            whole = _slope(
                case, loss, f"along a random direction of {free[0]}, …", together, gradients
            )
            yield whole
            alone = not whole.held
        for name in free if alone else ():
            for what, direction in _directions(name, given[name].shape, rng):
                yield _slope(case, loss, what, {name: direction}, gradients)

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


def _cost(case: Case, loss: LossDerivation) -> int:
    leading = leading_to(case.derivation.system.equations, {loss.loss.name})
    return sum(equation_work(equation, case.instance.extents) for equation in leading)


def _slope(
    case: Case,
    loss: LossDerivation,
    what: str,
    along: Mapping[str, Array],
    gradients: Mapping[str, Array],
) -> Comparison:
    """Whether the loss changes along a direction as the gradients say, for one of the steps."""
    expected = sum(float((gradients[name] * v).sum()) for name, v in along.items())
    tried = []
    for step in _STEPS:
        up, down = (_moved(case, loss, along, sign * step) for sign in (1, -1))
        slope = (up - down) / (2 * step)
        rounding = 1e-15 * max(abs(up), abs(down)) / step
        scale = max(abs(slope), abs(expected), 1e-3)
        error, tolerance = abs(slope - expected) / scale, _TOLERANCE + rounding / scale
        number = loss.gradients[next(iter(along))].number
        where = (
            f"equation ({number}), {what}: "
            f"the module says {expected:.9g}, its loss rises by {slope:.9g}"
        )
        tried.append(Comparison(error, tolerance, where))
        if tried[-1].held:
            return tried[-1]
    return tried[0]


def _moved(case: Case, loss: LossDerivation, along: Mapping[str, Array], by: float) -> float:
    def moved(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {name: a + by * along[name] if name in along else a for name, a in arrays.items()}

    return float(case.call(loss.loss.name, params=moved(case.params), **moved(case.inputs)))
