"""Each equality of a derivation as a statement that can be proved by itself.

A statement is before = after, for all values of the indices and of the tensors that stand in it.
The chain rule's before has ∂y[i]/∂x[u] in it; the equation of y is then a part of the statement. A
statement that holds only for tensors as the network computes them takes in the equations of those
that stand in it, and where that is not enough, of those that stand in these. Statements that differ
only in names have the same form, and are the same statement.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sympy import Expr

from symbackprop.derivation.model import Derivation
from symbackprop.equations.nodes import TensorSymbol, tensors
from symbackprop.equations.system import Equation
from symbackprop.proof.equalities import Equality, Side
from symbackprop.proof.form import Form, Writer


@dataclass(frozen=True)
class Statement:
    """Two sides, the equations by which y is differentiated in them, and those of tensors.

    Where x moves, so do the tensors of `through`, by their equations; all others are held fixed.
    Equal statements differ only in names, so that a proof of one is a proof of the other.
    """

    form: Form
    before: Side = field(compare=False)
    after: Side = field(compare=False)
    differentiated: Mapping[TensorSymbol, Equation] = field(compare=False)
    through: Mapping[TensorSymbol, Equation] = field(compare=False)
    defined: Mapping[TensorSymbol, Equation] = field(compare=False)
    distributions: frozenset[TensorSymbol] = field(compare=False)
    cotangents: frozenset[TensorSymbol] = field(compare=False)

    @functools.cached_property
    def exprs(self) -> tuple[Expr, ...]:
        """Everything that the statement says."""
        equations = (
            *self.differentiated.values(),
            *self.through.values(),
            *self.defined.values(),
        )
        return (self.before.expr, self.after.expr, *(e.rhs for e in equations))

    @functools.cached_property
    def tensors(self) -> tuple[TensorSymbol, ...]:
        """Every tensor in it, by name."""
        found = {t for expr in self.exprs for t in expr.atoms(TensorSymbol)}
        found |= {*self.differentiated, *self.through}
        return tuple(sorted(found, key=lambda tensor: tensor.name))


class Facts:
    """What a statement of a derivation may take in: equations of tensors, and declared rows."""

    def __init__(self, derivation: Derivation) -> None:
        self.used = {x.equation.tensor: x.equation for x in derivation.forward}
        self.written = {**self.used, **{e.tensor: e for e in derivation.system.equations}}
        inputs = derivation.system.inputs
        self.distributions = frozenset(i.symbol for i in inputs if i.distribution)
        back = (line for loss in derivation.losses for line in loss.cotangents)
        self.cotangents = frozenset(line.equation.tensor for line in back)

    def statements(self, equality: Equality) -> Iterator[Statement]:
        """The equality for all tensors; then with the equations of tensors in it, again and again.

        First come equations that speak of no further tensors, for they cost little.
        """
        sides = (equality.before, equality.after)
        writer = Writer(self.distributions, self.cotangents)
        for side in sides:
            writer.side(side.indices, side.expr)
        differentiated = {y: self.used[y] for y in writer.differentiated if y in self.used}
        through = {e.tensor: e for e in equality.through}
        for role, equations in (("differentiated", differentiated), ("through", through)):
            for equation in equations.values():
                writer.equation(role, equation)
        defined: dict[TensorSymbol, Equation] = {}
        while True:
            taken_in = (differentiated, through, dict(defined))
            yield Statement(writer.form(), *sides, *taken_in, self.distributions, self.cotangents)
            found = self._next(writer, defined)
            if not found:
                return
            for equation in found:
                defined[equation.tensor] = equation
                writer.equation("defined", equation)

    def _next(self, writer: Writer, defined: Mapping[TensorSymbol, Equation]) -> list[Equation]:
        """Equations that a statement may take in next."""
        known = writer.tensors
        found = [self.written[t] for t in known if t in self.written and t not in defined]
        closed = [e for e in found if all(t in known for t in tensors(e.rhs))]
        return closed or found
