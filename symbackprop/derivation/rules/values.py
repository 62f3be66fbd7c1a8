"""Read powers, products and sums from the tensors that hold them.

f^(k e)       = y^k            where y = f^e: k an integer, and no new division
Π f g …       = Π y …          where y = f g: if that leaves fewer factors
Σ_j f_j       = s / c          where s = c Σ_j f_j
Σ_j (f_j - a) = s / c - J a    which is 0 for deviations from a mean

A power or product is read only where its tensor has a value wherever the line has one.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import sympy
from sympy import Add, Expr, Mul, Pow

from symbackprop.derivation.collapse import pulled
from symbackprop.derivation.rules.demands import Demands, demands, granted, granted_by_terms
from symbackprop.equations.nodes import Access, TensorSymbol, free_indices, kinds, tensor_set
from symbackprop.equations.reductions import Sum
from symbackprop.equations.renaming import positional
from symbackprop.equations.system import Equation


@dataclass(frozen=True)
class Part:
    """A part f of an equation whose value is known by it: the power, factor or sum that f is.

    `rest` is what makes the tensor of f: its exponent, the other factors, the number before it.
    """

    equation: Equation
    part: Expr
    rest: Expr

    def at(self, found: Expr) -> tuple[Expr, Expr]:
        """The tensor's entry and the rest, at the indices of an expression of the same form."""
        own, other = positional(self.part)[1], positional(found)[1]
        names = {i: sympy.S.Zero for i in self.equation.indices}  # those of extent 1
        names |= dict(zip(own, other, strict=True))
        return self.equation.lhs.xreplace(names), self.rest.xreplace(names)


@dataclass(frozen=True)
class Values:
    """Parts of equations by their form."""

    powers: Mapping[Expr, Part]
    factors: Mapping[Expr, Part]
    sums: Mapping[Expr, Part]

    @functools.cached_property
    def summed(self) -> frozenset[TensorSymbol]:
        """The tensors that known sums read."""
        return frozenset().union(*(tensor_set(part.part) for part in self.sums.values()))


def values_of(equations: Iterable[Equation]) -> Values:
    """The powers, products and sums that tensors hold."""
    found = Values({}, {}, {})
    for equation in equations:
        for table, part in _parts(equation):
            if free_indices(part.part) == {i for i in equation.indices if i.extent != 1}:
                getattr(found, table).setdefault(positional(part.part)[0], part)
    return found


def _parts(equation: Equation) -> Iterable[tuple[str, Part]]:
    rhs = equation.rhs
    if isinstance(rhs, Pow) and rhs.exp.is_Rational and not (rhs.exp.is_Integer and rhs.exp > 0):
        yield "powers", Part(equation, rhs.base, rhs.exp)
    if isinstance(rhs, Sum):
        yield "sums", Part(equation, rhs, sympy.S.One)
    if isinstance(rhs, Mul):
        for factor in rhs.args:
            rest = Mul(*(f for f in rhs.args if f is not factor))
            if isinstance(factor, Sum) and not rest.has(TensorSymbol) and rest.is_nonzero:
                yield "sums", Part(equation, factor, rest)
            elif rest.has(TensorSymbol) and isinstance(factor, Access | Add | Sum):
                number, core = _primitive(factor)
                yield "factors", Part(equation, core, number * rest)


def in_known_powers(expr: Expr, values: Values) -> Expr:
    """y^k for f^(k e) where y = f^e."""
    if not values.powers or Pow not in kinds(expr):
        return expr
    holds = granted_by_terms(expr)

    def read(power: Expr) -> Expr:
        known = values.powers.get(positional(power.base)[0]) if isinstance(power, Pow) else None
        if known is None:
            return power
        k = power.exp / known.rest
        if not k.is_Integer or (known.rest < 0 and k < 0):
            return power
        if not demands(power.base**known.rest) <= holds | demands(power):
            return power
        return known.at(power.base)[0] ** k

    return _everywhere(expr, read)


def in_known_sums(expr: Expr, values: Values) -> Expr:
    """s / c for Σ_j f_j where s = c Σ_j f_j, and what follows for sums of differences."""
    if not values.sums or Sum not in kinds(expr):
        return expr
    return _everywhere(expr, lambda e: _known_sum(e, values) if isinstance(e, Sum) else e)


def _known_sum(total: Sum, values: Values) -> Expr:
    """The sum term by term, where each term's is known."""
    idle = free_indices(total.body).isdisjoint(total.bound)
    if not idle and values.summed.isdisjoint(tensor_set(total)):
        return total
    parts = [pulled(Sum(t, *total.bound)) for t in Add.make_args(sympy.expand_mul(total.body))]
    known = [_replaced_sum(p, values) for p in parts]
    if any(k is None for k in known):
        return total
    return sympy.expand_mul(Add(*known))


