"""Matrix products: calls of BLAS where they are large, else loops like any others."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symbackprop.emit.native.accesses import Access, reshaped, reshaped_if
from symbackprop.emit.native.calls import is_matrix, product_block
from symbackprop.emit.native.expressions import number
from symbackprop.emit.native.memory import Memory
from symbackprop.emit.native.pieces import Block, Statement, statement
from symbackprop.program.operations import Descend, Matmul, Shape
from symbackprop.program.shapes import ONE, nominal, row_major

SMALL = 64
"""Up to so many multiplications a row, a product is loops: BLAS would cost more to call."""


@dataclass(frozen=True)
class _Product:
    """c = a b for each of a stack; where there are no `rows` or `columns`, one is a vector."""

    value: int
    line: int
    a: Access
    b: Access
    c: Access
    lead: int
    rows: bool
    columns: bool

    @property
    def has_ones(self) -> bool:
        return self.a.is_number(ONE) or self.b.is_number(ONE)

    @property
    def is_short(self) -> bool:
        """Whether each sum is so short, or the row of a sum of rows, that loops do it."""
        return is_small((*self.c.shape, self.a.shape[-1])[-2:])

    @property
    def is_little(self) -> bool:
        """Whether each result is a matrix so small that loops do it."""
        return self.rows and self.columns and is_small(self.c.shape[-2:])


def product_pieces(
    memory: Memory, value: int, operation: Matmul, step: int | None = None
) -> list[Statement | Block]:
    """a b as one statement where it is small or a sum, else as calls for each of its stack.

    With a step of descent that subtracts it, the product goes into the parameter: nothing where
    that is not possible.
    """
    seen = _seen(memory, value, operation)
    if step is not None:
        few = seen.is_short or seen.is_little or not seen.c.shape or bool(operation.order)
        into = None if few or seen.has_ones else _parameter_as(memory, step, seen.c)
        call = into and _called(replace(seen, value=step, c=into), _minus_rate(memory, step), "1")
        return [call] if call else []
    loops = _looped(seen)
    if seen.has_ones:
        return [_summed(loops, seen.a.is_number(ONE))]
    if seen.is_short:
        return [loops]
    if seen.is_little:
        return [_summed_first(loops, sum(e != 1 for e in seen.c.shape[: seen.lead]))]
    alone = seen.lead == 0 and not (seen.rows or seen.columns)
    return [(None if alone else _called(seen)) or loops]


def _seen(memory: Memory, value: int, operation: Matmul) -> _Product:
    """The factors and the result, its axes those of the stack, of rows and of columns."""
    a, b, c = memory.see(operation.a), memory.see(operation.b), memory.see(value)
    stacked = len(a.shape) > 2
    natural = (*a.shape[:-1], *(b.shape[-1:] if stacked else b.shape[1:]))
    if operation.order:
        c = c.along([operation.order.index(k) for k in range(len(natural))])
    elif c.shape != natural:
        c = reshaped(c, natural)
    lead = len(a.shape) - 2 if stacked else 0
    rows, columns = len(a.shape) - lead == 2, len(b.shape) - lead == 2
    return _Product(value, memory.program.serves[value], a, b, c, lead, rows, columns)


def _looped(seen: _Product) -> Statement:
    """The product as a statement over the axes stack, rows, columns, summed."""
    lead, rows, columns = seen.lead, seen.rows, seen.columns
    stack, natural = list(range(lead)), seen.c.shape
    over_a = [*stack, *([lead] if rows else []), *([None] if columns else []), lead + rows]
    over_b = [*stack, *([None] if rows else []), *([lead + 1] if columns else []), lead]
    over_c = [*range(len(natural)), None]
    return statement(
        seen.value,
        seen.line,
        (*natural, seen.a.shape[-1]),
        seen.c.along(over_c),
        "multiply",
        [seen.a.along(over_a), seen.b.along(over_b)],
        [len(natural)],
        "sum",
    )


def _called(seen: _Product, alpha: str = "1", beta: str = "0") -> Block | None:
    """Calls of BLAS, a vector as a matrix of one row or of one column; None where it takes none."""
    a, b, c, lead = seen.a, seen.b, seen.c, seen.lead
    if not seen.rows:
        a, c = _with_unit(a, lead), _with_unit(c, lead)
    if not seen.columns:
        b, c = _with_unit(b, lead + 1), _with_unit(c, lead + 1)
    if not all(is_matrix(m, lead) for m in (a, b, c)):
        return None
    return product_block(seen.value, seen.line, a, b, c, lead, alpha, beta)


def _minus_rate(memory: Memory, step: int) -> str:
    operation = memory.program.values[step]
    assert isinstance(operation, Descend)
    rate = memory.see(operation.rate)
    if rate.form == "number":
        return number(-rate.offset, "real", False).strip("()")
    return f"-(real){rate.pointer}"


def _parameter_as(memory: Memory, step: int, product: Access) -> Access | None:
    """The parameter of a step, seen as the product that its gradient is; None if it cannot be."""
    operation = memory.program.values[step]
    assert isinstance(operation, Descend)
    gradient, parameter = memory.see(operation.gradient), memory.see(operation.parameter)
    order = sorted(range(len(gradient.shape)), key=lambda k: -nominal(gradient.strides[k]))
    seen = gradient.along(order)
    whole = gradient.shape == parameter.shape and seen.offset == 0
    if not whole or seen.strides != row_major(seen.shape):
        return None
    return reshaped_if(parameter.along(order), product.shape)


def _summed(product: Statement, first: bool) -> Statement:
    """A product with ones: the sum of the other factor, its axes in the order of its memory."""
    factor = product.operands[1 if first else 0]
    order = sorted(range(len(product.shape)), key=lambda k: -nominal(factor.strides[k]))
    return replace(
        product,
        shape=tuple(product.shape[k] for k in order),
        target=product.target.along(order),
        function="copy",
        operands=(factor.along(order),),
        reduced=tuple(product.reduced[k] for k in order),
    )


def _summed_first(product: Statement, lead: int) -> Statement:
    """A product whose sum runs outermost: it adds to the few entries of its result."""
    last = len(product.shape) - 1
    order = [k for k in range(last + 1)]
    if product.reduced[last]:
        order = [*range(lead), last, *range(lead, last)]
    return replace(
        product,
        shape=tuple(product.shape[k] for k in order),
        target=product.target.along(order),
        operands=tuple(o.along(order) for o in product.operands),
        reduced=tuple(product.reduced[k] for k in order),
    )


def is_small(shape: Shape) -> bool:
    """Whether a product, or its result, with these extents is done by plain loops."""
    return all(e.is_Integer for e in shape) and _count(shape) <= SMALL


def _count(shape: Shape) -> int:
    total = 1
    for extent in shape:
        total *= int(extent)
    return total


def _with_unit(access: Access, axis: int) -> Access:
    axes: list[int | None] = list(range(len(access.shape)))
    axes.insert(axis, None)
    return access.along(axes)
