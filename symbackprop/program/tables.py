"""Rows of a table that integers tell, changed: gradients by embeddings."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Integer

from symbackprop.program.graph import Graph
from symbackprop.program.operations import Operation, Shape
from symbackprop.program.shapes import product

MOST = 2**18
"""Up to so many positions, 2 MB, are looked up, which is three times as fast as adding them up."""


@dataclass(frozen=True, slots=True)
class AddRows(Operation):
    """`base` with `entries[m, …]` added at `rows[m]` of its first axis; rows may repeat.

    `room` is for positions of entries: those at which the rows start, or those of the whole table,
    a row for each of its own; and memory for all that are added to.
    """

    base: int
    rows: int
    entries: int
    room: tuple[int, int]

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.base, self.rows, self.entries, *self.room)


def add_rows(graph: Graph, base: int, rows: int, entries: int) -> int:
    """A base in row-major memory, and real entries, made to be so too."""
    base, entries = graph.real(base), graph.contiguous(graph.real(entries))
    shape = graph.shape(base)
    return graph.add(AddRows(shape, "real", base, rows, entries, room(graph, shape, entries)))


def room(graph: Graph, table: Shape, entries: int) -> tuple[int, int]:
    """What `AddRows` needs; the positions of a small table are known beforehand.

    Pairs of neighbours have one position together where rows are known to be even: so two numbers
    can be added as one complex number.
    """
    count, *rest = graph.shape(entries)
    width = product(tuple(rest))
    half = width / 2
    each = Integer(half) if half.is_Integer else width
    total = table[0] * each
    if total.is_Integer and total <= MOST:
        starts = graph.split(graph.arange(total), 0, (table[0], each))
    else:
        starts = graph.scratch((count,), "integer")
    return starts, graph.scratch((count, each), "integer")
