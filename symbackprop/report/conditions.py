"""Masks in print, and those that stand below a large sign: Σ over i, p with 2 i + p = a."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator

import sympy
from sympy import Expr, Integer

from symbackprop.equations.masks import And, Compare, Delta, Mask, Not, Or, Where
from symbackprop.equations.nodes import Access, Index, free_indices
from symbackprop.equations.reductions import Reduction
from symbackprop.report.formula import Big, Formula, Negation, Relation

_LOWER, _UPPER = {">=": "<=", ">": "<"}, ("<", "<=")


def conditions(body: Expr, bound: Iterable[Index]) -> tuple[Expr, list[Expr]]:
    """The summand without the masks that tell which of the bound indices count, and those."""
    own = set(bound)
    factors: list[Expr] = []
    masks: list[Expr] = []
    waiting = list(sympy.Mul.make_args(body))
    while waiting:
        factor = waiting.pop(0)
        if isinstance(factor, Where) and factor.args[2] == 0:
            parts = list(_parts(factor.args[0]))
            masks += [m for m in parts if _tells(m, own)]
            others = [m for m in parts if not _tells(m, own)]
            if len(others) == len(parts):
                factors.append(factor)
            else:
                inner = factor.args[1]
                for mask in others:
                    inner = Where(mask, inner, 0)
                waiting[:0] = sympy.Mul.make_args(inner)
        elif _tells(factor, own):
            masks += _parts(factor)
        else:
            factors.append(factor)
    return sympy.Mul(*factors), masks


def told_below(sign: Big) -> bool:
    """Whether the conditions name the only bound index as what they bound, as in Σ over i ≤ t."""
    (first, *others) = sign.bound
    return not others and any(first in _compared(condition) for condition in sign.given)


def _compared(condition: Formula) -> tuple[Formula, ...]:
    """The sides of a comparison, or of a chain of them."""
    if not isinstance(condition, Relation) or condition.operator in ("and", "or"):
        return ()
    left, right = condition.left, condition.right
    return (*(_compared(left) or (left,)), right)


_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


def relation(mask: Expr, form: Callable[[Expr], Formula]) -> Formula:
    """What a mask says, its parts written by `form`."""
    if isinstance(mask, Compare):
        return Relation(mask.op, form(mask.args[1]), form(mask.args[2]))
    if isinstance(mask, Not) and isinstance(mask.args[0], Compare):
        opposite = _OPPOSITE[mask.args[0].op]
        return Relation(opposite, form(mask.args[0].args[1]), form(mask.args[0].args[2]))
    if isinstance(mask, Not) and isinstance(mask.args[0], Delta):
        return Relation("!=", form(mask.args[0].args[0]), form(mask.args[0].args[1]))
    if isinstance(mask, Not):
        return Negation(relation(mask.args[0], form))
    if isinstance(mask, And):
        return _joined("and", written(_parts(mask), form))
    if isinstance(mask, Or):
        return _joined("or", [relation(part, form) for part in mask.args])
    return _equality(mask, form) if isinstance(mask, Delta) else form(mask)


def _joined(operator: str, parts: Iterable[Formula]) -> Formula:
    return functools.reduce(lambda a, b: Relation(operator, a, b), parts)


def written(masks: Iterable[Expr], form: Callable[[Expr], Formula]) -> tuple[Formula, ...]:
    """The conditions as relations, two bounds of one value in a chain: 0 <= a - 2 i < P."""
    found: list[Formula] = []
    waiting = sorted(masks, key=lambda m: not isinstance(m, Delta))
    while waiting:
        mask = waiting.pop(0)
        partner = next((m for m in waiting if _chain(mask, m) or _chain(m, mask)), None)
        if partner is None:
            found.append(relation(mask, form))
            continue
        waiting.remove(partner)
        low, high = (mask, partner) if _chain(mask, partner) else (partner, mask)
        left = Relation(_LOWER[low.op], form(low.args[2]), form(low.args[1]))
        found.append(Relation(high.op, left, form(high.args[2])))
    return tuple(found)


def is_masked(score: Expr) -> bool:
    """Whether a score is left out where a mask says so: its exponential is no number but 0."""
    least = -(Integer(10) ** 30)
    return isinstance(score, Where) and bool(score.args[2].is_number and score.args[2] <= least)


def _equality(mask: Delta, form: Callable[[Expr], Formula]) -> Formula:
    """2 i + p = a: the plain index stands on the right."""
    left, right = sorted(mask.args, key=lambda side: isinstance(side, Index))
    return Relation("==", form(left), form(right))


def _parts(mask: Expr) -> Iterator[Expr]:
    if isinstance(mask, And):
        for part in mask.args:
            yield from _parts(part)
    else:
        yield mask


def _tells(mask: Expr, bound: set[Index]) -> bool:
    """Whether a mask speaks of indices and labels alone, and of a bound index."""
    if not isinstance(mask, Mask) or not free_indices(mask) & bound or mask.has(Reduction):
        return False
    if isinstance(mask, Delta) and all(isinstance(side, Index) for side in mask.args):
        return False
    return all(a.tensor.kind == "integer" for a in mask.atoms(Access))


def _chain(low: Expr, high: Expr) -> bool:
    """Whether both bound the same value, from below and from above."""
    return (
        isinstance(low, Compare)
        and isinstance(high, Compare)
        and low.op in _LOWER
        and high.op in _UPPER
        and low.args[1] == high.args[1]
    )
