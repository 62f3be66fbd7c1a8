"""What the functions of a module take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symbackprop.program.descent import RATE
from symbackprop.program.model import Function, Program


@dataclass(frozen=True)
class Arguments:
    """What a function takes after `params`; `drawn` inputs and `extents` may be left out.

    Such `extents` are those that no other array tells: N of a network that only draws. `stepped`
    are the parameters that a step changes, where it does not change all.
    """

    inputs: tuple[str, ...]
    drawn: tuple[str, ...]
    extents: tuple[str, ...]
    has_states: bool
    has_rate: bool
    stepped: tuple[str, ...]

    def __or__(self, other: Arguments) -> Arguments:
        """Whatever one of two functions takes."""

        def either(a: Iterable[str], b: Iterable[str]) -> tuple[str, ...]:
            return tuple(dict.fromkeys((*a, *b)))

        return Arguments(
            either(self.inputs, other.inputs),
            either(self.drawn, other.drawn),
            either(self.extents, other.extents),
            self.has_states or other.has_states,
            self.has_rate,
            self.stepped,
        )

    @property
    def needed(self) -> tuple[str, ...]:
        return (*self.inputs, RATE) if self.has_rate else self.inputs

    @property
    def names(self) -> tuple[str, ...]:
        rng = ("rng",) if self.drawn else ()
        state = ("state",) if self.has_states else ()
        return (*self.needed, *self.drawn, *self.extents, *rng, *state, "workspace")

    @property
    def keywords(self) -> list[str]:
        """The same as keyword arguments."""
        needed = ["*", *self.needed] if self.needed else []
        optional = [f"{name}=None" for name in self.names[len(self.needed) :]]
        star = ["*"] if not needed and len(optional) > 1 else []
        return [*needed, *star, *optional]


def arguments(program: Program, function: Function) -> Arguments:
    """What a function takes."""
    system = program.derivation.system
    own = [i for i in system.inputs if i.symbol.name in function.inputs]
    told = {e for i in own if i.draw is None for e in i.symbol.shape}
    told |= {e for p in system.parameters for e in p.symbol.shape}
    open_ = {s for i in own if i.draw is not None for e in i.symbol.shape for s in e.free_symbols}
    return Arguments(
        tuple(i.symbol.name for i in own if i.draw is None),
        tuple(i.symbol.name for i in own if i.draw is not None),
        tuple(e.name for e in system.extents if e in open_ - told),
        bool(function.states),
        is_step(program, function),
        () if len(function.steps) == len(system.parameters) else tuple(function.steps),
    )


def is_step(program: Program, function: Function) -> bool:
    """Whether the function changes parameters."""
    return any(loss.descent is function for loss in program.losses)
