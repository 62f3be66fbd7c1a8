"""Values seen with other axes in the same memory, and copied where no view can show them."""

from __future__ import annotations

import itertools

from sympy import Expr

from symbackprop.program.operations import Copy, Operation, Read, Row, Shape, View
from symbackprop.program.shapes import ONE, ZERO, Strides, merged_stride, product, row_major
from symbackprop.program.steps import Step
from symbackprop.program.values import Values


class Views(Values):
    """Transposes, reshapes, selections, diagonals; axes merged and split; the strides of each."""

    def __init__(self) -> None:
        super().__init__()
        self._strides: dict[int, Strides] = {}

    def is_given(self, value: int) -> bool:
        """Whether a value is seen in the memory of an input or a parameter."""
        operation = self.values[value]
        while isinstance(operation, (View, Row)):
            operation = self.values[operation.of]
        return isinstance(operation, Read)

    def is_transposed(self, value: int) -> bool:
        operation = self.values[value]
        return isinstance(operation, View) and operation.how == "transpose"

    def transpose(self, value: int, axes: tuple[int, ...]) -> int:
        if axes == tuple(range(len(axes))):
            return value
        operation = self.values[value]
        if isinstance(operation, View) and operation.how == "transpose":
            inner = operation.detail
            return self.transpose(operation.of, tuple(inner[a] for a in axes))
        shape = tuple(operation.shape[a] for a in axes)
        if isinstance(operation, View) and operation.how == "windows":
            detail = tuple(tuple(of[a] for a in axes) for of in operation.detail)
            return self.add(View(shape, operation.kind, operation.of, "windows", detail))
        return self.add(View(shape, operation.kind, value, "transpose", axes))

    def reshape(self, value: int, shape: Shape) -> int:
        """The same entries in row-major order; the caller knows that a view can hold them."""
        operation = self.values[value]
        if operation.shape == shape:
            return value
        if isinstance(operation, View) and operation.how == "reshape":
            return self.reshape(operation.of, shape)
        if not operation.shape:
            return self.add(Copy(shape, operation.kind, value))  # Python's numbers have no views
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
        operation = self.values[value]
        if not operation.shape:
            return self.add(Copy(tuple(shape), operation.kind, value))
        if isinstance(operation, View) and operation.how == "transpose" and None not in items:
            axes = operation.detail
            inner = self.select(operation.of, tuple(items[axes.index(a)] for a in range(len(axes))))
            left = [a for a, item in zip(axes, items, strict=True) if isinstance(item, tuple)]
            return self.transpose(inner, tuple(sorted(left).index(a) for a in left))
        return self.add(View(tuple(shape), self.kind(value), value, "select", items))

    def whole(self, value: int) -> list[object]:
        """The items of `select` that select everything."""
        return [(ZERO, extent) for extent in self.shape(value)]

    def aligned(self, value: int, present: tuple[int, ...], rank: int) -> int:
        """The value, whose axes are some of so many, with one of extent 1 for each of the rest."""
        if not present:
            return value
        items = iter(self.whole(value))
        return self.select(value, tuple(next(items) if k in present else None for k in range(rank)))

    def row(self, value: int, axis: int, step: Step, position: Expr) -> int:
        """What the value holds at the position along the axis, looked up in the array itself."""
        operation = self.values[value]
        if isinstance(operation, View) and operation.how == "transpose":
            own = operation.detail[axis]
            left = [a for a in operation.detail if a != own]
            order = sorted(left)
            inner = self.row(operation.of, own, step, position)
            return self.transpose(inner, tuple(order.index(a) for a in left))
        if isinstance(operation, View) and operation.how == "select":
            place = [k for k, i in enumerate(operation.detail) if i is None or isinstance(i, tuple)]
            item = operation.detail[place[axis]]
            if item is not None:
                own = sum(i is not None for i in operation.detail[: place[axis]])
                inner = self.row(operation.of, own, step, position + item[0])
                rest = (*operation.detail[: place[axis]], *operation.detail[place[axis] + 1 :])
                return self.select(inner, rest)
        shape = tuple(e for k, e in enumerate(operation.shape) if k != axis)
        return self.add(Row(shape, operation.kind, value, axis, step, position))

    def diagonal(self, value: int, a: int, b: int) -> int:
        shape = self.shape(value)
        rest = tuple(e for k, e in enumerate(shape) if k not in (a, b))
        return self.add(View((*rest, shape[a]), self.kind(value), value, "diagonal", (a, b)))

    def windows(self, value: int, shape: Shape, axes: tuple[int, ...], steps: Shape) -> int:
        """Each new axis steps along an old one: entry Σ step · position of it, which may repeat."""
        if shape == self.shape(value) and set(steps) == {ONE} and axes == tuple(range(len(axes))):
            return value
        of, kept = self._without_numbers(value)
        along = tuple(kept[axis] for axis in axes)
        return self.add(View(shape, self.kind(value), of, "windows", (along, steps)))

    def _without_numbers(self, value: int) -> tuple[int, list[int]]:
        """What a value selects by whole axes and zeros alone, and the axes that are left of it."""
        operation = self.values[value]
        if (
            isinstance(operation, View)
            and operation.how == "select"
            and None not in operation.detail
        ):
            shape = self.shape(operation.of)
            kept = [k for k, item in enumerate(operation.detail) if item == (0, shape[k])]
            if all(item == 0 for k, item in enumerate(operation.detail) if k not in kept):
                return operation.of, kept
        return value, list(range(len(operation.shape)))

    def merge(self, value: int, groups: tuple[int, ...]) -> int:
        """Adjacent axes made one, `groups` counting the axes of each; copied where no view does."""
        shape = self.shape(value)
        if all(count == 1 for count in groups):
            return value
        merged = tuple(product(tuple(shape[k] for k in span)) for span in _spans(groups))
        if not self.merges(value, groups):
            return self.copy(value if ONE in merged else self._squeezed(value), merged)
        found = self._merged_strides(value, groups)
        value = self.reshape(value, merged)
        self._strides.setdefault(value, found)
        return value

    def _squeezed(self, value: int) -> int:
        """Windows without their axes of extent 1, so that equal ones are one value."""
        operation = self.values[value]
        if not (isinstance(operation, View) and operation.how == "windows"):
            return value
        along = zip(operation.shape, *operation.detail, strict=True)
        shape, axes, steps = zip(*(one for one in along if one[0] != 1), strict=True)
        return self.windows(operation.of, shape, axes, steps)

    def merges(self, value: int, groups: tuple[int, ...]) -> bool:
        """Whether a view shows the axes of each group as one."""
        return all(n == 1 for n in groups) or None not in self._merged_strides(value, groups)

    def _merged_strides(self, value: int, groups: tuple[int, ...]) -> Strides:
        shape, strides = self.shape(value), self.strides(value)
        assert sum(groups) == len(shape), (groups, shape)
        return tuple(merged_stride(span, shape, strides) for span in _spans(groups))

    def split(self, value: int, axis: int, extents: Shape) -> int:
        """One axis made several, the first of which counts in steps of the product of the rest."""
        operation = self.values[value]
        if isinstance(operation, View) and operation.how == "transpose":
            own, more = operation.detail[axis], len(extents) - 1
            order = [a + more * (a > own) for a in operation.detail]
            order[axis : axis + 1] = range(own, own + more + 1)
            return self.transpose(self.split(operation.of, own, extents), tuple(order))
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
        if isinstance(operation, Row):
            inner = self.strides(operation.of)
            return tuple(s for k, s in enumerate(inner) if k != operation.axis)
        if not isinstance(operation, View) or operation.how == "reshape":
            return row_major(operation.shape)
        inner = self.strides(operation.of)
        if operation.how == "transpose":
            return tuple(inner[a] for a in operation.detail)
        if operation.how == "diagonal":
            return (None,) * len(operation.shape)
        if operation.how == "windows":
            along = [(inner[axis], step) for axis, step in zip(*operation.detail, strict=True)]
            return tuple(None if stride is None else stride * step for stride, step in along)
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

    def copy(self, value: int, shape: Shape) -> int:
        """A fresh array with the entries of the value, broadcast to `shape`, or in row-major order.

        Numbers give reals.
        """
        kind = "real" if self.number(value) is not None else self.kind(value)
        return self.add(Copy(shape, kind, value))


def _spans(groups: tuple[int, ...]) -> list[range]:
    """The axes of each group."""
    stops = itertools.accumulate(groups)
    return [range(stop - count, stop) for count, stop in zip(groups, stops, strict=True)]
