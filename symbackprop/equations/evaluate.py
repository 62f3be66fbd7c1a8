"""The reference evaluator: plain loops over the equations, a recurrence step by step.

Tensors come and go as NumPy arrays of objects, by name; `evaluate_numbers` says what the entries
may be. `EXACT` computes in rationals and, after a transcendental function, with 50 digits;
`FLOAT` in Python floats.

    evaluate_system(system.equations, {"x": x, "W1": w}, {"N": 3})["loss"][()]
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sympy import Expr

from symbackprop.equations.evaluate_compile import compile_expression
from symbackprop.equations.evaluate_environment import Entries, Environment, extent_of
from symbackprop.equations.evaluate_floats import FLOAT
from symbackprop.equations.evaluate_numbers import (
    EXACT,
    Arithmetic,
    Known,
    Traced,
    Undefined,
    Value,
)
from symbackprop.equations.nodes import Index
from symbackprop.equations.recurrence import Recurrence, components
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
    "evaluate_all",
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
    """Every tensor that the equations define and those given, as arrays of objects."""
    tensors = {name: Entries.of(array) for name, array in given.items()}
    found = evaluate_all(equations, Environment(tensors, extents, arithmetic))
    return {name: value.array() for name, value in found.items()}


def evaluate_equation(
    equation: Equation,
    tensors: Mapping[str, Any],
    extents: Mapping[str, int],
    arithmetic: Arithmetic = EXACT,
) -> np.ndarray[Any, np.dtype[Any]]:
    """The tensor that one equation defines, as an array of objects."""
    return evaluate_system((equation,), tensors, extents, arithmetic)[equation.tensor.name]


def evaluate_all(
    equations: Iterable[Equation],
    environment: Environment,
    keep: Callable[[Value], Value] = lambda value: value,
) -> dict[str, Entries]:
    """The tensors of the environment and those that the equations define, by name.

    `keep` says what is kept of a value once it is computed. Raises NoRecurrence where equations
    read each other, but not each other's earlier steps; Undefined where an entry has no value.
    """
    tensors = dict(environment.tensors)
    growing = replace(environment, tensors=tensors)
    for part in components(equations):
        if isinstance(part, Recurrence):
            tensors.update(_steps(part, growing, keep))
        else:
            tensors[part.tensor.name] = entries(part, growing, keep)
    return tensors


def entries(
    equation: Equation,
    environment: Environment,
    keep: Callable[[Value], Value] = lambda value: value,
) -> Entries:
    """The right-hand side for every value of the indices, where all that it reads is known.

    Raises Undefined, naming the equation.
    """
    shape = _shape(equation, environment)
    at = _entry(equation, environment)
    return Entries(shape, [keep(at(point)) for point in itertools.product(*map(range, shape))])


def _steps(
    group: Recurrence, environment: Environment, keep: Callable[[Value], Value]
) -> dict[str, Entries]:
    """The tensors of a recurrence, filled step by step, within a step in the group's order."""
    found = {e.tensor.name: Entries.empty(_shape(e, environment)) for e in group.equations}
    growing = replace(environment, tensors={**environment.tensors, **found})
    compiled = [(e, found[e.tensor.name], _entry(e, growing)) for e in group.equations]
    steps = range(extent_of(group.extent, environment.extents))
    for step in reversed(steps) if group.reverse else steps:
        for equation, filled, at in compiled:
            ranges = [range(size) for size in filled.shape]
            ranges[group.axes[equation.tensor]] = range(step, step + 1)
            for point in itertools.product(*ranges):
                filled.flat[filled.position(point)] = keep(at(point))
    return found


def _shape(equation: Equation, environment: Environment) -> tuple[int, ...]:
    return tuple(extent_of(size, environment.extents) for size in equation.tensor.shape)


def _entry(equation: Equation, environment: Environment) -> Callable[[Sequence[int]], Value]:
    """One entry of the equation's tensor, as a function of its position."""
    name = f"{equation.tensor.name} ({equation.label})" if equation.label else equation.tensor.name
    at = compile_expression(equation.rhs, environment, equation.indices, name)

    def entry(point: Sequence[int]) -> Value:
        try:
            return environment.arithmetic.stored(at(point))
        except Undefined as undefined:
            raise Undefined(f"{name}: {undefined}") from None

    return entry


def evaluate(
    expr: Expr, environment: Environment, point: Mapping[Index, int] | None = None
) -> Value:
    """The value of an expression where its free indices have the given values."""
    point = point or {}
    return compile_expression(expr, environment, tuple(point))(tuple(point.values()))
