"""A module's gradients against how much its own loss changes: central differences with error bars.

The loss at x + h v less that at x - h v, over 2 h, misses the slope by truncation, which shrinks as
h², and by rounding, which grows as 1 / h. Two steps, one four times the other, bound the first and
make a better slope (Richardson 1911); how far rounding moves the loss bounds the second. Of several
steps, that with the smallest error bar decides. At a kink within the step, the slopes to both sides
differ by as much at any step; where there is none, by as much less as the step is smaller. What
turns faster than any step shows no slope: then the gradients themselves change within the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symbackprop.checking.calling import Case, dense
from symbackprop.checking.complex_steps import directions
from symbackprop.checking.draw import Array
from symbackprop.checking.evaluated import Evaluated
from symbackprop.checking.report import DIFFERENCES, Comparison, apart, entry
from symbackprop.checking.values import equation_work, leading_to
from symbackprop.derivation.model import LossDerivation
from symbackprop.equations.nodes import Stop, tensors
from symbackprop.equations.system import System

_STEPS = tuple(2.0**-k for k in range(8, 32, 2))
_ENTRIES = 4  # of each gradient that is looked at, beside one direction
_OPERATIONS = 5_000_000_000  # that all losses may cost; past it, one direction for all gradients
_ROUGH = 1e-3  # of the size of a gradient: a larger error bar tells nothing
_TURNED = 0.5  # of a slope: what changes more within the step that decides shows none
_EVALUATIONS = 14  # of the loss for one slope, about


@dataclass(frozen=True)
class Difference:
    """A slope with its error bar: what rounding and what the length of the step make of it."""

    slope: float
    rounding: float
    truncation: float
    step: float = 0.0

    @property
    def bar(self) -> float:
        return self.rounding + self.truncation

    def against(self, expected: float, size: float, where: str) -> Comparison:
        """Whether that is the slope, relative to the size of what both come from.

        It is no equality where the error bar is too long to tell anything, as where kinks stand
        close together.
        """
        distance = abs(expected - self.slope)
        if math.isinf(self.bar):
            return Comparison(0.0, 0.0, where, DIFFERENCES, count=0)
        scale = max(abs(expected), size) or 1.0
        told = f"{where} {self.slope:.9g}; {apart(distance, self.bar)}"
        count = int(not self.bar > _ROUGH * scale)
        return Comparison(distance / scale, self.bar / scale, told, DIFFERENCES, count)

    def unless_turning(self, slope: Callable[[float], float]) -> Difference:
        """The same, or nothing told where the slope changes within the step by half its size."""
        here, ends = slope(0.0), (slope(-self.step), slope(self.step))
        if all(abs(end - here) <= _TURNED * abs(here) for end in ends):
            return self
        return replace(self, truncation=math.inf)


def difference(loss: Callable[[float], float], bar: float) -> Difference:
    """The slope at 0 of a function whose values are each right to within `bar`."""
    here = loss(0.0)
    best = Difference(math.nan, math.inf, math.inf)
    last: tuple[float, float] | None = None
    for step in _STEPS:
        up, down = loss(step), loss(-step)
        slope, bend = (up - down) / (2 * step), (up - here) / step - (here - down) / step
        rounding = 1.1 * bar / step
        if rounding > best.bar:
            break
        if last is not None:
            better = slope + (slope - last[0]) / 15
            truncation = abs(slope - last[0]) / 15 + abs(bend - last[1] / 4)
            found = Difference(better, rounding, truncation, step)
            best = min(best, found, key=lambda found: found.bar)
        last = slope, bend
    return best


@dataclass(frozen=True)
class Slope:
    """What the gradients say of a direction, and the difference of the loss along it.

    `size` is the largest of what the gradients along it add up.
    """

    what: str
    expected: float
    found: Difference
    size: float

    @property
    def comparison(self) -> Comparison:
        where = f"{self.what}: the module says {self.expected:.9g}, its loss rises by"
        return self.found.against(self.expected, self.size, where)

    @property
    def within_rounding(self) -> bool:
        return abs(self.expected - self.found.slope) <= self.found.rounding


def counted(slopes: Sequence[Slope]) -> list[str]:
    """`12 of 30 within rounding`, and how many were too rough to tell anything; in words."""
    told = [slope for slope in slopes if slope.comparison.count]
    within = sum(slope.within_rounding for slope in told)
    shown = [f"{within} of {len(told)} within rounding"] if told else []
    rough = len(slopes) - len(told)
    return [*shown, f"{rough} too rough to tell"] if rough else shown


def slopes(case: Case, loss: LossDerivation, at: Evaluated, seed: int) -> Iterator[Slope]:
    """Each gradient, and each difference of the loss that it is held against.

    stop_gradient makes some gradients that are no slopes; they are left out.
    """
    _, found = case.call(f"{loss.loss.name}_and_grads")
    rng = np.random.default_rng(seed)
    given = {**case.inputs, **case.params}
    stopped = held(case.derivation.system, loss.loss.name)
    free = [name for name in loss.gradients if name not in stopped]
    gradients = {name: dense(found[name], given[name].shape).astype(float) for name in free}
    alone = _EVALUATIONS * (1 + _ENTRIES) * len(free) * _cost(case, loss) <= _OPERATIONS
    if free and not alone:
        along = directions(free, loss, at, rng)
        length = math.sqrt(sum(float((v * v).sum()) for v in along.values()))
        together = {name: v / length for name, v in along.items()}
        what = f"along a random direction of {free[0]}, …"
        whole = _slope(case, loss, what, together, gradients, at)
        yield whole
        alone = not (whole.comparison.held and whole.comparison.count)
    for name in free if alone else ():
        for what, direction in _directions(name, given[name].shape, rng):
            yield _slope(case, loss, what, {name: direction}, gradients, at)


def held(system: System, loss: str) -> set[str]:
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
    at: Evaluated,
) -> Slope:
    expected = sum(float((gradients[name] * v).sum()) for name, v in along.items())
    lines = {name: loss.gradients[name] for name in along}
    sizes = [
        np.abs(v) * (np.abs(gradients[n]) + at.sizes[lines[n].equation.tensor.name])
        for n, v in along.items()
    ]
    bar = float(at.bars(loss.loss.name))
    found = difference(lambda step: float(_moved(case, loss.loss.name, along, step)), bar)
    number = next(iter(lines.values())).number
    size = max(float(s.max(initial=0.0)) for s in sizes)
    slope = Slope(f"equation ({number}), {what}", expected, found, size)
    if slope.comparison.held:
        return slope
    return replace(
        slope, found=found.unless_turning(lambda step: _module_slope(case, loss, along, step))
    )


def _module_slope(case: Case, loss: LossDerivation, along: Mapping[str, Array], by: float) -> float:
    """What the module's own gradients say of the direction, moved along it."""
    _, found = _moved(case, f"{loss.loss.name}_and_grads", along, by)
    return sum(float((dense(found[name], v.shape) * v).sum()) for name, v in along.items())


def _moved(case: Case, function: str, along: Mapping[str, Array], by: float) -> Any:
    def moved(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {name: a + by * along[name] if name in along else a for name, a in arrays.items()}

    with np.errstate(all="ignore"):
        return case.call(function, params=moved(case.params), **moved(case.inputs))
