"""The generated float64 module against the user's own equations in the array evaluator.

Held against each other are the loss, the outputs, and the slope of the loss along a random
direction of everything, by a complex step (Squire and Trapp 1998).
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import sympy

from symbackprop.checking.calling import Case, case, dense
from symbackprop.checking.draw import Instance, TooLarge, first_defined
from symbackprop.checking.sizes import cotangent_sizes, size_of
from symbackprop.checking.values import Arrays, forward_arrays, leading_to
from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations import evaluate_arrays as arrays
from symbackprop.equations.evaluate import Undefined, extent_of
from symbackprop.equations.evaluate_arrays import evaluate_arrays
from symbackprop.equations.system import Equation, System

STEP = 1e-30
TOLERANCE = 1e-7
ROUNDING = 1e-11  # of the size of what is added up
UNIT = sympy.Rational(1, 10**15)
MORE = 10  # what is rounded in a module is more than the values of equations
STEEPEST = 1e9  # slope of a function where it has one
POINTS = 4  # tried for one at which all numbers are defined


class Wrong(Exception):
    """A number, a name or a shape that is not what it has to be."""


class NotANumber(Wrong):
    """The module has none where the equations have one."""


@dataclass(frozen=True)
class Outcome:
    """`kind` is refused, held, or undefined (no numbers at any point tried); `why` a word more."""

    kind: str
    why: str = ""


def numbers(derivation: Derivation, module: ModuleType, seed: int) -> Outcome:
    """In training and in use, where they differ."""
    found = _held(derivation, module, seed, None if derivation.in_use is None else True)
    if derivation.in_use is not None and found.kind == "held":
        return _held(derivation.in_use, module, seed, False)
    return found


def _held(derivation: Derivation, module: ModuleType, seed: int, training: bool | None) -> Outcome:
    """At the first point drawn at which everything is a number."""
    system, tried = derivation.system, 0

    def attempt(instance: Instance) -> Outcome:
        nonlocal tried
        tried += 1
        try:
            values = evaluate_arrays(system.equations, instance.given, instance.extents)
        except MemoryError:  # as of a sum over 999999999999 places, none of which is read
            return Outcome("undefined", "too large for the evaluator")
        found = Outcome("undefined", "some value is not finite")
        if all(np.isfinite(array).all() for array in values.values()):
            try:
                called = case(derivation, module, instance, np.float64, training)
                found = _compared(called, values, np.random.default_rng(seed))
            except NotANumber:
                if _is_defined(system, instance):
                    raise
                found = Outcome("undefined", "some value is not finite within")
            except ValueError as refusal:
                if "it must be at least" not in str(refusal):
                    raise
                found = Outcome("undefined", "an extent is too small")
        if found.kind == "undefined" and tried < POINTS:
            raise Undefined(found.why)
        return found

    try:
        found: Outcome = first_defined(
            system, attempt, seed, _extents(system, Random(seed)), exact=False
        )
    except TooLarge as large:
        return Outcome("undefined", str(large))
    return found


def _is_defined(system: System, instance: Instance) -> bool:
    """Whether functions, powers and comparisons get numbers, at which they have a derivative.

    clip(log(-1), 0, 1) is no number, and sqrt(sin(0)) has no derivative by the chain rule.
    """
    met = True

    def watched(function: Callable[..., Any], smooth: bool = True) -> Callable[..., Any]:
        def watching(first: Any, *others: Any) -> Any:
            nonlocal met
            met = met and all(np.isfinite(operand).all() for operand in (first, *others))
            if smooth:
                slope = np.imag(function(np.asarray(first) + 1j * STEP, *others)) / STEP
                met = met and bool((np.abs(slope) < STEEPEST).all())
            return function(first, *others)

        return watching

    known = arrays.ARRAYS
    watching = replace(
        known,
        power=watched(known.power),
        functions={name: watched(f) for name, f in known.functions.items()},
        comparisons={name: watched(f, smooth=False) for name, f in known.comparisons.items()},
    )
    with mock.patch.object(arrays, "ARRAYS", watching):
        evaluate_arrays(system.equations, instance.given, instance.extents)
    return met


def _compared(called: Case, values: Arrays, rng: np.random.Generator) -> Outcome:
    """The module at one point against the values of the equations there."""
    rounded = functools.cache(lambda: _rounded(called))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as of log(-1), of which only the sign is read
        try:
            _outputs(called, values, rounded)
            losses = called.derivation.losses
            results = [_loss(called, loss, values, rounded, rng) for loss in losses]
        except ValueError as refusal:
            if "divides by it" in str(refusal):  # batch_norm of a single row
                return Outcome("undefined", "an extent is too small")
            raise
    return Outcome("held") if all(results) else Outcome("undefined", "a slope is not finite")


def _extents(system: System, random: Random) -> dict[str, int]:
    """Run-time extents from 1 to 5, larger where an extent made of them would be below 1."""
    extents = {symbol.name: random.randint(1, 5) for symbol in system.extents}
    tensors = [*system.given, *(equation.tensor for equation in system.equations)]
    made = sorted({e for t in tensors for e in t.shape if not e.is_Integer}, key=str)
    while any(extent_of(e, extents) < 1 for e in made):
        extents = {name: size + 1 for name, size in extents.items()}
    return extents


def _rounded(called: Case) -> Arrays:
    """The values where each is as far off as rounding may put what is added up in it."""
    off = _off(called.derivation.system.equations)
    with np.errstate(all="ignore"):
        return evaluate_arrays(off, called.instance.given, called.instance.extents)


def _off(equations: Sequence[Equation]) -> list[Equation]:
    return [replace(e, rhs=e.rhs + UNIT * size_of(e.rhs)) for e in equations]


def _outputs(called: Case, values: Arrays, rounded: Callable[[], Arrays]) -> None:
    symbols = called.derivation.system.outputs
    if not symbols:
        return
    found = called.call("forward")
    for symbol in symbols:
        name = symbol.name
        _same(name, found[name], values[name], lambda name=name: rounded()[name])


def _loss(
    called: Case,
    loss: LossDerivation,
    values: Arrays,
    rounded: Callable[[], Arrays],
    rng: np.random.Generator,
) -> bool:
    """The loss, its gradients' names, shapes and slope; False where it is no number."""
    name = loss.loss.name
    _same(name, called.call(name), values[name], lambda: rounded()[name])
    value, found = called.call(f"{name}_and_grads")
    _same(f"{name} beside its gradients", value, values[name], lambda: rounded()[name])
    if sorted(found) != sorted(loss.gradients):
        raise Wrong(f"gradients by {sorted(found)}, wanted by {sorted(loss.gradients)}")
    given = {**called.inputs, **called.params}
    gradients = {by: dense(found[by], given[by].shape) for by in found}
    for by, gradient in gradients.items():
        if (gradient.shape, gradient.dtype) != (given[by].shape, given[by].dtype):
            raise Wrong(f"d{by} has shape {gradient.shape}, dtype {gradient.dtype}")
    if gradients and not _slope(called, loss, gradients, values, rng):
        return False
    if hasattr(called.module, "Workspace"):
        work = called.module.Workspace(**called.instance.extents, dtype=np.float64)
        for _ in range(2):
            again, found = called.call(f"{name}_and_grads", workspace=work)
            _same(f"{name} with a workspace", again, np.asarray(value))
            for by, gradient in gradients.items():
                _same(f"d{by} with a workspace", dense(found[by], gradient.shape), gradient)
    return True


