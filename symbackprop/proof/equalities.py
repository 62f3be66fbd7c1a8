"""What a derivation says, equality by equality.

Line by line: what the user wrote is the first step's side before, that is its side after, that is
what the next begins with, and so on to the equation and to its other forms. And of every cotangent,
what it has to be: for any v, as x moves along v and all moves with it that has no cotangent of its
own, up to what has one,

    Σ_u v[u] x̄[u] = Σ_y Σ_i ȳ[i] dy[i]

over the tensors y with a cotangent, and the loss, whose cotangent is 1. So nothing that reads x is
forgotten, and what stands in a line for a cotangent without a line is what it should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sympy import Add, Expr

from symbackprop.derivation.model import Derivation, Line, LossDerivation, Step
from symbackprop.equations.nodes import Access, Index, Partial, TensorSymbol, tensors
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation

CHAIN_RULE = "chain rule"
CONNECT = "steps connect"
Readers = Mapping[TensorSymbol, list[Equation]]


@dataclass(frozen=True)
class Side:
    """An expression for the line's tensor in terms of its own names for the line's indices."""

    name: str
    indices: tuple[Index, ...]
    expr: Expr


@dataclass(frozen=True)
class Equality:
    """Two sides that a rule says are equal, in a line of a derivation.

    In them, ∂y/∂x is the rate of y as x moves and with it the tensors of `through`.
    """

    rule: str
    line: Line
    before: Side
    after: Side
    through: tuple[Equation, ...] = ()


def equalities(derivation: Derivation) -> Iterator[Equality]:
    """Every equality of every line, in order."""
    written = {e.tensor: e for e in derivation.system.equations}
    for line in derivation.forward:
        yield from _of_line(line, written.get(line.equation.tensor))
    readers = _readers(derivation)
    for loss in derivation.losses:
        named = {line.of: line for line in loss.cotangents if line.of is not None}
        for line in loss.cotangents:
            yield from _of_line(line, None)
            yield _whole(line, loss, named, readers)


def _of_line(line: Line, user: Equation | None) -> Iterator[Equality]:
    result = Side("the equation", line.equation.indices, line.equation.rhs)
    last = Side("what was written", user.indices, user.rhs) if user else None
    for step in line.steps:
        yield from _step(line, step, last)
        last = Side("after", line.equation.indices, step.after)
    yield from _join(line, last, result)
    last = result
    for step in line.also:
        yield from _step(line, step, last)
        last = Side("after", line.equation.indices, step.after)


def _step(line: Line, step: Step, last: Side | None) -> Iterator[Equality]:
    before = Side("before", line.equation.indices, step.before)
    yield from _join(line, last, before)
    yield Equality(step.rule, line, before, Side("after", line.equation.indices, step.after))


def _join(line: Line, last: Side | None, side: Side) -> Iterator[Equality]:
    if last is not None and (last.expr != side.expr or last.indices != side.indices):
        yield Equality(CONNECT, line, last, side)


def _readers(derivation: Derivation) -> Readers:
    """The equations in use that read each tensor."""
    found: dict[TensorSymbol, list[Equation]] = {}
    for line in derivation.forward:
        for tensor in tensors(line.equation.rhs):
            found.setdefault(tensor, []).append(line.equation)
    return found


def _whole(
    line: Line, loss: LossDerivation, named: Mapping[TensorSymbol, Line], readers: Readers
) -> Equality:
    """A cotangent against the equations that read its tensor."""
    assert line.of is not None, "a line on the way back is of a tensor"
    x = Access(line.of, *line.equation.indices)
    terms: dict[TensorSymbol, Expr] = {}
    through: dict[TensorSymbol, Equation] = {}
    waiting = [line.of]
    while waiting:
        for equation in readers.get(waiting.pop(), ()):
            y = equation.tensor
            if y == loss.loss:
                terms[y] = Partial(Access(y), x)
            elif y in named:
                terms[y] = _term(named[y].equation.tensor, equation, x)
            elif y not in through:
                through[y] = equation
                waiting.append(y)
    indices = line.equation.indices
    network = Side("the network", indices, Add(*terms.values()))
    result = Side("the equation", indices, line.equation.rhs)
    return Equality(CHAIN_RULE, line, network, result, tuple(through.values()))


def _term(cotangent: TensorSymbol, equation: Equation, x: Access) -> Expr:
    """Σ_i ȳ[i] ∂y[i]/∂x[u]."""
    indices = tuple(Index(f"{i.name}′", i.extent) for i in equation.indices)
    y = Access(equation.tensor, *indices)
    return Sum(Access(cotangent, *indices) * Partial(y, x), *indices)
