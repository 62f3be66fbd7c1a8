"""Products in blocks: where windows repeat what they read, they are copied a few at a time.

A block is small enough to stay in a processor's cache until it has been multiplied.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer

from symbackprop.equations.nodes import Index
from symbackprop.program.graph import Graph
from symbackprop.program.operations import Copy, Matmul, Shape, View
from symbackprop.program.scope import Axes, Labelled
from symbackprop.program.shapes import nominal, product, size
from symbackprop.program.windows import Blocked

ENTRIES = 65536
"""About how many entries a block has: 256 KB in single precision."""


def positions(extent: Expr, entries: int) -> int | None:
    """How many positions of an axis make a block, of so many entries each; None where all do."""
    count = max(1, ENTRIES // entries)
    return None if extent.is_Integer and extent <= count else count


def in_blocks(graph: Graph, a: int, b: int, left: Shape, right: Shape) -> tuple[int, bool] | None:
    """The product a b, its axes split, and whether it is transposed: those of b come first then.

    None where neither matrix is a copy of windows, or where a block would hold all of them.
    """
    if any(graph.loop_of[v] is not None for v in (a, b)):
        return None
    found = _blocked(graph, a, b, left, right)
    if found is not None:
        return found, False
    found = _blocked(graph, _turned(graph, b), _turned(graph, a), right, left)
    return None if found is None else (found, True)


def _blocked(graph: Graph, a: int, b: int, left: Shape, right: Shape) -> int | None:
    """a b in blocks, where `a` is a copy of windows or the transpose of one."""
    operation = graph.values[a]
    turned = graph.is_transposed(a)
    copied = graph.values[operation.of] if turned and isinstance(operation, View) else operation
    windows = graph.values[copied.of] if isinstance(copied, Copy) else None
    if not isinstance(windows, View) or (windows.how, windows.kind) != ("windows", "real"):
        return None
    assert isinstance(copied, Copy)
    if len(copied.shape) != 2:
        return None
    rows = _leading(windows.shape, copied.shape[0])
    axis = _block_axis(windows, rows)
    if axis is None or size(windows.shape) < 2 * size(graph.shape(windows.of)):
        return None
    extent = windows.shape[axis]
    count = positions(extent, size(windows.shape) // nominal(extent))
    summed = (axis == 0) == turned
    if count is None or not (summed or left[0] == extent):
        return None
    block = tuple(Integer(count) if k == axis else e for k, e in enumerate(windows.shape))
    part, shape = graph.scratch(block, "real"), (*left, *right)
    total = graph.scratch(shape, "real") if summed else None
    return graph.add(
        Blocked(shape, "real", copied.of, axis, rows, count, graph.real(b), part, total)
    )


def _turned(graph: Graph, value: int) -> int:
    return graph.transpose(value, (1, 0)) if len(graph.shape(value)) == 2 else value


def _leading(shape: Shape, entries: Expr) -> int:
    """How many axes have so many positions together."""
    return next(k for k in range(len(shape) + 1) if product(shape[:k]) == entries)


def _block_axis(windows: View, rows: int) -> int | None:
    """The first axis of the rows or of the columns, where windows neither overlap nor jump.

    Of two the one that is longer: the copy of a block does not grow with it.
    """
    along, steps = windows.detail
    found = []
    for axis in (0, rows):
        inside = axis < len(along) and windows.shape[axis] != 1
        if inside and along.count(along[axis]) == 1 and steps[axis] == 1:
            extent = windows.shape[axis]
            found.append((not extent.is_Integer, nominal(extent), -axis))
    return -max(found)[-1] if found else None


@dataclass(frozen=True, slots=True)
class Parts:
    """A product a b taken apart: `size` positions of its first index at once, and visit by visit.

    b has the visited indices first, then a matrix or a vector for each; `entries` are memory for
    what one visit makes.
    """

    entries: Labelled
    a: int
    b: int
    size: int


def parts(graph: Graph, entries: Labelled, index: Index, visited: Axes) -> Parts | None:
    """A matrix product taken apart along an index of one factor and the visited ones of the other.

    None for other values, or where memory for all positions is small.
    """
    operation = graph.values[entries.value]
    if not isinstance(operation, Matmul) or graph.loop_of[entries.value] is not None:
        return None
    a, b, axes = operation.a, operation.b, entries.axes
    if any(len(graph.shape(factor)) != 2 for factor in (a, b)):
        return None
    rows = _leading(operation.shape, graph.shape(a)[0])
    left, right = axes[:rows], axes[rows:]
    if index in right:
        a, b, left, right = _turned(graph, b), _turned(graph, a), right, left
    if left[0] != index or not set(visited) <= set(right):
        return None
    rest = tuple(i for i in right if i not in visited)
    shape = tuple(i.extent for i in (*left, *rest))
    # Every visit reads the rows anew: they too ought to stay in the cache.
    read = size(graph.shape(a)) // nominal(shape[0])
    count = positions(shape[0], max(read, size(shape[1:])))
    if count is None:
        return None
    part = graph.scratch((Integer(count), *shape[1:]), "real")
    return Parts(Labelled(part, (*left, *rest)), a, _by_visit(graph, b, right, visited), count)


def _by_visit(graph: Graph, b: int, columns: Axes, visited: Axes) -> int:
    """A matrix whose columns bear indices, as one for each position of the visited ones."""
    extents = tuple(i.extent for i in columns)
    count, rest = len(columns), [k for k, i in enumerate(columns) if i not in visited]
    first = tuple(columns.index(i) for i in visited)
    # The transpose of a matrix is rather split where it lies in memory.
    value = graph.split(_turned(graph, b), 0, extents)
    value = graph.transpose(value, (*first, count, *rest))
    groups = (1,) * (len(first) + 1)
    # Small products with rows of a matrix are faster than with those of its transpose.
    return graph.contiguous(graph.merge(value, (*groups, len(rest))) if rest else value)
