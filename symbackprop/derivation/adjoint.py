"""The adjoint equation of one tensor, from the equations that read it.

    x̄[u] = Σ_y Σ_i ȳ[i] ∂y[i]/∂x[u]

and ∂y[i]/∂x[u] is Σ_bound coefficient Π_k δ(u_k, a_k), summed over the occurrences x[a] in y.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Mul

from symbackprop.derivation.collapse import collapsed, solved
from symbackprop.derivation.model import Step
from symbackprop.derivation.occurrences import Occurrence, Softmaxes, occurrences
from symbackprop.derivation.rules.collect import factored, merged
from symbackprop.derivation.rules.fractions import over_one_divisor
from symbackprop.derivation.rules.guards import gathered
from symbackprop.derivation.rules.known import (
    FORWARD_VALUE,
    ON_SUPPORT,
    ROWS_SUM_TO_ONE,
    Known,
    in_forward_values,
    on_support,
    with_row_sums,
)
from symbackprop.derivation.rules.recognise import mirrored
from symbackprop.derivation.rules.values import (
    in_known_powers,
    in_known_products,
    in_known_sums,
)
from symbackprop.equations.build.hoist import contains_contraction
from symbackprop.equations.masks import Delta, Mask
from symbackprop.equations.nodes import Access, Index, Partial, TensorSymbol
from symbackprop.equations.reductions import Sum
from symbackprop.equations.renaming import fresh_bound, fresh_name, plain_bound, substituted
from symbackprop.equations.system import Equation


@dataclass(frozen=True)
class Cotangent:
    """ȳ at y's indices: an entry of its tensor, or the value itself where it is light."""

    indices: tuple[Index, ...]
    value: Expr

    def at(self, indices: Sequence[Index]) -> Expr:
        return substituted(self.value, dict(zip(self.indices, indices, strict=True)))


Consumer = tuple[Equation, Cotangent]
Adjoint = tuple[Expr, tuple[Step, ...], tuple[Step, ...]]


def adjoint(
    x: Access, consumers: Sequence[Consumer], softmaxes: Softmaxes, known: Known
) -> Adjoint:
    """The right-hand side of x̄ at the indices of `x`, the steps to it, and those to other forms."""
    terms: list[Expr] = []
    partials: list[Expr] = []
    for equation, cotangent in consumers:
        renamed = _away_from(equation, x)
        around = {i.name for i in (*renamed.indices, *x.indices)}
        seed = fresh_bound(cotangent.at(renamed.indices), around)
        partials.append(Sum(seed * Partial(renamed.lhs, x), *renamed.indices))
        for found in occurrences(renamed.rhs, x.tensor, softmaxes):
            terms.append(_term(seed, renamed, found, x))
    own = {i.name for i in x.indices}
    start = Add(*terms)
    steps = [Step("chain rule", Add(*partials), start, "every way on which the loss depends on it")]
    rhs = start
    first, *rules = _rules(terms, known)
    idle: dict[str, Expr] = {}  # what each rule left as it was
    for rule, apply, why in (first, *rules, *rules):
        if idle.get(rule) == rhs:
            continue
        after = apply(rhs)
        if after != rhs:
            after = plain_bound(after, own)
            steps.append(Step(rule, rhs, after, why))
            rhs = after
        else:
            idle[rule] = rhs
    return rhs, tuple(steps), tuple(_other_forms(rhs, own))


def _other_forms(rhs: Expr, own: Collection[str]) -> Iterator[Step]:
    """A scatter as the sum that it is at each place."""
    after = solved(rhs)
    if after != rhs:
        why = "one term for each index that reaches this place"
        yield Step("solve for the index", rhs, plain_bound(after, own), why)


def _rules(terms: list[Expr], known: Known) -> list[tuple[str, Callable[[Expr], Expr], str]]:
    """The rules in the order in which they are applied, each to the whole right-hand side."""
    functions, values = known.functions, known.values
    return [
        (
            "collapse δ",
            lambda _: Add(*(collapsed(t) for t in terms)),
            "$Σ[i](δ(u, i) * f[i]) == f[u]$",
        ),
        (
            "gather by range",
            gathered,
            "$Σ[j]([m] * f[j]) + [m] * g == [m] * (Σ[j](f[j]) + g)$",
        ),
        (
            "one divisor",
            over_one_divisor,
            "$f / d + g / d**2 == (f * d + g) / d**2$, $u * sign(u) == abs(u)$",
        ),
        (FORWARD_VALUE, lambda e: in_forward_values(e, functions), "computed on the way forward"),
        (
            "forward power",
            lambda e: in_known_powers(e, values),
            "$f**(k * e) == y**k$ where $y == f**e$",
        ),
        (
            "forward sum",
            lambda e: in_known_sums(e, values),
            "$Σ[j](f[j]) == J * m$ where $m$ is its mean",
        ),
        ("forward product", lambda e: in_known_products(e, values), "$f * g == y$"),
        ("mirror", mirrored, "$sigmoid(-u) == 1 - sigmoid(u)$"),
        (
            ON_SUPPORT,
            lambda e: on_support(e, known),
            "$p * [m] == p$ where $p$ is 0 outside of $m$",
        ),
        (ROWS_SUM_TO_ONE, lambda e: with_row_sums(e, known), "each row is a distribution"),
        ("merge like terms", merged, "$a * f + b * f == (a + b) * f$"),
        ("factor", factored, "what all terms share"),
    ]


def is_light(cotangent: Expr, defined_by: Expr | None) -> bool:
    """Whether a cotangent is put in where it is used, rather than computed as a tensor.

    So is a product of numbers, extents and deltas; and entries times a delta, unless the tensor
    is a contraction (`defined_by`), whose own cotangents want a dense operand. A cotangent such
    as -δ(k, y[n])/N then collapses sums instead of filling an array with zeros.
    """
    factors = Mul.make_args(cotangent)
    if any(isinstance(f, Sum) for f in factors):
        return False
    if all(isinstance(f, Delta) or not (f.has(TensorSymbol) or f.is_Add) for f in factors):
        return True
    if defined_by is None or contains_contraction(defined_by):
        return False
    single = all(isinstance(f, Access | Mask) or not f.has(TensorSymbol) for f in factors)
    return single and any(isinstance(f, Delta) for f in factors)


def _term(seed: Expr, equation: Equation, found: Occurrence, x: Access) -> Expr:
    """Σ_{i, bound} ȳ[i] coefficient Π_k δ(u_k, a_k), not yet collapsed."""
    deltas = [Delta(u, a) for u, a in zip(x.indices, found.access.indices, strict=True)]
    own = {i.name for i in (*equation.indices, *found.bound, *x.indices)}
    coefficient = fresh_bound(found.coefficient, own)
    return Sum(Mul(fresh_bound(seed, own), coefficient, *deltas), *equation.indices, *found.bound)


def _away_from(equation: Equation, x: Access) -> Equation:
    """The equation with its own indices, free and bound, renamed where x uses the name."""
    taken = {i.name for i in x.indices}
    names: dict[Index, Index] = {}
    for index in equation.indices:
        name = fresh_name(index.name, taken)
        taken.add(name)
        names[index] = Index(name, index.extent)
    rhs = fresh_bound(equation.rhs, set(taken) | {i.name for i in equation.indices})
    return Equation(
        equation.tensor,
        tuple(names.values()),
        rhs.xreplace(names),
        equation.label,
        equation.place,
    )
