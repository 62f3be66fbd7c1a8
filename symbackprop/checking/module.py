"""A generated module against the reference evaluator and against central differences.

The module is any object with the functions of a generated module. It is called in float64 with
run-time extents that are prime and pairwise different, so that no transposed axis can hide.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.checking.draw import Array, Instance, first_defined
from symbackprop.checking.gradients import leading_to
from symbackprop.checking.report import Comparison, Row, entry, row
from symbackprop.checking.steps import forward_values
from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.evaluate import FLOAT, evaluate_system
from symbackprop.equations.nodes import Stop, tensors
from symbackprop.equations.system import System

_REFERENCE = 1e-9
_SINGLE = 1e-3
_DIFFERENCES = 1e-6
_STEPS = (1e-4, 1e-5, 1e-6)  # of central differences; a smaller one where a kink lies within
_ENTRIES = 4  # of each gradient that central differences look at, beside one direction


@dataclass(frozen=True)
class _Case:
    """A module with what to call it with, and the reference values of every tensor."""

    module: Any
    derivation: Derivation
    instance: Instance
    params: Mapping[str, Array]
    inputs: Mapping[str, Array]

    def call(self, function: str, /, **changed: Any) -> Any:
        """Call with the inputs that the function takes, and what is changed of them."""
        called = getattr(self.module, function)
        taken = inspect.signature(called).parameters
        given = {"params": self.params, **self.inputs, **changed}
        return called(**{name: value for name, value in given.items() if name in taken})


def check_module(derivation: Derivation, module: Any, seed: int = 0) -> list[Row]:
    """Outputs, losses and gradients against the reference; gradients against differences."""
    instance = first_defined(
        derivation.system,
        lambda drawn: (forward_values(derivation, drawn), drawn)[1],
        seed,
    )
    case = _case(derivation, module, instance, np.float64)
    reference = _reference(case)
    single = _case(derivation, module, instance, np.float32)
    rows = [_outputs_row(case, reference)] if derivation.system.outputs else []
    for loss in derivation.losses:
        name = loss.loss.name
        expected = {by: reference[name, by] for by in loss.gradients}
        expected_loss = reference["", name]
        rows += [
            _loss_row(case, loss, expected_loss),
            _gradients_row(case, loss, expected, "the reference evaluator", _REFERENCE),
            _differences_row(case, loss, seed),
            _gradients_row(single, loss, expected, "the reference evaluator, float32", _SINGLE),
        ]
        if hasattr(module, "Workspace"):
            rows.append(_workspace_row(case, loss, expected))
    return rows


def _case(derivation: Derivation, module: Any, instance: Instance, dtype: Any) -> _Case:
    system = derivation.system
    dtypes = {"real": dtype, "integer": np.int64, "mask": np.bool_}
    given = instance.given
    return _Case(
        module,
        derivation,
        instance,
        {p.symbol.name: given[p.symbol.name].astype(dtype) for p in system.parameters},
        {i.symbol.name: given[i.symbol.name].astype(dtypes[i.symbol.kind]) for i in system.inputs},
    )


def _reference(case: _Case) -> dict[tuple[str, str], Array]:
    """Forward values by ("", name), gradients by (loss, name)."""
    derivation, extents = case.derivation, case.instance.extents
    equations = list(derivation.system.equations)
    defined = {equation.tensor.name for equation in equations}
    equations += [
        line.equation for line in derivation.forward if line.equation.tensor.name not in defined
    ]
    forward = evaluate_system(equations, {**case.params, **case.inputs}, extents, FLOAT)
    found = {("", name): value for name, value in forward.items()}
    for loss in derivation.losses:
        back = [line.equation for line in loss.cotangents]
        known = {line.equation.tensor.name for line in loss.cotangents}
        back += [
            line.equation
            for line in loss.gradients.values()
            if line.equation.tensor.name not in known
        ]
        values = evaluate_system(back, forward, extents, FLOAT)
        for name, line in loss.gradients.items():
            found[loss.loss.name, name] = values[line.equation.tensor.name]
    return found


def _outputs_row(case: _Case, reference: Mapping[tuple[str, str], Array]) -> Row:
    def comparisons() -> Iterator[Comparison]:
        found = case.call("forward")
        for symbol in case.derivation.system.outputs:
            yield from _same_array(
                symbol.name, found[symbol.name], reference["", symbol.name], _REFERENCE
            )

    return _row_of("forward", "module and reference evaluator, float64", comparisons)


def _loss_row(case: _Case, loss: LossDerivation, expected: Array) -> Row:
    name = loss.loss.name

    def comparisons() -> Iterator[Comparison]:
        yield from _same_array(name, case.call(name), expected, _REFERENCE)
        yield from _same_array(name, case.call(f"{name}_and_grads")[0], expected, _REFERENCE)

    return _row_of(name, "module and reference evaluator, float64", comparisons)


def _gradients_row(
    case: _Case, loss: LossDerivation, expected: Mapping[str, Array], how: str, tolerance: float
) -> Row:
    def comparisons() -> Iterator[Comparison]:
        _, found = case.call(f"{loss.loss.name}_and_grads")
        yield from _same_gradients(case, loss, found, expected, tolerance)

    return _row_of(f"gradients of {loss.loss.name}", f"module and {how}", comparisons)


def _workspace_row(case: _Case, loss: LossDerivation, expected: Mapping[str, Array]) -> Row:
    """Twice with the same workspace: what the first call leaves in it must not matter."""

    def comparisons() -> Iterator[Comparison]:
        takes = inspect.signature(case.module.Workspace).parameters
        dtype = {"dtype": np.float64} if "dtype" in takes else {}
        work = case.module.Workspace(**case.instance.extents, **dtype)
        for _ in range(2):
            _, found = case.call(f"{loss.loss.name}_and_grads", workspace=work)
            yield from _same_gradients(case, loss, found, expected, _REFERENCE)

    return _row_of(f"gradients of {loss.loss.name}", "module with a workspace, twice", comparisons)


def _differences_row(case: _Case, loss: LossDerivation, seed: int) -> Row:
    """Each gradient against the slope of the loss; stop_gradient makes some that are no slopes."""
    held = _held(case.derivation.system, loss.loss.name)
    slopes = [name for name in loss.gradients if name not in held]
    stopped = [name for name in loss.gradients if name in held]

    def comparisons() -> Iterator[Comparison]:
        _, found = case.call(f"{loss.loss.name}_and_grads")
        rng = np.random.default_rng(seed)
        for name in slopes:
            gradient = np.asarray(found[name], dtype=float)
            for what, direction in _directions(name, gradient.shape, rng):
                yield _slope(case, loss, name, what, direction, float((gradient * direction).sum()))

    how = "module's central differences"
    if stopped:
        how += f", without {', '.join(stopped)} (stop_gradient)"
    return _row_of(f"gradients of {loss.loss.name}", how, comparisons)


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
    case: _Case, loss: LossDerivation, name: str, what: str, direction: Array, expected: float
) -> Comparison:
    """Whether the loss changes along a direction as the gradient says, for one of the steps."""
    tried = []
    for step in _STEPS:
        up, down = (_moved(case, loss, name, sign * step * direction) for sign in (1, -1))
        slope = (up - down) / (2 * step)
        rounding = 1e-15 * max(abs(up), abs(down)) / step
        scale = max(abs(slope), abs(expected), 1e-3)
        error, tolerance = abs(slope - expected) / scale, _DIFFERENCES + rounding / scale
        where = (
            f"equation ({loss.gradients[name].number}), {what}: "
            f"the module says {expected:.9g}, its loss rises by {slope:.9g}"
        )
        tried.append(Comparison(error, tolerance, where))
    return next((c for c in tried if c.held), tried[0])


def _moved(case: _Case, loss: LossDerivation, name: str, by: Array) -> float:
    if name in case.params:
        params = {**case.params, name: case.params[name] + by}
        return float(case.call(loss.loss.name, params=params))
    return float(case.call(loss.loss.name, **{name: case.inputs[name] + by}))


def _same_gradients(
    case: _Case,
    loss: LossDerivation,
    found: Mapping[str, Any],
    expected: Mapping[str, Array],
    tolerance: float,
) -> Iterator[Comparison]:
    """The same names, shapes and values, and each gradient in the dtype of what it is by."""
    yield _same_thing("names", sorted(found), sorted(expected))
    for name, line in loss.gradients.items():
        given = {**case.inputs, **case.params}[name]
        label = f"equation ({line.number}), {line.equation.tensor.name}"
        yield _same_thing(f"{label}, dtype", str(np.asarray(found[name]).dtype), str(given.dtype))
        yield from _same_array(label, found[name], expected[name], tolerance)


def _same_thing(what: str, found: object, expected: object) -> Comparison:
    where = f"{what}: the module has {found}, expected {expected}"
    return Comparison(0.0 if found == expected else math.inf, 0.0, where)


def _same_array(what: str, found: Any, expected: Any, tolerance: float) -> Iterator[Comparison]:
    """Entry by entry, relative to the entry, with a floor: a thousandth of the largest entry.

    The floor is 1e-5 at least, since an entry that is 0 in mathematics is not quite in floats.
    """
    a, b = np.asarray(found, dtype=float), np.asarray(expected).astype(float)
    yield _same_thing(f"{what}, shape", a.shape, b.shape)
    if a.shape != b.shape:
        return
    floor = max(1e-5, 1e-3 * float(np.abs(b).max(initial=0.0)))
    with np.errstate(invalid="ignore"):
        errors = np.abs(a - b) / (np.abs(b) + floor)
    for position in np.ndindex(a.shape):
        error = float(errors[position])
        both = f"the module has {a[position]:.12g}, the reference {b[position]:.12g}"
        yield Comparison(error, tolerance, f"{entry(what, position)}: {both}")


def _row_of(what: str, how: str, comparisons: Callable[[], Iterator[Comparison]]) -> Row:
    """The row; a module that raises has failed, and the row says how."""
    try:
        return row(what, how, list(comparisons()))
    except Exception as raised:  # the module is foreign code: whatever it raises is its failure
        return Row(what, how, 0, math.inf, f"{type(raised).__name__}: {raised}")
