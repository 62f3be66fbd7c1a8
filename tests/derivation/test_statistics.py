"""Rules that read what tensors hold; statistics: named, put in, or left as lines of their own."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Expr, Pow, Rational, exp, sqrt

from symbackprop.derivation import Derivation, differentiate
from symbackprop.derivation.rules.collect import factored
from symbackprop.derivation.rules.known import in_forward_values, known_of, on_support
from symbackprop.derivation.rules.values import (
    in_known_powers,
    in_known_products,
    in_known_sums,
)
from symbackprop.equations.build import build
from symbackprop.equations.evaluate import EXACT, evaluate_equation, evaluate_system
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Index, TensorSymbol, extent
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation
from symbackprop.spec import parse

N = extent("N")
n, k, j = Index("n", N), Index("k", 5), Index("j", 5)
x, g = TensorSymbol("x", (N, 5)), TensorSymbol("g", (N, 5))
mu, var, r = (TensorSymbol(name, (N,)) for name in ("mu", "var", "r"))
y, p = TensorSymbol("y", (N, 5)), TensorSymbol("p", (N, 5))
X, G, MU, VAR, R, Y = x[n, k], g[n, k], mu[n], var[n], r[n], y[n, k]
M = Compare("<=", k, n)
FORWARD = [
    Equation(mu, (n,), Sum(x[n, k], k) / 5),
    Equation(var, (n,), Sum((X - MU) ** 2, k) / 5),
    Equation(r, (n,), 1 / sqrt(VAR + Rational(1, 100))),
    Equation(y, (n, k), (X - MU) * R),
    Equation(p, (n, k), Where(M, exp(X), 0)),
]
SYSTEM = build(parse("{name: s, inputs: {z: [N]}, loss: sum(z)}"))
KNOWN = known_of(SYSTEM, FORWARD)
V = VAR + Rational(1, 100)


def reading(rule: Callable[..., Expr]) -> Callable[[Expr], Expr]:
    return lambda e: rule(e, KNOWN.values)


RULES: dict[str, tuple[Callable[[Expr], Expr], Expr, Expr]] = {
    "power": (reading(in_known_powers), G / V ** Rational(3, 2), G * R**3),
    "power in a sum": (reading(in_known_powers), Sum(g[n, j] / sqrt(V), j), Sum(g[n, j] * R, j)),
    "no power of another kind": (reading(in_known_powers), sqrt(V), sqrt(V)),
    "sum": (reading(in_known_sums), G * Sum(x[n, j], j), 5 * G * MU),
    "deviations": (reading(in_known_sums), G - Sum(x[n, j] / 4 - MU / 4, j), G),
    "no weighted sum": (
        reading(in_known_sums),
        Sum((x[n, j] - MU) * g[n, j], j),
        Sum((x[n, j] - MU) * g[n, j], j),
    ),
    "product": (reading(in_known_products), G * (MU - X) * R / 3, -G * Y / 3),
    "product over sums": (
        reading(in_known_products),
        G - (X - MU) * R**3 * Sum(g[n, j] * (x[n, j] - MU), j),
        G - Y * R * Sum(g[n, j] * y[n, j], j),
    ),
    "no product with a division": (reading(in_known_products), G * (X - MU), G * (X - MU)),
    "choice": (
        lambda e: in_forward_values(e, KNOWN.functions),
        G * Where(M, exp(X), 0) + exp(X),
        G * p[n, k] + exp(X),
    ),
    "support": (lambda e: on_support(e, KNOWN), G * p[n, k] * M + G * M, G * p[n, k] + G * M),
    "factor in part": (factored, G + R * Y * G - R * X, R * (Y * G - X) + G),
    "half powers": (factored, G / sqrt(V) - X / V ** Rational(3, 2), (G - X / V) / sqrt(V)),
    "no fraction taken out": (factored, R * X - R * G / 5 - R * Y / 5, R * (X - G / 5 - Y / 5)),
}
NUMBERS = st.lists(st.integers(-40, 40), min_size=30, max_size=30)


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=10, deadline=None)
@given(numbers=NUMBERS)
def test_each_rule_is_an_identity(name: str, numbers: list[int]) -> None:
    rule, before, after = RULES[name]
    assert rule(before) == after
    for a, b in zip(values(before, numbers).flat, values(after, numbers).flat, strict=True):
        assert abs(float(a) - float(b)) <= 1e-13 * (1 + abs(float(a)))


def test_a_wrong_identity_is_seen() -> None:
    numbers = list(range(30))
    assert not np.allclose(*(values(e, numbers).astype(float) for e in (Y, (X - MU) * R**2)))


def values(rhs: Expr, numbers: list[int]) -> np.ndarray:
    arrays = {
        name: np.array([Fraction(m, 17) for m in part], object).reshape(3, 5)
        for name, part in (("x", numbers[:15]), ("g", numbers[15:]))
    }
    tensors = evaluate_system(FORWARD, arrays, {"N": 3}, EXACT)
    equation = Equation(TensorSymbol("out", (N, 5)), (n, k), rhs)
    return evaluate_equation(equation, tensors, {"N": 3}, EXACT)


def derived(network: str, loss: str = "sum(z**3)") -> Derivation:
    statements = "\n".join(f"  {line}" for line in network.strip().splitlines())
    text = f"name: s\ninputs: {{x: [N, 5]}}\nnetwork: |\n{statements}\nloss: {loss}\nwrt: [x]\n"
    return differentiate(build(parse(text)))


def cotangents(derivation: Derivation) -> list[str]:
    return [line.of.name for line in derivation.losses[0].cotangents if line.of]


def test_the_cotangent_of_a_statistic_is_put_in() -> None:
    assert cotangents(derived("m = mean(x, axis=-1, keepdims=True)\nz = x - m")) == ["z", "x"]


def test_what_is_read_without_its_tensor_is_no_statistic() -> None:
    found = derived("m[n] = mean[i](x[n, i])\nz[n] = m[n]**2")
    assert cotangents(found) == ["z", "m", "x"]


def test_a_statistic_in_the_loss_is_a_line_if_only_the_loss_reads_it() -> None:
    found = derived("m[n] = mean[i](x[n, i]**2)\nz = x + 1", "sum(z**3) + sum(m**2)")
    assert set(cotangents(found)) == {"m", "z", "x"}


def test_statistics_that_make_it_longer_are_lines() -> None:
    """A sum over i would be left inside a sum over n."""
    found = derived("u[i] = mean[n](x[n, i])\nz[n, i] = x[n, i] * sum[j](u[j] * x[n, j])")
    assert cotangents(found) == ["z", "s_z", "u", "x"]


@pytest.mark.parametrize(
    "statement, names",
    [
        ("z = x - mean(x, axis=-1, keepdims=True)", ["s_z", "z"]),
        ("z = x / sqrt(sum(x**2))", ["s_z", "z"]),
        ("z[n, i] = x[n, i] * (1 + sum[j](x[n, j]))", ["s_z", "z"]),
        ("z[n] = sum[i](x[n, i]**2) - x[n, 0]", ["z"]),
        ("z = softmax(x)", ["z"]),
    ],
)
def test_statistics_inside_an_expression_get_a_name(statement: str, names: list[str]) -> None:
    found = derived(statement)
    assert [line.equation.tensor.name for line in found.forward] == [*names, "loss"]


def test_one_statistic_has_one_name() -> None:
    found = derived(
        "z = (x - mean(x, axis=-1, keepdims=True)) / sqrt(mean((x - mean(x, axis=-1, "
        "keepdims=True))**2, axis=-1, keepdims=True))"
    )
    assert [line.equation.tensor.name for line in found.forward] == ["s_z", "s_z1", "z", "loss"]


def test_no_factor_becomes_a_divisor() -> None:
    """A product read from its tensor must not divide by what may be 0, as a gain is at first."""
    text = """
name: gain
inputs: {x: [N, 3], a: [N], b: [N]}
params: {g: {shape: [3], init: zeros}}
network: |
  z[n, d] = g[d] * x[n, d] / (1 + a[n] + b[n])
loss: sum(z ** 2)
"""
    line = differentiate(build(parse(text)))["g"]
    g = line.equation.tensor
    assert not any(p.exp.is_negative and "g[" in str(p.base) for p in line.equation.rhs.atoms(Pow))
    assert g.name == "dg"


def test_a_sum_is_not_read_through_a_number_that_may_be_zero() -> None:
    text = """
name: extent
inputs: {x: [N, D]}
network: |
  s[n] = (D - 1) * sum[k](x[n, k])
  y[n] = s[n] + sum[k](x[n, k]) ** 3
loss: sum(y)
wrt: [x]
"""
    line = differentiate(build(parse(text)))["x"]
    assert not any(p.exp.is_negative for p in line.equation.rhs.atoms(Pow))
