"""Equations over indexed tensors: what a spec means, before any calculus."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr, Rational, Symbol

from symbackprop.equations.nodes import Access, Index, TensorSymbol, tensors
from symbackprop.spec.syntax import Init, Place


@dataclass(frozen=True)
class Draw:
    """What an input is drawn from where it is not handed in.

    law: normal (mean, standard deviation), uniform (low, high) or bernoulli (probability of 1).
    """

    law: str
    parameters: tuple[Rational, ...]


@dataclass(frozen=True)
class Input:
    """Data: kind of the symbol is real, integer (labels below `classes`) or mask.

    `distribution`: the rows along the last axis sum to 1. `draw`: the module draws it where it is
    not handed in.
    """

    symbol: TensorSymbol
    classes: Expr | None = None
    distribution: bool = False
    draw: Draw | None = None


@dataclass(frozen=True)
class Parameter:
    """What training changes, unless `trainable` is False."""

    symbol: TensorSymbol
    init: Init
    trainable: bool = True


@dataclass(frozen=True)
class State:
    """What a training step changes besides parameters, as a running mean.

    Equations read it as they read a parameter; it has no gradient. After a step of training it
    takes the value of the tensor `update`, which an equation defines.
    """

    symbol: TensorSymbol
    init: Init
    update: TensorSymbol


@dataclass(frozen=True)
class Equation:
    """tensor[indices] = rhs, for every value of the indices.

    `label` says what it is in a word or two ("dense", "relu", "cross_entropy"); `place` where it
    stands in the spec. The indices are distinct and their extents are the tensor's shape. `in_use`
    is the right-hand side outside training, where it is another one.
    """

    tensor: TensorSymbol
    indices: tuple[Index, ...]
    rhs: Expr
    label: str = ""
    place: Place | None = None
    in_use: Expr | None = None

    @property
    def lhs(self) -> Access:
        return Access(self.tensor, *self.indices)


@dataclass(frozen=True)
class Loss:
    """A scalar tensor that an equation defines, and what to differentiate it by."""

    symbol: TensorSymbol
    wrt: tuple[TensorSymbol, ...]


@dataclass(frozen=True)
class System:
    """All equations of a spec in an order in which each reads only what stands before it.

    A recurrence is the exception: its equations stand together and read each other's earlier steps
    (see `recurrence`). `extents` are the run-time extents, in order of first appearance; `digest`
    is a hash of the spec's text, which generated files carry. `sparse` are the parameters whose
    gradients are handed out as (rows, values). `own` are the names that the user wrote; all others
    were made for layers.
    """

    name: str
    title: str
    notes: str
    extents: tuple[Symbol, ...]
    inputs: tuple[Input, ...]
    parameters: tuple[Parameter, ...]
    equations: tuple[Equation, ...]
    losses: tuple[Loss, ...]
    outputs: tuple[TensorSymbol, ...]
    digest: str = ""
    states: tuple[State, ...] = ()
    sparse: tuple[TensorSymbol, ...] = ()
    own: frozenset[str] = frozenset()

    @property
    def given(self) -> tuple[TensorSymbol, ...]:
        """What no equation defines: inputs, parameters and states."""
        states = (s.symbol for s in self.states)
        return (*(i.symbol for i in self.inputs), *(p.symbol for p in self.parameters), *states)

    @property
    def results(self) -> frozenset[TensorSymbol]:
        """What is asked for: the losses, the outputs and the new values of states."""
        states = {state.update for state in self.states}
        return frozenset({loss.symbol for loss in self.losses} | set(self.outputs) | states)

    @property
    def has_modes(self) -> bool:
        """Whether training differs from use."""
        return any(equation.in_use is not None for equation in self.equations)

    def definition(self, tensor: TensorSymbol) -> Equation | None:
        """The equation that defines a tensor; None for inputs and parameters."""
        return next((e for e in self.equations if e.tensor == tensor), None)


def in_use(system: System) -> System:
    """The system outside training: its equations as they are in use, no draws, no new states."""
    equations = tuple(
        e if e.in_use is None else replace(e, rhs=e.in_use, in_use=None) for e in system.equations
    )
    updates = {state.update for state in system.states}
    equations = tuple(e for e in equations if e.tensor not in updates)
    read = {t for e in equations for t in tensors(e.rhs)}
    read |= {t for loss in system.losses for t in loss.wrt}
    inputs = tuple(i for i in system.inputs if i.draw is None or i.symbol in read)
    return replace(system, equations=equations, inputs=inputs)
