"""The computation graph in HTML: lines in SVG, below boxes whose mathematics is text."""

from __future__ import annotations

from dataclasses import dataclass

from symbackprop.report.escape import html_text
from symbackprop.report.graph import HEIGHT, Cell, Graph, Node, path
from symbackprop.report.latex import latex_of
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.view import View


@dataclass(frozen=True)
class Link:
    """The mathematics of a link to an equation."""

    formula: str
    number: int


@dataclass(frozen=True)
class Part:
    """A tensor in a box: what it is, a word on it, and its cotangents."""

    formula: str
    number: int
    word: str
    back: tuple[Link, ...]
    gradient: bool
    width: float


@dataclass(frozen=True)
class Box:
    """A node; lengths in em."""

    kind: str
    parts: tuple[Part, ...]
    count: int
    left: float
    top: float
    width: float


@dataclass(frozen=True)
class Picture:
    """Boxes over lines, each with whether it goes back a step."""

    boxes: tuple[Box, ...]
    lines: tuple[tuple[str, bool], ...]
    width: float
    height: float


def picture(drawn: Graph, view: View, mathematics: Mathematics) -> Picture:
    """The graph, ready for the template."""
    return Picture(
        tuple(_box(node, view, mathematics) for node in drawn.nodes),
        tuple((path(edge), edge.recurs) for edge in drawn.edges),
        round(drawn.width, 2),
        round(drawn.height, 2),
    )


def _box(node: Node, view: View, mathematics: Mathematics) -> Box:
    return Box(
        node.kind,
        tuple(_part(cell, node, view, mathematics) for cell in node.cells),
        node.count,
        round(node.x - node.width / 2, 2),
        round(node.y - HEIGHT / 2, 2),
        round(node.width, 2),
    )


def _part(cell: Cell, node: Node, view: View, mathematics: Mathematics) -> Part:
    known = view.known
    whole = cell.formula or known.whole(cell.tensor)
    extents = " × ".join(str(e) for e in known.order(cell.tensor.shape))
    back = (Link(mathematics.inline(latex_of(known.whole(t))), n) for t, n in cell.cotangents)
    return Part(
        mathematics.inline(latex_of(whole)),
        cell.number,
        html_text(node.label if cell.number else extents if cell.shaped else ""),
        tuple(back),
        cell.gradient,
        round(cell.width, 2),
    )
