"""Single mistakes that a person, or a wrong rule, makes in one equation of a derivation.

| room | kinds |
|---|---|
| `terms` | opposite sign, wrong factor, wrong power, missing term, dropped factor |
| `reads` | forgotten derivative, derivative of the wrong value, wrong tensor |
| `choices` | wrong function, wrong comparison, lost guard |
| `positions` | swapped axes, wrong index, wrong shift, wrong stride, moved delta |
| `ranges` | off by one, last term alone |

Each kind is a function from a place in a right-hand side to what may stand there by mistake, with
words for a reader. None knows a layer. Nothing here says whether the mistake shows: x·1 for x does
not, and h > 0 for z > 0 does not where h is relu(z).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import sympy
from sympy import Expr

from symbackprop.derivation.model import Derivation, Line, LossDerivation
from symbackprop.equations.nodes import Index
from symbackprop.mistakes.choices import lost_guard, wrong_comparison, wrong_function
from symbackprop.mistakes.places import Kind, Place, Scope, places
from symbackprop.mistakes.positions import (
    moved_delta,
    swapped_axes,
    wrong_index,
    wrong_shift,
    wrong_stride,
)
from symbackprop.mistakes.ranges import last_term_alone, off_by_one
from symbackprop.mistakes.reads import (
    derivative_of_the_wrong_value,
    forgotten_derivative,
    wrong_tensor,
)
from symbackprop.mistakes.terms import (
    dropped_factor,
    missing_term,
    opposite_sign,
    wrong_factor,
    wrong_power,
)

__all__ = ["KINDS", "Mistake", "Place", "Scope", "damaged", "mistakes", "scope", "variants"]

# What one equation may be made of by two kinds goes by the first.
KINDS: dict[str, Kind] = {
    "opposite sign": opposite_sign,
    "wrong factor": wrong_factor,
    "forgotten derivative": forgotten_derivative,
    "derivative of the wrong value": derivative_of_the_wrong_value,
    "missing term": missing_term,
    "swapped axes": swapped_axes,
    "wrong tensor": wrong_tensor,
    "wrong power": wrong_power,
    "dropped factor": dropped_factor,
    "lost guard": lost_guard,
    "wrong shift": wrong_shift,
    "off by one": off_by_one,
    "last term alone": last_term_alone,
    "wrong stride": wrong_stride,
    "moved delta": moved_delta,
    "wrong function": wrong_function,
    "wrong comparison": wrong_comparison,
    "wrong index": wrong_index,
}


@dataclass(frozen=True)
class Mistake:
    """What stands by mistake in the place of a line's right-hand side."""

    kind: str
    line: Line
    rhs: Expr
    words: str


def mistakes(derivation: Derivation, line: Line) -> Iterator[Mistake]:
    """The single mistakes in a line's right-hand side, each once, the likeliest kinds first."""
    where = scope(derivation, line)
    for kind, rhs, words in variants(line.equation.rhs, line.equation.indices, where):
        yield Mistake(kind, line, rhs, words)


def variants(
    rhs: Expr, indices: tuple[Index, ...], where: Scope
) -> Iterator[tuple[str, Expr, str]]:
    """The kind, the expression that stands for `rhs` by a mistake of that kind, and the words."""
    seen = {rhs}
    for kind, find in KINDS.items():
        for place in places(rhs, indices):
            for wrong, words in find(place, where):
                found = place.put(wrong)
                if found not in seen and not found.has(*_NO_NUMBERS):
                    seen.add(found)
                    yield kind, found, words


_NO_NUMBERS = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo)


def scope(derivation: Derivation, line: Line) -> Scope:
    """What is known where a line is computed: what is given, and the lines before it."""
    loss = _on_the_way_back_from(derivation, line)
    before = [*derivation.forward, *(loss.cotangents if loss else ())]
    known = [x.equation.tensor for x in before if x.number < line.number]
    cotangents = [x.equation.tensor for x in loss.cotangents] if loss else []
    forward = {x.equation.tensor: x.equation for x in derivation.forward}
    return Scope(
        line,
        (*derivation.system.given, *known),
        frozenset(cotangents),
        forward,
        derivation.system.extents,
    )


def _on_the_way_back_from(derivation: Derivation, line: Line) -> LossDerivation | None:
    return next(
        (x for x in derivation.losses if any(c.number == line.number for c in x.cotangents)), None
    )


def damaged(derivation: Derivation, mistake: Mistake) -> Derivation:
    """The derivation with the mistake in that equation and in what the last step to it says."""
    line = mistake.line
    steps = line.steps
    if steps:
        steps = (*steps[:-1], dataclasses.replace(steps[-1], after=mistake.rhs))
    equation = dataclasses.replace(line.equation, rhs=mistake.rhs)
    return with_line(derivation, dataclasses.replace(line, equation=equation, steps=steps))


def with_line(derivation: Derivation, line: Line) -> Derivation:
    """The derivation, no longer a proved one, with this line in the place of that of its number."""

    def put(old: Line) -> Line:
        return line if old.number == line.number else old

    losses = tuple(
        dataclasses.replace(
            loss,
            cotangents=tuple(map(put, loss.cotangents)),
            gradients={name: put(old) for name, old in loss.gradients.items()},
        )
        for loss in derivation.losses
    )
    forward = tuple(map(put, derivation.forward))
    return Derivation(derivation.system, forward, losses, derivation.in_use)
