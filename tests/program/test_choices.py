"""What the lowering chooses for common forms, each right by the reference evaluator as well."""

from __future__ import annotations

import sympy
from sympy import Integer

import symbackprop as sb
from symbackprop.equations.masks import Compare, Delta, Where
from symbackprop.equations.nodes import Digit, Index, TensorSymbol, pointwise_function
from symbackprop.equations.reductions import ArgMax, LogSumExp, Max, Prod, Sum
from symbackprop.equations.system import Equation
from symbackprop.program import lower
from tests.program.running import N, agree, both, only_forward

n, m = Index("n", N), Index("m", N)
i, j, k = Index("i", Integer(2)), Index("j", Integer(5)), Index("k", Integer(5))
q, r = Index("q", Integer(7)), Index("r", Integer(10))
x = TensorSymbol("x", (N, 2))
w = TensorSymbol("w", (2, 5))
v = TensorSymbol("v", (5,))
z = TensorSymbol("z", (N, 5))
t = TensorSymbol("t", (N, 2, 5))
square = TensorSymbol("square", (5, 5))
y = TensorSymbol("y", (N,), "integer", 5)
ALL = (x, w, v, z, t, square, y)


def body(indices, rhs):
    """The mathematics of one equation, after module and evaluator have agreed on it."""
    tensor = TensorSymbol("out", tuple(a.extent for a in indices))
    source = agree([Equation(tensor, indices, sympy.sympify(rhs))], ALL)
    return source[source.index("# (1)") :]


def test_a_dense_layer_is_a_product_and_an_addition_in_place():
    source = body((n, j), Sum(x[n, i] * w[i, j], i) + v[j])
    assert "out = x.dot(w, out=work.out)\n    np.add(out, v, out=out)" in source


def test_products_take_transposed_views():
    assert "z.dot(w.T, out=" in body((n, i), Sum(z[n, j] * w[i, j], j))
    assert "x.T.dot(z, out=" in body((i, j), Sum(x[n, i] * z[n, j], n))


def test_several_axes_are_one_product():
    source = body((n,), Sum(t[n, i, j] * w[i, j], i, j))
    assert "t.reshape(N, 10).dot(w.reshape(10), out=" in source


def test_stacked_products_are_one_matmul():
    other = Index("other", Integer(2))
    assert "np.matmul(" in body((n, i, other), Sum(t[n, i, j] * t[n, other, j], j))


def test_what_a_sum_does_not_depend_on_leaves_it():
    source = body((n,), Sum(x[n, i] * z[n, j] * v[j], i, j))
    assert source.count(".dot(") == 2
    assert "einsum" not in source


def test_a_sum_over_an_index_that_a_term_lacks_counts_it():
    assert "np.multiply(" in body((n,), Sum(z[n, 1] + v[j], j))


def test_a_sum_over_rows_is_a_product_with_ones():
    assert "work.ones_N.dot(z, out=" in body((j,), Sum(z[n, j], n))


def test_softmax_and_its_logarithm_share_their_stages():
    """One maximum, one exponential, one sum for both."""
    p, g = TensorSymbol("p", (N, 5)), TensorSymbol("g", (N, 5))
    normal = z[n, k] - LogSumExp(z[n, j], j)
    source = agree([Equation(p, (n, k), sympy.exp(normal)), Equation(g, (n, k), normal)], ALL)
    assert source.count("np.maximum.reduce") == 1
    assert source.count("np.exp(") == 1


def test_labels_are_gathered_and_scattered_without_a_one_hot_array():
    assert ".take(" in body((n,), z[n, y[n]])
    source = body((n, k), z[n, k] - Delta(k, y[n]))
    assert ".put(" in source
    assert "np.equal" not in source


def test_rows_are_gathered_and_accumulated():
    assert "square.take(y, axis=0" in body((n, k), square[y[n], k])
    assert "_at_rows(np.add, out, y, z, " in body((j, k), Sum(z[n, k] * Delta(j, y[n]), n))


def test_a_maximum_is_scattered_to_where_it_was_found():
    source = body((n, k), x[n, 0] * Delta(k, ArgMax(z[n, j], j)))
    assert "np.argmax(" in source
    assert "np.equal" not in source


