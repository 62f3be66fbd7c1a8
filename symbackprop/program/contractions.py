"""Contractions of several values, two at a time, each as one matrix product on views."""

from __future__ import annotations

import itertools

from symbackprop.equations.nodes import Index
from symbackprop.program.blocks import in_blocks
from symbackprop.program.scope import Axes, Labelled, Scope
from symbackprop.program.shapes import ONE, Strides, nominal, product
from symbackprop.program.slabs import Slabs, in_rows, run_length, slabs
from symbackprop.program.strips import in_strips


def contract(factors: list[Labelled], bound: Axes, scope: Scope) -> Labelled:
    """The sum over the bound indices of the product of all factors.

    Every bound index stands on some factor. Pairs are chosen greedily: the one whose product
    shrinks most what is kept.
    """
    if not factors:
        return scope.scalar(1)
    if len(factors) > 1:
        factors = [_reduce_private(k, factors, bound, scope) for k in range(len(factors))]
    while len(factors) > 1:
        pairs = itertools.combinations(range(len(factors)), 2)
        a, b = min(pairs, key=lambda pair: _growth(pair, factors, bound, scope))
        rest = [f for k, f in enumerate(factors) if k not in (a, b)]
        summed = _summed(factors[a], factors[b], rest, bound)
        factors = [_pair(factors[a], factors[b], summed, scope), *rest]
    return sum_over(factors[0], bound, scope)


def sum_over(factor: Labelled, bound: Axes, scope: Scope) -> Labelled:
    """Σ over those of the bound indices that the value has.

    Over the leading axis, or over the last of two, as a product with ones: the faster form.
    """
    graph = scope.graph
    own = [i for i in factor.axes if i in bound]
    if 1 < len(own) == len(factor.axes) - 1:
        factor, own = _as_one(factor, own, scope)
        bound = tuple(own)
    if len(own) == 1 and len(factor.axes) == 2:
        ones = Labelled(graph.ones(own[0].extent), (own[0],))
        pair = (factor, ones) if factor.axes[1] in own else (ones, factor)
        return _pair(*pair, tuple(own), scope)
    return scope.reduce("sum", factor, bound)


def _as_one(factor: Labelled, own: list[Index], scope: Scope) -> tuple[Labelled, list[Index]]:
    """Indices on neighbouring axes seen as one, where the memory allows it."""
    first = factor.axes.index(own[0])
    groups = (1, len(own)) if first else (len(own), 1)
    together = factor.axes[first : first + len(own)] == tuple(own)
    if not together or not scope.graph.merges(factor.value, groups):
        return factor, own
    extents = tuple(i.extent for i in own)
    one = Index(" ".join(i.name for i in own), product(extents))
    axes = (factor.axes[0], one) if first else (one, factor.axes[-1])
    return Labelled(scope.graph.merge(factor.value, groups), axes), [one]


def _reduce_private(k: int, factors: list[Labelled], bound: Axes, scope: Scope) -> Labelled:
    """The factor k, summed over the bound indices that no other factor has."""
    shared = {i for other in (*factors[:k], *factors[k + 1 :]) for i in other.axes}
    return sum_over(factors[k], tuple(i for i in bound if i not in shared), scope)


def _summed(a: Labelled, b: Labelled, rest: list[Labelled], bound: Axes) -> Axes:
    later = {i for factor in rest for i in factor.axes}
    return tuple(i for i in bound if i in (*a.axes, *b.axes) and i not in later)


def _growth(
    pair: tuple[int, int], factors: list[Labelled], bound: Axes, scope: Scope
) -> tuple[int, tuple[int, int]]:
    a, b = (factors[k] for k in pair)
    rest = [f for k, f in enumerate(factors) if k not in pair]
    summed = _summed(a, b, rest, bound)
    kept = {i for i in (*a.axes, *b.axes) if i not in summed}
    return scope.weight(kept) - scope.weight(a.axes) - scope.weight(b.axes), pair


