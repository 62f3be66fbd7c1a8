"""The computation graph as a picture: what stands where, and which way the lines run.

Lengths are in em. Nothing here is HTML or TikZ; both print the same picture.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symbackprop.equations.nodes import TensorSymbol, tensors
from symbackprop.report.boxes import Box
from symbackprop.report.captions import LETTER, Sign, caption_width, signs
from symbackprop.report.entries import entry_form
from symbackprop.report.formula import Formula, Relation
from symbackprop.report.latex import box
from symbackprop.report.layering import layout
from symbackprop.report.repetition import Repeat
from symbackprop.report.view import Shown, View

HEIGHT, GAP, BETWEEN = 3.6, 2.0, 1.1  # of a node; below it; beside it
_LEAST, _MOST = 4.2, 15.0  # the width of a node; of its mathematics, before the name alone stands
_GIVEN = 3.2  # the width of a cell of what is given
_STRAIGHT = 1.0  # no further aside, an edge goes straight down
_SHARED = 4  # readers of what stands but once


@dataclass(frozen=True)
class Cell:
    """A tensor in a node. `number` is that of its equation forward, `signs` are its cotangents'.

    `formula` is its equation, where that is short; `shape` its extents, where there is room.
    """

    tensor: TensorSymbol
    formula: Formula | None = None
    number: int = 0
    signs: tuple[Sign, ...] = ()
    shape: tuple[Formula, ...] = ()
    width: float = _LEAST


@dataclass(frozen=True)
class Node:
    """kind: input, parameter, state, value, loss, or copies (of a repetition, `count` times).

    Its middle is at x, y; its cells stand beside one another.
    """

    kind: str
    cells: tuple[Cell, ...]
    label: str = ""
    count: int = 0
    width: float = _LEAST
    layer: int = 0
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Edge:
    """A line through points, from the foot of one node to the head of another.

    `recurs`: what is read was computed a step before; the line then has corners.
    """

    source: int
    target: int
    points: tuple[tuple[float, float], ...]
    recurs: bool = False


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of the equations, and edges by the places of nodes in it."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: float
    height: float


def graph(view: View, folded: Sequence[Repeat] = ()) -> Graph:
    """The graph of the forward equations; the copies of each repetition are one node."""
    nodes, reads = _nodes(view, folded)
    flows = sorted(edge for edge in reads if _seen(nodes, *edge))
    given = [n for n, node in enumerate(nodes) if node.kind in ("input", "parameter", "state")]
    late = set(given)
    onward = [(a, b) for a, b in flows if a in late or a < b]
    found = layout([node.width for node in nodes], onward, given, BETWEEN)
    placed = [
        replace(node, layer=row, x=x, y=row * (HEIGHT + GAP) + HEIGHT / 2)
        for node, row, x in zip(nodes, found.rows, found.places, strict=True)
    ]
    edges = [_onward(placed, a, b, found.bends[a, b]) for a, b in onward]
    right = max((p[0] for e in edges for p in e.points), default=0.0)
    right = max([right, *(n.x + n.width / 2 for n in placed)])
    loops = [(a, b) for a, b in flows if (a, b) not in set(onward)]
    far = sorted({a for a, b in loops if a != b})
    lanes = {a: right + 0.9 * (k + 1) for k, a in enumerate(far)}
    edges += [_back(placed, a, b, lanes.get(a, right)) for a, b in loops]
    height = max((n.y for n in placed), default=0.0) + HEIGHT / 2 + (GAP / 2 if loops else 0)
    return Graph(tuple(placed), tuple(edges), round(max([right, *lanes.values()]), 3), height)


def _seen(nodes: Sequence[Node], a: int, b: int) -> bool:
    """Whether an edge is drawn: of those to the node itself, only where it is one equation."""
    return a != b or nodes[a].kind != "copies"


def _nodes(view: View, folded: Sequence[Repeat]) -> tuple[list[Node], set[tuple[int, int]]]:
    """The nodes, and which is read by which."""
    lines = [s for section in view.sections for s in section.lines if s.loss is None]
    back = signs(view)
    copied = {k: r for r in folded for k in range(r.start + r.period, r.end)}
    values: list[Node] = []
    at: dict[TensorSymbol, int] = {}
    readers: dict[TensorSymbol, list[int]] = {}
    for k, shown in enumerate(lines):
        repeat = copied.get(k)
        if repeat is None or k == repeat.start + repeat.period:
            values.append(_copies(repeat) if repeat else _value(shown, view, back))
        at[shown.subject] = len(values) - 1
        for tensor in tensors(shown.line.equation.rhs):
            readers.setdefault(tensor, []).append(len(values) - 1)
    givens = _given(view, readers, back, {n for n, v in enumerate(values) if v.kind == "copies"})
    first = len(givens)
    reads = {(g, first + n) for g, (_, places) in enumerate(givens) for n in places}
    reads |= {(first + at[t], first + n) for t in at for n in readers.get(t, ())}
    return [*(node for node, _ in givens), *values], reads


def _value(shown: Shown, view: View, back: Mapping[TensorSymbol, Sequence[Sign]]) -> Node:
    losses = {loss.symbol for loss in view.derivation.system.losses}
    short = _width(shown) <= _MOST
    equation = Relation("==", shown.left, shown.formula)
    cell = _cell(shown.subject, back, equation if short else None, shown.number)
    label = shown.line.equation.label
    inner = _width(shown) if short else _name_width(shown.subject, view)
    width = max(
        _LEAST,
        inner + 2.6,
        caption_width(LETTER * len(label), cell.number, cell.signs, told=True) + 1.4,
    )
    kind = "loss" if shown.subject in losses else "value"
    return Node(kind, (replace(cell, width=width),), label, width=width)


def _width(shown: Shown) -> float:
    left, right = box(shown.left), box(shown.formula)
    return (left.width + right.width + 1.2) * 0.92 if _flat(right) else 2 * _MOST


def _flat(inner: Box) -> bool:
    """Whether it is no higher than a line or two."""
    return r"\begin" not in inner.tex


def _copies(repeat: Repeat) -> Node:
    return Node("copies", (), count=len(repeat.renamed), width=12.0)


def _cell(
    tensor: TensorSymbol, back: Mapping[TensorSymbol, Sequence[Sign]],
    formula: Formula | None = None, number: int = 0,
) -> Cell:  # fmt: skip
    return Cell(tensor, formula, number, tuple(back.get(tensor, ())))


def _name_width(tensor: TensorSymbol, view: View) -> float:
    return box(view.known.whole(tensor)).width


def _given_cell(cell: Cell, view: View, shaped: bool) -> Cell:
    """With its width; of many beside one another the shapes are left to the table of names."""
    extents = view.known.order(cell.tensor.shape) if shaped else ()
    shape = tuple(entry_form(extent, view.known) for extent in extents)
    written = sum(box(extent).width for extent in shape) + 1.3 * max(0, len(shape) - 1)
    beside = caption_width(written, 0, cell.signs, told=False)
    told = caption_width(0, 0, cell.signs, told=True)
    name = _name_width(cell.tensor, view)
    return replace(cell, shape=shape, width=max(_GIVEN, name + 1.2, beside + 1.0, told + 1.0))


def _given(
    view: View, readers: Mapping[TensorSymbol, Sequence[int]],
    back: Mapping[TensorSymbol, Sequence[Sign]], copies: set[int],
) -> list[tuple[Node, tuple[int, ...]]]:  # fmt: skip
    """Inputs, parameters and states, with what reads each; those of a kind read alike as one.

    A parameter that many read stands beside each of them. What copies of a repetition alone read
    is not shown.
    """
    system = view.derivation.system
    kinds: dict[TensorSymbol, str] = {
        **{i.symbol: "input" for i in system.inputs},
        **{p.symbol: "parameter" for p in system.parameters},
        **{s.symbol: "state" for s in system.states},
    }
    together: dict[tuple[str, tuple[int, ...]], list[TensorSymbol]] = {}
    for tensor, kind in kinds.items():
        at = tuple(dict.fromkeys(readers.get(tensor, ())))
        apart = kind != "input" and len(at) > _SHARED
        for place in [(n,) for n in at] if apart else [at]:
            if not copies.issuperset(place):
                together.setdefault((kind, place), []).append(tensor)
    nodes = []
    for (kind, place), group in together.items():
        cells = tuple(_given_cell(_cell(t, back), view, shaped=len(group) < 3) for t in group)
        nodes.append((Node(kind, cells, width=sum(cell.width for cell in cells) + 0.2), place))
    return nodes


def _onward(nodes: Sequence[Node], a: int, b: int, bends: Sequence[float]) -> Edge:
    source, target = nodes[a], nodes[b]
    points = [(source.x, source.y + HEIGHT / 2)]
    for layer, x in enumerate(bends, source.layer + 1):
        top = layer * (HEIGHT + GAP)
        points += [(x, top), (x, top + HEIGHT)]
    points.append((_landing(nodes, a, b), target.y - HEIGHT / 2))
    return Edge(a, b, tuple((round(x, 3), round(y, 3)) for x, y in points))


def _landing(nodes: Sequence[Node], a: int, b: int) -> float:
    """Where an edge meets the head of its target: right below, or towards where it comes from."""
    aside, target = nodes[a].x - nodes[b].x, nodes[b]
    if abs(aside) < _STRAIGHT:
        return nodes[a].x
    most = target.width / 2 - 1.0
    return target.x + max(-most, min(most, 0.35 * aside))


def _back(nodes: Sequence[Node], a: int, b: int, lane: float) -> Edge:
    """Down, to the lane at the right, up, and to the target; what reads itself, close by."""
    source, target = nodes[a], nodes[b]
    below, above = source.y + HEIGHT / 2 + 0.5 * GAP, target.y - HEIGHT / 2 - 0.28 * GAP
    if a == b:
        below, lane = source.y + HEIGHT / 2 + 0.28 * GAP, source.x + source.width / 2 + 0.5
    x = target.x + target.width / 2 - 0.7
    start = source.x + 0.8 if a != b else x
    corners = [
        (start, source.y + HEIGHT / 2), (start, below), (lane, below),
        (lane, above), (x, above), (x, target.y - HEIGHT / 2),
    ]  # fmt: skip
    return Edge(a, b, tuple((round(p, 3), round(q, 3)) for p, q in corners), recurs=True)


def path(edge: Edge) -> str:
    """The line of an edge in the language of SVG, which TikZ reads too (svg.path)."""
    (x, y), *rest = edge.points
    drawn = [f"M{x} {y}"]
    if edge.recurs:
        return " ".join([*drawn, *(f"L{p} {q}" for p, q in rest)])
    for (x0, y0), (x1, y1) in itertools.pairwise(edge.points):
        middle = round((y0 + y1) / 2, 3)
        straight = f"L{x1} {y1}"
        drawn.append(straight if x0 == x1 else f"C{x0} {middle} {x1} {middle} {x1} {y1}")
    return " ".join(drawn)
