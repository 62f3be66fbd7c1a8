"""The computation graph as a picture: what stands where, and which way the lines run.

Lengths are in em. Nothing here is HTML or TikZ; both print the same picture.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from symbackprop.report.cells import Node, nodes_of
from symbackprop.report.layering import apart, layout
from symbackprop.report.repetition import Repeat
from symbackprop.report.view import View

GAP, BETWEEN = 2.0, 1.1  # below a row; beside a node
_STRAIGHT = 1.0  # no further aside, an edge goes straight down
_TIPS = 0.9  # between two that meet the head of a node


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
    nodes, reads = nodes_of(view, folded)
    flows = sorted(edge for edge in reads if _seen(nodes, *edge))
    given = [n for n, node in enumerate(nodes) if node.kind in ("input", "parameter", "state")]
    late = set(given)
    onward = [(a, b) for a, b in flows if a in late or a < b]
    found = layout([node.width for node in nodes], onward, given, BETWEEN)
    rows = _rows(nodes, found.rows)
    placed = [
        replace(node, layer=row, x=x, y=sum(rows[row]) / 2)
        for node, row, x in zip(nodes, found.rows, found.places, strict=True)
    ]
    landings = _landings(placed, onward, found.bends)
    edges = [_onward(placed, rows, edge, found.bends[edge], landings[edge]) for edge in onward]
    right = max((p[0] for e in edges for p in e.points), default=0.0)
    right = max([right, *(n.x + n.width / 2 for n in placed)])
    loops = [(a, b) for a, b in flows if (a, b) not in set(onward)]
    far = sorted({a for a, b in loops if a != b})
    lanes = {a: right + 0.9 * (k + 1) for k, a in enumerate(far)}
    edges += [_back(placed, rows, a, b, lanes.get(a, right)) for a, b in loops]
    height = round(rows[-1][1] + (GAP / 2 if loops else 0), 3)
    return Graph(tuple(placed), tuple(edges), round(max([right, *lanes.values()]), 3), height)


def _seen(nodes: Sequence[Node], a: int, b: int) -> bool:
    """Whether an edge is drawn: of those to the node itself, only where it is one equation."""
    return a != b or nodes[a].kind != "copies"


def _rows(nodes: Sequence[Node], layers: Sequence[int]) -> list[tuple[float, float]]:
    """The head and the foot of each row, which is as high as the highest node in it."""
    heights = [0.0] * (max(layers, default=0) + 1)
    for node, layer in zip(nodes, layers, strict=True):
        heights[layer] = max(heights[layer], node.height)
    feet = itertools.accumulate(heights, lambda foot, height: foot + GAP + height)
    return [(foot - height, foot) for foot, height in zip(feet, heights, strict=True)]


def _onward(
    nodes: Sequence[Node], rows: Sequence[tuple[float, float]], edge: tuple[int, int],
    bends: Sequence[float], landing: float,
) -> Edge:  # fmt: skip
    """Straight through rows, bent between them."""
    source, target = (nodes[n] for n in edge)
    points = [(source.x, source.foot), (source.x, rows[source.layer][1])]
    for layer, x in enumerate(bends, source.layer + 1):
        points += [(x, rows[layer][0]), (x, rows[layer][1])]
    points += [(landing, rows[target.layer][0]), (landing, target.head)]
    return Edge(*edge, tuple(dict.fromkeys((round(x, 3), round(y, 3)) for x, y in points)))


def _landings(
    nodes: Sequence[Node], edges: Iterable[tuple[int, int]],
    bends: Mapping[tuple[int, int], Sequence[float]],
) -> dict[tuple[int, int], float]:  # fmt: skip
    """Where edges meet the heads of their targets, in the order of where they come from."""
    coming: dict[int, list[tuple[float, tuple[int, int]]]] = {}
    for edge in edges:
        start = [nodes[edge[0]].x, *bends[edge]][-1]
        coming.setdefault(edge[1], []).append((start, edge))
    found: dict[tuple[int, int], float] = {}
    for b, several in coming.items():
        several.sort()
        places = _beside([start for start, _ in several], nodes[b])
        found.update({edge: x for (_, edge), x in zip(several, places, strict=True)})
    return found


def _beside(starts: Sequence[float], target: Node) -> list[float]:
    """Right below where an edge comes from, or towards it; with room between tips."""
    most = target.width / 2 - 1.0
    tips = min(_TIPS, 2 * most / max(1, len(starts) - 1))
    wanted = []
    for start in starts:
        aside = start - target.x
        straight = abs(aside) < _STRAIGHT
        wanted.append((start, 8.0) if straight else (target.x + 0.35 * aside, 1.0))
    found = apart(wanted, [0.0] * len(starts), tips)
    least, last = target.x - most, len(starts) - 1
    return [
        max(least + k * tips, min(target.x + most - (last - k) * tips, x))
        for k, x in enumerate(found)
    ]


def _back(
    nodes: Sequence[Node], rows: Sequence[tuple[float, float]], a: int, b: int, lane: float
) -> Edge:
    """Down, to the lane at the right, up, and to the target; what reads itself, close by."""
    source, target = nodes[a], nodes[b]
    below, above = rows[source.layer][1] + 0.5 * GAP, rows[target.layer][0] - 0.28 * GAP
    if a == b:
        below, lane = source.foot + 0.28 * GAP, source.x + source.width / 2 + 0.5
    x = target.x + target.width / 2 - 0.7
    start = source.x + 0.8 if a != b else x
    corners = [
        (start, source.foot), (start, below), (lane, below),
        (lane, above), (x, above), (x, target.head),
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
