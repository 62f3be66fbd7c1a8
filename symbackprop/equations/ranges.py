"""What the ranges of indices say about index expressions."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

import sympy
from sympy import Expr, Integer, Mul

from symbackprop.equations.masks import Compare, Delta, Not
from symbackprop.equations.nodes import Access, Digit, Index
from symbackprop.equations.reductions import ArgMax, ArgMin, Reduction

Bound = Any  # a SymPy expression, or None where it is not known


def nonnegative(expr: Expr, sizes: Iterable[Expr] = ()) -> bool:
    """Whether expr >= 0 for all run-time extents, which are at least 1, as all the `sizes` are.

    `sizes` are extents made of others, such as floor((T - 3)/2) + 1.
    """
    made = {s for s in sizes if s.free_symbols and not s.is_Symbol}
    return _nonnegative(expr, tuple(sorted(made, key=sympy.default_sort_key)))


@functools.lru_cache(maxsize=65536)
def _nonnegative(expr: Expr, sizes: tuple[Expr, ...]) -> bool:
    expr = sympy.expand(expr)
    if _surely(expr):
        return True
    exact = [sympy.expand(size - 1) for size in sizes]
    facts = [*exact, *(sympy.expand(_without_floors(f, -1)) for f in exact)]
    return any(_surely(sympy.expand(expr - m * f)) for f in facts for m in multiples(expr, f))


def multiples(expr: Expr, fact: Expr) -> Iterator[Expr]:
    """The positive m for which a term leaves expr - m · fact."""
    terms = [t.as_coeff_Mul() for t in sympy.Add.make_args(fact)]
    for coefficient, atom in terms:
        if not atom.is_Number:
            m = expr.coeff(atom) / coefficient
            if m.is_Rational and m > 0:
                yield m


def _surely(expr: Expr) -> bool:
    """Whether expr >= 0 because, as a polynomial in extents - 1, no coefficient is negative."""
    least = _without_floors(expr, 1)
    extents = {s: s + 1 for s in least.free_symbols if s.is_positive}
    shifted = sympy.expand(least.xreplace(extents))
    terms = (t.as_coeff_Mul() for t in sympy.Add.make_args(shifted))
    return all(c >= 0 and (t == 1 or bool(t.is_nonnegative)) for c, t in terms)


def _without_floors(expr: Expr, sign: int) -> Expr:
    """At most (sign 1) or at least (sign -1) the expression: floor(a/q) lies in (a/q - 1, a/q]."""
    terms = []
    for term in sympy.Add.make_args(expr):
        coefficient, rest = term.as_coeff_Mul()
        if isinstance(rest, sympy.floor):
            inner = rest.args[0]
            divisor = sympy.denom(sympy.together(inner))
            lower = bool(sign * coefficient > 0)
            rest = inner - (divisor - 1) / divisor if lower else inner
        terms.append(coefficient * rest)
    return sympy.expand(sympy.Add(*terms))


@functools.lru_cache(maxsize=16384)
def bounds(value: Expr) -> tuple[Bound, Bound]:
    """The least and greatest value of an index expression; None where it is not known."""
    low: Expr = Integer(0)
    high: Expr = Integer(0)
    for term in sympy.Add.make_args(value):
        coefficient, rest = term.as_coeff_Mul()
        if not rest.has(Index, Access):
            least = greatest = term
        elif isinstance(rest, Index):
            ends = (Integer(0), coefficient * (rest.extent - 1))
            least, greatest = ends if coefficient > 0 else ends[::-1]
        elif (greatest_entry := _greatest_entry(rest)) is not None:
            ends = (Integer(0), coefficient * greatest_entry)
            least, greatest = ends if coefficient > 0 else ends[::-1]
        else:
            indices = [f for f in Mul.make_args(term) if isinstance(f, Index)]
            others = Mul(*(f for f in Mul.make_args(term) if not isinstance(f, Index)))
            if len(indices) != 1 or others.has(Index) or not nonnegative(others):
                return None, None
            least, greatest = Integer(0), others * (indices[0].extent - 1)
        low, high = low + least, high + greatest
    return sympy.expand(low), sympy.expand(high)


def _greatest_entry(node: Expr) -> Expr | None:
    """The greatest value of a digit, a label or a position."""
    if isinstance(node, Digit):
        return node.args[2] - 1
    if isinstance(node, Access) and node.tensor.classes is not None:
        return node.tensor.classes - 1
    if isinstance(node, ArgMax | ArgMin):
        return sympy.prod(i.extent for i in node.bound) - 1
    return None


def untold(reduction: Reduction) -> frozenset[Index]:
    """The bound indices that stand on no axis as long as they run: p < 2 in max x[2 i + p]."""
    told = {
        position
        for access in reduction.body.atoms(Access)
        for position, extent in zip(access.indices, access.tensor.shape, strict=True)
        if isinstance(position, Index) and position.extent == extent
    }
    return frozenset(reduction.bound) - told


def digit(flat: Expr, place: Expr, size: Expr) -> Expr:
    """(flat // place) mod size, as a plainer index expression where the ranges allow one.

    Multiples of place · size leave by the mod, what is below `place` by the division.
    """
    terms = [t for t in sympy.Add.make_args(sympy.expand(flat))]
    terms = [t for t in terms if not (t / (place * size)).is_integer]
    whole = sympy.Add(*(t for t in terms if (t / place).is_integer))
    low, high = bounds(sympy.Add(*terms) - whole)
    sizes = {size, *(i.extent for i in flat.atoms(Index))}
    if low == 0 and high is not None and nonnegative(place - 1 - high, sizes):
        quotient = sympy.expand(whole / place)
        least, greatest = bounds(quotient)
        if least == 0 and greatest is not None and nonnegative(size - 1 - greatest, sizes):
            return quotient
    return Digit(flat, place, size)


def decided(expr: Expr) -> Expr:
    """The expression, comparisons of index expressions decided where their ranges do."""
    if not expr.has(Compare):
        return expr
    arguments = [decided(a) if isinstance(a, Expr) else a for a in expr.args]
    expr = expr if tuple(arguments) == expr.args else expr.func(*arguments)
    if isinstance(expr, Compare) and expr.args[1].is_integer and expr.args[2].is_integer:
        return _settled(expr)
    return expr


def _settled(comparison: Compare) -> Expr:
    """1 or 0 where a op b holds for all, or for no, values of the indices."""
    op, a, b = comparison.op, comparison.args[1], comparison.args[2]
    if op in (">", ">="):
        op, a, b = {">": "<", ">=": "<="}[op], b, a
    low, high = bounds(a - b)
    sizes = {i.extent for i in comparison.atoms(Index)}
    if op == "<":
        op, low, high = "<=", _plus_one(low), _plus_one(high)
    if op == "<=":
        if high is not None and nonnegative(-high, sizes):
            return Integer(1)
        if low is not None and nonnegative(low - 1, sizes):
            return Integer(0)
    return comparison


def _plus_one(bound: Bound) -> Bound:
    return None if bound is None else bound + 1


def pointed(mask: Expr) -> Expr:
    """The mask, as δ(i, 0) or δ(i, last) where only that value of its one index meets it."""
    comparison, holds = (mask.args[0], False) if isinstance(mask, Not) else (mask, True)
    if not isinstance(comparison, Compare) or (not holds and comparison.op in ("==", "!=")):
        return mask
    op = comparison.op if holds else _OPPOSITE[comparison.op]
    difference = comparison.args[1] - comparison.args[2]
    indices = [i for i in difference.atoms(Index) if difference.coeff(i) in (1, -1)]
    if len(indices) != 1 or difference.has(Access, Digit, ArgMax, ArgMin) or op in ("==", "!="):
        return mask
    (index,) = indices
    bound = index - difference * difference.coeff(index)
    if difference.coeff(index) == -1:
        op = MIRRORED[op]
    last = index.extent - 1
    if (op, bound) in (("<", 1), ("<=", 0)):
        return Delta(index, 0)
    if (op, bound - last) in ((">", -1), (">=", 0)):
        return Delta(index, last)
    return mask


def whole_bound(op: str, bound: Expr) -> tuple[str, Expr] | None:
    """The comparison of a whole number i with a bound, by a bound that is whole: i < 5/2 is i < 3.

    None where the bound is no quotient of whole numbers, or for an equality, which holds nowhere.
    """
    if bound.is_integer:
        return op, bound
    above, below = sympy.together(bound).as_numer_denom()
    if op in ("==", "!=") or not (above.is_integer and below.is_integer and below.is_positive):
        return None
    return op, sympy.floor(bound) if op in ("<=", ">") else -sympy.floor(-bound)


_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
