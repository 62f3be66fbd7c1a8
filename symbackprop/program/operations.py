"""The operations of a Program, neutral to the target language.

Each is one value, known by its position in `Program.values`, and reads only values before it. Axes
are positions, so an operation does not know index names.

    operation := Read | Scalar | Arange | Ones                       sources
               | View                                                the same memory, seen otherwise
               | Apply                                               pointwise, broadcasting
               | Reduce | Matmul | Inner                             sums and extremes
               | Take | Put | Accumulate                             positions that are integers
               | Assemble | Box | Copy                               memory written in parts or anew
               | Steps | Written                                     what a loop writes, row by row
               | Row | Either | Branch                               only in the body of a loop
               | Descend                                             a parameter after a step
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Expr

from symbackprop.program.steps import Condition, Step

Shape = tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """Base of all operations. `shape` and `kind` (real, integer, mask) are those of the result."""

    shape: Shape
    kind: str

    @property
    def operands(self) -> tuple[int, ...]:
        """The values that it reads."""
        return ()


@dataclass(frozen=True, slots=True)
class Read(Operation):
    """An input, a parameter, or the rate of a step."""

    name: str


@dataclass(frozen=True, slots=True)
class Scalar(Operation):
    """A number made of constants and run-time extents, such as 2/N."""

    number: Expr


@dataclass(frozen=True, slots=True)
class Arange(Operation):
    """0, 1, 2, … along one axis."""


@dataclass(frozen=True, slots=True)
class Ones(Operation):
    """1, 1, 1, … along one axis: a sum over that axis is a product with it."""


@dataclass(frozen=True, slots=True)
class Scratch(Operation):
    """Memory without contents, for the operation that reads it."""


@dataclass(frozen=True, slots=True)
class View(Operation):
    """Another look at the memory of `of`.

    how: transpose (detail: the axes), reshape (no detail, `shape` says all), diagonal (detail: the
    two axes, which become the last one), select (detail: for each axis of `of` a pair (start,
    stop), a number or, for an axis that is new, None), windows (detail: for each axis one of `of`,
    and for each its step along that: x[2 i + p] has two, of steps 2 and 1).
    """

    of: int
    how: str
    detail: tuple[Any, ...] = ()

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class Apply(Operation):
    """A scalar function at every entry; shapes broadcast from the right."""

    function: str
    inputs: tuple[int, ...]

    @property
    def operands(self) -> tuple[int, ...]:
        return self.inputs


@dataclass(frozen=True, slots=True)
class Reduce(Operation):
    """sum, prod, max, min, argmax or argmin over `axes`; the arg forms know the last one alone."""

    function: str
    of: int
    axes: tuple[int, ...]
    ones: int | None = None  # along the last axis, where that one is summed over

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.of,) if self.ones is None else (self.of, self.ones)


@dataclass(frozen=True, slots=True)
class Matmul(Operation):
    """a b: vectors and matrices, or two stacks of matrices with the same leading axes.

    The axes of the result may be split: its entries are those of a b in row-major order. Of two
    matrices, one side may be cut into so many `strips`: the rows (0), the columns (1) or what is
    summed over (2, with `room` for all products before they are added up).
    """

    a: int
    b: int
    strips: tuple[int, Expr] | None = None
    room: tuple[int, ...] = ()
    order: tuple[int, ...] = ()  # which axes of a stack of products the result has, where they turn

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.a, self.b, *self.room)


@dataclass(frozen=True, slots=True)
class Inner(Operation):
    """The inner products along the last axis of two arrays of the same shape."""

    a: int
    b: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.a, self.b)


@dataclass(frozen=True, slots=True)
class Take(Operation):
    """Entries of `of` along `axis` at `index`, whose axes stand there; past an end the nearest."""

    of: int
    index: int
    axis: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.of, self.index)


@dataclass(frozen=True, slots=True)
class Put(Operation):
    """`base` with `entries` at the flat positions `index`, which are all different."""

    base: int
    index: int
    entries: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.base, self.index, self.entries)


@dataclass(frozen=True, slots=True)
class Accumulate(Operation):
    """`base` with `entries` added at the flat positions `index`, which may repeat."""

    base: int
    index: int
    entries: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.base, self.index, self.entries)


@dataclass(frozen=True, slots=True)
class Assemble(Operation):
    """The parts one after the other along `axis`; each broadcasts to its range (start, stop)."""

    axis: int
    parts: tuple[int, ...]
    ranges: tuple[tuple[Expr, Expr], ...]

    @property
    def operands(self) -> tuple[int, ...]:
        return self.parts


@dataclass(frozen=True, slots=True)
class Box(Operation):
    """`inside` in the box of the ranges (start, stop) of all axes, and a number everywhere else."""

    inside: int
    outside: int
    ranges: tuple[tuple[Expr, Expr], ...]

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.inside, self.outside)


@dataclass(frozen=True, slots=True)
class Copy(Operation):
    """A fresh array with the entries of `of`, broadcast to the shape, or in its row-major order."""

    of: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class Steps(Operation):
    """Memory for a tensor at every step of a loop; the steps are its first axis."""

    loop: int
    tensor: str


@dataclass(frozen=True, slots=True)
class Written(Operation):
    """The `Steps` that a loop has written, once it has ended."""

    of: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class Row(Operation):
    """What an array, or memory that the loop writes, holds at one position along an axis."""

    of: int
    axis: int
    step: Step
    position: Expr

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class Either(Operation):
    """The one or the other of two values that no statement of the body computes."""

    step: Step
    condition: Condition
    a: int
    b: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.a, self.b)


@dataclass(frozen=True, slots=True)
class Branch(Operation):
    """`a` at steps where the condition holds, `b` at the others; only that one is computed."""

    step: Step
    condition: Condition
    a: int
    b: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.a, self.b)


@dataclass(frozen=True, slots=True)
class Descend(Operation):
    """The memory of a parameter after a step: parameter - rate * gradient, which broadcasts."""

    parameter: int
    gradient: int
    rate: int
    rows: int | None = None  # integers along one axis: the gradient is by rows, which may repeat
    room: tuple[int, ...] = ()  # with rows: as of `AddRows`
    decay: int | None = None  # a number: the parameter is first multiplied by 1 - decay

    @property
    def operands(self) -> tuple[int, ...]:
        rows = () if self.rows is None else (self.rows, *self.room)
        decay = () if self.decay is None else (self.decay,)
        return (self.parameter, self.gradient, self.rate, *rows, *decay)
