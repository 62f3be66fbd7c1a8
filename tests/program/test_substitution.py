"""An index is replaced by a position: one that is bound within, of the same name, is another."""

from __future__ import annotations

import numpy as np
from sympy import Add, Integer

from symbackprop.emit import emit_module
from symbackprop.equations.masks import Compare, Delta, Where
from symbackprop.equations.nodes import Index, TensorSymbol
from symbackprop.equations.reductions import Max, Sum
from symbackprop.equations.renaming import substituted
from symbackprop.equations.system import Equation
from symbackprop.program import lower
from tests.program.running import N, agree, module_of, only_forward, random_inputs

n, m = Index("n", N), Index("m", N)
j, k = Index("j", Integer(5)), Index("k", Integer(5))
z = TensorSymbol("z", (N, 5))
s = TensorSymbol("s", (5, 5))
y = TensorSymbol("y", (N,), "integer", 5)
ALL = (z, s, y)


def computed(indices, rhs):
    """What the module computes for an equation."""
    out = TensorSymbol("out", tuple(i.extent for i in indices))
    program = lower(only_forward([Equation(out, indices, rhs)], ALL))
    given = random_inputs(ALL)
    module = module_of(emit_module(program, "float64"))
    return module.forward({}, **{name: given[name] for name in program.forward.inputs})["out"]


def same(indices, shadowing, plain):
    """Both forms compute the same, which for the one that shadows no index is right."""
    agree([Equation(TensorSymbol("out", tuple(i.extent for i in indices)), indices, plain)], ALL)
    np.testing.assert_allclose(computed(indices, shadowing), computed(indices, plain), rtol=1e-12)


def test_a_bound_index_does_not_capture():
    found = substituted(Sum(z[n, j], n), {j: y[n]})
    assert found == Sum(z[Index("n1", N), y[n]], Index("n1", N))


def test_a_bound_index_of_the_same_name_is_not_replaced():
    found = substituted(Add(z[n, 0], Sum(z[n, 1], n)), {n: n + 1})
    assert found == Add(z[n + 1, 0], Sum(z[Index("n1", N), 1], Index("n1", N)))


def test_a_sum_over_a_position_that_is_known_when_running():
    """Σ_j δ(j, y[n]) Σ_m z[m, j] = Σ_m z[m, y[n]], whatever m is called."""
    shadowing, plain = (Sum(Delta(j, y[n]) * Sum(z[i, j], i), j) for i in (n, m))
    same((n,), shadowing, plain)


def test_a_scatter_of_what_sums_over_an_index_of_its_position():
    shadowing, plain = (Sum(Delta(k, y[n]) * Max(z[i, k], i), n) for i in (n, m))
    same((k,), shadowing, plain)


def test_ranges_of_an_index_that_is_bound_again_within():
    shadowing, plain = (Where(Compare("==", n, 0), Sum(z[i, 1], i), z[n, 2]) for i in (n, m))
    same((n,), shadowing, plain)
    shadowing, plain = (
        Sum(Compare("<", k, 2) * s[j, k] * Sum(s[i, j], i), k) for i in (k, Index("i", Integer(5)))
    )
    same((j,), shadowing, plain)
