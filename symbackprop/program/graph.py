"""A growing list of operations in which equal operations are one value.

Because operations know axes by position, two expressions that differ only in the names of their
indices become the same value: what the way back shares with the way forward is found by itself.
"""

from __future__ import annotations

import functools
import itertools

import sympy
from sympy import Expr, Integer

from symbackprop.program.model import (
    Accumulate,
    Apply,
    Arange,
    Assemble,
    Copy,
    Inner,
    Matmul,
    Ones,
    Operation,
    Put,
    Read,
    Reduce,
    Scalar,
    Shape,
    Take,
    View,
)

ONE = Integer(1)
ZERO = Integer(0)
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
# What a workspace can compute in an expression when it is made.
_PLAIN = (Arange, Ones, View, Apply, Reduce, Matmul, Take)
Strides = tuple[Expr | None, ...]


class Graph:
    """Builds operations; every method returns the value's number. `line` is the equation served."""

    def __init__(self) -> None:
        self.values: list[Operation] = []
        self.serves: list[int] = []
        self.line = 0
        self._known: dict[Operation, int] = {}
        self._strides: dict[int, Strides] = {}
        self._constant: list[bool] = []

    def add(self, operation: Operation) -> int:
        """The value of an operation, made only if no equal one exists."""
        number = self._known.get(operation)
        if number is None:
            number = self._known[operation] = self.append(operation)
        return number

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
        plain = isinstance(operation, _PLAIN) and getattr(operation, "function", "") != "erf"
        fixed = (plain and bool(operation.shape)) or isinstance(operation, Scalar)
        self._constant.append(fixed and all(self._constant[o] for o in operation.operands))
        return len(self.values) - 1

    def is_constant(self, value: int) -> bool:
        """Whether a value is a number or an array that depends on the extents alone."""
        return self._constant[value]

    # Sources

    def read(self, name: str, shape: Shape, kind: str) -> int:
        return self.add(Read(shape, kind, name))

    def scalar(self, number: Expr) -> int:
        return self.add(Scalar((), "integer" if number.is_integer else "real", number))

    def arange(self, extent: Expr) -> int:
        return self.add(Arange((extent,), "integer"))

    def ones(self, extent: Expr) -> int:
        return self.add(Ones((extent,), "real"))

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
        shape = _broadcast([self.shape(v) for v in inputs])
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

    # Views

    def transpose(self, value: int, axes: tuple[int, ...]) -> int:
        if axes == tuple(range(len(axes))):
            return value
        operation = self.values[value]
        if isinstance(operation, View) and operation.how == "transpose":
            inner = operation.detail
            return self.transpose(operation.of, tuple(inner[a] for a in axes))
        shape = tuple(operation.shape[a] for a in axes)
        return self.add(View(shape, operation.kind, value, "transpose", axes))

    def reshape(self, value: int, shape: Shape) -> int:
        """The same entries in row-major order; the caller knows that a view can hold them."""
        operation = self.values[value]
        if operation.shape == shape:
            return value
        if isinstance(operation, View) and operation.how == "reshape":
            return self.reshape(operation.of, shape)
        return self.add(View(shape, operation.kind, value, "reshape"))

    def select(self, value: int, items: tuple[object, ...]) -> int:
        """For each axis (start, stop) or a number; None for an axis of extent 1 that is new."""
        old = self.shape(value)
        shape: list[Expr] = []
        position = 0
        whole = True
        for item in items:
            if item is None:
                shape.append(ONE)
                whole = False
                continue
            if isinstance(item, tuple):
                shape.append(item[1] - item[0])
                whole = whole and item == (0, old[position])
            else:
                whole = False
            position += 1
        assert position == len(old), (items, old)
        if whole:
            return value
        return self.add(View(tuple(shape), self.kind(value), value, "select", items))

    def whole(self, value: int) -> list[object]:
        """The items of `select` that select everything."""
        return [(ZERO, extent) for extent in self.shape(value)]

    def diagonal(self, value: int, a: int, b: int) -> int:
        shape = self.shape(value)
        rest = tuple(e for k, e in enumerate(shape) if k not in (a, b))
        return self.add(View((*rest, shape[a]), self.kind(value), value, "diagonal", (a, b)))

    def merge(self, value: int, groups: tuple[int, ...]) -> int:
        """Adjacent axes made one, `groups` counting the axes of each; copied where no view does."""
        shape, strides = self.shape(value), self.strides(value)
        assert sum(groups) == len(shape), (groups, shape)
        if all(count == 1 for count in groups):
            return value
        stops = tuple(itertools.accumulate(groups))
        spans = [range(stop - count, stop) for count, stop in zip(groups, stops, strict=True)]
        found = tuple(_merged_stride(span, shape, strides) for span in spans)
        merged = tuple(product(tuple(shape[k] for k in span)) for span in spans)
        if None in found:
            return self.reshape(self.copy(value, shape), merged)
        value = self.reshape(value, merged)
        self._strides.setdefault(value, found)
        return value

    def split(self, value: int, axis: int, extents: Shape) -> int:
        """One axis made several, the first of which counts in steps of the product of the rest."""
        shape, strides = self.shape(value), self.strides(value)
        stride = strides[axis]
        inner: Strides = (None,) * len(extents)
        if stride is not None:
            inner = tuple(stride * step for step in row_major(extents))
        value = self.reshape(value, (*shape[:axis], *extents, *shape[axis + 1 :]))
        self._strides.setdefault(value, (*strides[:axis], *inner, *strides[axis + 1 :]))
        return value

    def contiguous(self, value: int) -> int:
        """The value in row-major memory: itself, or a copy."""
        shape = self.shape(value)
        return value if self.strides(value) == row_major(shape) else self.copy(value, shape)

    def strides(self, value: int) -> Strides:
        """How many entries apart neighbours along each axis lie; None where nothing is known."""
        if value not in self._strides:
            self._strides[value] = self._compute_strides(self.values[value])
        return self._strides[value]

    def _compute_strides(self, operation: Operation) -> Strides:
        if not isinstance(operation, View) or operation.how == "reshape":
            return row_major(operation.shape)
        inner = self.strides(operation.of)
        if operation.how == "transpose":
            return tuple(inner[a] for a in operation.detail)
        if operation.how == "diagonal":
            return (None,) * len(operation.shape)
        found: list[Expr | None] = []
        position = 0
        for item in operation.detail:
            if item is None:
                found.append(ZERO)
                continue
            if isinstance(item, tuple):
                found.append(inner[position])
            position += 1
        return tuple(found)

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
        return self.add(Reduce(shape, kind, function, value, tuple(sorted(axes))))

    def matmul(self, a: int, b: int) -> int:
        """Vectors and matrices, or stacks of matrices with equal leading axes."""
        a, b = self.real(a), self.real(b)
        left, right = self.shape(a), self.shape(b)
        if len(left) > 2:
            return self.add(Matmul((*left[:-1], right[-1]), "real", a, b))
        return self.add(Matmul((*left[:-1], *right[1:]), "real", a, b))

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
        return self.add(Assemble(shape, "real", axis, parts, ranges))

    def copy(self, value: int, shape: Shape) -> int:
        """A fresh array with the entries of the value, broadcast to `shape`; numbers give reals."""
        kind = "real" if self.number(value) is not None else self.kind(value)
        return self.add(Copy(shape, kind, value))


