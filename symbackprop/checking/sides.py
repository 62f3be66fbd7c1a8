"""What must be equal in a line: both sides of each step, and of each join between two steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sympy import Expr

from symbackprop.checking.report import Comparison, Row, row
from symbackprop.derivation.model import Derivation, Line, LossDerivation, Step
from symbackprop.equations.nodes import Index
from symbackprop.equations.system import Equation

CONNECT = "steps connect"
CHAIN_RULE = "chain rule"


@dataclass(frozen=True)
class Side:
    """An expression for the line's tensor in terms of its own names for the line's indices."""

    name: str
    indices: tuple[Index, ...]
    expr: Expr


@dataclass(frozen=True)
class Pair:
    """Two sides that a rule says are equal."""

    rule: str
    before: Side
    after: Side


def pairs(derivation: Derivation, line: Line) -> list[Pair]:
    """What was written, the steps, the equation, and the steps to other forms of it."""
    indices = line.equation.indices
    written = None if line.of else derivation.system.definition(line.equation.tensor)
    first = Side("what was written", written.indices, written.rhs) if written else None
    result = Side("the equation", indices, line.equation.rhs)
    last, found = _chain(first, line.steps, indices)
    found += _join(last, result)
    return found + _chain(result, line.also, indices)[1]


def _chain(
    last: Side | None, steps: Iterable[Step], indices: tuple[Index, ...]
) -> tuple[Side | None, list[Pair]]:
    """Where the steps end, and what must be equal on the way there from `last`."""
    found = []
    for step in steps:
        before, after = Side("before", indices, step.before), Side("after", indices, step.after)
        found += [*_join(last, before), Pair(step.rule, before, after)]
        last = after
    return last, found


def _join(last: Side | None, side: Side) -> list[Pair]:
    return [Pair(CONNECT, last, side)] if last and last.expr != side.expr else []


def lines(derivation: Derivation) -> Iterator[tuple[Line, LossDerivation | None]]:
    """Every line, and the loss that it is on the way back from."""
    yield from ((line, None) for line in derivation.forward)
    for loss in derivation.losses:
        yield from ((line, loss) for line in loss.cotangents)


def definition(derivation: Derivation, name: str) -> Equation:
    """The equation of a tensor that is differentiated and computed."""
    return next(x.equation for x in derivation.forward if x.equation.tensor.name == name)


class Tally:
    """The comparisons made for each rule, in order of first use."""

    def __init__(self) -> None:
        self.compared: dict[str, list[Comparison]] = {}
        self.sampled: set[str] = set()

    def add(self, rule: str, comparisons: Iterable[Comparison], every: bool) -> None:
        """Note comparisons for a rule, and whether they are of every entry."""
        self.compared.setdefault(rule, []).extend(comparisons)
        if not every:
            self.sampled.add(rule)

    def rows(self, derivatives: str, where: str = "") -> list[Row]:
        """A row for each rule; `derivatives` names what the chain rule is held against."""
        return [self._row(rule, derivatives, where) for rule in self.compared]

    def _row(self, rule: str, derivatives: str, where: str) -> Row:
        compared = self.compared[rule]
        how = derivatives if rule == CHAIN_RULE else "both sides evaluated"
        which = "sampled" if rule in self.sampled else "all"
        how = f"{how}, {which} entries{where}" if compared else f"too large to evaluate{where}"
        return row(f"rule: {rule}", how, compared)
