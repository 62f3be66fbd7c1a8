"""What differentiation yields: numbered equations, and the steps that led to each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sympy import Expr

from symbackprop.equations.nodes import TensorSymbol
from symbackprop.equations.system import Equation, System


@dataclass(frozen=True)
class Step:
    """One use of a rule: `before` equals `after` for every value of the equation's indices.

    `why` is in words; mathematics in it stands between dollars, in the notation of Python.
    """

    rule: str
    before: Expr
    after: Expr
    why: str


@dataclass(frozen=True)
class Line:
    """A numbered equation of the report, and of the generated module's comments.

    `of` is the tensor that the equation's tensor is the cotangent of (None on the way forward).
    For a backward line the first step is the chain rule: its `before` is Σ ȳ[i] Partial(y[i], x[u])
    over the equations y that read x; where ȳ is no tensor of its own but a light value, as the 1 of
    the loss itself or -δ(k, y[n])/N, that value stands in its place. `also` leads from the
    right-hand side to other forms of it that a reader may want: a scatter δ(a, 2 i + p) with p
    solved for, as a sum with its range.
    """

    number: int
    equation: Equation
    steps: tuple[Step, ...] = ()
    of: TensorSymbol | None = None
    also: tuple[Step, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules used, in order, each once."""
        return tuple(dict.fromkeys(step.rule for step in self.steps))


@dataclass(frozen=True)
class LossDerivation:
    """The way back from one loss: `cotangents` holds every x̄ in the order of computation.

    `gradients` maps the name of what the loss is differentiated by to its line; a tensor that the
    loss does not depend on maps to a line whose rhs is 0. `wrt` are the names that were asked for.
    """

    loss: TensorSymbol
    cotangents: tuple[Line, ...]
    gradients: Mapping[str, Line]
    wrt: tuple[str, ...]


@dataclass(frozen=True)
class Derivation:
    """The equations forward, then each loss's way back; numbers run through all of them.

    `system` is what the user wrote. `forward` has one line for each equation in use: the equivalent
    that is differentiated and computed. Where rules rewrote it, its steps lead from the user's
    right-hand side (`steps[0].before`) to it. The lines of a
    recurrence stand together, forward and backward, in the order in which one step computes them.
    `in_use` is the derivation of `in_use(system)` where that differs. Its lines that equal one of
    these have its number; the numbers of the others go on from these.
    """

    system: System
    forward: tuple[Line, ...]
    losses: tuple[LossDerivation, ...]
    in_use: Derivation | None = None

    def __getitem__(self, name: str) -> Line:
        """The line of the gradient by `name`, where only one loss has it.

        Raises KeyError naming what there is.
        """
        found = [loss.gradients[name] for loss in self.losses if name in loss.gradients]
        if len(found) != 1:
            known = sorted({n for loss in self.losses for n in loss.gradients})
            why = f"no gradient by {name!r}" if not found else f"several losses have {name!r}"
            raise KeyError(f"{why}; there are {', '.join(known)}; see .losses")
        return found[0]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(n for loss in self.losses for n in loss.gradients))

    def lines(self) -> Iterator[Line]:
        """Every line in order: the equations forward, then each loss's way back."""
        yield from self.forward
        for loss in self.losses:
            yield from loss.cotangents
