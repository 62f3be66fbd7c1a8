"""Calls of BLAS: matrices as it takes them, and the lines that multiply stacks of them."""

from __future__ import annotations

from sympy import Expr

from symbackprop.emit.native.accesses import ROWS, START, Access, row_axis, stretch
from symbackprop.emit.native.expressions import position
from symbackprop.emit.native.memory import memories
from symbackprop.emit.native.numbers import integer
from symbackprop.emit.native.pieces import Block, Printing
from symbackprop.emit.native.threads import Sharing, is_worth
from symbackprop.equations.ranges import nonnegative
from symbackprop.program.shapes import ONE, product

PRODUCT_AT_ONCE = 8
"""Multiplications and additions of a product that take about as long as one of a loop."""


def is_matrix(access: Access, lead: int) -> bool:
    """Whether BLAS takes it: one of its strides is 1, and its rows do not overlap."""
    found = _matrix(access, lead)
    if found is None:
        return False
    turned, width = found
    return nonnegative(width - access.shape[lead + (0 if turned else 1)])


def _matrix(access: Access, lead: int) -> tuple[int, Expr] | None:
    """Whether a matrix is stored transposed, and the distance of its rows; None for neither."""
    if access.form != "memory" or any(s.could_extract_minus_sign() for s in access.strides):
        return None
    (rows, columns), (down, across) = access.shape[lead:], access.strides[lead:]
    if across == 1 or columns == 1:
        if rows == 1 or down == 0:
            return (0, columns) if rows == 1 else None
        if columns == 1 and down == 1:
            return 1, rows
        return 0, down
    if down == 1 or rows == 1:
        return (1, across) if across != 0 else None
    return None


def product_block(
    value: int,
    line: int,
    a: Access,
    b: Access,
    c: Access,
    lead: int = 0,
    alpha: str = "1",
    beta: str = "0",
) -> Block:
    """c = alpha a b + beta c for every position of the leading axes."""

    def lines(printing: Printing, depth: int) -> list[str]:
        counters = printing.counters(depth + lead)[depth:]
        found = [
            f"{'    ' * (depth + k)}for (int64_t {i} = 0; {i} < {integer(a.shape[k])}; {i}++) {{"
            for k, i in enumerate(counters)
        ]
        call = product_call(printing, a, b, c, counters, alpha, beta)
        found += [f"{'    ' * (depth + lead)}{line}" for line in call]
        sharing = Sharing(product(a.shape[:lead]), product((*a.shape[lead:], b.shape[-1])))
        if lead and is_worth(sharing) and not sharing.extent.has(ROWS):
            found.insert(0, sharing.directive(loops=lead))
        return found + [f"{'    ' * (depth + k)}}}" for k in reversed(range(lead))]

    def cut(extent: Expr) -> Block | None:
        cut = _own_rows(a, b, c, lead, extent)
        return cut and product_block(value, line, *cut, lead, alpha, beta)

    return Block(
        value,
        line,
        frozenset(m for access in (a, b) for m in memories(access)),
        frozenset(memories(c)),
        lines,
        ((a, False), (b, False), (c, True)),
        product((*a.shape, c.shape[-1])) / PRODUCT_AT_ONCE,
        cut,
    )


def _own_rows(
    a: Access, b: Access, c: Access, lead: int, extent: Expr
) -> tuple[Access, Access, Access] | None:
    """The product for a thread's rows of an axis; None where the result has none of that extent."""
    found = row_axis((*c.shape, a.shape[-1]), extent)
    if found is None or found[0] == len(c.shape):
        return None
    axis, each = found

    def rows(access: Access) -> Access:
        return stretch(access, axis, each * START, each * ROWS)

    left, right = axis <= lead, axis != lead
    return rows(a) if left else a, rows(b) if right else b, rows(c)


def product_call(
    printing: Printing,
    a: Access,
    b: Access,
    c: Access,
    counters: tuple[str, ...] = (),
    alpha: str = "1",
    beta: str = "0",
) -> list[str]:
    """The call of `product` for matrices at a position of the axes before them."""
    lead = len(counters)
    turned, width = _matrix(c, lead) or (0, ONE)
    if turned:  # cᵀ = bᵀ aᵀ
        swapped = [*range(lead), lead + 1, lead]
        a, b, c = b.along(swapped), a.along(swapped), c.along(swapped)
        width = (_matrix(c, lead) or (0, ONE))[1]
    left, right = _matrix(a, lead), _matrix(b, lead)
    assert left is not None and right is not None, (a, b)
    sizes = ", ".join(integer(e) for e in (*c.shape[lead:], a.shape[-1]))

    def where(access: Access, written: bool = False) -> str:
        name = printing.pointer(access, written)
        place = position(access.along(range(lead)), counters)
        return name if place == "0" else f"{name} + {place}"

    first = f"product({left[0]}, {right[0]}, {sizes}, {alpha}, {where(a)}, {integer(left[1])},"
    second = f"{where(b)}, {integer(right[1])}, {beta}, {where(c, True)}, {integer(width)});"
    whole = f"{first} {second}"
    return [whole] if len(whole) <= 84 else [first, f"        {second}"]
