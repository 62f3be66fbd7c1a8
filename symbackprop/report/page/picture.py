"""The computation graph in HTML: lines in SVG, below boxes whose mathematics is text."""

from __future__ import annotations

from dataclasses import dataclass

from symbackprop.report.captions import Sign
from symbackprop.report.cells import Cell, Node
from symbackprop.report.escape import html_text
from symbackprop.report.graph import Graph, path
from symbackprop.report.latex import latex_of
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.view import View


@dataclass(frozen=True)
class Link:
    """The number of an equation on the way back, and the loss that it starts from."""

    number: int
    loss: str


@dataclass(frozen=True)
class Mark:
    """The sign of a cotangent, whether it is a result, and its equations, one for each loss."""

    formula: str
    gradient: bool
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Part:
    """A tensor in a box: what it is, a word on it, and its cotangents."""

    formula: str
    number: int
    word: str
    back: tuple[Mark, ...]
    width: float


@dataclass(frozen=True)
class Box:
    """A node; lengths in em. `tall`: there is a fraction above a word."""

    kind: str
    tall: bool
    parts: tuple[Part, ...]
    count: int
    left: float
    top: float
    width: float
    height: float


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
        node.above > 0,
        tuple(_part(cell, node, view, mathematics) for cell in node.cells),
        node.count,
        round(node.x - node.width / 2, 2),
        round(node.head, 2),
        round(node.width, 2),
        round(node.height, 2),
    )


def _part(cell: Cell, node: Node, view: View, mathematics: Mathematics) -> Part:
    known = view.known
    whole = cell.formula or known.whole(cell.tensor)
    shape = r" \times ".join(map(latex_of, cell.shape))
    word = html_text(node.label) if cell.number else mathematics.inline(shape) if shape else ""
    return Part(
        mathematics.inline(latex_of(whole)),
        cell.number,
        word,
        tuple(_mark(sign, mathematics) for sign in cell.signs),
        round(cell.width, 2),
    )


def _mark(sign: Sign, mathematics: Mathematics) -> Mark:
    links = (
        Link(line.number, html_text(line.loss.name if line.loss else "")) for line in sign.lines
    )
    return Mark(mathematics.inline(latex_of(sign.formula)), sign.gradient, tuple(links))
