"""The generated module at large entries and at zeros: finite wherever the equations are.

Entries drawn from (-1, 1) never show an exponential that overflows because the maximum was not
taken off, nor a norm that is divided by itself at 0. The equations here are those in use, in which
softmax and its kin are written so that they do not overflow.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.checking.calling import Case, case, dense
from symbackprop.checking.draw import Array, Instance
from symbackprop.checking.report import FLOATS, Comparison, Proved, Row, entry, row
from symbackprop.checking.values import Arrays, cotangent_arrays
from symbackprop.derivation.model import Derivation
from symbackprop.equations.evaluate import Undefined
from symbackprop.equations.evaluate_arrays import evaluate_arrays

_SCALES = (300.0, 30.0, 3.0)  # of the entries; the largest at which nothing grows beyond all bounds
_BOUND = 1e15  # what a value may be: its square, and sums of that, are numbers in single precision


def check_extremes(
    derivation: Derivation, module: Any, instance: Instance, training: bool | None = None
) -> list[Row]:
    """One row: all entries large, or those of the inputs 0, or all 0; in both precisions."""
    what = "large entries and zeros"
    how = "module finite where the equations are, float64 and float32"
    cases = [
        case(derivation, module, given, dtype, training)
        for given in _instances(derivation, instance)
        for dtype in (np.float64, np.float32)
    ]
    try:
        compared = [comparison for called in cases for comparison in _finite(called)]
    except Exception as raised:  # the module is foreign code: whatever it raises is its failure
        return [Row(what, how, Proved(), math.inf, f"{type(raised).__name__}: {raised}")]
    return [row(what, how, compared)] if compared else []


def _instances(derivation: Derivation, instance: Instance) -> Iterator[Instance]:
    system = derivation.system
    inputs = [
        i.symbol.name for i in system.inputs if i.symbol.kind == "real" and not i.distribution
    ]
    names = [*inputs, *(p.symbol.name for p in system.parameters)]
    large = (_scaled(instance, names, scale) for scale in _SCALES)
    yield from itertools.islice((one for one in large if _is_finite(derivation, one)), 1)
    zeros = (_scaled(instance, some, 0.0) for some in (inputs, names))
    yield from (one for one in zeros if _is_finite(derivation, one))


def _scaled(instance: Instance, names: list[str], by: float) -> Instance:
    return replace(instance, given={**instance.given, **{n: by * instance.given[n] for n in names}})


def _is_finite(derivation: Derivation, instance: Instance) -> bool:
    """Whether all tensors have values there, none of them too large."""
    found: list[Arrays] = []
    with np.errstate(all="ignore"):
        try:
            forward = evaluate_arrays(
                [line.equation for line in derivation.forward], instance.given, instance.extents
            )
            for loss in derivation.losses:
                found.append(cotangent_arrays(loss, forward, instance.extents))
        except Undefined:
            return False
    sizes = (np.abs(array).max(initial=0.0) for values in found for array in values.values())
    return all(bool(size < _BOUND) for size in sizes)


def _finite(called: Case) -> Iterator[Comparison]:
    """Whether the outputs, the losses and the gradients are."""
    with np.errstate(all="ignore"):
        outputs = called.call("forward") if called.derivation.system.outputs else {}
        for name, array in outputs.items():
            yield _all_finite(name, array)
        for loss in called.derivation.losses:
            name = loss.loss.name
            value, gradients = called.call(f"{name}_and_grads")
            yield from (_all_finite(name, one) for one in (called.call(name), value))
            for by, line in loss.gradients.items():
                shape = {**called.inputs, **called.params}[by].shape
                yield _all_finite(
                    f"equation ({line.number}), {line.equation.tensor.name}",
                    dense(gradients[by], shape),
                )


def _all_finite(what: str, found: Any) -> Comparison:
    array: Array = np.asarray(found)
    wrong = np.argwhere(~np.isfinite(array))
    if not len(wrong):
        return Comparison(0.0, 0.0, "", FLOATS, array.size)
    place = tuple(map(int, wrong[0]))
    where = f"{entry(what, place)}: the module has {array[place]}, the equations a number"
    return Comparison(math.inf, 0.0, where, FLOATS, array.size)
