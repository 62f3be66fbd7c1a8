"""The step of a loop, and conditions on it: when a row exists, which branch is taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Symbol

from symbackprop.equations.masks import Compare, Delta
from symbackprop.equations.nodes import Access, Digit, Index
from symbackprop.equations.ranges import MIRRORED, whole_bound


class Step(Symbol):  # type: ignore[misc]
    """The position of a loop: an integer from 0 to below its extent; two loops have two."""

    __slots__ = ("loop",)
    loop: int

    def __new__(cls, name: str, loop: int) -> Step:
        step = Symbol.__xnew__(cls, name, integer=True, nonnegative=True)
        step.loop = loop
        return step  # type: ignore[no-any-return]

    def __getnewargs_ex__(self) -> tuple[tuple[str, int], dict[str, Any]]:
        return (self.name, self.loop), {}

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*Symbol._hashable_content(self), self.loop)


def step_in(expr: Expr) -> Step | None:
    """The step that an expression depends on."""
    return next((s for s in expr.free_symbols if isinstance(s, Step)), None)


def is_shift(position: Expr, step: Symbol) -> bool:
    """Whether a position is ± step plus what is no index: it picks a row."""
    coefficient = position.coeff(step)
    rest = position - coefficient * step
    return coefficient in (1, -1) and not rest.has(step, Index, Access, Digit)


@dataclass(frozen=True, slots=True)
class Condition:
    """step op bound, with op one of < >= == !=."""

    op: str
    bound: Expr

    @property
    def negation(self) -> Condition:
        return Condition({"<": ">=", ">=": "<", "==": "!=", "!=": "=="}[self.op], self.bound)


def condition_on(step: Expr, mask: Expr) -> Condition | None:
    """The condition that a mask is, where it compares the step with a number; else None."""
    if isinstance(mask, Delta):
        return condition_on(step, Compare("==", *mask.args))
    if not isinstance(mask, Compare):
        return None
    difference = mask.args[1] - mask.args[2]
    coefficient = difference.coeff(step)
    bound = step - coefficient * difference
    if coefficient not in (1, -1) or bound.has(step, Index, Access, Digit):
        return None
    whole = whole_bound(mask.op if coefficient == 1 else MIRRORED[mask.op], bound)
    if whole is None:
        return None
    op, bound = whole
    if op in (">", "<="):
        return Condition(">=" if op == ">" else "<", bound + 1)
    return Condition(op, bound)


def compares(step: Expr, mask: Expr) -> bool:
    """Whether the step itself, not what is read at it, is in a comparison of the mask."""
    if isinstance(mask, Access):
        return False
    return mask == step or any(compares(step, part) for part in mask.args)


def existence(position: Expr, step: Expr, extent: Expr, steps: Expr) -> list[Condition]:
    """When 0 <= position < extent at a step below `steps`; nothing where that always holds."""
    coefficient = position.coeff(step)
    assert coefficient in (1, -1), position
    rest = position - coefficient * step
    if coefficient == 1:
        low, high = -rest, extent - rest
    else:
        low, high = rest - extent + 1, rest + 1
    found = []
    if not low.is_nonpositive:
        found.append(Condition(">=", low))
    if not (high - steps).is_nonnegative:
        found.append(Condition("<", high))
    return found


def implies(known: Condition, other: Condition, steps: Expr) -> bool:
    """Whether the one condition is known to entail the other, at steps from 0 to below `steps`."""
    if known == other:
        return True
    low, high = _ends(known, steps)
    if other.op == ">=":
        return bool((low - other.bound).is_nonnegative)
    if other.op == "<":
        return bool((other.bound - high).is_nonnegative)
    return False


def _ends(condition: Condition, steps: Expr) -> tuple[Expr, Expr]:
    """low <= step < high wherever the condition holds."""
    bound, zero = condition.bound, Integer(0)
    if condition.op == ">=":
        return bound, steps
    if condition.op == "<":
        return zero, bound
    if condition.op == "==":
        return bound, bound + 1
    return (zero + 1 if bound == 0 else zero), (bound if bound == steps - 1 else steps)


def strongest(conditions: Iterable[Condition], steps: Expr) -> tuple[Condition, ...]:
    """The conditions without those that others of them entail."""
    found: list[Condition] = []
    for condition in sorted(set(conditions), key=lambda c: (c.op, str(c.bound))):
        if not any(implies(other, condition, steps) for other in found):
            found = [c for c in found if not implies(condition, c, steps)] + [condition]
    return tuple(found)
