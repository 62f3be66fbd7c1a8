"""The largest or smallest body of a reduction, and where it stands first."""

from __future__ import annotations

from symbackprop.equations import reductions
from symbackprop.program.scope import Labelled, Scope
from symbackprop.program.sweeps import first, visits


def lower_extreme(expr: reductions.Reduction, scope: Scope) -> Labelled:
    """The largest or smallest body."""
    return scope.reduce(type(expr).__name__.lower(), scope.lower(expr.body), expr.bound)


def lower_position(expr: reductions.Reduction, scope: Scope) -> Labelled:
    """The row-major position of the first largest or smallest body."""
    body, function = scope.lower(expr.body), type(expr).__name__.lower()
    axes = tuple(body.axes.index(i) for i in expr.bound if i in body.axes)
    if len(axes) == len(expr.bound) and visits(scope.graph, body.value, axes):
        best = scope.reduce(function.removeprefix("arg"), body, expr.bound)
        return Labelled(first(scope.graph, body.value, best.value, axes), best.axes)
    kept = scope.sorted({i for i in body.axes if i not in expr.bound})
    value = scope.expand(body, (*kept, *expr.bound))
    value = scope.graph.merge(value, (*(1 for _ in kept), len(expr.bound)))
    return Labelled(scope.graph.reduce(function, value, (len(kept),)), kept)
