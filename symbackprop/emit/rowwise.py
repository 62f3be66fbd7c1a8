"""Operations of which each row, along their first axis, is computed from rows of what they read."""

from __future__ import annotations

import itertools

from symbackprop.equations.ranges import nonnegative
from symbackprop.program.model import Program
from symbackprop.program.operations import (
    Apply,
    Copy,
    Inner,
    Matmul,
    Operation,
    Reduce,
    Shape,
    View,
)

_WHOLE = frozenset(["erf", "erfc"])  # which run in blocks of their own


def rows_read(program: Program, operation: Operation) -> frozenset[int] | None:
    """The operands of which a row of the result reads one row; None where it reads others too."""
    values, extent = program.values, operation.shape[0]
    shapes = {o: values[o].shape for o in operation.operands}
    if not all(_has_entries(shape) for shape in (operation.shape, *shapes.values())):
        return None  # there are no rows of nothing
    if isinstance(operation, Apply):
        if operation.function in _WHOLE:
            return None
        rank = len(operation.shape)
        return frozenset(o for o, s in shapes.items() if len(s) == rank and s[0] == extent)
    if isinstance(operation, Reduce):
        return frozenset([operation.of]) if 0 not in operation.axes else None
    if isinstance(operation, Inner):
        return frozenset(shapes)
    if isinstance(operation, Copy):
        return frozenset(shapes) if shapes[operation.of] == operation.shape else None
    if isinstance(operation, Matmul) and operation.strips is None:
        a, b = shapes[operation.a], shapes[operation.b]
        natural, order = (*a[:-1], b[-1]), operation.order
        turned = tuple(natural[k] for k in order) if order else natural
        if len(a) > 2 and operation.shape == turned and order[:1] in ((), (0,)):
            return frozenset(shapes)
        if len(a) == 2 and len(b) == 1 and operation.shape == a[:1]:
            return frozenset([operation.a])
    return None


def _has_entries(shape: Shape) -> bool:
    """Whether no run-time extents leave an axis without any."""
    return all(e.is_Symbol or e.is_Integer or nonnegative(e - 1) for e in shape)


def axes_kept(program: Program, value: int) -> int:
    """How many of the first axes of a view are those of the memory that it looks at."""
    operation = program.values[value]
    count = len(operation.shape)
    while isinstance(operation, View):
        below = program.values[operation.of]
        if operation.how == "select":
            same = zip(operation.detail, below.shape, strict=False)
            whole = itertools.takewhile(lambda pair: pair[0] == (0, pair[1]), same)
        elif operation.how == "reshape":
            whole = itertools.takewhile(
                lambda pair: pair[0] == pair[1], zip(operation.shape, below.shape, strict=False)
            )
        elif operation.how == "transpose":
            whole = itertools.takewhile(
                lambda pair: pair[0] == pair[1], enumerate(operation.detail)
            )
        else:
            return 0
        count = min(count, len(list(whole)))
        operation = below
    return count
