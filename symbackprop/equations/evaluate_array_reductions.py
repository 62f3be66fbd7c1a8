"""Reductions over whole arrays: sums, products and extrema along the axes of bound indices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.equations import reductions
from symbackprop.equations.evaluate_compile import (
    Compiled,
    Frame,
    NodeCompiler,
    Scope,
    compile_node,
)
from symbackprop.equations.evaluate_environment import extent_of
from symbackprop.equations.evaluate_numbers import Value

Array = np.ndarray[Any, np.dtype[Any]]
Axes = tuple[int, ...]  # the first ones of an array; the last bound index stands first


def reduced(reduce: Callable[[Array, Axes], Array]) -> NodeCompiler:
    """A reduction; `reduce` takes the values of the body, and the axes of the bound indices."""

    def compiler(expr: reductions.Reduction, scope: Scope) -> Compiled:
        start, stop = len(scope.slots), len(scope.slots) + len(expr.bound)
        assert not set(expr.bound) & set(scope.slots), f"{scope.name}: {expr.bound} bound twice"
        slots = {**scope.slots, **{index: start + k for k, index in enumerate(expr.bound)}}
        body = compile_node(expr.body, replace(scope, slots=slots))
        sizes = [extent_of(i.extent, scope.environment.extents) for i in expr.bound]
        axes = [np.reshape(np.arange(n), (-1,) + (1,) * (start + k)) for k, n in enumerate(sizes)]
        bound = tuple(range(stop - start))

        def value(frame: Frame) -> Value:
            frame[start:stop] = axes
            terms = np.asarray(body(frame))
            rest = ((1,) * stop + terms.shape)[-start:] if start else ()
            return reduce(np.broadcast_to(terms, (*reversed(sizes), *rest)), bound)

        return value

    return compiler


def log_sum_exp(terms: Array, bound: Axes) -> Array:
    """Shifted by the largest, so that it is finite where it can be."""
    largest = terms.real.max(axis=bound)
    return np.log(np.exp(terms - largest).sum(axis=bound)) + largest  # type: ignore[no-any-return]


def extremum(arg: str) -> Callable[[Array, Axes], Array]:
    """The first extremum by the real part; a NaN wins over everything."""

    def value(terms: Array, bound: Axes) -> Array:
        terms = _row_major(terms, bound)
        first = getattr(np, arg)(terms.real, axis=0)
        return np.take_along_axis(terms, first[None], axis=0)[0]  # type: ignore[no-any-return]

    return value


def position(arg: str) -> Callable[[Array, Axes], Array]:
    """The row-major position of the first extremum by the real part."""
    return lambda terms, bound: getattr(np, arg)(_row_major(terms, bound).real, axis=0)


def _row_major(terms: Array, bound: Axes) -> Array:
    """One axis for all that are bound, which stand in reverse."""
    free = range(len(bound), terms.ndim)
    one: Array = terms.transpose(*reversed(bound), *free)
    return one.reshape(-1, *terms.shape[len(bound) :])
