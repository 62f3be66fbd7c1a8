"""What programs make of an equation where arrays are handled otherwise than meant.

Mistakes of mathematics are in `mistakes`; these are of programming: a product that is turned, an
index that counts down, an assignment where entries meet twice, a step before the first that wraps
around to the last.
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy import Expr

from symbackprop.derivation.model import Line
from symbackprop.equations.masks import Compare, Delta, Where
from symbackprop.equations.nodes import Access, Index, free_indices
from symbackprop.equations.reductions import Sum
from symbackprop.equations.renaming import fresh_bound

Rewriting = tuple[str, str, Expr]  # kind, words, right-hand side


def written_otherwise(line: Line) -> Iterator[Rewriting]:
    """Each rewriting of a line's right-hand side."""
    yield from _turned(line)
    yield from _counted_down(line)
    yield from _overwritten(line)
    yield from _stepped(line)


def _turned(line: Line) -> Iterator[Rewriting]:
    """The result, or one of its terms, transposed: where two of its extents are the same."""
    indices, rhs = line.equation.indices, line.equation.rhs
    for a in range(len(indices)):
        for b in range(a + 1, len(indices)):
            if indices[a].extent != indices[b].extent:
                continue
            swap = {indices[a]: indices[b], indices[b]: indices[a]}
            yield "transposed", "it is the transpose of what it should be", _swapped(rhs, swap)
            if isinstance(rhs, sympy.Add):
                for term in rhs.args:
                    turned = rhs - term + _swapped(term, swap)
                    yield "transposed", "one of its terms is transposed", turned


def _swapped(expr: Expr, swap: dict[Index, Index]) -> Expr:
    taken = {i.name for i in swap}
    return fresh_bound(expr, taken).xreplace(swap)


def _counted_down(line: Line) -> Iterator[Rewriting]:
    """Axes of the result in reverse."""
    indices, rhs = line.equation.indices, line.equation.rhs
    chosen = [tuple(indices)] if len(indices) > 1 else []
    chosen += [(i,) for i in indices]
    for some in chosen:
        back = {i: i.extent - 1 - i for i in some}
        names = ", ".join(i.name for i in some)
        turned = fresh_bound(rhs, {i.name for i in indices}).xreplace(back)
        yield "wrong axis", f"it is reversed along {names}", turned


def _overwritten(line: Line) -> Iterator[Rewriting]:
    """Entries that meet at one place: the last one is kept, where they should be added."""
    rhs = line.equation.rhs
    for total in sorted(rhs.atoms(Sum), key=str):
        factors = sympy.Mul.make_args(total.body)
        deltas = [f for f in factors if isinstance(f, Delta)]
        own = [d for d in deltas if free_indices(d) & set(line.equation.indices)]
        if not own:
            continue
        others = {i: Index(f"{i.name}_later", i.extent) for i in total.bound}
        meets = sympy.Mul(*(d.xreplace(others) for d in deltas))
        later: Expr = sympy.Integer(0)
        equal: Expr = sympy.Integer(1)
        for index, other in others.items():
            later += equal * Compare(">", other, index)
            equal *= Compare("==", other, index)
        followed = Sum(meets * later, *others.values())
        kept = Sum(Where(Compare("==", followed, 0), total.body, 0), *total.bound)
        words = "where several entries meet, the last is kept; they should be added up"
        yield "missing term", words, rhs.xreplace({total: kept})


def _stepped(line: Line) -> Iterator[Rewriting]:
    """What reads the step before: this very step, or at the first step the last one."""
    rhs = line.equation.rhs
    for guarded in sorted(rhs.atoms(Where), key=str):
        mask, body, other = guarded.args
        if other != 0 or not isinstance(mask, Compare):
            continue
        for index in sorted(free_indices(mask), key=lambda i: i.name):
            for shift in (-1, 1):
                moved = body.xreplace(
                    {a: _moved(a, index, shift) for a in body.atoms(Access) if a.has(index)}
                )
                if moved == body:
                    continue
                name = index.name
                words = f"the step {name} where {name} {'-' if shift > 0 else '+'} 1 belongs"
                if not _leaves(moved, index):
                    yield "wrong shift", words, rhs.xreplace({guarded: moved})
        for index in sorted(free_indices(mask), key=lambda i: i.name)[:1]:
            around = [body.xreplace({index: index + sign * index.extent}) for sign in (1, -1)]
            words = f"the condition on {index.name} is lost: it wraps around to the other end"
            for rest in around:
                yield "lost guard", words, rhs.xreplace({guarded: Where(mask, body, rest)})


def _moved(access: Access, index: Index, shift: int) -> Expr:
    positions = [i + shift if i.has(index) and i != index else i for i in access.indices]
    return Access(access.tensor, *positions)


def _leaves(expr: Expr, index: Index) -> bool:
    """Whether an access still steps along the index."""
    return any(i.has(index) and i != index for a in expr.atoms(Access) for i in a.indices)
