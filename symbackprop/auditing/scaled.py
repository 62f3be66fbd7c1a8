"""Faults that are a factor: a line, or one of its terms, multiplied by something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Expr

from symbackprop.auditing import factors
from symbackprop.auditing.search import Fault, Search, as_it_stands
from symbackprop.auditing.world import Change
from symbackprop.derivation.model import Line


def factor_faults(search: Search, line: Line, of: Sequence[str], whole: bool) -> Iterator[Fault]:
    extents = [p.extents for p in search.world.points]
    now = as_it_stands(search, line)
    for term, doubled in factors.terms(now):
        fit = factors.fitted(
            search.world, search.base, line, doubled, of, search.found, search.value
        )
        if fit is None or (whole and len(fit[1]) < len(of)):
            continue
        values, explained = fit
        factor = factors.named(values, extents, search.rates)
        if factor is None:
            continue
        scaled = factors.Scaled(line, term, factor)
        names = tuple(n for n in search.found if n in explained)
        yield Fault(
            scaled.kind(),
            _words(scaled),
            line,
            names,
            _scaled(now, term, factor),
            factor.name,
            len(of) - len(names),
            0.9 if factor.plain else 3.0,
        )


def _scaled(line: Line, term: Expr | None, factor: factors.Factor) -> Change:
    """The line, or one of its terms, times that factor."""
    rhs = line.equation.rhs
    new = factor.value * rhs if term is None else rhs + (factor.value - 1) * term
    return Change({line.equation.tensor.name: new})


def _words(scaled: factors.Scaled) -> str:
    """What is missing or too much, for a reader."""
    name = scaled.factor.name
    if name == "0":
        return "this term is missing" if scaled.term is not None else "it comes as 0 throughout"
    if name == "-1":
        return "the sign is opposite"
    if name == "rate":
        return "it has the learning rate in it already"
    missing = str(1 / scaled.factor.value)
    if name in {s.name for s in scaled.factor.value.free_symbols}:
        return f"{name} times too large: {missing} is missing, as of a mean"
    if name.startswith("1/") and name[2:].isidentifier():
        return f"{name} of what it should be: a mean in place of a sum"
    if "rate" in name:
        return f"{name} times what it should be"
    if scaled.factor.plain and abs(scaled.factor.value) < 1:
        return f"{name} of what it should be: the factor {missing} is missing"
    return f"{name} times what it should be"
