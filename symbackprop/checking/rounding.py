"""How far rounding may move each value of a float computation: the error bars of the checks.

Every value is moved at random by the size of what it adds up (`sizes`), as if it had been rounded
there, and the equations carry the moves on, to first order: as imaginary parts (Squire and Trapp
1998), so that no comparison comes out otherwise. How far each value has moved in the end, times the
precision of a dtype, is how far rounding moves it (a random walk, as in Parker 1997).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from sympy import Expr

from symbackprop.checking.draw import Array
from symbackprop.checking.sizes import size_of
from symbackprop.checking.values import Arrays
from symbackprop.equations.evaluate import Environment, extent_of
from symbackprop.equations.evaluate_arrays import ARRAYS, entries_of, evaluate_arrays
from symbackprop.equations.nodes import Access, Stop, TensorSymbol
from symbackprop.equations.system import Equation

_WALKS = 2  # random walks; beside what a value moves in them, what its tensor does counts
_STEP = 1e-30


def rounding(
    equations: Sequence[Equation],
    values: Arrays,
    extents: Mapping[str, int],
    rng: np.random.Generator,
) -> dict[str, Array]:
    """How far each tensor's entries move, in units of the precision; `values` are all values.

    An entry's part is how far it moved, how far its tensor's entries did in the mean, and the size
    of what it adds up itself. What is given is as exact as its dtype.
    """
    defined = {equation.tensor.name for equation in equations}
    given = {name: array for name, array in values.items() if name not in defined}
    sizes = {e.tensor.name: _size(e, values, extents) for e in equations}
    moving = [
        replace(e, rhs=_without_stops(e.rhs) + Access(_move(e.tensor), *e.indices))
        for e in equations
    ]
    squares = {name: np.zeros_like(size) for name, size in sizes.items()}
    for _ in range(_WALKS):
        moves = {
            _move(e.tensor).name: 1j
            * _STEP
            * rng.normal(size=sizes[e.tensor.name].shape)
            * sizes[e.tensor.name]
            for e in equations
        }
        start = {name: _moved(array, rng) for name, array in given.items()}
        found = evaluate_arrays(moving, {**start, **moves}, extents)
        for name, square in squares.items():
            square += (found[name].imag / _STEP) ** 2 / _WALKS
    moved = {
        name: np.sqrt(square) + math.sqrt(square.sum() / max(1, square.size)) + sizes[name]
        for name, square in squares.items()
    }
    return {**{name: np.abs(array) for name, array in given.items()}, **moved}


def _move(tensor: TensorSymbol) -> TensorSymbol:
    """What is added to a tensor: no name of a tensor has a blank."""
    return TensorSymbol(f"{tensor.name} move", tensor.shape)


def _without_stops(rhs: Expr) -> Expr:
    """Rounding goes on where differentiation stops."""
    while stops := rhs.atoms(Stop):
        rhs = rhs.xreplace({stop: stop.args[0] for stop in stops})
    return rhs


def _moved(array: Array, rng: np.random.Generator) -> Array:
    """A given array, moved by its own size where it is of real numbers."""
    if array.dtype.kind != "f":
        return array
    return array + 1j * _STEP * rng.normal(size=array.shape) * array


def _size(equation: Equation, values: Arrays, extents: Mapping[str, int]) -> Array:
    at = entries_of(size_of(equation.rhs), equation.indices, Environment(values, extents, ARRAYS))
    return at([range(extent_of(size, extents)) for size in equation.tensor.shape]).astype(float)