def _replaced_sum(part: Expr, values: Values) -> Expr | None:
    """c' Σ_j f_j read from the tensor that holds it; what has no sum in it as it is."""
    number = Mul(*(f for f in Mul.make_args(part) if not isinstance(f, Sum)))
    sums = [f for f in Mul.make_args(part) if isinstance(f, Sum)]
    for total in sums:
        known = values.sums.get(positional(total)[0])
        if known is None:
            return None
        entry, rest = known.at(total)
        number *= entry / rest
    return None if number.has(Sum) else number


def in_known_products(expr: Expr, values: Values, around: Demands = frozenset()) -> Expr:
    """Each term with a factor f put as y / g where y = f g, if fewer factors are left by that."""
    if not values.factors:
        return expr
    holds = around | granted_by_terms(expr)
    return Add(*(_known_product(t, values, holds) for t in Add.make_args(expr)))


def _known_product(term: Expr, values: Values, around: Demands) -> Expr:
    factors, holds = Mul.make_args(term), around | granted(term)
    sums = {f: in_known_products(f, values, holds) for f in factors if isinstance(f, Add)}
    if any(f != known for f, known in sums.items()):
        return _known_product(Mul(*(sums.get(f, f) for f in factors)), values, around)
    for part in _known_factors(term, values):

        def read(factor: Expr, part: Part = part) -> Expr:
            found = _factor_of(factor, values)
            if found is None or found[1] is not part:
                return factor
            number, _, core = found
            entry, rest = part.at(core)
            has_value = demands(rest) <= holds and tensor_set(rest) <= tensor_set(term)
            # 0 where it is the position on an axis of one.
            return number * entry / rest if has_value and rest != 0 else factor

        shorter = _in_products(term, read)
        fewer = _factor_count(shorter) < _factor_count(term)
        if fewer and granted(shorter) <= holds and not _divisors(shorter) - _divisors(term):
            return _known_product(shorter, values, around)
    return term


def _known_factors(term: Expr, values: Values) -> list[Part]:
    """The parts of known products that stand as factors in the term, or in a sum in it."""
    found: dict[TensorSymbol, Part] = {}

    def note(factor: Expr) -> Expr:
        known = _factor_of(factor, values)
        if known is not None:
            found.setdefault(known[1].equation.tensor, known[1])
        return factor

    _in_products(term, note)
    return list(found.values())


def _factor_of(factor: Expr, values: Values) -> tuple[Expr, Part, Expr] | None:
    """A number, a part and an expression of its form whose product is the factor."""
    number, core = _primitive(factor)
    for sign in (1, -1) if isinstance(factor, Add) else (1,):
        known = values.factors.get(positional(sign * core)[0])
        if known is not None:
            return sign * number, known, sign * core
    return None


def _primitive(factor: Expr) -> tuple[Expr, Expr]:
    return factor.primitive() if isinstance(factor, Add) else (sympy.S.One, factor)


def _in_products(expr: Expr, read: Callable[[Expr], Expr]) -> Expr:
    """The product with each factor replaced, also within sums, which what is idle then leaves."""
    if isinstance(expr, Mul):
        return Mul(*(_in_products(f, read) for f in expr.args))
    if isinstance(expr, Pow) and expr.exp.is_Integer:
        return _in_products(expr.base, read) ** expr.exp
    replaced = read(expr) if isinstance(expr, Access | Add | Sum) else expr
    if replaced is expr and isinstance(expr, Sum):
        body = _in_products(expr.body, read)
        return expr if body == expr.body else pulled(Sum(body, *expr.bound))
    return replaced


def _factor_count(term: Expr) -> int:
    """How many factors a product has, powers written out, those inside its sums too."""
    if isinstance(term, Mul):
        return sum(map(_factor_count, term.args))
    if isinstance(term, Pow) and term.exp.is_Rational:
        return _factor_count(term.base) * max(1, abs(int(term.exp)))
    if isinstance(term, Sum):
        return _factor_count(term.body)
    return int(term.has(TensorSymbol)) * max(1, len(term.atoms(Access)))


def _divisors(term: Expr) -> Counter[Expr]:
    """What a product is divided by, and to what power."""
    found: Counter[Expr] = Counter()
    for f in Mul.make_args(term):
        if isinstance(f, Pow) and f.exp.is_negative:
            found[f.base] += -f.exp
        elif isinstance(f, Sum):
            found += _divisors(f.body)
    return found


def _everywhere(expr: Expr, read: Callable[[Expr], Expr]) -> Expr:
    """The expression with each part replaced, from the inside out."""
    if not expr.args or isinstance(expr, Access):
        return expr
    arguments = [_everywhere(a, read) if isinstance(a, Expr) else a for a in expr.args]
    rebuilt = expr if tuple(arguments) == expr.args else expr.func(*arguments)
    return read(rebuilt)
