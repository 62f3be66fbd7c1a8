"""Collapse a delta: Σ_i δ(u, i) f(i) = f(u), and where i is shifted, solve for it.

A delta stays, as a scatter, on a gather, on an index expression that cannot be solved, and on a
position that several bound indices share, as δ(a, 2 i + p): `solved` gives its other form.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import sympy
from sympy import Expr, Mul

from symbackprop.equations.masks import Compare, Delta, Where
from symbackprop.equations.nodes import Access, Digit, Index, free_indices
from symbackprop.equations.ranges import bounds, decided, digit, nonnegative, pointed
from symbackprop.equations.reductions import ArgMax, ArgMin, Sum
from symbackprop.equations.renaming import fresh_bound


def collapsed(total: Expr) -> Expr:
    """Σ over the bound indices with every delta that can leave gone; anything else unchanged."""
    if not isinstance(total, Sum):
        return total
    factors = _pointed(Mul.make_args(total.body))
    bound = list(total.bound)
    factors, bound = _solve_digits(factors, bound)
    # What ties a bound index to a free one comes before conditions among bound ones, so that a step
    # of a recurrence is read by its shift, also where a condition names the step.
    conditions = [f for f in factors if _is_condition(f, bound)]
    factors = [f for f in factors if f not in conditions]
    guards: list[Expr] = []
    while (solution := _next_solution(factors, bound)) or conditions:
        if solution is None:
            factors, conditions = [*factors, *conditions], []
            continue
        delta, index, value = solution
        factors.remove(delta)
        factors = list(Mul.make_args(_put(Mul(*factors), index, value, bound)))
        conditions, guards = (
            [_put(g, index, value, bound) for g in given] for given in (conditions, guards)
        )
        guards += _range_guards(index, value)
        bound.remove(index)
    return pulled(Sum(_guarded(decided(Mul(*factors)), guards), *bound))


def _pointed(factors: Sequence[Expr]) -> list[Expr]:
    """The factors, masks that one value alone meets as δs of their own.

    Not where another δ has the index: a step shifted by that, t = u + 1, says more than t = 1.
    """
    told = {i for f in factors if isinstance(f, Delta) for i in free_indices(f)}
    return [f if told & free_indices(f) else pointed(f) for f in factors]


def solved(expr: Expr) -> Expr:
    """Each scatter δ(a, 2 i + p) with one of its indices solved for: p = a - 2 i, in its range."""
    if isinstance(expr, Sum):
        return _solved_sum(expr)
    if expr.is_Add or expr.is_Mul:
        return expr.func(*map(solved, expr.args))
    return expr


def _solved_sum(total: Sum) -> Expr:
    factors, bound = list(Mul.make_args(total.body)), list(total.bound)
    guards: list[Expr] = []
    while scatter := next((f for f in factors if _solvable(f, bound)), None):
        solutions = _solutions(scatter, bound)
        index, value = max(solutions, key=lambda s: (_number(s[0].extent), s[0].name))
        factors.remove(scatter)
        factors = list(Mul.make_args(_put(Mul(*factors), index, value, bound)))
        guards = _range_guards(index, value) + [_put(g, index, value, bound) for g in guards]
        bound.remove(index)
    if len(bound) == len(total.bound):
        return total
    return pulled(Sum(_guarded(decided(Mul(*factors)), guards), *bound))


def _solvable(factor: Expr, bound: list[Index]) -> bool:
    """Whether it is a scatter, one of whose indices can be solved for."""
    if not isinstance(factor, Delta) or not _sharing(factor, bound):
        return False
    return bool(_solutions(factor, bound))


def _number(extent: Expr) -> tuple[bool, int]:
    """An order of extents: those known when running are the largest."""
    return (not extent.is_Integer, int(extent) if extent.is_Integer else 0)


def _guarded(body: Expr, guards: list[Expr]) -> Expr:
    """The body where every solved index is in its range; elsewhere 0, and nothing is read."""
    for guard in map(decided, guards):
        body = Where(guard, body, 0)
    return body


def _next_solution(factors: list[Expr], bound: list[Index]) -> tuple[Delta, Index, Expr] | None:
    """The first delta that can leave, the index it leaves with, and that index's value."""
    deltas = [f for f in factors if isinstance(f, Delta)]
    shared = {i for delta in deltas for i in _sharing(delta, bound)}
    for delta in deltas:
        for index, value in _solutions(delta, bound):
            # what only data says of an index of a scatter is a condition on it
            keeps = index in shared and value.has(Access, ArgMax, ArgMin)
            if index not in _sharing(delta, bound) and not keeps:
                return delta, index, value
    return None


def _is_condition(factor: Expr, bound: list[Index]) -> bool:
    """Whether it is a δ among bound indices alone."""
    if not isinstance(factor, Delta) or factor.has(Access, ArgMax, ArgMin):
        return False
    return free_indices(factor) <= set(bound)


def _sharing(delta: Delta, bound: list[Index]) -> set[Index]:
    """The bound indices that have one position together: i and p in δ(a, 2 i + p)."""
    if any(isinstance(side, Index) and side in bound for side in delta.args):
        return set()
    difference = delta.args[0] - delta.args[1]
    found = {i for i in bound if not _reads_through(difference, i) and difference.coeff(i) != 0}
    return found if len(found) > 1 else set()


