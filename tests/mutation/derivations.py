"""Damage to derivations: single mistakes, wrong steps, and lines wrong from beginning to end."""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sympy
from sympy import Expr

from symbackprop.derivation.model import Derivation, Line, Step
from symbackprop.equations.nodes import TensorSymbol, tensors
from symbackprop.mistakes import damaged, mistakes, scope, variants, with_line

THROUGHOUT = "throughout: "
CHAIN_RULE = "chain rule"


@dataclass(frozen=True)
class DamagedLine:
    """A line with `wrong` where `right` belongs; `make` gives the derivation with it."""

    kind: str
    words: str
    line: Line
    right: Expr
    wrong: Expr
    make: Callable[[], Derivation]

    def where(self) -> str:
        return f"equation ({self.line.number}), {self.line.equation.lhs}"

    def before(self) -> str:
        return str(self.right)

    def after(self) -> str:
        return str(self.wrong)


def single(derivation: Derivation) -> Iterator[DamagedLine]:
    """Every single mistake in an equation; the last step to it says the same."""
    for line in derivation.lines():
        for mistake in mistakes(derivation, line):
            make = functools.partial(damaged, derivation, mistake)
            right, wrong = line.equation.rhs, mistake.rhs
            yield DamagedLine(mistake.kind, mistake.words, line, right, wrong, make)


def wrong_steps(derivation: Derivation, most: int, seed: int) -> Iterator[DamagedLine]:
    """Mistakes in what a step says, not in the equation: all steps but the last one to it."""
    rng = random.Random(seed)
    steps = [
        (line, chain, k)
        for line in derivation.lines()
        for chain in ("steps", "also")
        for k in range(len(getattr(line, chain)) - (chain == "steps"))
    ]
    for line, chain, k in rng.sample(steps, min(most, len(steps))):
        step = getattr(line, chain)[k]
        found = list(variants(step.after, line.equation.indices, scope(derivation, line)))
        if found:
            kind, wrong, words = rng.choice(found)
            words = f'{words}, after rule "{step.rule}"'
            make = functools.partial(_with_step, derivation, line, chain, k, wrong)
            yield DamagedLine(f"in a step: {kind}", words, line, step.after, wrong, make)


def _with_step(derivation: Derivation, line: Line, chain: str, k: int, wrong: Expr) -> Derivation:
    steps = list(getattr(line, chain))
    steps[k] = dataclasses.replace(steps[k], after=wrong)
    if chain == "steps":
        return with_line(derivation, dataclasses.replace(line, steps=tuple(steps)))
    return with_line(derivation, dataclasses.replace(line, also=tuple(steps)))


def throughout(derivation: Derivation) -> Iterator[DamagedLine]:
    """A backward line whose steps all hold, of a wrong chain rule: steps cannot show it."""
    for line in derivation.lines():
        if line.of is not None and line.equation.rhs != 0:
            right = line.equation.rhs
            for words, factor in (("opposite sign", -1), ("wrong factor", 2)):
                make = functools.partial(_scaled, derivation, line, sympy.Integer(factor))
                kind, words = THROUGHOUT + words, f"all sides times {factor}"
                yield DamagedLine(kind, words, line, right, factor * right, make)


def forgotten_consumers(derivation: Derivation) -> Iterator[DamagedLine]:
    """A backward line that forgets one of the equations that read its tensor, and its terms."""
    for line in derivation.lines():
        chain = line.steps[0] if line.of is not None and line.steps else None
        if chain is None or chain.rule != CHAIN_RULE or not isinstance(chain.before, sympy.Add):
            continue
        right = line.equation.rhs
        for consumer in chain.before.args:
            own = set(tensors(consumer)) - {
                t for a in chain.before.args for t in _read(a, consumer)
            }
            forgotten = sympy.Add(*(t for t in sympy.Add.make_args(right) if own & set(tensors(t))))
            if own and forgotten not in (0, right):
                make = functools.partial(_without, derivation, line, consumer, forgotten)
                kind, words = THROUGHOUT + "missing term", f"{consumer} is forgotten"
                yield DamagedLine(kind, words, line, right, right - forgotten, make)


def _read(other: Expr, consumer: Expr) -> list[TensorSymbol]:
    return [] if other == consumer else tensors(other)


def _scaled(derivation: Derivation, line: Line, factor: Expr) -> Derivation:
    def scaled(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(
            dataclasses.replace(s, before=factor * s.before, after=factor * s.after) for s in steps
        )

    equation = dataclasses.replace(line.equation, rhs=factor * line.equation.rhs)
    wrong = dataclasses.replace(
        line, equation=equation, steps=scaled(line.steps), also=scaled(line.also)
    )
    return with_line(derivation, wrong)


def _without(derivation: Derivation, line: Line, consumer: Expr, term: Expr) -> Derivation:
    chain, rhs = line.steps[0], line.equation.rhs - term
    step = dataclasses.replace(chain, before=chain.before - consumer, after=rhs)
    equation = dataclasses.replace(line.equation, rhs=rhs)
    wrong = dataclasses.replace(line, equation=equation, steps=(step,), also=())
    return with_line(derivation, wrong)
