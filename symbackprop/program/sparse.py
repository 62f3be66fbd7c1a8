"""The gradient of a table by rows: Σ_n f[n, k] δ(u, ids[n]) is the rows ids[n] with values f[n, k].

Rows may repeat; the gradient is the sum of their values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Mul

from symbackprop.equations.masks import Delta, Where
from symbackprop.equations.nodes import Index, free_indices
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation
from symbackprop.program.operations import Copy
from symbackprop.program.scope import Axes, Scope
from symbackprop.program.shapes import ZERO


@dataclass(frozen=True)
class _Term:
    """Σ_bound value δ(u, row)."""

    bound: Axes
    row: Expr
    value: Expr


def rows_and_values(equation: Equation, scope: Scope) -> tuple[int, int]:
    """The rows [M] and the values [M, …] of a gradient, its terms one after the other."""
    graph = scope.graph
    first, *others = equation.indices
    shape = tuple(i.extent for i in others)
    pairs = [_lowered(term, tuple(others), scope) for term in _terms(equation.rhs, first)]
    if not pairs:
        nothing = graph.scalar(ZERO)
        empty = graph.append(Copy((ZERO,), "integer", nothing))
        return empty, graph.append(Copy((ZERO, *shape), "real", nothing))
    if len(pairs) == 1:
        return pairs[0]
    counts = [graph.shape(rows)[0] for rows, _ in pairs]
    ends = [Add(*counts[: k + 1]) for k in range(len(counts))]
    ranges = tuple(zip([ZERO, *ends[:-1]], ends, strict=True))
    rows, values = zip(*pairs, strict=True)
    return (
        graph.assemble((ends[-1],), 0, rows, ranges),
        graph.assemble((ends[-1], *shape), 0, values, ranges),
    )


def _lowered(term: _Term, others: Axes, scope: Scope) -> tuple[int, int]:
    """The rows and the values of one term, along one axis."""
    graph = scope.graph
    position = scope.lower(term.row)
    where = scope.sorted(set(position.axes))
    inner = tuple(i for i in term.bound if i not in where)
    value = scope.lower(Sum(term.value, *inner))
    rows, values = scope.align(position, where), scope.expand(value, (*where, *others))
    if not where:
        one = (Integer(1),)
        return graph.reshape(rows, one), graph.reshape(values, (*one, *graph.shape(values)))
    count = (len(where),)
    return graph.merge(rows, count), graph.merge(values, (*count, *(1 for _ in others)))


def _terms(expr: Expr, index: Index) -> Iterator[_Term]:
    """The terms of a gradient; each has one δ that says at which value of the index it stands."""
    if isinstance(expr, Add):
        for part in expr.args:
            yield from _terms(part, index)
    elif isinstance(expr, Sum):
        for term in _terms(expr.body, index):
            yield _Term((*expr.bound, *term.bound), term.row, term.value)
    elif isinstance(expr, Where):
        mask, inside, outside = expr.args
        assert outside == 0, expr
        for term in _terms(inside, index):
            yield _Term(term.bound, term.row, Where(mask, term.value, 0))
    elif isinstance(expr, Delta):
        yield _Term((), next(a for a in expr.args if a != index), Integer(1))
    elif expr != 0:
        (carrier,) = (f for f in Mul.make_args(expr) if index in free_indices(f))
        rest = Mul(*(f for f in Mul.make_args(expr) if f is not carrier))
        for term in _terms(carrier, index):
            yield _Term(term.bound, term.row, rest * term.value)
