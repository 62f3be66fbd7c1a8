"""The two sides of a statement on an instance, as functions of the values of the indices.

Σ_i ȳ[i] ∂y[i]/∂x[u] at a place u is Σ_i ȳ[i] dy[i], where dy is the rate of y while x[u] moves; and
its sum over places, with weights, is the same with x moving by those weights, all at once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sympy import Mul

from symbackprop.equations.evaluate_compile import (
    Compiled,
    Frame,
    Scope,
    compile_expression,
    compile_node,
)
from symbackprop.equations.evaluate_environment import Entries, Environment, extent_of
from symbackprop.equations.evaluate_numbers import Value
from symbackprop.equations.nodes import Index, Partial, TensorSymbol
from symbackprop.equations.system import Equation
from symbackprop.proof.duals import Dual, rate
from symbackprop.proof.instances import (
    Lazy,
    Point,
    again,
    lazily,
    place_of,
    point_at,
)
from symbackprop.proof.remembered import Extra, remembered
from symbackprop.proof.statements import Statement
from symbackprop.proof.sums import sparing_product, sparing_sum, thin_product

AnySides = TypeVar("AnySides", bound="Sides")


class Sides:
    """Both sides at a point. `thin` are tensors most of whose entries are 0."""

    def __init__(
        self,
        statement: Statement,
        environment: Environment,
        thin: Collection[TensorSymbol] = (),
    ) -> None:
        self.statement = statement
        self.environment = environment
        self._thin = thin
        self._sums = remembered(functools.partial(sparing_sum, thin))
        self._products: Extra = {Mul: functools.partial(thin_product, thin)} if thin else {}
        self.shape = tuple(
            extent_of(index.extent, environment.extents) for index in statement.before.indices
        )

    def again(self: AnySides) -> AnySides:
        """The same, with what is computed on the way computed anew."""
        return type(self)(self.statement, again(self.statement, self.environment), self._thin)

    @functools.cached_property
    def before(self) -> Callable[[Point], Value]:
        side = self.statement.before
        return compile_expression(side.expr, self.environment, side.indices, side.name, self._sums)

    @functools.cached_property
    def after(self) -> Callable[[Point], Value]:
        side, sparing = self.statement.after, {**self._sums, **self._products}
        return compile_expression(side.expr, self.environment, side.indices, side.name, sparing)


class DerivativeSides(Sides):
    """The sides of a statement whose side before is a chain rule."""

    @functools.cached_property
    def before(self) -> Callable[[Point], Value]:
        return lambda point: self.along({place_of(point, self.shape): 1})

    def along(self, weights: Mapping[int, int]) -> Value:
        """The sum of weight times the side before, over places by their number."""
        return self._moving(weights.get)[0]

    def reached(self) -> list[int]:
        """The places of x that the side before reads."""
        return sorted(self._moving(lambda place: 1)[1])

    def _moving(self, weight: Callable[[int], int | None]) -> tuple[Value, Lazy]:
        """The side before while x moves, and the entries of x that were read for it."""
        side = self.statement.before
        x = moved_tensor(self.statement)
        known = self.environment.tensors[x.name]

        def entry(place: int) -> Value:
            moves = weight(place)
            return Dual(known.flat[place], moves) if moves else known.flat[place]

        moved = lazily(known.shape, entry)
        tensors = {**self.environment.tensors, x.name: moved}
        moving = replace(self.environment, tensors=tensors)
        sums = remembered(functools.partial(sparing_sum, self._thin))
        for tensor, equation in self.statement.through.items():
            tensors[tensor.name] = _carried(equation, tensors[tensor.name], moving, sums)
        rates = functools.partial(_rate, self.statement, moving, sums)
        extra: Extra = {**sums, Partial: rates, Mul: sparing_product}
        at = compile_expression(side.expr, self.environment, side.indices, side.name, extra)
        return at((0,) * len(self.shape)), moved.flat  # type: ignore[return-value]


def moved_tensor(statement: Statement) -> TensorSymbol:
    """x, where the side before has the form of a chain rule for x."""
    side = statement.before
    by = {partial.args[1] for partial in side.expr.atoms(Partial)}
    tensors = {access.tensor for access in by}
    plain = all(access.indices == side.indices for access in by)
    fit = len(tensors) == 1 and plain and not set(side.indices) & _beside(side.expr)
    assert fit, f"{side.name}: no chain rule"
    (x,) = tensors
    assert isinstance(x, TensorSymbol)
    return x


def _beside(expr: Any) -> set[Index]:
    """The indices that stand outside of all ∂y/∂x."""
    if isinstance(expr, Partial):
        return set()
    return {expr} if isinstance(expr, Index) else set().union(*map(_beside, expr.args))


def thin_tensors(statement: Statement) -> list[TensorSymbol]:
    """The cotangents: both sides are linear in their entries, so a few that are not 0 will do."""
    found = statement.before.expr.atoms(TensorSymbol) & statement.cotangents
    return sorted(found, key=lambda tensor: tensor.name)


def thinned(
    environment: Environment,
    thin: Collection[TensorSymbol],
    kept_of: Callable[[int], Collection[int]],
) -> Environment:
    """The instance with some entries of each of these tensors, of so many, and 0 for all others."""
    tensors = dict(environment.tensors)
    for tensor in thin:
        known = tensors[tensor.name]
        tensors[tensor.name] = _few(known, kept_of(math.prod(known.shape)))
    return replace(environment, tensors=tensors)


def _few(known: Entries, kept: Collection[int]) -> Entries:
    return lazily(known.shape, lambda place: known.flat[place] if place in kept else 0)


def _carried(equation: Equation, known: Entries, moving: Environment, sums: Extra) -> Entries:
    """A tensor with its own values and the rates that its equation gives it."""
    compiled: list[Callable[[Point], Value]] = []

    def entry(place: int) -> Value:
        if not compiled:  # now that all that moves is there
            name = equation.tensor.name
            of = compile_expression(equation.rhs, moving, equation.indices, name, sums)
            compiled.append(of)
        moves = rate(compiled[0](point_at(place, known.shape)))
        return Dual(known.flat[place], moves) if moves else known.flat[place]

    return lazily(known.shape, entry)


def _rate(
    statement: Statement, moving: Environment, sums: Extra, expr: Partial, scope: Scope
) -> Compiled:
    """How fast y[i] changes while x moves, for ∂y[i]/∂x[u]."""
    of = expr.args[0]
    assert of.tensor in statement.differentiated, f"{scope.name}: no equation of {of.tensor.name}"
    equation = statement.differentiated[of.tensor]
    shape = tuple(extent_of(size, moving.extents) for size in of.tensor.shape)
    y = compile_expression(equation.rhs, moving, equation.indices, of.tensor.name, sums)
    rates = Lazy(lambda place: rate(y(point_at(place, shape))))
    axes = [compile_node(i, scope) for i in of.indices]

    def at(frame: Frame) -> Value:
        point = tuple(index(frame) for index in axes)
        inside = all(0 <= i < size for i, size in zip(point, shape, strict=True))
        assert inside, f"{scope.name}: {of.tensor.name} {shape} is read at {point}"
        return rates[place_of(point, shape)]

    return at