def pulled(total: Expr) -> Expr:
    """What does not depend on a bound index leaves the sum; an idle index becomes its extent."""
    if not isinstance(total, Sum):
        return total
    free = total.body.free_symbols
    idle = [i for i in total.bound if i not in free]
    bound = [i for i in total.bound if i in free]
    inside: list[Expr] = []
    outside = [i.extent for i in idle]
    for factor in Mul.make_args(total.body):
        depends = any(i in factor.free_symbols for i in bound)
        (inside if depends else outside).append(factor)
    return Mul(*outside) * Sum(Mul(*inside), *bound)


def _solutions(delta: Delta, bound: list[Index]) -> list[tuple[Index, Expr]]:
    """Bound indices, each with the value that the delta forces on it; plain ones first."""
    for a, b in (delta.args, delta.args[::-1]):
        if isinstance(a, Index) and a in bound and a not in b.free_symbols:
            return [(a, b)]
    found = []
    difference = delta.args[0] - delta.args[1]
    for index in bound:
        coefficient = difference.coeff(index)
        if coefficient in (1, -1) and not _reads_through(difference, index):
            found.append((index, sympy.expand(index - difference / coefficient)))
    return found


def _reads_through(expr: Expr, index: Index) -> bool:
    """Whether the index stands inside a gather, a digit or another node that is not linear."""
    return any(
        index in term.free_symbols and not (term == index or (term.is_Mul and index in term.args))
        for term in sympy.Add.make_args(expr)
    )


def _put(body: Expr, index: Index, value: Expr, bound: list[Index]) -> Expr:
    """body[index := value], bound names inside stepping aside."""
    taken = {s.name for s in value.free_symbols} | {i.name for i in bound}
    return fresh_bound(body, taken).xreplace({index: value})


def _range_guards(index: Index, value: Expr) -> list[Expr]:
    """Masks that keep the solved index within its range, where that is not plain."""
    if isinstance(value, Index) and value.extent == index.extent:
        return []
    guards = []
    low, high = bounds(value)
    sizes = [index.extent, *(i.extent for i in value.atoms(Index))]
    if low is None or not nonnegative(low, sizes):
        guards.append(Compare(">=", value, 0))
    if high is None or not nonnegative(index.extent - 1 - high, sizes):
        guards.append(Compare("<", value, index.extent))
    return guards


def _solve_digits(factors: list[Expr], bound: list[Index]) -> tuple[list[Expr], list[Index]]:
    """All digits of a position are known: Π_k δ(u_k, digit_k(ℓ)) = δ(ℓ, Σ_k place_k u_k).

    Where ℓ is itself the row-major position of bound indices, each of them is a digit of the sum.
    """
    by_position: dict[Expr, list[tuple[Delta, Expr, Digit]]] = {}
    for factor in factors:
        for flat, u, as_digit in _positions(factor, bound):
            by_position.setdefault(flat, []).append((factor, u, as_digit))
    for flat, found in by_position.items():
        size = sympy.prod(d.args[2] for _, _, d in found)
        radix = _radix(flat, bound)
        if radix is None or sympy.expand(size - sympy.prod(i.extent for i in radix)) != 0:
            continue
        position = sympy.Add(*(d.args[1] * u for _, u, d in found))
        deltas = [delta for delta, _, _ in found]
        rest = [f for f in factors if f not in deltas]
        if any(flat in delta.args for delta in deltas) and not _reshapes(rest, radix):
            continue
        body = Mul(*rest)
        for index, place in radix.items():
            body = _put(body, index, digit(position, place, index.extent), bound)
        return list(Mul.make_args(body)), [i for i in bound if i not in radix]
    return factors, bound


def _reshapes(factors: list[Expr], radix: Collection[Index]) -> bool:
    """Whether each factor reads all of the indices side by side or none of them: no scatter."""
    readers = [f for f in factors if not f.free_symbols.isdisjoint(radix)]
    return all(isinstance(f, Access) and set(radix) <= set(f.indices) for f in readers)


def _positions(factor: Expr, bound: list[Index]) -> Iterator[tuple[Expr, Expr, Digit]]:
    """ℓ, u and the digit where the factor is δ(u, digit(ℓ)), or δ(u, ℓ) over several indices."""
    if not isinstance(factor, Delta):
        return
    for u, other in (factor.args, factor.args[::-1]):
        if isinstance(other, Digit) and other.args[0].has(*bound):
            yield other.args[0], u, other
            return
        if isinstance(u, Index) and other.is_Add and u not in bound:
            yield other, u, Digit(other, 1, u.extent)
            return


def _radix(flat: Expr, bound: list[Index]) -> dict[Index, Expr] | None:
    """The place of each bound index where the position is their row-major one; else None."""
    terms = [t.as_independent(*bound, as_Add=False) for t in sympy.Add.make_args(flat)]
    if not all(isinstance(index, Index) and index in bound for _, index in terms):
        return None
    left = {index: place for place, index in terms}
    expected: Expr = sympy.S.One
    while left:
        # an index of extent 1 moves no place, so it comes before another of the same place
        next_ones = [i for i, place in left.items() if sympy.expand(place - expected) == 0]
        next_ones.sort(key=lambda i: i.extent != 1)
        if not next_ones:
            return None
        del left[next_ones[0]]
        expected = sympy.expand(expected * next_ones[0].extent)
    return {index: place for place, index in terms}
