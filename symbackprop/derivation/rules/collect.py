"""Merge like terms and take out what all terms share.

a f + b f      = (a + b) f             where a + b has fewer terms
f a + f b      = f (a + b)             f a factor of every term
where(c, a, 0) + where(c, 0, b) = where(c, a, b)
a (1 - b) + …                          multiplied out only where terms then cancel
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import sympy
from sympy import Add, Expr, Mul, Pow, Rational

from symbackprop.equations.masks import Not, Where
from symbackprop.equations.nodes import Access, Index, TensorSymbol
from symbackprop.equations.reductions import Sum

MOST_TERMS = 12


def merged(expr: Expr) -> Expr:
    """The sum with like terms merged, or multiplied out where that cancels terms."""
    if not isinstance(expr, Add) or len(expr.args) > MOST_TERMS:
        return expr
    joined = _joined(expr)
    if joined != expr:
        return merged(joined)
    shorter = _without_brackets(expr)
    return _grouped(shorter) if isinstance(shorter, Add) else shorter


def factored(expr: Expr) -> Expr:
    """f (a + b) for f a + f b, f all that the terms share; numbers leave inner sums."""
    if isinstance(expr, Mul | Sum):
        return _with_numbers_outside(expr)
    if not isinstance(expr, Add):
        return expr
    expr = Add(*(_with_numbers_outside(t) for t in expr.args))
    if not isinstance(expr, Add):
        return expr
    factors = [Counter(_factors(t)) for t in expr.args]
    shared = factors[0]
    for other in factors[1:]:
        shared = shared & other
    common = Mul(*sorted(shared.elements(), key=sympy.default_sort_key))
    if common == 1:
        return _factored_in_part(expr, factors)
    rest = Add(
        *(
            Mul(_number(t), *(f - shared).elements())
            for t, f in zip(expr.args, factors, strict=True)
        )
    )
    return _with_numbers_outside(common * rest)


def _factored_in_part(expr: Add, factors: list[Counter[Expr]]) -> Expr:
    """f (a + b) + c, f the entry that most terms share."""
    counts = Counter(f for own in factors for f in own if f.has(TensorSymbol))
    most = max(counts.values(), default=0)
    if most < 2:
        return _over_one_denominator(expr)
    best = min((f for f in counts if counts[f] == most), key=sympy.default_sort_key)
    sharing = [t for t, own in zip(expr.args, factors, strict=True) if best in own]
    return factored(Add(*sharing)) + factored(Add(*(t for t in expr.args if t not in sharing)))


def _over_one_denominator(expr: Add) -> Expr:
    """(a + b)/N + c for a/N + b/N + c: terms that are divided by the same extents and numbers."""
    groups: dict[Expr, list[Expr]] = {}
    for term in expr.args:
        number, rest = term.as_coeff_Mul()
        extents = (f for f in Mul.make_args(rest) if not f.has(Access, Index))
        groups.setdefault(Mul(abs(number), *extents), []).append(term)
    shared = {d: ts for d, ts in groups.items() if len(ts) > 1 and d.free_symbols}
    for divisor, terms in shared.items():
        together = divisor * Add(*(t / divisor for t in terms))
        expr = Add(*(t for t in expr.args if t not in terms)) + together
    return expr


def _primitive(total: Add) -> tuple[Expr, Expr]:
    """The number that all terms share, where fewer terms have a number of their own without it.

    Not where a term has none yet: a - b/8 is no (8 a - b)/8.
    """
    number, primitive = total.primitive()
    if any(abs(_number(t)) == 1 for t in total.args):
        return sympy.S.One, total
    own = [sum(abs(_number(t)) != 1 for t in e.args) for e in (total, primitive)]
    return (number, primitive) if own[1] < own[0] else (sympy.S.One, total)


def _with_numbers_outside(product: Expr) -> Expr:
    """2 f (a + b) for f (2 a + 2 b), and f (b - a) for -f (a - b), inside sums too."""
    numbers, factors = [], []
    for factor in Mul.make_args(product):
        number, primitive = sympy.S.One, factor
        if isinstance(factor, Add):
            number, primitive = _primitive(factor)
        elif isinstance(factor, Sum):
            number, body = _with_numbers_outside(factor.body).as_coeff_Mul()
            primitive = Sum(body, *factor.bound)
        numbers.append(number)
        factors.append(primitive)
    number = Mul(*numbers)
    if number.is_negative:
        for k, factor in enumerate(factors):
            if isinstance(factor, Add) and any(t.could_extract_minus_sign() for t in factor.args):
                number, factors[k] = -number, -factor
                break
    return Mul(number, *factors)


def size(expr: Expr) -> int:
    """How many entries of tensors a reader must take in."""
    if isinstance(expr, Access):
        return 1
    if isinstance(expr, Pow) and expr.exp.is_Integer:
        return size(expr.base) * abs(int(expr.exp))
    return sum(size(a) for a in expr.args)


def _factors(term: Expr) -> list[Expr]:
    """The factors of a term, powers written out, its number left out."""
    factors: list[Expr] = []
    for factor in Mul.make_args(term):
        if isinstance(factor, Rational):
            continue
        if isinstance(factor, Pow) and factor.exp.is_Rational:
            whole = int(factor.exp)  # towards 0: f^(-3/2) is f^(-1/2) times 1/f
            one = factor.base if whole > 0 else 1 / factor.base
            left = factor.base ** (factor.exp - whole)
            factors += [one] * abs(whole) + [left] * (left != 1)
        else:
            factors.append(factor)
    return factors


def _number(term: Expr) -> Expr:
    return Mul(*(f for f in Mul.make_args(term) if isinstance(f, Rational)))


def _without_brackets(expr: Add) -> Expr:
    """The terms multiplied out, all or two of them, where entries of tensors cancel by that."""
    bracketed = [t for t in expr.args if any(isinstance(f, Add | Not) for f in Mul.make_args(t))]
    for chosen in (*combinations(expr.args, 2), expr.args):
        if not set(bracketed) & set(chosen):
            continue
        expanded = Add(*map(_multiplied_out, chosen))
        if size(expanded) < size(Add(*chosen)):
            return merged(expanded + Add(*(t for t in expr.args if t not in chosen)))
    return expr


def _multiplied_out(term: Expr) -> Expr:
    """The term without brackets; a mask's complement is 1 - mask."""
    if term.has(Sum):
        return term
    complements = {f: 1 - f.args[0] for f in Mul.make_args(term) if isinstance(f, Not)}
    return sympy.expand_mul(term.xreplace(complements), deep=False)


