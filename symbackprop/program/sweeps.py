"""Reductions over short axes that lie between long ones, as windows have them."""

from __future__ import annotations

from symbackprop.program.graph import Graph
from symbackprop.program.windows import First, Scratch, Sweep, is_short, is_spread


def reduced(graph: Graph, function: str, value: int, axes: tuple[int, ...]) -> int:
    """sum, prod, max or min over the axes: position by position where NumPy would be slow."""
    if function not in ("sum", "max", "min") or not _visits(graph, value, axes):
        return graph.reduce(function, value, axes)
    rest = tuple(e for k, e in enumerate(graph.shape(value)) if k not in axes)
    return graph.add(Sweep(rest, "real", function, value, axes))


def position(graph: Graph, function: str, value: int, kept: int) -> int:
    """The row-major position of the first max or min over all axes but the first `kept`."""
    shape = graph.shape(value)
    axes = tuple(range(kept, len(shape)))
    if _visits(graph, value, axes):
        best = reduced(graph, function.removeprefix("arg"), value, axes)
        mask = graph.append(Scratch(shape[:kept], "mask"))
        return graph.add(First(shape[:kept], "integer", value, best, mask, axes))
    value = graph.merge(value, (*(1 for _ in range(kept)), len(axes)))
    return graph.reduce(function, value, (kept,))


def _visits(graph: Graph, value: int, axes: tuple[int, ...]) -> bool:
    shape, real = graph.shape(value), graph.kind(value) == "real"
    short = len(axes) < len(shape) and is_short(tuple(shape[k] for k in axes))
    return real and short and is_spread(axes, shape, graph.strides(value))
