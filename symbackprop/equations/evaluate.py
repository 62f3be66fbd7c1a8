"""The reference evaluator: plain loops over the equations.

Tensors come and go as NumPy arrays of objects, by name; `evaluate_numbers` says what the entries
may be. `EXACT` computes in rationals and, after a transcendental function, with 50 digits;
`FLOAT` in Python floats.

    evaluate_system(system.equations, {"x": x, "W1": w}, {"N": 3})["loss"][()]
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sympy import Expr

from symbackprop.equations.evaluate_compile import compile_expression
from symbackprop.equations.evaluate_environment import Entries, Environment, extent_of
from symbackprop.equations.evaluate_numbers import (
    EXACT,
    FLOAT,
    Arithmetic,
    Known,
    Traced,
    Undefined,
    Value,
)
from symbackprop.equations.nodes import Index
from symbackprop.equations.system import Equation

__all__ = [
    "EXACT",
    "FLOAT",
    "Arithmetic",
    "Entries",
    "Environment",
    "Known",
    "Traced",
    "Undefined",
    "Value",
    "compile_expression",
    "entries",
    "evaluate",
    "evaluate_equation",
    "evaluate_system",
    "extent_of",
]


def evaluate_system(
    equations: Iterable[Equation],
    given: Mapping[str, Any],
    extents: Mapping[str, int],
    arithmetic: Arithmetic = EXACT,
) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Every tensor that the equations define, in order, and those given, as arrays of objects."""
    tensors = {name: Entries.of(array) for name, array in given.items()}
    environment = Environment(tensors, extents, arithmetic)
    for equation in equations:
        tensors[equation.tensor.name] = entries(equation, environment)
    return {name: value.array() for name, value in tensors.items()}


def evaluate_equation(
    equation: Equation,
    tensors: Mapping[str, Any],
    extents: Mapping[str, int],
    arithmetic: Arithmetic = EXACT,
) -> np.ndarray[Any, np.dtype[Any]]:
    """The tensor that one equation defines, as an array of objects."""
    return evaluate_system((equation,), tensors, extents, arithmetic)[equation.tensor.name]


def entries(equation: Equation, environment: Environment) -> Entries:
    """The right-hand side for every value of the indices. Raises Undefined, naming the equation."""
    shape = tuple(extent_of(size, environment.extents) for size in equation.tensor.shape)
    name = f"{equation.tensor.name} ({equation.label})" if equation.label else equation.tensor.name
    at = compile_expression(equation.rhs, environment, equation.indices, name)
    try:
        return Entries(shape, [at(point) for point in itertools.product(*map(range, shape))])
    except Undefined as undefined:
        raise Undefined(f"{name}: {undefined}") from None


def evaluate(
    expr: Expr, environment: Environment, point: Mapping[Index, int] | None = None
) -> Value:
    """The value of an expression where its free indices have the given values."""
    point = point or {}
    return compile_expression(expr, environment, tuple(point))(tuple(point.values()))
