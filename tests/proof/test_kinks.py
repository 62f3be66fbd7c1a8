"""What a derivative is where there is none: one convention, kept by every rule."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
import sympy

import symbackprop as sb
from symbackprop.checking.steps import KINKS, check_steps
from symbackprop.derivation import adjoint, differentiate, occurrences
from symbackprop.equations.build import build
from symbackprop.equations.evaluate_numbers import EXACT, FUNCTIONS, Undefined, multiprecision
from symbackprop.equations.evaluate_pointwise import pointwise
from symbackprop.equations.masks import Compare, Delta
from symbackprop.equations.reductions import ArgMax, Max
from symbackprop.layers.pointwise import POINTWISE
from symbackprop.proof.duals import DUALS, SLOPES, Dual, rate

POINTS = [Fraction(n, 97) for n in (-613, -307, -200, -89, -31, 12, 58, 95, 203, 301, 599)]


def slope(name: str, *arguments, at: int = 0):
    """The derivative of a row of the pointwise table by one of its arguments."""
    moved = [Dual(a, 1) if k == at else a for k, a in enumerate(arguments)]
    return rate(pointwise(name, DUALS)(*moved))


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_of_primitives_are_those_of_sympy(name: str) -> None:
    x = sympy.Symbol("x", positive=True)
    derivative = sympy.diff(FUNCTIONS[name](x), x)
    for point in (p for p in POINTS if p > 0):
        expected = derivative.subs(x, sympy.Rational(point.numerator, point.denominator))
        found = multiprecision(slope(name, point))
        assert abs(found - multiprecision(str(expected.evalf(45)))) < 1e-38


@pytest.mark.parametrize("name", [n for n, row in POINTWISE.items() if row.parameters != "a, b"])
def test_slopes_are_what_differences_come_to(name: str) -> None:
    more = (Fraction(-1, 3), Fraction(1, 2)) if name == "clip" else ()
    function, step = pointwise(name, EXACT), Fraction(1, 10**15)
    for point in POINTS:
        try:
            ends = [multiprecision(function(point + s, *more)) for s in (step, -step)]
        except Undefined:
            continue
        central = (ends[0] - ends[1]) / multiprecision(2 * step)
        assert abs(multiprecision(slope(name, point, *more)) - central) < 1e-25 * (1 + abs(central))


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("relu", (0,), 0),
        ("abs", (0,), 0),
        ("sign", (0,), 0),
        ("leaky_relu", (0, Fraction(1, 100)), Fraction(1, 100)),
        ("elu", (0, 2), 2),
        ("maximum", (3, 3), 1),
        ("minimum", (3, 3), 1),
        ("clip", (-1, -1, 1), 1),
        ("clip", (1, -1, 1), 1),
        ("hard_sigmoid", (-3,), 0),
        ("hard_sigmoid", (3,), 0),
        ("hard_tanh", (-1,), 0),
        ("hard_tanh", (1,), 0),
        ("relu6", (0,), 0),
        ("relu6", (6,), 0),
        ("softsign", (0,), 1),
    ],
)
def test_the_convention(name: str, arguments, expected) -> None:
    assert slope(name, *arguments) == expected


def test_where_a_slope_is_infinite_there_is_none() -> None:
    with pytest.raises(Undefined):
        slope("sqrt", 0)


CALLS = {
    "relu": "relu(x)",
    "leaky_relu": "leaky_relu(x)",
    "selu": "selu(x)",
    "abs": "abs(x)",
    "hard_sigmoid": "hard_sigmoid(x)",
    "hard_tanh": "hard_tanh(x)",
    "relu6": "relu6(x)",
    "maximum": "maximum(x, x[n, i]**2)",
    "clip": "clip(x, -1, 1/2)",
    "inside": "relu(x + sum[j](x[n, j]))",
}
X = "name: net\ninputs: {x: [N, 4]}\nwrt: [x]\n"
OTHER_SIDE = {">": ">=", ">=": ">", "<": "<=", "<=": "<"}


def spec(call: str) -> str:
    return f"{X}network: '  h[n, i] = {call.replace('(x', '(x[n, i]', 1)}'\nloss: mean(tanh(h))\n"


def on_the_other_side(expr):
    """Every comparison strict where it was not, and the other way round."""
    return expr.xreplace({c: Compare(OTHER_SIDE[c.op], *c.args[1:]) for c in expr.atoms(Compare)})


def change_coefficients(change, monkeypatch) -> None:
    def changed(*given):
        for found in occurrences.occurrences(*given):
            yield dataclasses.replace(found, coefficient=change(found.coefficient))

    monkeypatch.setattr(adjoint, "occurrences", changed)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_step_holds_at_kinks(call: str) -> None:
    rows = check_steps(differentiate(build(sb.parse(spec(call)))))
    (at_kinks,) = [row for row in rows if row.what == KINKS]
    assert at_kinks.held and at_kinks.equalities, rows


@pytest.mark.parametrize("call", [CALLS[n] for n in CALLS if n not in ("abs", "inside")])
def test_the_derivative_of_the_other_side_of_a_kink_is_refused(call: str, monkeypatch) -> None:
    """As a relu with derivative 1 at 0, where 0 is what the derivation prints."""
    change_coefficients(on_the_other_side, monkeypatch)
    with pytest.raises(sb.Unproved, match=r'^rule "chain rule" does not hold'):
        sb.derive(sb.parse(spec(call)))


def test_a_maximum_that_all_ties_share_is_refused(monkeypatch) -> None:
    def shared(coefficient):
        for delta in coefficient.atoms(Delta):
            for position in delta.atoms(ArgMax):
                entry = position.body.xreplace({position.bound[0]: delta.args[0]})
                largest = Max(position.body, *position.bound)
                coefficient = coefficient.xreplace({delta: Compare("==", entry, largest)})
        return coefficient

    text = f"{X}network: '  h[n] = max[i](x[n, i])'\n"
    sb.derive(sb.parse(f"{text}loss: mean(tanh(h))\n"))
    change_coefficients(shared, monkeypatch)
    with pytest.raises(sb.Unproved, match=r'^rule "chain rule" does not hold'):
        sb.derive(sb.parse(f"{text}loss: mean(tanh(h))\n"))