def _slope(
    called: Case,
    loss: LossDerivation,
    gradients: Arrays,
    values: Arrays,
    rng: np.random.Generator,
) -> bool:
    """Whether the loss rises as the gradients say; if not along all of them, along which."""
    along = {by: rng.normal(size=gradient.shape) for by, gradient in sorted(gradients.items())}
    together = _rise(called, loss, list(along), along, gradients, values)
    if together is None:
        return False
    if together:
        alone = [_rise(called, loss, [by], along, gradients, values) for by in along]
        told = "\n".join([together, *(a for a in alone if a)])
        numbers = all(np.isfinite(gradient).all() for gradient in gradients.values())
        raise (Wrong if numbers else NotANumber)(told)
    return True


def _rise(
    called: Case,
    loss: LossDerivation,
    names: Sequence[str],
    along: Arrays,
    gradients: Arrays,
    values: Arrays,
) -> str | None:
    """What is wrong with the slope along these names, "" if nothing; None where it is no number."""
    instance, name = called.instance, loss.loss.name
    given = {by: values[by] for by in instance.given}
    moved = {by: given[by] + 1j * STEP * along[by] for by in names}
    equations = leading_to(called.derivation.system.equations, {name})

    def rises(equations: Sequence[Equation]) -> float:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = evaluate_arrays(equations, {**given, **moved}, instance.extents)
        return float(found[name].imag) / STEP

    rise = rises(equations)
    derived = sum(float((gradients[by] * along[by]).sum()) for by in names)
    if not np.isfinite(rise):
        return None
    scale = sum(float(np.abs(gradients[by] * along[by]).sum()) for by in names)
    if abs(derived - rise) <= TOLERANCE * scale:
        return ""
    size = _size(called, loss, names, along) + _largest(called, name, values)
    if abs(derived - rise) <= TOLERANCE * scale + ROUNDING * size:
        return ""
    if abs(derived - rise) <= MORE * abs(rises(_off(equations)) - rise):
        return ""
    where = ", ".join(names)
    return f"{name} along {where}: derived {derived:.12g}, rises by {rise:.12g}, size {size:.3g}"


