"""The Program: what a derivation computes, as operations on arrays.

The operations are listed in `operations`. A loop is none of them: its body are the values that
depend on its step, through a `Row`, a number made of its `Step`, or another value of the body. They
are computed anew at every step; `Loop.writes` says which of them are kept, each in its row of a
`Steps`. A value of the body is computed only at steps at which all the rows that it reads exist:
`Program.when`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr

from symbackprop.derivation.model import Derivation, Line
from symbackprop.program.operations import Operation, Shape
from symbackprop.program.steps import Condition, Step


@dataclass(frozen=True)
class Loop:
    """For every step, in reverse from the last to the first.

    `writes` maps memory, a `Steps`, to the value of the body that is its row at the step. The body
    stands between the values before `end` and those from there on.
    """

    step: Step
    extent: Expr
    reverse: bool
    writes: Mapping[int, int]
    end: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lives while a function runs: a buffer of the workspace, by name."""

    buffer: str
    inplace: int | None = None
    """The operand whose memory the result overwrites."""
    row_of: int | None = None
    """The `Steps` that it is a row of."""


@dataclass(frozen=True)
class Buffer:
    """Memory of the workspace; `tenants` are the tensors and temporaries that share it."""

    name: str
    shape: Shape
    kind: str
    tenants: tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """A body: `order` lists the values that it computes, dead ones left out.

    The values of a loop stand side by side; they are computed at every step. `early` are those that
    serve an equation of the way back, but are computed on the way forward.

    `equations` are those that it computes, by number, each with the value that its tensor is. Not
    all have operations of their own: the value may be another's, or a view of it.

    `results` maps the names to return to values; for a loss the first is the loss itself and the
    rest are gradients. Of a sparse gradient `results` has the values and `rows` the rows that they
    belong to. `states` are the states that it reads, `updates` their values after a step. `names`
    says what each value is called, `places` where it lives. `steps` maps parameters to what they
    are after the function, each a `Descend`: it stands in `order` after all that reads the
    parameter as it was. Its place is where rate * gradient is written, if it is an array
    and the rate is not taken into it already.
    """

    name: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    order: tuple[int, ...]
    early: frozenset[int]
    equations: Mapping[int, int]
    results: Mapping[str, int]
    names: Mapping[int, str]
    places: Mapping[int, Place]
    rows: Mapping[str, int]
    states: tuple[str, ...]
    updates: Mapping[str, int]
    steps: Mapping[str, int]


@dataclass(frozen=True)
class Loss:
    """A loss, alone, with its gradients, and with a step of all parameters that it has those by.

    None where it is differentiated by no parameter.
    """

    name: str
    value: Function
    gradients: Function
    descent: Function | None

    @property
    def functions(self) -> tuple[Function, ...]:
        both = (self.value, self.gradients)
        return both if self.descent is None else (*both, self.descent)


@dataclass(frozen=True)
class Program:
    """Everything that the generated module holds.

    `serves` gives for each value the number of the equation that it was made for (0 for sources).
    `constants` are the values that depend on extents alone, computed once, by name. `loop_of` gives
    for each value the loop whose body it belongs to, and `when` the conditions, all of which hold
    at the steps at which it is computed. `in_use` is the program outside training, where that is
    another one; both use the same buffers.
    """

    derivation: Derivation
    values: tuple[Operation, ...]
    serves: tuple[int, ...]
    lines: Mapping[int, Line]
    constants: Mapping[int, str]
    buffers: tuple[Buffer, ...]
    forward: Function
    losses: tuple[Loss, ...]
    loops: tuple[Loop, ...]
    loop_of: tuple[int | None, ...]
    when: Mapping[int, tuple[Condition, ...]]
    in_use: Program | None = None

    @property
    def functions(self) -> tuple[Function, ...]:
        """Every function, in the order in which the module has them."""
        return (self.forward, *(f for loss in self.losses for f in loss.functions))
