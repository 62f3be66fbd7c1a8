"""Statistics: what a tensor is reduced to and then read beside, as its mean or its norm.

    μ[n] = Σ_i x[n, i] / D,  y[n, i] = x[n, i] - μ[n]

Written inside one expression, a statistic gets a name, so that it is computed once and the
gradient can speak of it. Its cotangent is no line of the derivation: it is put in where the
cotangent of the tensor reads it, and there the rules bring all of it together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sympy import Expr

from symbackprop.derivation.occurrences import differentiable_reads
from symbackprop.equations.build.inside import standing_alone
from symbackprop.equations.nodes import Access, Index, TensorSymbol, free_indices, tensors
from symbackprop.equations.reductions import Reduction, Sum
from symbackprop.equations.renaming import fresh_name, numbered
from symbackprop.equations.system import Equation

Readers = Mapping[TensorSymbol, Sequence[Equation]]


def subjects(equations: Iterable[Equation], readers: Readers) -> dict[TensorSymbol, TensorSymbol]:
    """The tensor that each statistic belongs to: the one tensor that it is made of.

    `readers` are the equations that read each tensor between the variables and the loss. Whatever
    reads a statistic reads its tensor too, or is another statistic of it.
    """
    found: dict[TensorSymbol, TensorSymbol] = {}
    for equation in equations:
        read = {t for t in differentiable_reads(equation.rhs) if t in readers}
        made_of = {found.get(t, t) for t in read}
        if equation.tensor not in readers or len(made_of) != 1:
            continue
        (subject,) = made_of
        reduces = equation.rhs.has(Sum) or subject not in read
        if reduces and _axes(equation.tensor) < _axes(subject):
            found[equation.tensor] = subject
    while lost := [s for s in found if not _read_beside(s, found, readers)]:
        for statistic in lost:
            del found[statistic]
    return found


def _axes(tensor: TensorSymbol) -> int:
    """How many axes have more than one entry."""
    return sum(size != 1 for size in tensor.shape)


def _read_beside(
    statistic: TensorSymbol, found: Mapping[TensorSymbol, TensorSymbol], readers: Readers
) -> bool:
    subject = found[statistic]
    return all(
        found.get(reader.tensor) == subject or subject in differentiable_reads(reader.rhs)
        for reader in readers[statistic]
    )


def is_compact(cotangent: Expr, statistics: int) -> bool:
    """Whether putting in the cotangents of so many statistics was worth it.

    No reduction is left inside another, and there are no more of them than there were statistics.
    """
    sums = cotangent.atoms(Sum)
    return len(sums) <= statistics and not any(s.body.has(Reduction) for s in sums)


def name_statistics(equation: Equation, taken: set[str]) -> list[Equation]:
    """The equation, preceded by one for each statistic that stands inside it."""
    if not equation.rhs.has(Sum):
        return [equation]
    named: dict[Expr, Equation] = {}

    def walk(expr: Expr, scope: tuple[Index, ...]) -> Expr:
        if not expr.has(Sum):
            return expr
        if _is_statistic(expr, scope) and _stands_beside(expr, equation):
            negative = expr.could_extract_minus_sign()
            body = -expr if negative else expr
            order = tuple(i for i in scope if i in free_indices(body))
            key = numbered(body, order)
            if key not in named:
                inner = body.func(*(walk(a, order) for a in body.args))
                rhs = standing_alone(inner, equation.rhs)
                if rhs is None:
                    return expr
                name = fresh_name(f"s_{equation.tensor.name}", taken)
                taken.add(name)
                symbol = TensorSymbol(name, [i.extent for i in order])
                named[key] = Equation(symbol, order, rhs, "", equation.place)
            entry = Access(named[key].tensor, *order)
            return -entry if negative else entry
        if isinstance(expr, Reduction):
            return expr.func(walk(expr.body, (*scope, *expr.bound)), *expr.bound)
        return expr.func(*(walk(a, scope) if isinstance(a, Expr) else a for a in expr.args))

    rhs = walk(equation.rhs, equation.indices)
    return [*named.values(), replace(equation, rhs=rhs)] if named else [equation]


def _is_statistic(expr: Expr, scope: tuple[Index, ...]) -> bool:
    return free_indices(expr) < set(scope)


def _stands_beside(expr: Expr, equation: Equation) -> bool:
    """Whether the rest of the equation reads a tensor that is reduced here."""
    rest = tensors(equation.rhs.xreplace({expr: Expr()}))
    reduced = {t for s in expr.atoms(Sum) for t in tensors(s.body)}
    return equation.tensor not in reduced and not reduced.isdisjoint(rest)
