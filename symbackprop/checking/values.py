"""The values of all tensors of a derivation, exactly or in floats, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from sympy import Expr

from symbackprop.checking.draw import Array, Instance
from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.evaluate import (
    Entries,
    Environment,
    Undefined,
    evaluate_all,
    extent_of,
)
from symbackprop.equations.evaluate_arrays import evaluate_arrays
from symbackprop.equations.masks import Delta
from symbackprop.equations.nodes import Partial, TensorSymbol, tensors
from symbackprop.equations.reductions import Reduction
from symbackprop.equations.system import Equation

Values = Mapping[str, Entries]
Arrays = Mapping[str, Array]


def forward_equations(derivation: Derivation) -> list[Equation]:
    """The user's equations, then those of tensors that only the rewritten ones define."""
    written = derivation.system.equations
    defined = {equation.tensor for equation in written}
    rewritten = [line.equation for line in derivation.forward]
    return [*written, *(e for e in rewritten if e.tensor not in defined)]


def forward_values(derivation: Derivation, instance: Instance) -> dict[str, Entries]:
    """Every tensor of the way forward, exactly."""
    values = {name: Entries.of(array) for name, array in instance.given.items()}
    return _all(forward_equations(derivation), values, instance.extents)


def cotangent_values(
    loss: LossDerivation, forward: Values, extents: Mapping[str, int]
) -> dict[str, Entries]:
    """The cotangents of one loss and the forward values, without what nothing reads."""
    steps = [s for line in loss.cotangents for s in (*line.steps, *line.also)]
    sides = [e for s in steps for e in (s.before, s.after)]
    read = _read([*sides, *(line.equation.rhs for line in loss.cotangents)])
    equations = [line.equation for line in loss.cotangents if line.equation.tensor in read]
    return _all(equations, forward, extents)


def _all(
    equations: Iterable[Equation], known: Values, extents: Mapping[str, int]
) -> dict[str, Entries]:
    return evaluate_all(equations, Environment(known, extents))


def forward_arrays(derivation: Derivation, instance: Instance) -> dict[str, Array]:
    """Every tensor of the way forward in floats. Raises Undefined where one is not finite."""
    values = evaluate_arrays(forward_equations(derivation), instance.given, instance.extents)
    for name, array in values.items():
        if not np.isfinite(array).all():
            raise Undefined(f"{name} is not finite everywhere")
    return values


def cotangent_arrays(
    loss: LossDerivation, forward: Arrays, extents: Mapping[str, int]
) -> dict[str, Array]:
    """The cotangents of one loss and the forward values, in floats."""
    return evaluate_arrays([line.equation for line in loss.cotangents], forward, extents)


def leading_to(equations: Sequence[Equation], names: Set[str]) -> list[Equation]:
    """The equations that these tensors depend on, in order."""
    by_name = {equation.tensor.name: equation for equation in equations}
    needed: set[str] = set()
    waiting = [name for name in names if name in by_name]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [t.name for t in tensors(by_name[name].rhs) if t.name in by_name]
    return [equation for equation in equations if equation.tensor.name in needed]


def work(derivation: Derivation, extents: Mapping[str, int]) -> int:
    """About how many operations all values of a derivation take."""
    back = [line.equation for loss in derivation.losses for line in loss.cotangents]
    return sum(equation_work(e, extents) for e in (*forward_equations(derivation), *back))


def equation_work(equation: Equation, extents: Mapping[str, int]) -> int:
    """About how many operations all entries of an equation's tensor take."""
    size = math.prod(extent_of(s, extents) for s in equation.tensor.shape)
    return size * operations(equation.rhs, extents)


def operations(expr: Any, extents: Mapping[str, int], partial: int = 0) -> int:
    """About how many numbers one evaluation touches; a `Partial` touches that many.

    Of a product with a Kronecker delta, only that is looked at in most places.
    """
    if isinstance(expr, Partial):
        return partial
    if isinstance(expr, Reduction):
        sizes = math.prod(extent_of(i.extent, extents) for i in expr.bound)
        return operations(expr.body, extents, partial) * sizes
    if expr.is_Mul and any(isinstance(factor, Delta) for factor in expr.args):
        return 1 + (partial if expr.has(Partial) else 0)
    return 1 + sum(operations(e, extents, partial) for e in expr.args)


def _read(exprs: Iterable[Expr]) -> set[TensorSymbol]:
    return {tensor for expr in dict.fromkeys(exprs) for tensor in tensors(expr)}
