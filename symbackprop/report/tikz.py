"""The computation graph in TikZ: lines below boxes, each with its mathematics and a word."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from symbackprop.report.cells import Cell, Node
from symbackprop.report.escape import latex_text
from symbackprop.report.graph import Edge, Graph
from symbackprop.report.languages import say
from symbackprop.report.latex import latex_of
from symbackprop.report.view import View

_PAGE = (43.0, 57.0)  # em: what a page has for a picture
_UNDER_TITLE = 50.0  # em: the height that the first page has
_LARGEST, _SMALLEST = 0.85, 0.42  # of its natural size; what would be smaller is not drawn
_HEIGHT, _READ = 24.0, 0.7  # em that are best not exceeded, so long as the size is this
_ABOVE, _BELOW = 1.15, 0.8  # em from the head of a box to its mathematics; from its foot to words


@dataclass(frozen=True)
class Drawing:
    """A picture's commands; a unit of its coordinates is an em, times `scale`."""

    scale: str
    commands: tuple[str, ...]


def tikz(drawn: Graph, view: View) -> Drawing | None:
    """The graph as large as it fits on a page; None where it would be too small to read."""
    scale = min(_LARGEST, _PAGE[0] / drawn.width, _PAGE[1] / drawn.height)
    scale = min(scale, max(_READ, _HEIGHT / drawn.height))
    if scale < _SMALLEST:
        return None
    scale = min(scale, max(_SMALLEST, _UNDER_TITLE / drawn.height))
    commands = [*map(_line, drawn.edges)]
    for node in drawn.nodes:
        commands += _box(node, view)
    return Drawing(f"{scale:.3f}", tuple(commands))


def _line(edge: Edge) -> str:
    if edge.recurs:
        return rf"\draw[back] {' -- '.join(f'({x},{y})' for x, y in edge.points)};"
    drawn = ["({},{})".format(*edge.points[0])]
    for (x0, y0), (x1, y1) in itertools.pairwise(edge.points):
        middle = round((y0 + y1) / 2, 3)
        bent = f".. controls ({x0},{middle}) and ({x1},{middle}) .. "
        drawn.append(f"{'-- ' if x0 == x1 else bent}({x1},{y1})")
    return rf"\draw[onward] {' '.join(drawn)};"


def _box(node: Node, view: View) -> Iterator[str]:
    left, right = (round(node.x + side * node.width / 2, 3) for side in (-1, 1))
    top, foot = round(node.head, 3), round(node.foot, 3)
    yield rf"\draw[{node.kind}] ({left},{top}) rectangle ({right},{foot});"
    if node.kind == "copies":
        more = say(view.known.notation, "{count} more", count=rf"$\times\,{node.count}$")
        yield rf"\node at ({node.x},{node.y}) {{{more}}};"
    x = node.x - sum(cell.width for cell in node.cells) / 2
    for cell in node.cells:
        middle = round(x + cell.width / 2, 3)
        above = round(node.head + _ABOVE + node.above / 2, 3)
        below = round(node.foot - _BELOW - node.below / 2, 3)
        formula = latex_of(cell.formula or view.known.whole(cell.tensor))
        yield rf"\node at ({middle},{above}) {{${formula}$}};"
        yield rf"\node[word] at ({middle},{below}) {{{_word(cell, node)}}};"
        x += cell.width
        if cell is not node.cells[-1]:
            yield rf"\draw[black!15] ({round(x, 3)},{top}) -- ({round(x, 3)},{foot});"


def _word(cell: Cell, node: Node) -> str:
    """What the tensor is, the number of its equation, and its cotangents with theirs."""
    said = [latex_text(node.label)] if cell.number and node.label else []
    if cell.shape and not cell.signs:
        said.append("$" + r" \times ".join(map(latex_of, cell.shape)) + "$")
    said += [rf"\eqref{{eq:{cell.number}}}"] if cell.number else []
    for sign in cell.signs:
        numbers = ", ".join(rf"\eqref{{eq:{shown.number}}}" for shown in sign.lines)
        said.append(f"${latex_of(sign.formula)}$ {numbers}")
    return r"\enspace ".join(said)
