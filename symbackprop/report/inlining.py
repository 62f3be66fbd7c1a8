"""Cotangents that are read once, entry by entry: put where they are read, as by hand.

H̄ = Z̄² W²ᵀ and Z̄¹ = H̄ ⊙ H ⊙ (1 − H) are then Z̄¹ = (Z̄² W²ᵀ) ⊙ H ⊙ (1 − H).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from symbackprop.equations.nodes import TensorSymbol
from symbackprop.report.families import rewritten
from symbackprop.report.formula import (
    ONE,
    Formula,
    Fraction,
    Hadamard,
    Times,
    is_scalar,
    times,
    walk,
)
from symbackprop.report.view import Shown

_LONGEST = 5  # factors of an entrywise product


def readers(lines: Iterable[Shown]) -> Counter[TensorSymbol]:
    """How many of the lines read each tensor."""
    return Counter(t for s in lines for t in s.line.equation.rhs.atoms(TensorSymbol))


def inlined(lines: Sequence[Shown], read: Counter[TensorSymbol]) -> Iterator[Shown]:
    """The lines without those that stand in a later one of them."""
    found: list[Shown] = list(lines)
    for source in lines:
        place = next(k for k, line in enumerate(found) if line.number == source.number)
        source = found[place]
        if source.gradient or source.line.also or read[source.line.equation.tensor] != 1:
            continue
        for k in range(place + 1, len(found)):
            formula = _with(found[k], source)
            if formula is not None:
                found[k] = rewritten(found[k], (found[k].left, formula))
                del found[place]
                break
    yield from found


def _with(reader: Shown, source: Shown) -> Formula | None:
    """The reader's formula with the source's in it; None where it is no factor there, or long."""
    formula = reader.formula
    if not isinstance(formula, Hadamard) or (False, source.left) not in formula.factors:
        return None
    if sum(part == source.left for part in walk(formula)) != 1:
        return None
    scale, inner = _scaled(source.formula)
    put = inner.factors if isinstance(inner, Hadamard) else ((False, inner),)
    at = formula.factors.index((False, source.left))
    factors = (*formula.factors[:at], *put, *formula.factors[at + 1 :])
    return times([scale, Hadamard(factors)]) if len(factors) <= _LONGEST else None


def _scaled(formula: Formula) -> tuple[Formula, Formula]:
    """A formula as a number times an array: 2 (P − Y)/N as 2/N and P − Y."""
    below = formula.denominator if isinstance(formula, Fraction) else ONE
    above = formula.numerator if isinstance(formula, Fraction) else formula
    factors = above.factors if isinstance(above, Times) else (above,)
    numbers = list(itertools.takewhile(is_scalar, factors))
    rest = times(factors[len(numbers) :])
    return (times(numbers) if below == ONE else Fraction(times(numbers), below)), rest