_FOLDED = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negative": lambda a: -a,
    "sqrt": sympy.sqrt,
}


def product(extents: Shape) -> Expr:
    """The product of extents; 1 for none."""
    return functools.reduce(lambda a, b: a * b, extents, ONE)


@functools.lru_cache(maxsize=65536)
def row_major(shape: Shape) -> Shape:
    """How many entries apart neighbours lie along each axis of an array without gaps."""
    strides = [ONE] * len(shape)
    for k in range(len(shape) - 2, -1, -1):
        strides[k] = strides[k + 1] * shape[k + 1]
    return tuple(strides)


@functools.lru_cache(maxsize=65536)
def nominal(extent: Expr) -> int:
    """About how large an extent is, to weigh one order of operations against another."""
    return int(extent.subs({s: 64 for s in extent.free_symbols}))


def size(shape: Shape) -> int:
    """About how many entries an array has."""
    return functools.reduce(lambda a, b: a * nominal(b), shape, 1)


def _merged_stride(span: range, shape: Shape, strides: Strides) -> Expr | None:
    """The stride of adjacent axes seen as one; None where they cannot be."""
    axes = [k for k in span if shape[k] != 1]
    if not axes:
        return ONE
    for a, b in itertools.pairwise(axes):
        stride = strides[b]
        if stride is None or strides[a] != stride * shape[b]:
            return None
    return strides[axes[-1]]


def _broadcast(shapes: list[Shape]) -> Shape:
    longest = max(shapes, key=len)
    if all(s in ((), longest) for s in shapes):
        return longest
    result = list(longest)
    for shape in shapes:
        for k in range(1, len(shape) + 1):
            if result[-k] == 1:
                result[-k] = shape[-k]
            assert shape[-k] in (1, result[-k]), f"shapes {shapes} do not broadcast"
    return tuple(result)