def _pair(a: Labelled, b: Labelled, summed: Axes, scope: Scope) -> Labelled:
    """Two factors multiplied and summed over `summed`: a pointwise product or a matrix product."""
    both = tuple(i for i in summed if i in a.axes and i in b.axes)
    if not both:
        return sum_over(scope.apply("multiply", a, b), summed, scope)
    if both != summed:
        a, b = (sum_over(f, tuple(i for i in summed if i not in both), scope) for f in (a, b))
    batch = tuple(i for i in a.axes if i in b.axes and i not in both)
    if not batch:
        for factor, other in ((a, b), (b, a)):
            found = slabs(factor, other, both, scope)
            if found is not None:
                return _with_slabs(found, other, both, scope)
        a, b = (in_rows(factor, both, scope) for factor in (a, b))
    left = tuple(i for i in a.axes if i not in (*batch, *both))
    right = tuple(i for i in b.axes if i not in (*batch, *both))
    if _swapped(a, b, left, right, both, scope):
        a, b, left, right = b, a, right, left
    if batch:
        return _stacked(a, b, batch, left, right, both, scope)
    return _matrices(a, b, left, right, both, scope)


def _swapped(a: Labelled, b: Labelled, left: Axes, right: Axes, both: Axes, scope: Scope) -> bool:
    """Whether b a is better than a b: for the order of the result, or to read rows of a matrix.

    A factor whose several indices that stay lie innermost is rather the second: the result has the
    same layout.
    """
    if left and right and a.axes[-1] not in both and b.axes[-1] in both and len(left) > 1:
        return True
    if left and right and b.axes[-1] not in both and a.axes[-1] in both and len(right) > 1:
        return False
    if left and right:
        return scope.sorted({*left, *right})[: len(left)] != scope.sorted(set(left))
    if right:
        return b.axes[-1] in both
    return bool(left) and a.axes[-1] not in both


def _matrices(
    a: Labelled, b: Labelled, left: Axes, right: Axes, both: Axes, scope: Scope
) -> Labelled:
    """One product of two matrices, or of vectors where `left` or `right` is empty."""
    both = _shared_order(a, b, both, scope)
    left, right = scope.rows(left), scope.rows(right)
    first = _grouped(a, (left, both), scope)
    second = _grouped(b, (both, right), scope)
    if scope.repeats and scope.graph.is_transposed(second) and scope.graph.loop_of[second] is None:
        # A small product with a matrix takes half as long as with the transpose of one.
        second = scope.graph.copy(second, scope.graph.shape(second))
    axes = (*left, *right)
    extents = (tuple(i.extent for i in group) for group in (left, right))
    found = in_blocks(scope.graph, first, second, *extents)
    if found is not None:
        value, transposed = found
        return Labelled(value, (*right, *left) if transposed else axes)
    return Labelled(_product(first, second, left, right, both, scope), axes)


def _with_slabs(found: Slabs, other: Labelled, both: Axes, scope: Scope) -> Labelled:
    """A product with windows: their positions are the columns of the result, or summed over."""
    rest = tuple(i for i in other.axes if i not in both)
    offsets, positions = found.offsets, found.positions
    columns = _grouped(found.windows, (offsets, positions), scope)
    if set(positions) <= set(both):
        second = _grouped(other, (positions, rest), scope)
        value = _product(columns, second, offsets, rest, positions, scope)
        return Labelled(value, (*offsets, *rest))
    first = _grouped(other, (rest, offsets), scope)
    value = _product(first, columns, rest, positions, offsets, scope)
    return Labelled(value, (*rest, *positions))


def _product(a: int, b: int, left: Axes, right: Axes, both: Axes, scope: Scope) -> int:
    """The product of two matrices, the axes of the result split."""
    rows, columns, summed = (tuple(i.extent for i in axes) for axes in (left, right, both))
    return in_strips(scope.graph, a, b, rows, columns, summed)


def _stacked(
    a: Labelled, b: Labelled, batch: Axes, left: Axes, right: Axes, both: Axes, scope: Scope
) -> Labelled:
    """A product for each value of the batch indices."""
    both = _shared_order(a, b, both, scope)
    larger = a if _entries(a) >= _entries(b) else b
    batch = tuple(i for i in larger.axes if i in batch)
    single = tuple((i,) for i in batch)
    axes = (*batch, *left, *right)
    if not left and not right:
        pair = (_grouped(f, (*single, both), scope) for f in (a, b))
        return Labelled(scope.graph.inner(*pair), axes)
    first = _grouped(a, (*single, left, both), scope, keep=True)
    second = _grouped(b, (*single, both, right), scope, keep=True)
    turned = _as_factor(b, axes, left, both, scope) or axes
    order = () if turned == axes else tuple(axes.index(i) for i in turned)
    shape = tuple(i.extent for i in turned)
    return Labelled(scope.graph.matmul(first, second, shape, order), turned)


