"""Reductions over short axes that lie between long ones, as windows have them."""

from __future__ import annotations

from symbackprop.program.graph import Graph
from symbackprop.program.windows import First, Sweep, is_short, is_spread


def reduced(graph: Graph, function: str, value: int, axes: tuple[int, ...]) -> int:
    """sum, prod, max or min over the axes: position by position where NumPy would be slow."""
    if function not in ("sum", "max", "min") or not visits(graph, value, axes):
        return graph.reduce(function, value, axes)
    rest = tuple(e for k, e in enumerate(graph.shape(value)) if k not in axes)
    return graph.add(Sweep(rest, "real", function, value, axes))


def first(graph: Graph, value: int, best: int, axes: tuple[int, ...]) -> int:
    """The row-major position, over short axes, of the first entry that equals the best."""
    shape = tuple(e for k, e in enumerate(graph.shape(value)) if k not in axes)
    mask, before = (graph.scratch(shape, "mask") for _ in range(2))
    return graph.add(First(shape, "integer", value, best, mask, before, axes))


def visits(graph: Graph, value: int, axes: tuple[int, ...]) -> bool:
    """Whether a reduction over the axes is done position by position."""
    shape, real = graph.shape(value), graph.kind(value) == "real"
    short = len(axes) < len(shape) and is_short(tuple(shape[k] for k in axes))
    return real and short and is_spread(axes, shape, graph.strides(value))
