"""A layered drawing: vertices in rows from top to bottom, few crossings, short edges.

After Sugiyama, Tagawa and Toda (1981). Rows by longest path; an edge over several rows bends in
each of them; the order in a row by the mean of the neighbours, in sweeps down and up; the places by
least squares: in each row the nearest to the means that leaves room for all, which pooling adjacent
violators finds (Ayer et al., 1955).
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

Vertex = int | tuple[int, int, int]  # a vertex, or where the edge (a, b) crosses a row
Edge = tuple[int, int]

_ORDER_SWEEPS, _PLACE_SWEEPS = 12, 24
_MOST = 24_000  # vertices and bends placed; of more than a thousand, in fewer sweeps
_BEND = 0.6  # the room of an edge between vertices
_WEIGHTS = (1, 2, 32)  # of an edge between vertices, of its first and last part, of the others
_LATE = 0.01  # what an edge of a late vertex weighs


@dataclass(frozen=True)
class Layout:
    """The row and the middle of each vertex; for each edge, the middles where it crosses rows."""

    rows: tuple[int, ...]
    places: tuple[float, ...]
    bends: Mapping[Edge, tuple[float, ...]]


def layout(
    widths: Sequence[float], edges: Iterable[Edge], late: Iterable[int], gap: float
) -> Layout:
    """Vertices 0, 1, …, each edge (a, b) from above to below; `late` ones stand just above.

    The edges have no cycle and lead from lower to higher numbers where both ends are not late.
    """
    edges, late = tuple(dict.fromkeys(edges)), frozenset(late)
    rows = _rows(len(widths), edges, late)
    ranks: list[list[Vertex]] = [[] for _ in range(max(rows, default=0) + 1)]
    for vertex in sorted(range(len(widths)), key=lambda v: (v in late, v)):
        ranks[rows[vertex]].append(vertex)
    above: dict[Vertex, list[Vertex]] = {}
    below: dict[Vertex, list[Vertex]] = {}
    for a, b in edges:
        inner: list[Vertex] = [(row, a, b) for row in range(rows[a] + 1, rows[b])]
        for row, bend in enumerate(inner, rows[a] + 1):
            ranks[row].append(bend)
        for upper, lower in itertools.pairwise([a, *inner, b]):
            below.setdefault(upper, []).append(lower)
            above.setdefault(lower, []).append(upper)
    ranks = _ordered(ranks, above, below)
    room = {v: widths[v] if isinstance(v, int) else _BEND for rank in ranks for v in rank}
    places = _placed(ranks, above, below, room, gap, late)
    bends = {
        (a, b): tuple(places[row, a, b] for row in range(rows[a] + 1, rows[b])) for a, b in edges
    }
    return Layout(tuple(rows), tuple(places[v] for v in range(len(widths))), bends)


def _rows(number: int, edges: Sequence[Edge], late: frozenset[int]) -> list[int]:
    """The longest path to each vertex; a late one stands a row above the first that reads it."""
    rows = [0] * number
    early = sorted((b, a) for a, b in edges if a not in late)
    fed = {b for a, b in edges if a in late}
    for vertex in range(number):
        known = [rows[a] + 1 for b, a in early if b == vertex]
        rows[vertex] = max([*known, 1 if vertex in fed else 0])
    for vertex in sorted(late):
        readers = [rows[b] for a, b in edges if a == vertex]
        rows[vertex] = max(0, min(readers, default=1) - 1)
    return rows


Near = Mapping[Vertex, Sequence[Vertex]]


def _ordered(ranks: list[list[Vertex]], above: Near, below: Near) -> list[list[Vertex]]:
    """Every row in the order that crossed least in some sweeps."""
    best, fewest = ranks, _crossings(ranks, below)
    for sweep in range(_ORDER_SWEEPS):
        if not fewest:
            break
        near, steps = (above, ranks) if sweep % 2 == 0 else (below, ranks[::-1])
        at: dict[Vertex, float] = {}
        turned = []
        for rank in steps:
            means = {
                v: _mean([at[n] for n in near.get(v, ())], k / max(1, len(rank)))
                for k, v in enumerate(rank)
            }
            row = sorted(rank, key=means.__getitem__)
            at.update({v: (k + 0.5) / len(row) for k, v in enumerate(row)})
            turned.append(row)
        ranks = turned if sweep % 2 == 0 else turned[::-1]
        crossed = _crossings(ranks, below)
        if crossed < fewest:
            best, fewest = ranks, crossed
    return best


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(ranks: Sequence[Sequence[Vertex]], below: Near) -> int:
    """How often edges cross."""
    total = 0
    for upper, lower in itertools.pairwise(ranks):
        at = {v: k for k, v in enumerate(lower)}
        before: list[int] = []
        for end in (k for v in upper for k in sorted(at[n] for n in below.get(v, ()))):
            total += len(before) - bisect.bisect_right(before, end)
            bisect.insort(before, end)
    return total


def _placed(
    ranks: Sequence[Sequence[Vertex]], above: Near, below: Near, room: Mapping[Vertex, float],
    gap: float, late: Container[Vertex],
) -> dict[Vertex, float]:  # fmt: skip
    """The middle of every vertex and bend; the leftmost edge is at 0."""
    places: dict[Vertex, float] = {}
    for rank in ranks:
        found = apart([(0.0, 1.0)] * len(rank), [room[v] for v in rank], gap)
        places.update(zip(rank, found, strict=True))
    for sweep in range(max(4, min(_PLACE_SWEEPS, _MOST // max(1, len(places))))):
        for rank in ranks if sweep % 2 == 0 else ranks[::-1]:
            wanted = [_wanted(v, places, above, below, late) for v in rank]
            found = apart(wanted, [room[v] for v in rank], gap)
            places.update(zip(rank, found, strict=True))
    left = min((places[v] - room[v] / 2 for v in places), default=0.0)
    return {v: round(x - left, 3) for v, x in places.items()}


def _wanted(
    vertex: Vertex, places: Mapping[Vertex, float], above: Near, below: Near,
    late: Container[Vertex],
) -> tuple[float, float]:  # fmt: skip
    """The mean of the neighbours, and how much it matters.

    Edges that run through weigh most and become straight; what stands late hardly counts, so that
    the others stand under one another.
    """
    pairs = []
    for near in (*above.get(vertex, ()), *below.get(vertex, ())):
        bends = isinstance(vertex, tuple) + isinstance(near, tuple)
        weight = _LATE if near in late or vertex in late else _WEIGHTS[bends]
        pairs.append((weight, places[near]))
    weight = sum(w for w, _ in pairs)
    return (sum(w * x for w, x in pairs) / weight, weight) if pairs else (places[vertex], _LATE)


def apart(
    wanted: Sequence[tuple[float, float]], widths: Sequence[float], gap: float
) -> list[float]:
    """The places nearest to those wanted, by weight, that keep the order and leave room."""
    offsets = [0.0]
    for a, b in itertools.pairwise(widths):
        offsets.append(offsets[-1] + (a + b) / 2 + gap)
    blocks: list[tuple[float, float, int]] = []  # moment, weight and number of what stands together
    for (want, weight), offset in zip(wanted, offsets, strict=True):
        block = (want - offset) * weight, weight, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > block[0] / block[1]:
            moment, heft, number = blocks.pop()
            block = block[0] + moment, block[1] + heft, block[2] + number
        blocks.append(block)
    starts = [moment / weight for moment, weight, number in blocks for _ in range(number)]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]
