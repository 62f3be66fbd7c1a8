"""Renaming bound indices: nothing is captured, equal forms are seen as equal."""

from __future__ import annotations

from sympy import exp

from symbackprop.equations.masks import Delta, Where
from symbackprop.equations.nodes import Index, TensorSymbol, extent, free_indices
from symbackprop.equations.reductions import LogSumExp, Sum
from symbackprop.equations.renaming import alpha, fresh_bound, positional

N = extent("N")
a, a1, b = Index("a", 4), Index("a1", 4), Index("b", 4)
y = TensorSymbol("y", (4, 4))


def test_a_new_name_is_not_one_that_is_free() -> None:
    renamed = fresh_bound(Sum(y[a1, a], a), {"a"})
    assert renamed.bound[0].name not in ("a", "a1")
    assert free_indices(renamed) == {a1}
    assert alpha(renamed) == alpha(Sum(y[a1, a], a))


def test_inner_binders_step_aside_for_outer_ones() -> None:
    inner = Sum(y[a, a1], a1)
    renamed = fresh_bound(Sum(inner * y[a, b], a), {"a"})
    assert free_indices(renamed) == {b}
    assert alpha(renamed) == alpha(Sum(inner * y[a, b], a))


def test_forms_that_differ_in_names_are_equal() -> None:
    one, order = positional(exp(y[a, b] - LogSumExp(y[a, a1], a1)))
    other, others = positional(exp(y[b, a] - LogSumExp(y[b, a1], a1)))
    assert one == other and order == (a, b) and others == (b, a)


def test_deltas_of_ranges_of_one_entry() -> None:
    o, q = Index("o", 1), Index("q", 1)
    assert Delta(o, 0) == 1 and Delta(0, o) == 1
    assert isinstance(Delta(o, q), Delta)


def test_where_of_one_and_zero_is_its_mask() -> None:
    mask = Delta(a, b)
    assert Where(mask, 1, 0) == mask
    assert Where(1, y[a, b], 0) == y[a, b]


def test_an_index_is_its_name_and_its_extent() -> None:
    assert Index("n", N) == Index("n", N) != Index("n", 5)
