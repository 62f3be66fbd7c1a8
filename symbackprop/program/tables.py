"""Rows of a table that integers tell, changed: gradients by embeddings."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Integer

from symbackprop.program.graph import Graph
from symbackprop.program.operations import Operation
from symbackprop.program.shapes import product


@dataclass(frozen=True, slots=True)
class AddRows(Operation):
    """`base` with `entries[m, …]` added at `rows[m]` of its first axis; rows may repeat.

    `room` is scratch memory for positions of entries: for that of each row, and for all.
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
    found = AddRows(graph.shape(base), "real", base, rows, entries, room(graph, entries))
    return graph.add(found)


def room(graph: Graph, entries: int) -> tuple[int, int]:
    """Memory for positions; pairs of neighbours have one together where rows are known to be even.

    So two numbers can be added as one complex number.
    """
    count, *rest = graph.shape(entries)
    width = product(tuple(rest))
    half = width / 2
    each = Integer(half) if half.is_Integer else width
    return graph.scratch((count,), "integer"), graph.scratch((count, each), "integer")
