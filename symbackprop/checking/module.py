"""A generated module against the reference evaluator and against central differences.

The module is any object with the functions of a generated module. It is called with run-time
extents that are prime and pairwise different, so that no transposed axis can hide. What it would
draw, and its states, are handed in. What it returns may differ from the reference by as much as
rounding may move it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.checking.calling import Case, case, dense
from symbackprop.checking.evaluated import Evaluated, Expected
from symbackprop.checking.report import (
    FLOATS,
    Comparison,
    Proved,
    Row,
    apart,
    compared,
    entry,
    row,
)
from symbackprop.checking.slopes import Slope, counted, held, slopes
from symbackprop.checking.values import leading_to
from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.nodes import tensors

_RATE = 0.25  # of the steps that are checked
_REFERENCE = "module and reference evaluator"


def check_module(
    derivation: Derivation,
    module: Any,
    expected: Expected,
    training: bool | None = None,
    seed: int = 0,
) -> list[Row]:
    """Outputs, losses and gradients against the expected values; gradients against differences.

    `training` is what the module is called with; None where it takes no such argument.
    """
    instance = expected.forward.instance
    double = case(derivation, module, instance, np.float64, training)
    single = case(derivation, module, instance, np.float32, training)
    rows = [_outputs_row(double, expected.forward)] if derivation.system.outputs else []
    for loss in derivation.losses:
        at = expected.losses[loss.loss.name]
        rows.append(_loss_row(double, loss, at))
        if loss.gradients:
            rows += _gradient_rows(double, single, loss, at, seed)
        if derivation.system.states:
            rows.append(_state_row(double, loss, at))
    return rows


def _gradient_rows(
    double: Case, single: Case, loss: LossDerivation, at: Evaluated, seed: int
) -> list[Row]:
    rows = [
        _gradients_row(double, loss, at, np.float64),
        _differences_row(double, loss, at, seed),
        _gradients_row(single, loss, at, np.float32),
    ]
    if hasattr(double.module, "Workspace"):
        rows.append(_workspace_row(double, loss, at))
        rows += _step_rows(double, loss, at)
    return rows


def _outputs_row(case: Case, at: Evaluated) -> Row:
    def comparisons() -> Iterator[Comparison]:
        found = case.call("forward")
        for symbol in case.derivation.system.outputs:
            yield from _same_array(symbol.name, found[symbol.name], at, symbol.name)

    return _row_of("forward", f"{_REFERENCE}, float64", comparisons)


def _loss_row(case: Case, loss: LossDerivation, at: Evaluated) -> Row:
    name = loss.loss.name

    def comparisons() -> Iterator[Comparison]:
        yield from _same_array(name, case.call(name), at, name)
        yield from _same_array(name, case.call(f"{name}_and_grads")[0], at, name)

    return _row_of(name, f"{_REFERENCE}, float64", comparisons)


def _gradients_row(case: Case, loss: LossDerivation, at: Evaluated, dtype: Any) -> Row:
    def comparisons() -> Iterator[Comparison]:
        _, found = case.call(f"{loss.loss.name}_and_grads")
        yield from _same_gradients(case, loss, found, at, dtype)

    how = f"{_REFERENCE}, {np.dtype(dtype)}"
    return _row_of(f"gradients of {loss.loss.name}", how, comparisons)


def _workspace_row(case: Case, loss: LossDerivation, at: Evaluated) -> Row:
    """Twice with the same workspace: what the first call leaves in it must not matter."""

    def comparisons() -> Iterator[Comparison]:
        work = case.workspace(np.float64)
        for _ in range(2):
            _, found = case.call(f"{loss.loss.name}_and_grads", workspace=work)
            yield from _same_gradients(case, loss, found, at, np.float64)

    return _row_of(f"gradients of {loss.loss.name}", "module with a workspace, twice", comparisons)


def _differences_row(case: Case, loss: LossDerivation, at: Evaluated, seed: int) -> Row:
    found: list[Slope] = []

    def comparisons() -> Iterator[Comparison]:
        found.extend(slopes(case, loss, at, seed))
        yield from (slope.comparison for slope in found)

    how = "module's central differences"
    made = _row_of(f"gradients of {loss.loss.name}", how, comparisons)
    stops = held(case.derivation.system, loss.loss.name)
    stopped = [name for name in loss.gradients if name in stops]
    without = [f"without {', '.join(stopped)} (stop_gradient)"] * bool(stopped)
    return replace(made, how=", ".join([how, *counted(found), *without]))


def _state_row(case: Case, loss: LossDerivation, at: Evaluated) -> Row:
    """What a step leaves in the states: new values of those that it moves, or old ones."""
    function = f"{loss.loss.name}_and_grads"

    def comparisons() -> Iterator[Comparison]:
        state = {name: array.copy() for name, array in case.state.items()}
        case.call(function, state=state)
        for s in case.derivation.system.states:
            what, name = f"{s.symbol.name} after {function}", s.symbol.name
            moved = s.update.name in at.values and _moves(case.derivation, loss, s.update.name)
            known = s.update.name if moved else name
            yield from _same_array(what, state[name], at, known)

    return _row_of("states", f"module after {function} and reference evaluator", comparisons)


def _moves(derivation: Derivation, loss: LossDerivation, update: str) -> bool:
    """Whether the loss or its gradients read all that the new value of a state is made of.

    What they do not read is not computed for the sake of a state: mse(h, h) is 0 whatever h is.
    """
    system = derivation.system
    read = {loss.loss.name}
    read |= {t.name for line in loss.cotangents for t in tensors(line.equation.rhs)}
    known = {equation.tensor.name for equation in leading_to(system.equations, read)}
    moving = {state.symbol for state in system.states}
    for equation in system.equations:
        if not moving.isdisjoint(tensors(equation.rhs)):
            moving.add(equation.tensor)
    made_of = [e.tensor for e in leading_to(system.equations, {update})]
    return all(t in moving or t.name in known for t in made_of)


def _step_rows(case: Case, loss: LossDerivation, at: Evaluated) -> list[Row]:
    """The parameters after a step: each less the rate times the gradient of the reference."""
    several = len(case.derivation.losses) > 1
    function = f"{loss.loss.name}_sgd_step" if several else "sgd_step"

    def comparisons() -> Iterator[Comparison]:
        params = {name: array.copy() for name, array in case.params.items()}
        value = case.call(function, params=params, rate=_RATE)
        yield from _same_array(loss.loss.name, value, at, loss.loss.name)
        for name, before in case.params.items():
            yield from _stepped(name, params[name], before, loss, at)

    if not any(name in loss.gradients for name in case.params):
        return []
    return [_row_of("parameters", f"module after {function} and reference evaluator", comparisons)]


def _stepped(
    name: str, after: Any, before: Any, loss: LossDerivation, at: Evaluated
) -> Iterator[Comparison]:
    """One parameter after the step, within the error bars of its gradient."""
    step, bars = np.zeros_like(before), np.abs(before) * np.finfo(before.dtype).eps
    if name in loss.gradients:
        tensor = loss.gradients[name].equation.tensor.name
        step = step + _RATE * np.asarray(at.values[tensor])
        bars = bars + _RATE * at.bars(tensor, before.dtype)
    wanted = before - step
    with np.errstate(invalid="ignore"):
        distances = np.abs(after - wanted)

    def where(place: tuple[int, ...]) -> str:
        both = f"the module has {after[place]:.12g}, expected {wanted[place]:.12g}"
        return f"{entry(name, place)} after a step: {both}; {apart(distances[place], bars[place])}"

    scale = np.abs(before).max(initial=0.0) + np.abs(step).max(initial=0.0) or 1.0
    yield from compared(distances / scale, bars / scale, where)


def _same_gradients(
    case: Case, loss: LossDerivation, found: Mapping[str, Any], at: Evaluated, dtype: Any
) -> Iterator[Comparison]:
    """The same names, shapes and values, and each gradient in the dtype of what it is by."""
    yield _same_thing("names", sorted(found), sorted(loss.gradients))
    for name, line in loss.gradients.items():
        given = {**case.inputs, **case.params}[name]
        tensor = line.equation.tensor.name
        label = f"equation ({line.number}), {tensor}"
        gradient = dense(found[name], given.shape)
        yield _same_thing(f"{label}, dtype", str(gradient.dtype), str(given.dtype))
        yield from _same_array(label, gradient, at, tensor, dtype)


def _same_thing(what: str, found: object, expected: object) -> Comparison:
    where = f"{what}: the module has {found}, expected {expected}"
    return Comparison(0.0 if found == expected else math.inf, 0.0, where, FLOATS, count=0)


def _same_array(
    what: str, found: Any, at: Evaluated, name: str, dtype: Any = np.float64
) -> Iterator[Comparison]:
    """Entry by entry, relative to the largest entry or what it adds up, within the error bars."""
    a, b = np.asarray(found, dtype=float), np.asarray(at.values[name])
    yield _same_thing(f"{what}, shape", a.shape, b.shape)
    if a.shape != b.shape:
        return
    bars = at.bars(name, dtype)
    with np.errstate(invalid="ignore"):
        distances = np.abs(a - b)

    def where(place: tuple[int, ...]) -> str:
        both = f"the module has {a[place]:.12g}, the reference {b[place]:.12g}"
        return f"{entry(what, place)}: {both}; {apart(distances[place], bars[place])}"

    scale = np.maximum(np.abs(b), at.sizes[name]).max(initial=0.0) or 1.0
    yield from compared(distances / scale, bars / scale, where)


def _row_of(what: str, how: str, comparisons: Callable[[], Iterator[Comparison]]) -> Row:
    """The row; a module that raises has failed, and the row says how."""
    try:
        return row(what, how, comparisons())
    except Exception as raised:  # the module is foreign code: whatever it raises is its failure
        return Row(what, how, Proved(), math.inf, f"{type(raised).__name__}: {raised}")
