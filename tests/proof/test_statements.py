"""Statements: what is the same but for names is proved once, and nothing else is taken for it."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
import sympy
from hypothesis import given, settings
from sympy import Rational, exp, log

import symbackprop as sb
from symbackprop.derivation import differentiate
from symbackprop.derivation.model import Derivation, Line
from symbackprop.equations.build import build
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Index, TensorSymbol, extent
from symbackprop.equations.reductions import LogSumExp, Max, Sum
from symbackprop.equations.system import Equation, System
from symbackprop.proof import FIRST, THOROUGH, Facts, equalities, outcomes, prove, words
from symbackprop.proof.equalities import Equality, Side
from symbackprop.proof.evaluation import outcome
from symbackprop.proof.extents import sizes
from symbackprop.proof.form import Writer
from symbackprop.proof.instances import Draw

N = extent("N")
n, i, j = Index("n", N), Index("i", 10), Index("j", 10)
x, w, y = TensorSymbol("x", (N, 10)), TensorSymbol("w", (10,)), TensorSymbol("y", (N, 10))
labels = TensorSymbol("labels", (N,), "integer", 10)
out = TensorSymbol("out", (N, 10))
NOTHING = Derivation(System("", "", "", (N,), (), (), (), (), ()), (), ())


def form(expr, *indices):
    writer = Writer()
    writer.side(indices or (n, i), expr)
    return writer.form()


def equality(before, after, indices=(n, i)) -> Equality:
    line = Line(1, Equation(out, indices, after))
    return Equality("a rule", line, Side("before", indices, before), Side("after", indices, after))


def holds(before, after, indices=(n, i), facts=None, draws=THOROUGH) -> bool:
    found = outcomes(equality(before, after, indices), facts or Facts(NOTHING), draws)
    return bool(found) and not found[-1].difference and any(o.held for o in found)


EXPR = Sum(x[n, j] * w[j], j) * Where(Compare(">", x[n, i], 0), 1, Rational(1, 2)) + labels[n]


def test_names_make_no_difference() -> None:
    m, k, p = Index("m", N), Index("k", 10), Index("p", 10)
    z, v = TensorSymbol("z9", (N, 10)), TensorSymbol("v", (10,))
    other = TensorSymbol("other", (N,), "integer", 10)
    renamed = Sum(z[m, p] * v[p], p) * Where(Compare(">", z[m, k], 0), 1, Rational(1, 2)) + other[m]
    assert form(EXPR) == form(renamed, m, k)


@pytest.mark.parametrize(
    "other",
    [
        EXPR.xreplace({Rational(1, 2): Rational(1, 3)}),
        EXPR.xreplace({sympy.Integer(0): sympy.Integer(1)}),
        EXPR.xreplace({Compare(">", x[n, i], 0): Compare(">=", x[n, i], 0)}),
        EXPR.xreplace({x[n, i]: y[n, i]}),
        EXPR.xreplace({i: j}),
        EXPR.xreplace({w: TensorSymbol("w", (11,))}),
        EXPR.xreplace({labels: TensorSymbol("labels", (N,), "integer", 11)}),
        EXPR.xreplace({labels: TensorSymbol("labels", (N,), "mask")}),
        EXPR.xreplace({labels[n]: N}),
        -EXPR,
        EXPR + 1,
        Max(x[n, j] * w[j], j),
    ],
    ids=str,
)
def test_whatever_is_no_name_makes_a_difference(other) -> None:
    assert form(EXPR) != form(other)


@settings(max_examples=60, deadline=None)
@given(st.fractions(-3, 3), st.fractions(-3, 3))
def test_statements_that_differ_in_a_number_are_not_merged(a, b) -> None:
    a, b = (Rational(f.numerator, f.denominator) for f in (a, b))
    assert holds(a * x[n, i] + x[n, i], (a + 1) * x[n, i], draws=FIRST)
    assert holds(a * x[n, i] + x[n, i], (b + 1) * x[n, i], draws=FIRST) == (a == b)


def test_which_index_comes_first_is_no_name() -> None:
    square = TensorSymbol("square", (10, 10))
    assert form(square[i, j], i, j) == form(square[j, i], j, i) != form(square[i, j], j, i)


def test_a_thousand_layers_are_a_handful_of_proofs() -> None:
    def misses(depth: int) -> int:
        layers = [f"  h{k} = relu(dense({f'h{k - 1}' if k else 'x'}, 7))" for k in range(depth)]
        text = "name: deep\ninputs: {x: [N, 7], y: {shape: [N], classes: 7}}\nnetwork: |\n"
        loss = f"loss: cross_entropy(softmax(h{depth - 1}), y)\n"
        derivation = differentiate(build(sb.parse("\n".join([text, *layers, loss]))))
        outcome.cache_clear()
        prove(derivation)
        return outcome.cache_info().misses

    # sums are sorted by name, and h10 stands before h9
    assert misses(40) <= misses(20) + 4 < 90


def test_numbers_that_are_extents_are_held_against_the_extents() -> None:
    """At other extents 10 would not be right, at these no other number is."""
    for number in (2, 3, 5, 7, 9, 10, 11):
        assert holds(Sum(x[n, i], j), number * x[n, i]) == (number == 10)


def test_a_guard_is_looked_at_at_its_own_extents() -> None:
    guarded = Where(Compare("<", i + 3, 10), x[n, i + 3], 0)
    assert holds(guarded, guarded + 0)
    assert not holds(guarded, Where(Compare("<", i + 3, 9), x[n, i + 3], 0))
    assert not holds(guarded, x[n, i + 3])


def test_extents_of_two_shapes_are_different_primes() -> None:
    (one,) = [*Facts(NOTHING).statements(equality(EXPR, EXPR))]
    first, second = (sizes(one, shape, smaller=True) for shape in (0, 1))
    assert set(first) == set(second) == {"N", 10}
    assert first["N"] != first[10] and second["N"] != second[10]
    assert all(first[of] != second[of] for of in first)
    assert all(sympy.isprime(size) for size in (*first.values(), *second.values()))


def test_what_holds_for_some_tensors_only_takes_in_their_equations() -> None:
    p = Equation(y, (n, i), exp(x[n, i] - LogSumExp(x[n, j], j)))
    facts = Facts(Derivation(NOTHING.system, (Line(1, p),), ()))
    assert not holds(Sum(y[n, i], i), sympy.Integer(1), (n,))
    assert holds(Sum(y[n, i], i), sympy.Integer(1), (n,), facts)
    assert not holds(Sum(y[n, i], i), sympy.Integer(2), (n,), facts)
    assert holds(log(y[n, labels[n]]), x[n, labels[n]] - LogSumExp(x[n, j], j), (n,), facts)


def test_roots_and_logarithms_are_looked_at_where_they_are_defined() -> None:
    assert holds(log(x[n, i] * w[i]), log(x[n, i]) + log(w[i]), draws=[Draw(0)]) is False
    assert holds(sympy.sqrt(w[i]) ** 4, w[i] ** 2)
    assert not holds(sympy.sqrt(w[i]) ** 4, w[i] ** 3)


def test_a_side_without_a_value_is_told() -> None:
    guarded = Where(Compare("<", i, 9), x[n, i + 1], 0)
    told = words(equality(guarded, x[n, i + 1]), Facts(NOTHING))
    assert "before is 0, after is after: axis 1 of x (3, 10) is read at 10\n" in told


def test_values_of_few_entries_are_told() -> None:
    told = words(equality(2 * w[i], 3 * w[i]), Facts(NOTHING))
    assert told == (
        'equation (1), out[0, 0], rule "a rule": before is 6, after is 9\n'
        "  (1) out[n, i] = 3*w[i]\n"
        "  before: 2*w[i]\n"
        "  after: 3*w[i]\n"
        "  where w[0] = 3"
    )


def test_every_equality_of_a_derivation_is_there() -> None:
    text = "name: net\ninputs: {x: [N, 4]}\nnetwork: '  h = tanh(dense(x, 3))'\nloss: mean(h)\n"
    derivation = differentiate(build(sb.parse(text)))
    found = [(e.line.number, e.rule, e.before.name) for e in equalities(derivation)]
    for line in derivation.losses[0].cotangents:
        own = [(rule, name) for number, rule, name in found if number == line.number]
        steps = [(step.rule, "before") for step in line.steps]
        assert own == [*steps, ("chain rule", "the network")]