def _size(called: Case, loss: LossDerivation, names: Sequence[str], along: Arrays) -> float:
    """Of what is added up on the way to these gradients."""
    try:
        forward = forward_arrays(called.derivation, called.instance)
    except Undefined:
        return 0.0
    sizes = cotangent_sizes(loss, forward, called.instance.extents)
    by = {name: sizes[loss.gradients[name].equation.tensor.name] for name in names}
    return sum(float(np.abs(by[name] * along[name]).sum()) for name in names)


def _largest(called: Case, name: str, values: Arrays) -> float:
    """Of what is added up on the way to the loss: log p is as wrong as p, also where it is 0."""
    leading = leading_to(called.derivation.system.equations, {name})
    sizes = evaluate_arrays(
        [replace(e, rhs=size_of(e.rhs)) for e in leading], values, called.instance.extents
    )
    found = (float(np.max(sizes[e.tensor.name], initial=0)) for e in leading)
    return max((size for size in found if np.isfinite(size)), default=0.0)


def _same(what: str, found: Any, expected: Any, rounded: Callable[[], Any] | None = None) -> None:
    """Entry by entry, but for what rounding makes of it."""
    a, b = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    if a.shape != b.shape:
        raise Wrong(f"{what} has shape {a.shape}, wanted {b.shape}")
    scale = 1e-9 * np.abs(b) + 1e-10 * np.abs(b).max(initial=1e-3)
    wrong = ~(np.abs(a - b) <= scale)
    if wrong.any() and rounded is not None and np.isfinite(a).all():
        moved = np.asarray(rounded(), dtype=float) - b
        wrong &= ~(np.abs(a - b) <= MORE * np.abs(moved).max(initial=0))
    if wrong.any():
        place = tuple(map(int, np.argwhere(wrong)[0]))
        kind = Wrong if np.isfinite(a[place]) else NotANumber
        raise kind(f"{what}{list(place)} is {a[place]:.12g}, wanted {b[place]:.12g}")