def _joined(expr: Add) -> Expr:
    """where(c, a, 0) f + where(c, 0, b) f = where(c, a, b) f."""
    terms = list(expr.args)
    for k, first in enumerate(terms):
        for other in terms[k + 1 :]:
            for left in (f for f in Mul.make_args(first) if isinstance(f, Where)):
                for right in (f for f in Mul.make_args(other) if isinstance(f, Where)):
                    same_rest = first.xreplace({left: _MARK}) == other.xreplace({right: _MARK})
                    if same_rest and left.args[0] == right.args[0] and 0 in left.args[1:]:
                        both = Where(
                            left.args[0],
                            *(a + b for a, b in zip(left.args[1:], right.args[1:], strict=True)),
                        )
                        rest = Add(*(t for t in terms if t not in (first, other)))
                        return rest + first.xreplace({left: both})
    return expr


_MARK = sympy.Symbol("_mark")


def _grouped(expr: Add) -> Expr:
    """Terms that share a factor, where the sum of what is left of them has fewer terms."""
    counts = Counter(f for t in expr.args for f in set(_factors(t)))
    for factor, count in sorted(counts.items(), key=lambda c: sympy.default_sort_key(c[0])):
        if count < 2:
            continue
        sharing = [t for t in expr.args if factor in _factors(t)]
        cofactor = Add(*(t / factor for t in sharing))
        if len(Add.make_args(cofactor)) < len(sharing):
            rest = Add(*(t for t in expr.args if t not in sharing))
            return merged(rest + cofactor * factor)
    return expr