def test_a_concatenation_is_written_in_two_ranges():
    source = body((n, q), Where(Compare("<", q, 2), x[n, q], z[n, q - 2]))
    assert "out[:, 0:2] = x" in source
    assert "out[:, 2:7] = z" in source


def test_a_shift_is_a_slice():
    assert "z[:, 3:]" in body((n, i), z[n, i + 3] * x[n, i])


def test_reshapes_are_views():
    flat = body((n, r), 2 * t[n, Digit(r, 5, 2), Digit(r, 1, 5)])
    assert "t.reshape(N, 10)" in flat
    f = TensorSymbol("f", (N, 10))
    equations = [
        Equation(f, (n, r), 2 * t[n, Digit(r, 5, 2), Digit(r, 1, 5)]),
        Equation(TensorSymbol("back", (N, 2, 5)), (n, i, j), f[n, 5 * i + j] + 1),
    ]
    assert "f.reshape(N, 2, 5)" in agree(equations, ALL)


def test_a_diagonal_is_a_view():
    assert "square.diagonal(0, 0, 1)" in body((k,), 2 * square[k, k])


def test_powers_are_products():
    source = body((n, i), x[n, i] ** 3 + 1 / (1 + x[n, i] ** 2))
    assert "np.power" not in source


def test_the_mask_of_a_rectifier_reads_its_result():
    h = TensorSymbol("h", (N, 5))
    equations = [
        Equation(h, (n, j), pointwise_function("relu")(z[n, j])),
        Equation(TensorSymbol("d", (N, 5)), (n, j), h[n, j] * Compare(">", z[n, j], 0)),
    ]
    assert "np.greater(h, 0.0" in agree(equations, ALL)


def test_the_first_of_equal_extremes_counts():
    zero = x[n, i] * 0 + v[1]
    assert body((n,), ArgMax(Where(Compare(">", x[n, i], x[n, i]), zero, v[1]), i))


def test_products_and_extremes_over_several_indices():
    body((n,), Prod(t[n, i, j], i, j) + Max(t[n, i, j] * v[j], i, j))


def test_a_number_that_sympy_distributed_is_divided_once():
    source = body((n,), (x[n, 0] + x[n, 1]) / 10)
    assert source.count("out /= 10.0") == 1 and "np.divide(" not in source


def test_every_value_is_computed_once():
    """The same expression under other index names is the same value."""
    first, second = TensorSymbol("first", (N,)), TensorSymbol("second", (N,))
    equations = [
        Equation(first, (n,), Sum(sympy.tanh(z[n, j]), j)),
        Equation(second, (m,), 2 * Sum(sympy.tanh(z[m, k]), k)),
    ]
    assert agree(equations, ALL).count("np.tanh(") == 1


def test_dead_code_is_left_out():
    used, unused = TensorSymbol("used", (N,)), TensorSymbol("unused", (N,))
    derivation = only_forward([Equation(used, (n,), x[n, 0] * 2)], ALL)
    program = lower(derivation)
    assert program.forward.inputs == ("x",)
    assert len(program.forward.order) == 1
    assert unused.name not in both([Equation(used, (n,), x[n, 0] * 2)], ALL)[1]


def test_a_buffer_is_used_again_once_it_is_dead():
    """A chain of layers of one width lives in two buffers."""
    names = [TensorSymbol(f"c{number}", (N, 5)) for number in range(6)]
    inner = Index("inner", Integer(5))
    equations = [
        Equation(b, (n, k), Sum(a[n, inner] * square[inner, k], inner))
        for a, b in zip([z, *names], names, strict=False)
    ]
    derivation = only_forward(equations, ALL)
    from dataclasses import replace

    system = replace(derivation.system, outputs=(names[-1],))
    program = lower(replace(derivation, system=system))
    assert len(program.buffers) == 2


def test_an_extreme_over_the_first_axis_of_what_is_the_same_along_another():
    network = "v[i, j, k:4] = sin(x[i, j])\n  u[i, j, k] = min[m](v[i, j, k] + v[m, j, k])"
    spec = (
        f"name: scat\ninputs: {{x: [N, T]}}\nnetwork: |\n  {network}\nloss: mean(u**2)\nwrt: [x]\n"
    )
    assert sb.check(sb.derive(sb.parse(spec)))
