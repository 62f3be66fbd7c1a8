"""A growing list of operations in which equal operations are one value.

Because operations know axes by position, two expressions that differ only in the names of their
indices become the same value: what the way back shares with the way forward is found by itself.
"""

from __future__ import annotations

from sympy import Expr

from symbackprop.program.operations import (
    Apply,
    Arange,
    Branch,
    Either,
    Matmul,
    Ones,
    Operation,
    Read,
    Reduce,
    Row,
    Scalar,
    Scratch,
    Shape,
    Take,
    View,
)
from symbackprop.program.steps import step_in

# What a workspace can compute in an expression when it is made.
_PLAIN = (Arange, Ones, View, Apply, Reduce, Matmul, Take)

LARGEST = 2**53
"""Whole numbers beyond it are computed as real ones: none is lost, and none overflows."""


class Values:
    """The list, and what it starts from; methods that make an operation return the value's number.

    `line` is the equation that new operations serve; `loop_of` gives the loop whose body each value
    belongs to.
    """

    def __init__(self) -> None:
        self.values: list[Operation] = []
        self.serves: list[int] = []
        self.line = 0
        self._known: dict[Operation, int] = {}
        self.loop_of: list[int | None] = []
        self._constant: list[bool] = []

    def add(self, operation: Operation) -> int:
        """The value of an operation, made only if no equal one exists."""
        number = self._known.get(operation)
        if number is None:
            number = self._known[operation] = self.append(operation)
        return number

    def forget(self, line: int) -> None:
        """Let operations that serve an equation be made anew when they are asked for again."""
        kept = {op: value for op, value in self._known.items() if self.serves[value] != line}
        self._known = kept

    def shape(self, value: int) -> Shape:
        return self.values[value].shape

    def kind(self, value: int) -> str:
        return self.values[value].kind

    def number(self, value: int) -> Expr | None:
        """The number that a scalar value is; None for anything that depends on data."""
        operation = self.values[value]
        return operation.number if isinstance(operation, Scalar) else None

    def append(self, operation: Operation) -> int:
        """The value of an operation, made even if an equal one exists: memory of its own."""
        self.values.append(operation)
        self.serves.append(self.line)
        written_out = getattr(operation, "function", "") in ("erf", "erfc")
        plain = isinstance(operation, _PLAIN) and not written_out
        fixed = (plain and bool(operation.shape)) or isinstance(operation, Scalar)
        loop = self._loop(operation)
        self.loop_of.append(loop)
        fixed = fixed and loop is None
        self._constant.append(fixed and all(self._constant[o] for o in operation.operands))
        return len(self.values) - 1

    def _loop(self, operation: Operation) -> int | None:
        """The loop whose step the operation depends on."""
        if isinstance(operation, (Row, Either, Branch)):
            return operation.step.loop
        if isinstance(operation, Scalar):
            step = step_in(operation.number)
            return None if step is None else step.loop
        loops = (self.loop_of[operand] for operand in operation.operands)
        return next((loop for loop in loops if loop is not None), None)

    def is_constant(self, value: int) -> bool:
        """Whether a value is a number or an array that depends on the extents alone."""
        return self._constant[value]

    # Sources

    def read(self, name: str, shape: Shape, kind: str) -> int:
        return self.add(Read(shape, kind, name))

    def scalar(self, number: Expr) -> int:
        whole = number.is_integer and not (number.is_number and abs(number) > LARGEST)
        return self.add(Scalar((), "integer" if whole else "real", number))

    def arange(self, extent: Expr) -> int:
        return self.add(Arange((extent,), "integer"))

    def scratch(self, shape: Shape, kind: str) -> int:
        """Memory of its own, without contents."""
        return self.append(Scratch(shape, kind))

    def ones(self, extent: Expr) -> int:
        return self.add(Ones((extent,), "real"))
