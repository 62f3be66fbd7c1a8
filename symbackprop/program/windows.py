"""Operations that visit the positions of a few short axes, one after the other.

Each visit works on whole slices: far fewer and longer loops inside NumPy than over short axes.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr

from symbackprop.program.operations import Operation, Shape
from symbackprop.program.shapes import ONE, Strides, product

MOST_VISITS = 128
FEW = 9
"""Up to so many visits compare with an extreme themselves, without its position."""


@dataclass(frozen=True, slots=True)
class Blocked(Operation):
    """A matrix product with a matrix of windows that is never there as a whole.

    The windows at `size` positions of `axis` at a time are copied to `part`, memory of as many; the
    first `rows` axes are the rows of a matrix, the others its columns, and `axis` leads either. Let
    m be that matrix or its transpose, such that `axis` leads its rows. The result is m b, block by
    block; or mᵀ b, the sum over all blocks, where there is `total`, memory for the summand.
    """

    windows: int
    axis: int
    rows: int
    size: int
    b: int
    part: int
    total: int | None

    @property
    def operands(self) -> tuple[int, ...]:
        total = () if self.total is None else (self.total,)
        return (self.windows, self.b, self.part, *total)


@dataclass(frozen=True, slots=True)
class Sweep(Operation):
    """sum, max or min of `of` over `axes`."""

    function: str
    of: int
    axes: tuple[int, ...]

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class First(Operation):
    """The row-major position along `axes` of the first entry of `of` that equals `best`.

    `mask` and `before`, which says where it has not come yet, are scratch memory of this shape.
    """

    of: int
    best: int
    mask: int
    before: int
    axes: tuple[int, ...]

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.of, self.best, self.mask, self.before)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Entries count only where `position` is the row-major one of the axes that are visited.

    `mask` and `part` are scratch memory for one visit.
    """

    position: int
    mask: int
    part: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.position, self.mask, self.part)


@dataclass(frozen=True, slots=True)
class Attained:
    """Entries count only at the first visit at which `of` equals `best`: the last one if at none.

    `axes` of `of` are those that are visited. `mask`, `left`, which says where none has counted
    yet, and `part` are scratch memory for one visit.
    """

    of: int
    best: int
    axes: tuple[int, ...]
    mask: int
    left: int
    part: int

    @property
    def operands(self) -> tuple[int, ...]:
        return (self.of, self.best, self.mask, self.left, self.part)


@dataclass(frozen=True, slots=True)
class Made:
    """Entries that are the product a b, made where they are added: b has a matrix for each visit.

    The rows of a belong to the positions that `bearer` numbers, `size` of which are done at once;
    the entries are memory for so many.
    """

    a: int
    b: int
    bearer: int
    size: int


@dataclass(frozen=True, slots=True)
class Overlap(Operation):
    """`base` with `entries` added to windows of it, which may overlap.

    `windows` are the shape, the axes and the steps of a view of `base`, of which `start` is
    selected before. Axes that go together bear one number: `bearers` has it for each axis of the
    windows, `entry_axes` for each of the entries. The positions of the `visited` ones are added
    one after the other; those of one visit are all different.
    """

    base: int
    entries: int
    start: tuple[tuple[Expr, Expr], ...]
    windows: tuple[Shape, tuple[int, ...], Shape]
    bearers: tuple[int, ...]
    entry_axes: tuple[int, ...]
    visited: tuple[int, ...]
    chosen: Chosen | Attained | None = None
    made: Made | None = None

    @property
    def operands(self) -> tuple[int, ...]:
        chosen = () if self.chosen is None else self.chosen.operands
        factors = () if self.made is None else (self.made.a, self.made.b)
        return (self.base, self.entries, *chosen, *factors)

    @property
    def covers(self) -> bool:
        """Whether every entry of the base is changed, and just once."""
        shape, axes, steps = self.windows
        alone = len(set(self.bearers)) == len(self.bearers) and self.made is None
        return alone and lie_apart(shape, axes, steps) and product(shape) == product(self.shape)


def is_short(extents: Shape) -> bool:
    """Whether axes have so few positions together that they are visited one by one."""
    count = product(extents)
    return bool(count.is_Integer) and 1 < count <= MOST_VISITS


def is_spread(axes: tuple[int, ...], shape: Shape, strides: Strides) -> bool:
    """Whether the axes lie between others in memory, so that a reduction over them jumps."""
    order = [k for k in range(len(shape)) if shape[k] != 1]
    known = [k for k in order if strides[k] is not None]
    inner = order[len(order) - len([k for k in axes if k in order]) :]
    return len(known) == len(order) and set(inner) != set(axes) & set(order) and len(axes) > 1


def lie_apart(shape: Shape, axes: tuple[int, ...], steps: Shape) -> bool:
    """Whether no two positions of windows are the same entry: each step passes all smaller ones."""
    for axis in set(axes):
        own = [(s, e) for e, a, s in zip(shape, axes, steps, strict=True) if a == axis]
        if not all(s.is_Integer and s > 0 for s, _ in own):
            return False
        reach = ONE
        for step, extent in sorted(own, key=lambda pair: int(pair[0])):
            if not (step - reach).is_nonnegative:
                return False
            reach = reach + step * (extent - 1)
    return True
