"""Equations over indexed tensors: what a spec means, before any calculus."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Symbol

from symbackprop.equations.nodes import Access, Index, TensorSymbol
from symbackprop.spec.syntax import Init, Place


@dataclass(frozen=True)
class Input:
    """Data: kind of the symbol is real, integer (labels below `classes`) or mask.

    `distribution`: the rows along the last axis sum to 1.
    """

    symbol: TensorSymbol
    classes: Expr | None = None
    distribution: bool = False


@dataclass(frozen=True)
class Parameter:
    """What training changes, unless `trainable` is False."""

    symbol: TensorSymbol
    init: Init
    trainable: bool = True


@dataclass(frozen=True)
class Equation:
    """tensor[indices] = rhs, for every value of the indices.

    `label` says what it is in a word or two ("dense", "relu", "cross_entropy"); `place` where it
    stands in the spec. The indices are distinct and their extents are the tensor's shape.
    """

    tensor: TensorSymbol
    indices: tuple[Index, ...]
    rhs: Expr
    label: str = ""
    place: Place | None = None

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

    `extents` are the run-time extents, in order of first appearance; `digest` is a hash of the
    spec's text, which generated files carry.
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

    def definition(self, tensor: TensorSymbol) -> Equation | None:
        """The equation that defines a tensor; None for inputs and parameters."""
        return next((e for e in self.equations if e.tensor == tensor), None)
