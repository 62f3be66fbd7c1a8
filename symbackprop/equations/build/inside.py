"""Whether every access stays inside its tensor, and how far an index may run so that it does."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy import Expr, Integer

from symbackprop.equations.masks import And, Compare, Delta, Not, Where
from symbackprop.equations.nodes import Access, Index, free_indices
from symbackprop.equations.ranges import bounds, multiples, nonnegative

Facts = tuple[Expr, ...]  # index expressions that are at least 0


def leaving(expr: Expr, facts: Facts = ()) -> Iterator[tuple[Access, int]]:
    """Every axis of an access that is not known to be read inside; `facts` hold here.

    A branch of `where` is read only where its condition lets it be.
    """
    if isinstance(expr, Where):
        mask, a, b = expr.args
        yield from leaving(mask, facts)
        yield from leaving(a, (*facts, *_facts(mask)))
        yield from leaving(b, (*facts, *_facts(Not(mask))))
        return
    if isinstance(expr, Access):
        for axis, (position, size) in enumerate(zip(expr.indices, expr.tensor.shape, strict=True)):
            if not (_holds(position, facts, size) and _holds(size - 1 - position, facts, size)):
                yield expr, axis
    for argument in expr.args:
        if isinstance(argument, Expr):
            yield from leaving(argument, facts)


def standing_alone(part: Expr, whole: Expr) -> Expr | None:
    """A part of an expression as an equation of its own: 0 where an entry that it reads is none.

    There the whole, as its conditions have it, does not read the part. None where an entry is
    missing at some terms of a sum in the part.
    """
    found = part
    for access, axis in dict.fromkeys(leaving(part)):
        position, size = access.indices[axis], access.tensor.shape[axis]
        if (access, axis) in leaving(whole):
            continue
        if not free_indices(position) <= free_indices(part):
            return None
        if not _holds(size - 1 - position, (), size):
            found = Where(Compare("<", position, size), found, Integer(0))
        if not _holds(position, (), size):
            found = Where(Compare(">=", position, Integer(0)), found, Integer(0))
    return found


def outside(access: Access, axis: int) -> str:
    """What is wrong where an axis of an access is not known to be read inside."""
    position, size = access.indices[axis], access.tensor.shape[axis]
    indices = sorted(free_indices(position), key=lambda i: i.name)
    ranges = " and ".join(f"{i.name} from 0 to {i.extent - 1}" for i in indices)
    leaves = f"index {position} of {access.tensor.name} leaves its axis of extent {size}"
    return f"{leaves}, with {ranges}" if ranges else leaves


PAD_FIRST = "pad first, or say when it is read: where(condition, entry, 0)"


def greatest_extent(position: Expr, index: Index, size: Expr) -> Expr | None:
    """The largest extent of the index that keeps 0 <= position < size.

    None where the position is not affine in the index, or the other parts have no known range.
    """
    step = position.coeff(index)
    rest = sympy.expand(position - step * index)
    low, high = bounds(rest)
    if not step.is_Integer or step == 0 or rest.has(index) or low is None or high is None:
        return None
    room = size - 1 - high if step > 0 else low
    return sympy.floor(sympy.expand(room) / abs(step)) + 1


def _holds(expr: Expr, facts: Facts, size: Expr) -> bool:
    """Whether expr >= 0 follows from the ranges of its indices and the facts."""
    expr = sympy.expand(expr)
    low, _ = bounds(expr)
    sizes = [size, *(i.extent for i in expr.atoms(Index))]
    if low is not None and nonnegative(low, sizes):
        return True
    return any(
        _holds(expr - m * fact, (*facts[:k], *facts[k + 1 :]), size)
        for k, fact in enumerate(facts)
        for m in multiples(expr, fact)
    )


def _facts(mask: Expr) -> Facts:
    """What is at least 0 where the mask holds."""
    if isinstance(mask, And):
        return tuple(f for part in mask.args for f in _facts(part))
    inverse = isinstance(mask, Not)
    inner = mask.args[0] if inverse else mask
    if isinstance(inner, Delta) and not inverse:
        difference = sympy.expand(inner.args[0] - inner.args[1])
        return (difference, -difference)
    if not isinstance(inner, Compare):
        return ()
    op = _OPPOSITE[inner.op] if inverse else inner.op
    difference = sympy.expand(inner.args[1] - inner.args[2])
    if not difference.is_integer:
        return ()
    return {
        "<": (-difference - 1,),
        "<=": (-difference,),
        ">": (difference - 1,),
        ">=": (difference,),
        "==": (difference, -difference),
        "!=": (),
    }[op]


_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
