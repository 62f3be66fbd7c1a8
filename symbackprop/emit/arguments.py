"""What the functions of a module take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Symbol

from symbackprop.program.descent import RATE
from symbackprop.program.model import Function, Program
from symbackprop.program.operations import Scalar


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
    open_ |= _borne_by_none(program, function)
    return Arguments(
        tuple(i.symbol.name for i in own if i.draw is None),
        tuple(i.symbol.name for i in own if i.draw is not None),
        tuple(e.name for e in system.extents if e in open_ - told),
        bool(function.states),
        is_step(program, function),
        () if len(function.steps) == len(system.parameters) else tuple(function.steps),
    )


def _borne_by_none(program: Program, function: Function) -> set[Symbol]:
    """Run-time extents of what a function computes that are no axis of an array in its mode.

    In use, nothing is drawn: what only drawn inputs tell in training, the caller says.
    """
    system, values = program.derivation.system, program.values
    arrays = [i.symbol for i in system.inputs] + [p.symbol for p in system.parameters]
    borne = {s for array in arrays for e in array.shape for s in e.free_symbols}
    computed = {*function.order, *function.results.values()}
    exprs = {e for v in computed for e in values[v].shape}
    parts = [values[o] for v in computed for o in values[v].operands]
    exprs |= {part.number for part in parts if isinstance(part, Scalar)}
    used = {s for e in exprs for s in e.free_symbols}
    return used & set(system.extents) - borne


def is_step(program: Program, function: Function) -> bool:
    """Whether the function changes parameters."""
    return any(loss.descent is function for loss in program.losses)
