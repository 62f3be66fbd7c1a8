"""A generated module against the reference evaluator and against central differences.

The module is any object with the functions of a generated module. It is called in float64 with
run-time extents that are prime and pairwise different, so that no transposed axis can hide. What it
would draw, and its states, are handed in.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.checking.calling import Case, case, dense
from symbackprop.checking.draw import Array, Instance, first_defined
from symbackprop.checking.report import Comparison, Row, compared, entry, row
from symbackprop.checking.sizes import cotangent_sizes
from symbackprop.checking.slopes import slopes
from symbackprop.checking.values import cotangent_arrays, forward_arrays
from symbackprop.derivation.model import Derivation, LossDerivation

_TOLERANCES: Mapping[Any, float] = {np.float64: 1e-9, np.float32: 1e-3}
_ROUNDING = 1000  # of the dtype's precision, of the size of what is added up


@dataclass(frozen=True)
class _Reference:
    """What is expected: every tensor's value, each loss's gradients, and their sizes."""

    forward: Mapping[str, Array]
    gradients: Mapping[str, Mapping[str, Array]]
    sizes: Mapping[str, Mapping[str, Array]]


def check_module(derivation: Derivation, module: Any, seed: int = 0) -> list[Row]:
    """Outputs, losses and gradients against the reference; gradients against differences."""
    training = None if derivation.in_use is None else True
    return _rows(derivation, module, _instance(derivation, seed), training, seed)


def check_in_use(derivation: Derivation, module: Any, seed: int = 0) -> list[Row]:
    """The same of the module outside training; the derivation is the one for that."""
    return _rows(derivation, module, _instance(derivation, seed), False, seed)


def _instance(derivation: Derivation, seed: int) -> Instance:
    drawn: Instance = first_defined(
        derivation.system,
        lambda drawn: (forward_arrays(derivation, drawn), drawn)[1],
        seed,
        exact=False,
    )
    return drawn


def _rows(
    derivation: Derivation, module: Any, instance: Instance, training: bool | None, seed: int
) -> list[Row]:
    reference = _reference(derivation, instance)
    double = case(derivation, module, instance, np.float64, training)
    single = case(derivation, module, instance, np.float32, training)
    rows = [_outputs_row(double, reference)] if derivation.system.outputs else []
    for loss in derivation.losses:
        rows += [
            _loss_row(double, loss, reference),
            _gradients_row(double, loss, reference, np.float64),
            _differences_row(double, loss, seed),
            _gradients_row(single, loss, reference, np.float32),
        ]
        if hasattr(module, "Workspace"):
            rows.append(_workspace_row(double, loss, reference))
        if derivation.system.states:
            rows.append(_state_row(double, loss, reference))
    return rows


def _reference(derivation: Derivation, instance: Instance) -> _Reference:
    forward = forward_arrays(derivation, instance)
    gradients, sizes = {}, {}
    for loss in derivation.losses:
        name = loss.loss.name
        values = cotangent_arrays(loss, forward, instance.extents)
        terms = cotangent_sizes(loss, forward, instance.extents)
        by = {x: line.equation.tensor.name for x, line in loss.gradients.items()}
        gradients[name] = {x: values[gradient] for x, gradient in by.items()}
        sizes[name] = {x: terms[gradient] for x, gradient in by.items()}
    return _Reference(forward, gradients, sizes)


def _outputs_row(case: Case, reference: _Reference) -> Row:
    def comparisons() -> Iterator[Comparison]:
        found = case.call("forward")
        for symbol in case.derivation.system.outputs:
            yield from _same_array(symbol.name, found[symbol.name], reference.forward[symbol.name])

    return _row_of("forward", "module and reference evaluator, float64", comparisons)


def _loss_row(case: Case, loss: LossDerivation, reference: _Reference) -> Row:
    name = loss.loss.name

    def comparisons() -> Iterator[Comparison]:
        expected = reference.forward[name]
        yield from _same_array(name, case.call(name), expected)
        yield from _same_array(name, case.call(f"{name}_and_grads")[0], expected)

    return _row_of(name, "module and reference evaluator, float64", comparisons)


def _gradients_row(case: Case, loss: LossDerivation, reference: _Reference, dtype: Any) -> Row:
    def comparisons() -> Iterator[Comparison]:
        _, found = case.call(f"{loss.loss.name}_and_grads")
        yield from _same_gradients(case, loss, found, reference, dtype)

    how = "the reference evaluator" + (", float32" if dtype is np.float32 else "")
    return _row_of(f"gradients of {loss.loss.name}", f"module and {how}", comparisons)


def _workspace_row(case: Case, loss: LossDerivation, reference: _Reference) -> Row:
    """Twice with the same workspace: what the first call leaves in it must not matter."""

    def comparisons() -> Iterator[Comparison]:
        takes = inspect.signature(case.module.Workspace).parameters
        dtype = {"dtype": np.float64} if "dtype" in takes else {}
        work = case.module.Workspace(**case.instance.extents, **dtype)
        for _ in range(2):
            _, found = case.call(f"{loss.loss.name}_and_grads", workspace=work)
            yield from _same_gradients(case, loss, found, reference, np.float64)

    return _row_of(f"gradients of {loss.loss.name}", "module with a workspace, twice", comparisons)


def _differences_row(case: Case, loss: LossDerivation, seed: int) -> Row:
    how, comparisons = slopes(case, loss, seed)
    return _row_of(f"gradients of {loss.loss.name}", how, comparisons)


def _state_row(case: Case, loss: LossDerivation, reference: _Reference) -> Row:
    """What a step leaves in the states: their new values in training, the old ones outside it."""
    function = f"{loss.loss.name}_and_grads"

    def comparisons() -> Iterator[Comparison]:
        state = {name: array.copy() for name, array in case.state.items()}
        case.call(function, state=state)
        for s in case.derivation.system.states:
            name = s.symbol.name
            expected = reference.forward.get(s.update.name, case.state[name])
            yield from _same_array(f"{name} after {function}", state[name], expected)

    return _row_of("states", f"module after {function} and reference evaluator", comparisons)


def _same_gradients(
    case: Case,
    loss: LossDerivation,
    found: Mapping[str, Any],
    reference: _Reference,
    dtype: Any,
) -> Iterator[Comparison]:
    """The same names, shapes and values, and each gradient in the dtype of what it is by."""
    yield _same_thing("names", sorted(found), sorted(loss.gradients))
    expected, sizes = reference.gradients[loss.loss.name], reference.sizes[loss.loss.name]
    for name, line in loss.gradients.items():
        given = {**case.inputs, **case.params}[name]
        label = f"equation ({line.number}), {line.equation.tensor.name}"
        gradient = dense(found[name], given.shape)
        yield _same_thing(f"{label}, dtype", str(gradient.dtype), str(given.dtype))
        yield from _same_array(label, gradient, expected[name], sizes[name], dtype)


def _same_thing(what: str, found: object, expected: object) -> Comparison:
    where = f"{what}: the module has {found}, expected {expected}"
    return Comparison(0.0 if found == expected else math.inf, 0.0, where)


def _same_array(
    what: str, found: Any, expected: Array, size: Array | float = 1e-2, dtype: Any = np.float64
) -> Iterator[Comparison]:
    """Entry by entry, relative to the entry, with a floor: a thousandth of the largest entry.

    Beside that, what rounding may make of the size of what an entry is the sum of.
    """
    a, b = np.asarray(found, dtype=float), np.asarray(expected)
    yield _same_thing(f"{what}, shape", a.shape, b.shape)
    if a.shape != b.shape:
        return
    tolerance = _TOLERANCES[dtype]
    rounding = _ROUNDING * float(np.finfo(dtype).eps) / tolerance
    floor = 1e-3 * np.abs(b).max(initial=0.0) + rounding * np.asarray(size) + 1e-300
    with np.errstate(invalid="ignore"):
        errors = np.abs(a - b) / (np.abs(b) + floor)

    def where(place: tuple[int, ...]) -> str:
        both = f"the module has {a[place]:.12g}, the reference {b[place]:.12g}"
        return f"{entry(what, place)}: {both}"

    yield from compared(errors, tolerance, where)


def _row_of(what: str, how: str, comparisons: Callable[[], Iterator[Comparison]]) -> Row:
    """The row; a module that raises has failed, and the row says how."""
    try:
        return row(what, how, list(comparisons()))
    except Exception as raised:  # the module is foreign code: whatever it raises is its failure
        return Row(what, how, 0, math.inf, f"{type(raised).__name__}: {raised}")
