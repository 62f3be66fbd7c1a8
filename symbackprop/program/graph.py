"""The array operations, each with the shape and kind of its result, found from its operands'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy import Expr

from symbackprop.program.operations import (
    Accumulate,
    Apply,
    Assemble,
    Box,
    Branch,
    Copy,
    Either,
    Inner,
    Matmul,
    Put,
    Reduce,
    Row,
    Scalar,
    Shape,
    Steps,
    Take,
    View,
    Written,
)
from symbackprop.program.shapes import broadcast
from symbackprop.program.steps import Condition, Step
from symbackprop.program.views import Views

COMPARISON_FUNCTIONS = {
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "==": "equal",
    "!=": "not_equal",
}
MASK_FUNCTIONS = frozenset(
    [*COMPARISON_FUNCTIONS.values(), "logical_and", "logical_or", "logical_not"]
)
INTEGER_FUNCTIONS = frozenset(
    ["add", "subtract", "multiply", "negative", "floor_divide", "remainder", "where"]
)
# What is computed at once where every operand is a number.
_FOLDED: Mapping[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negative": lambda a: -a,
    "sqrt": sympy.sqrt,
}


class Graph(Views):
    """Builds operations; every method returns the value's number."""

    # Pointwise

    def apply(self, function: str, *inputs: int) -> int:
        """A pointwise function, after the identities that hold for every argument."""
        simpler = self._simpler(function, inputs)
        if simpler is not None:
            return simpler
        kind = self._kind(function, inputs)
        if kind == "real" and function not in ("where", "real"):
            inputs = self._real(function, inputs)
        elif function == "where":
            inputs = (inputs[0], *(self._cast(v, kind) for v in inputs[1:]))
        shape = broadcast([self.shape(v) for v in inputs])
        return self.add(Apply(shape, kind, function, inputs))

    def _kind(self, function: str, inputs: tuple[int, ...]) -> str:
        kinds = {self.kind(v) for v in (inputs[1:] if function == "where" else inputs)}
        if function in MASK_FUNCTIONS:
            return "mask"
        return "integer" if kinds == {"integer"} and function in INTEGER_FUNCTIONS else "real"

    def _real(self, function: str, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Arithmetic on masks is that of 0 and 1; only real times mask needs no conversion."""
        arrays = [v for v in inputs if self.shape(v)]
        if function == "multiply" and sorted(self.kind(v) for v in arrays) == ["mask", "real"]:
            return inputs
        return tuple(self._cast(v, "real") for v in inputs)

    def _cast(self, value: int, kind: str) -> int:
        if self.kind(value) == kind or self.number(value) is not None or kind != "real":
            return value
        return self.add(Apply(self.shape(value), "real", "real", (value,)))

    def real(self, value: int) -> int:
        return self._cast(value, "real")

    def _simpler(self, function: str, inputs: tuple[int, ...]) -> int | None:
        numbers = [self.number(v) for v in inputs]
        if function in _FOLDED and None not in numbers:
            return self.scalar(_FOLDED[function](*numbers))
        if function == "multiply" and all(self.kind(v) == "mask" for v in inputs):
            return self.apply("logical_and", *inputs)
        if function == "absolute" and (without := self._negated(inputs[0])) is not None:
            return self.apply("absolute", without)
        if function in ("multiply", "add") and numbers[0] is not None:
            inputs, numbers = inputs[::-1], numbers[::-1]
        if function in ("multiply", "divide") and numbers[1] == 1:
            return inputs[0]
        if function in ("add", "subtract") and numbers[1] == 0:
            return inputs[0]
        if function == "multiply" and numbers[1] == -1:
            return self.apply("negative", inputs[0])
        if function == "add" and numbers[1] is not None and numbers[1].is_negative:
            return self.apply("subtract", inputs[0], self.scalar(-numbers[1]))
        if function == "greater" and numbers[1] == 0:
            # max(z, 0) > 0 exactly where z > 0: so z need not be kept.
            rectified = Apply(self.shape(inputs[0]), "real", "maximum", inputs)
            if rectified in self._known:
                return self.add(
                    Apply(rectified.shape, "mask", function, (self._known[rectified], inputs[1]))
                )
        return None

    def _negated(self, value: int) -> int | None:
        """The u of -u; None for anything else."""
        operation = self.values[value]
        is_negation = isinstance(operation, Apply) and operation.function == "negative"
        return operation.operands[0] if is_negation else None

    # The rest

    def reduce(self, function: str, value: int, axes: tuple[int, ...]) -> int:
        if not axes:
            return value
        shape = tuple(e for k, e in enumerate(self.shape(value)) if k not in axes)
        kind = self.kind(value)
        if function.startswith("arg"):
            return self.add(Reduce(shape, "integer", function, value, axes))
        if kind == "mask":
            value, kind = self.real(value), "real"
        ones = None
        if function == "sum" and kind == "real" and axes == (len(shape),) and len(shape) > 1:
            ones = self.ones(self.shape(value)[-1])
        return self.add(Reduce(shape, kind, function, value, tuple(sorted(axes)), ones))

    def matmul(self, a: int, b: int, shape: Shape, order: tuple[int, ...] = ()) -> int:
        """Vectors and matrices, or stacks with equal leading axes, as an array of that shape."""
        return self.add(Matmul(shape, "real", self.real(a), self.real(b), order=order))

    def inner(self, a: int, b: int) -> int:
        a, b = self.real(a), self.real(b)
        return self.add(Inner(self.shape(a)[:-1], "real", a, b))

    def take(self, of: int, index: int, axis: int) -> int:
        shape = self.shape(of)
        shape = (*shape[:axis], *self.shape(index), *shape[axis + 1 :])
        return self.add(Take(shape, self.kind(of), of, index, axis))

    def put(self, base: int, index: int, entries: int) -> int:
        base, entries = self.real(base), self.real(entries)
        return self.add(Put(self.shape(base), "real", base, index, entries))

    def accumulate(self, base: int, index: int, entries: int) -> int:
        base, entries = self.real(base), self.real(entries)
        return self.add(Accumulate(self.shape(base), "real", base, index, entries))

    def assemble(
        self, shape: Shape, axis: int, parts: tuple[int, ...], ranges: tuple[tuple[Expr, Expr], ...]
    ) -> int:
        return self.add(Assemble(shape, self._common_kind(parts), axis, parts, ranges))

    def box(
        self, shape: Shape, inside: int, outside: int, ranges: tuple[tuple[Expr, Expr], ...]
    ) -> int:
        """The value in a box, a number in the rest of the shape."""
        return self.add(Box(shape, "real", inside, outside, ranges))

    def _common_kind(self, parts: tuple[int, ...]) -> str:
        """The kind of arrays that stand side by side, numbers among them counting as reals."""
        kinds = {self.kind(v) if self.number(v) is None else "number" for v in parts}
        return kinds.pop() if len(kinds) == 1 and "number" not in kinds else "real"

    # Loops

    def memory(self, loop: int, tensor: str, shape: Shape, kind: str) -> int:
        """Memory for a tensor of this shape, the first axis of which counts the steps of a loop."""
        return self.add(Steps(shape, kind, loop, tensor))

    def written(self, memory: int) -> int:
        return self.add(Written(self.shape(memory), self.kind(memory), memory))

    def choose(self, step: Step, condition: Condition, shape: Shape, a: int, b: int) -> int:
        """`a` at steps where the condition holds, else `b`; both broadcast to the shape."""
        kinds = {self.kind(v) for v in (a, b) if self.number(v) is None}
        kind = kinds.pop() if len(kinds) == 1 else "real"
        if kind == "real" or None not in (self.number(a), self.number(b)):
            a, b, kind = self.real(a), self.real(b), "real"
        whole = all(self.shape(v) == shape for v in (a, b))
        form = Either if whole and self.stands(a) and self.stands(b) else Branch
        return self.add(form(shape, kind, step, condition, a, b))

    def stands(self, value: int) -> bool:
        """Whether no statement in the body of a loop computes the value."""
        operation = self.values[value]
        while isinstance(operation, View):
            value = operation.of
            operation = self.values[value]
        return self.loop_of[value] is None or isinstance(operation, (Row, Scalar))

    def row_copy(self, value: int, shape: Shape, kind: str, step: Step) -> int:
        """A copy that the body of the step's loop makes, of whatever value."""
        number = self.append(Copy(shape, kind, value))
        self.loop_of[number] = step.loop
        return number
