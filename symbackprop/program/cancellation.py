"""Sums and norms in forms that lose no digits, and overflow only where their value does.

1 + erf u    = erfc(-u)               1 - erf u = erfc u
exp u - 1    = expm1 u
f (a + c x²) = f a + c f x x          where f is 0 if x² overflows
sqrt Σ f²    = m sqrt Σ (f/m)²        m = max |f|
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Add, Expr, Mul, Pow, Rational

from symbackprop.equations.nodes import Access, Index, pointwise_function
from symbackprop.equations.reductions import LogSumExp, Sum
from symbackprop.program.contractions import contract
from symbackprop.program.scope import Labelled, Scope

sigmoid = pointwise_function("sigmoid")

Terms = list[tuple[Expr, Labelled]]

SMALLEST = Rational(1, 2**126)
"""Nothing smaller divides: a vector of zeros has the norm 0."""


def joined(terms: Sequence[Expr], scope: Scope) -> tuple[Terms, list[Expr]]:
    """A number of the sum and the term that cancels it as one function; the other terms.

    Softmaxes are left alone: their exponentials are in use as they are.
    """
    for number in (t for t in terms if t.is_Rational):
        for term in terms:
            factor, core = term.as_coeff_Mul()
            found = None
            if isinstance(core, sympy.erf) and abs(factor) == abs(number):
                found = number, _erfc(-factor / number * core.args[0], scope)
            elif isinstance(core, sympy.exp) and factor == -number and not core.has(LogSumExp):
                found = factor, scope.apply("expm1", scope.lower(core.args[0]))
            if found is not None:
                return [found], [t for t in terms if t not in (number, term)]
    return [], list(terms)


def _erfc(u: Expr, scope: Scope) -> Labelled:
    """erfc(√s v) for u = √s v.

    The normal distribution has u = v/√2: u² = v²/2 is exact, where u rounded would cost digits.
    """
    v = sympy.sqrt(2) * u
    if not v.has(sympy.sqrt(2)) and scope.lower(v).axes:
        return scope.apply("erfc", scope.lower(v), scope.scalar(Rational(1, 2)))
    return scope.apply("erfc", scope.lower(u), scope.scalar(1))


def vanishing(product: Mul, scope: Scope) -> Labelled | None:
    """f (a + c x²) as a f + c f x x, for an f that is 0 where x² overflows.

    None where no factor vanishes, or none is a power of an entry or has one in it.
    """
    if not any(map(vanishes, product.args)):
        return None
    for factor in filter(_grows, product.args):
        rest = Mul(*(f for f in product.args if f is not factor))
        terms = Add.make_args(factor)
        if not all(map(_is_plain, terms)):
            return scope.lower(Add(*(rest * term for term in terms)))
        total = scope.scalar(0)
        for term in terms:
            number, core = term.as_coeff_Mul()
            part = scope.lower(rest)
            for _ in range(int(core.as_base_exp()[1]) if core != 1 else 0):
                part = scope.apply("multiply", part, scope.lower(core.as_base_exp()[0]))
            total = scope.apply("add", scope.scale(part, number), total)
        return total
    return None


def _is_plain(term: Expr) -> bool:
    """A number times a whole power of an entry."""
    base, exponent = term.as_coeff_Mul()[1].as_base_exp()
    return base == 1 or (isinstance(base, Access) and exponent.is_Integer and exponent > 0)


def vanishes(factor: Expr) -> bool:
    """An exponential, a sigmoid, or 1 less a sigmoid: a product begins with it."""
    return isinstance(factor, sympy.exp | sigmoid) or isinstance(1 - factor, sigmoid)


def _grows(expr: Expr) -> bool:
    """Whether it has a whole power of an entry as a factor, also of a term."""
    if isinstance(expr, Pow):
        return isinstance(expr.base, Access) and bool(expr.exp.is_Integer and expr.exp > 1)
    return isinstance(expr, Add | Mul) and any(map(_grows, expr.args))


def norm(squares: Expr, scope: Scope) -> Labelled | None:
    """sqrt of c Σ f²: the entries are divided by the largest before they are squared.

    None for the root of anything else.
    """
    total = next((f for f in Mul.make_args(squares) if isinstance(f, Sum)), None)
    if total is None or not isinstance(total.body, Pow) or total.body.exp != 2:
        return None
    number = squares / total
    if number.has(Access, Index):
        return None
    entries = scope.lower(total.body.base)
    largest = scope.reduce("max", scope.apply("absolute", entries), total.bound)
    largest = scope.apply("maximum", largest, scope.scalar(SMALLEST))
    small = scope.apply("divide", entries, largest)
    bound = tuple(i for i in total.bound if i in entries.axes)
    sum_ = contract([small, small], bound, scope)
    terms = scope.missing(entries.axes, total.bound)
    root = scope.apply("sqrt", scope.scale(sum_, number * terms))
    return scope.apply("multiply", root, largest)
