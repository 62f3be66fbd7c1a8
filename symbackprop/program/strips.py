"""Products with one long side, cut into strips: BLAS is faster at several small ones.

It has kernels for small products that neither copy their operands nor start threads.
"""

from __future__ import annotations

from sympy import Expr

from symbackprop.program.graph import Graph
from symbackprop.program.operations import Matmul, Shape
from symbackprop.program.shapes import ONE, nominal, product, size

THIN = 1024
"""Up to so many entries of the two short sides together a product is thin."""
MOST = 2**18
"""About so many multiplications are a small product."""


def in_strips(graph: Graph, a: int, b: int, rows: Shape, columns: Shape, summed: Shape) -> int:
    """a b, its axes split: in strips where it is thin and its long side has several axes."""
    shape, first, second = (*rows, *columns), graph.real(a), graph.real(b)
    sides = (rows, columns, summed)
    long = max(range(3), key=lambda k: size(sides[k]))
    others = [size(side) for k, side in enumerate(sides) if k != long]
    count, short = ONE, others[0] * others[1]
    matrices = all(len(graph.shape(v)) == 2 for v in (first, second))
    if matrices and graph.loop_of[first] is None and graph.loop_of[second] is None:
        count = _count(sides[long], short)
    if count == ONE:
        return graph.matmul(a, b, shape)
    room: tuple[int, ...] = ()
    if long == 2:
        room = (graph.scratch((count, product(rows), product(columns)), "real"),)
    return graph.add(Matmul(shape, "real", first, second, (long, count), room))


def _count(long: Shape, short: int) -> Expr:
    """How many strips, the product of leading extents, make small products; 1 for none."""
    if not 1 < short <= THIN or short * size(long) <= 2 * MOST:
        return ONE
    for axes in range(1, len(long)):
        count = product(long[:axes])
        if short * size(long) <= MOST * nominal(count):
            return count
    return ONE
