"""Windows that a product reads, as slabs: what no two windows share lies innermost in memory.

Windows of x[h, w, c, n] at n examples overlap along h and w alone. A copy of them reads long runs,
w n entries each, and so does all that is computed from the product, which has the same layout.
"""

from __future__ import annotations

from dataclasses import dataclass

from symbackprop.equations.nodes import Index
from symbackprop.program.graph import Graph
from symbackprop.program.operations import View
from symbackprop.program.scope import Axes, Labelled, Scope
from symbackprop.program.shapes import nominal, size

KEPT = 2**20
"""Up to about so many entries the copy of all windows is kept for the products of the way back."""
RUN = 64
"""Windows that are read in runs of about so many entries stay as they are."""


@dataclass(frozen=True, slots=True)
class Slabs:
    """Windows as a matrix: a row for each of the `offsets` in a window, a column for each position.

    Both in the order in which their copy has them.
    """

    windows: Labelled
    offsets: Axes
    positions: Axes


def slabs(factor: Labelled, other: Labelled, both: Axes, scope: Scope) -> Slabs | None:
    """A factor of a product that sums over `both`, as slabs; None where it is none, or too large.

    The offsets have the order that the other factor or the result has.
    """
    graph = scope.graph
    windows = graph.values[factor.value]
    kept = tuple(i for i in factor.axes if i not in both)
    offsets, positions = sorted((kept, both), key=scope.weight)
    lone = _lone(factor, positions, graph)
    if not isinstance(windows, View) or not lone or size(windows.shape) > KEPT:
        return None
    if size(windows.shape) < 2 * size(graph.shape(windows.of)):
        return None
    along, steps = windows.detail
    if any(step.could_extract_minus_sign() for step in steps):
        return None  # it reads backwards from where the view starts
    strides = graph.strides(windows.of)
    last = [along[factor.axes.index(i)] for i in lone]
    of = windows.of
    if strides[last[-1]] != 1:
        if max(_run(factor, pair, graph) for pair in ((kept, both), (both, kept))) >= RUN:
            return None
        order = (*(k for k in range(len(strides)) if k not in last), *last)
        of = graph.transpose(of, order)
        of = graph.copy(of, graph.shape(of))
        along = tuple(order.index(axis) for axis in along)
        strides = graph.strides(of)
    step = dict(zip(factor.axes, steps, strict=True))
    axis = dict(zip(factor.axes, along, strict=True))
    if any(strides[a] is None for a in along):
        return None
    positions = tuple(sorted(positions, key=lambda i: -nominal(strides[axis[i]] or step[i])))
    ordered = other.axes if set(offsets) <= set(other.axes) else scope.sorted(offsets)
    offsets = tuple(i for i in ordered if i in offsets)
    axes = (*offsets, *positions)
    value = graph.windows(
        of,
        tuple(i.extent for i in axes),
        tuple(axis[i] for i in axes),
        tuple(step[i] for i in axes),
    )
    return Slabs(Labelled(value, axes), offsets, positions)


def in_rows(factor: Labelled, both: Axes, scope: Scope) -> Labelled:
    """Windows that are too large to be slabs, where what they do not share lies innermost.

    They are those of a copy in which it lies outermost: blocks of it are copied for a product.
    """
    graph = scope.graph
    windows = graph.values[factor.value]
    kept = tuple(i for i in factor.axes if i not in both)
    lone = _lone(factor, max((kept, both), key=scope.weight), graph)
    if not isinstance(windows, View) or not lone or size(windows.shape) <= KEPT:
        return factor
    along, steps = windows.detail
    first = [along[factor.axes.index(i)] for i in lone]
    if graph.strides(windows.of)[first[-1]] != 1 or any(
        s.could_extract_minus_sign() for s in steps
    ):
        return factor
    # What windows have one entry of otherwise, channels, goes last.
    rest = [k for k in range(len(graph.shape(windows.of))) if k not in first]
    order = (*first, *sorted(rest, key=lambda k: along.count(k) < 2))
    of = graph.transpose(windows.of, order)
    of = graph.copy(of, graph.shape(of))
    axes = tuple(order.index(axis) for axis in along)
    turned = sorted(range(len(axes)), key=lambda k: axes[k])
    value = graph.windows(
        of,
        tuple(windows.shape[k] for k in turned),
        tuple(axes[k] for k in turned),
        tuple(steps[k] for k in turned),
    )
    return Labelled(value, tuple(factor.axes[k] for k in turned))


def _lone(factor: Labelled, positions: Axes, graph: Graph) -> list[Index]:
    """The positions along axes of which a window has one entry; those apart in memory first."""
    windows = graph.values[factor.value]
    if not isinstance(windows, View) or (windows.how, windows.kind) != ("windows", "real"):
        return []
    if graph.loop_of[factor.value] is not None:
        return []
    along, steps = windows.detail
    return [
        i
        for i, axis, step in zip(factor.axes, along, steps, strict=True)
        if i in positions and along.count(axis) == 1 and step == 1 and i.extent != 1
    ]


def _run(factor: Labelled, groups: tuple[Axes, Axes], graph: Graph) -> int:
    """How many entries side by side a copy reads that has the axes in this order."""
    order = (*groups[0], *groups[1])
    return run_length(graph, graph.transpose(factor.value, tuple(map(factor.axes.index, order))))


def run_length(graph: Graph, value: int) -> int:
    """About how many entries side by side in memory the last axes of a value read."""
    length, expected = 1, 1
    for extent, stride in reversed(
        list(zip(graph.shape(value), graph.strides(value), strict=True))
    ):
        if extent == 1:
            continue
        if stride != expected:
            break
        length, expected = length * nominal(extent), expected * extent
    return length
