"""The generated module at large entries and at zeros: finite wherever the equations are.

Entries drawn from (-1, 1) never show an exponential that overflows because the maximum was not
taken off, nor a norm that is divided by itself at 0. The equations here are those in use, in which
softmax and its kin are written so that they do not overflow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.checking.calling import Case, case, dense
from symbackprop.checking.draw import Array, Instance
from symbackprop.checking.report import FLOATS, Comparison, Proved, Row, entry, row
from symbackprop.checking.values import Arrays, cotangent_arrays, work
from symbackprop.derivation.model import Derivation
from symbackprop.equations.evaluate import Undefined
from symbackprop.equations.evaluate_arrays import evaluate_arrays

_SCALES = (300.0, 30.0, 3.0)  # of the entries; the largest at which nothing grows beyond all bounds
_ROUNDING = 1e-9  # of the largest value of any tensor, in double precision
_OPERATIONS = 200_000_000  # past it, no tensor is large alone
_BOUND = 1e15  # what a value may be: its square, and sums of that, are numbers in single precision


def check_extremes(
    derivation: Derivation, module: Any, instance: Instance, training: bool | None = None
) -> list[Row]:
    """One row: entries large, together and one tensor alone, of the other sign, and zeros."""
    what = "large entries and zeros"
    how = "module finite where the equations are, float64 and float32; values, float64"
    drawn = [(one, _values(derivation, one)) for one in _instances(derivation, instance)]
    cases = [
        (case(derivation, module, one, dtype, training), known if dtype is np.float64 else None)
        for one, known in drawn
        if known is not None
        for dtype in (np.float64, np.float32)
    ]
    try:
        compared = [comparison for called in cases for comparison in _compared(*called)]
    except Exception as raised:  # the module is foreign code: whatever it raises is its failure
        return [Row(what, how, Proved(), math.inf, f"{type(raised).__name__}: {raised}")]
    return [row(what, how, compared)] if compared else []


def _instances(derivation: Derivation, instance: Instance) -> Iterator[Instance]:
    system = derivation.system
    real = [i.symbol.name for i in system.inputs if i.symbol.kind == "real" and not i.distribution]
    parameters = [p.symbol.name for p in system.parameters]
    every = [*real, *parameters]
    largest = _large(derivation, instance, every)
    yield largest
    yield from (_scaled(largest, names, -1.0) for names in (real, parameters))
    yield _large(derivation, instance, real)  # alone they may be larger
    if len(every) * work(derivation, instance.extents) <= _OPERATIONS:
        yield from (_large(derivation, instance, [name]) for name in every)
    yield from (_scaled(instance, names, 0.0) for names in (real, every))


def _large(derivation: Derivation, instance: Instance, names: list[str]) -> Instance:
    """These entries as large as the equations allow."""
    large = (_scaled(instance, names, scale) for scale in _SCALES)
    return next((one for one in large if _values(derivation, one) is not None), instance)


def _scaled(instance: Instance, names: list[str], by: float) -> Instance:
    return replace(instance, given={**instance.given, **{n: by * instance.given[n] for n in names}})


def _values(derivation: Derivation, instance: Instance) -> Arrays | None:
    """All tensors on the way forward; None where one, there or on the way back, is too large."""
    equations = [line.equation for line in derivation.forward]
    with np.errstate(all="ignore"):
        try:
            forward = evaluate_arrays(equations, instance.given, instance.extents)
            ways = [cotangent_arrays(x, forward, instance.extents) for x in derivation.losses]
        except Undefined:
            return None
    arrays = [array for values in (forward, *ways) for array in values.values()]
    return forward if all((np.abs(array) < _BOUND).all() for array in arrays) else None


def _largest(values: Arrays) -> float:
    return max((float(np.abs(array).max(initial=0.0)) for array in values.values()), default=0.0)


def _compared(called: Case, known: Arrays | None) -> Iterator[Comparison]:
    """Whether outputs, losses and gradients are finite; the first two near what is known."""
    with np.errstate(all="ignore"):
        outputs = called.call("forward") if called.derivation.system.outputs else {}
        for name, array in outputs.items():
            yield _entries(name, array, name, known)
        for loss in called.derivation.losses:
            name = loss.loss.name
            value, gradients = called.call(f"{name}_and_grads")
            yield from (_entries(name, one, name, known) for one in (called.call(name), value))
            for by, line in loss.gradients.items():
                shape = {**called.inputs, **called.params}[by].shape
                tensor = line.equation.tensor.name
                yield _entries(f"equation ({line.number}), {tensor}", dense(gradients[by], shape))


def _entries(what: str, found: Any, name: str = "", known: Arrays | None = None) -> Comparison:
    """The worst entry: one that is not finite, or farther from what is known than rounding goes."""
    array: Array = np.asarray(found)
    errors = np.where(np.isfinite(array), 0.0, math.inf)
    if known is not None and known[name].shape == array.shape:
        errors += np.abs(array - known[name]) / max(1.0, _largest(known))
    place = np.unravel_index(int(np.nan_to_num(errors, nan=math.inf).argmax()), array.shape)
    worst = math.inf if math.isnan(errors[place]) else float(errors[place])
    expected = "a number" if known is None or not name else f"{known[name][place]:.12g}"
    at = entry(what, tuple(map(int, place)))
    where = f"{at}: the module has {array[place]:.12g}, the equations {expected}"
    return Comparison(worst, _ROUNDING, "" if worst <= _ROUNDING else where, FLOATS, array.size)