def _as_factor(b: Labelled, axes: Axes, left: Axes, both: Axes, scope: Scope) -> Axes | None:
    """The axes in the order that the second factor has, whose rows add up to those of the products.

    What then reads a row of all products, as it does of all factors, needs no copy; BLAS writes
    there as well. None in loops, and where that is no matrix or not of the same examples.
    """
    graph = scope.graph
    known = graph.is_constant(b.value) or scope.repeats or graph.loop_of[b.value] is not None
    if known or len(left) != 1 or len(both) != 1 or b.axes[-1] != axes[-1]:
        return None
    turned = tuple(left[0] if i in both else i for i in b.axes)
    beside = graph.strides(b.value)[-1] == ONE
    return turned if beside and turned[0] == axes[0] and len(turned) == len(axes) else None


def _shared_order(a: Labelled, b: Labelled, both: Axes, scope: Scope) -> Axes:
    """The summed indices in the order of one factor, which then needs no copy: so the larger one.

    But rather an input is copied than what was computed from it: its copy serves several products.
    """
    order = sorted((a, b), key=lambda f: (scope.graph.is_given(f.value), -_entries(f)))
    return tuple(i for i in order[0].axes if i in both)


def _entries(factor: Labelled) -> int:
    return nominal(product(tuple(i.extent for i in factor.axes)))


def _grouped(factor: Labelled, groups: tuple[Axes, ...], scope: Scope, keep: bool = False) -> int:
    """The factor with one axis for each group; an empty group is an axis of extent 1, or none."""
    graph = scope.graph
    order = tuple(i for group in groups for i in group)
    value = graph.transpose(factor.value, tuple(factor.axes.index(i) for i in order))
    counts = tuple(len(group) for group in groups if group)
    if len(counts) > 1 and not graph.merges(value, counts):
        value = _copied(value, counts, scope)
    else:
        value = _merged(value, counts, scope)
    if keep and not all(groups):
        items = iter(graph.whole(value))
        value = graph.select(value, tuple(next(items) if g else None for g in groups))
    return dense_last(value, scope)


def _merged(value: int, counts: tuple[int, ...], scope: Scope) -> int:
    """The merge of a view, as the transpose of rows in memory where it is that."""
    graph = scope.graph
    last = range(counts[0], sum(counts)) if len(counts) == 2 else ()
    memory = graph.transpose(value, (*last, *range(sum(counts) - len(last))))
    if not last or graph.is_transposed(memory) or not graph.is_transposed(value):
        return graph.merge(value, counts)
    return graph.transpose(graph.merge(memory, counts[::-1]), (1, 0))


def _copied(value: int, counts: tuple[int, ...], scope: Scope) -> int:
    """The merge of a value that has to be copied, its last two groups in the better order.

    So that the copy reads longer runs of neighbours, and is the same one whichever order is asked.
    """
    graph = scope.graph
    rank, a, b = len(graph.shape(value)), counts[-2], counts[-1]
    first, last = range(rank - a - b, rank - b), range(rank - b, rank)
    swapped = graph.transpose(value, (*range(rank - a - b), *last, *first))
    forth, back = run_length(graph, value), run_length(graph, swapped)
    if forth > back or (forth == back and _leads(graph.strides(value), first, last)):
        return graph.merge(value, counts)
    merged = graph.merge(swapped, (*counts[:-2], b, a))
    count = len(counts)
    return graph.transpose(merged, (*range(count - 2), count - 1, count - 2))


def _leads(strides: Strides, first: range, last: range) -> bool:
    """Whether the axis with the largest stride stands in the first group."""
    known = [(nominal(s), -k) for k in (*first, *last) if (s := strides[k]) is not None]
    return not known or -max(known)[1] in first


def dense_last(value: int, scope: Scope) -> int:
    """A matrix that BLAS takes as it is: one of its last two axes has neighbours side by side."""
    strides = scope.graph.strides(value)[-2:]
    shape = scope.graph.shape(value)
    if 1 in strides or not shape or 1 in shape[-2:]:
        return value
    return scope.graph.copy(value, shape)
