"""A tensor is read for an expression only where it has a value wherever the expression has one."""

from __future__ import annotations

import re

import pytest
from sympy import Expr, log, sqrt

import symbackprop as sb
from symbackprop.derivation.rules.demands import demands, granted, granted_by_terms
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Access, Index, TensorSymbol, extent
from symbackprop.equations.reductions import Sum

N = extent("N")
n, j = Index("n", N), Index("j", N)
g, f = TensorSymbol("g", (N,)), TensorSymbol("f", (N,))
G, F = Access(g, n), Access(f, n)
POSITIVE = Compare(">", G, 0)

DEMANDS: dict[str, tuple[Expr, set[tuple[str, Expr]]]] = {
    "root": (sqrt(G), {("at least 0", G)}),
    "divisor": (F / G**2, {("not 0", G)}),
    "divisor that is a root": (G ** (-1.5), {("at least 0", G), ("not 0", G)}),
    "logarithm": (F + log(G), {("log", G)}),
    "power": (G**3, set()),
    "root of what is positive": (1 / sqrt(1 + G**2), set()),
    "root of a sum of squares": (sqrt(Sum(Access(g, j) ** 2, j) / N), set()),
}


@pytest.mark.parametrize("name", DEMANDS)
def test_what_an_expression_asks_for(name: str) -> None:
    expr, asked = DEMANDS[name]
    assert demands(expr) == granted(expr) == asked


def test_what_is_guarded_is_not_granted() -> None:
    guarded = F * Where(POSITIVE, sqrt(G), 0) * (POSITIVE / G + 1)
    assert demands(guarded) == {("at least 0", G), ("not 0", G)}
    assert granted(guarded) == set()


def test_a_term_grants_what_it_asks_for_to_the_others() -> None:
    assert granted_by_terms(F**2 + F * sqrt(G)) == {("at least 0", G)}
    assert granted_by_terms(F**2 + F * sqrt(G) * POSITIVE) == set()


def derived(network: str) -> tuple[list[str], set[str]]:
    """The names of what the cotangents read, and of the rules that were used."""
    known = [p for p in "wug" if re.search(rf"\b{p}\b", network)]
    params = ", ".join(f"{p}: {{shape: [N]}}" for p in known)
    lines = "".join(f"  {line}\n" for line in network.split("; "))
    text = f"name: t\ninputs: {{x: [N]}}\nparams: {{{params}}}\nnetwork: |\n{lines}"
    (loss,) = sb.derive(sb.parse(text + "loss: sum(c)\noutputs: [y, c]\n")).losses
    read = {a.tensor.name for line in loss.cotangents for a in line.equation.rhs.atoms(Access)}
    return sorted(read), {step.rule for line in loss.cotangents for step in line.steps}


NARROWER = {
    "root": "v = x * w; y = sqrt(v); c = arctan(v)",
    "third root": "v = x * w; y = v ** (1/3); c = v ** 3",
    "root of a cube": "v = x * w; y = v ** 1.5; c = v ** 4",
    "divided root": "v = x * w; y = v ** (-0.5); c = 1 / v",
    "root beside": "v = x * w; y = sqrt(v); c = arctan(v) + sin(v)",
    "guarded root": "v = x * w; y = sqrt(v); c = where(v > 0, exp(v), v ** 3)",
    "times a root": "y = w * sqrt(u); c = x * w ** 2 * u ** 3",
    "by a root": "y = x / sqrt(w); c = x / w",
    "by a logarithm": "y = (x + w + u) / log(g); c = (x + w + u) ** 2 * g",
    "by what may be 0": "y = (x + w + u) / g; c = (x + w + u) ** 2 * g",
    "by what reads a logarithm": (
        "h = log(g); y = (x + w + u + x**2 + u**2) / (1 + h**2); c = (x + w + u + x**2 + u**2)**2"
    ),
}


@pytest.mark.parametrize("network", NARROWER.values(), ids=NARROWER)
def test_what_has_fewer_values_is_not_read(network: str) -> None:
    read, rules = derived(network)
    assert "y" not in read and rules.isdisjoint(("forward power", "forward product"))


KEPT = {
    "derivative of a root": ("v = x * w; y = sqrt(v); c = y + sin(v)", "forward power"),
    "beside a guard": (
        "v = x * w; y = sqrt(v); c = where(v > 0, sqrt(v), v ** 3)",
        "forward power",
    ),
    "root of what is positive": (
        "v = x * w; y = sqrt(v**2 + 1); c = arctan(v**2 + 1)",
        "forward power",
    ),
    "inverse": ("v = x * w; y = 1 / v; c = log(v**2)", "forward power"),
    "quotient": ("y = (x + w + u) / g; c = (x + w + u)**2 / g", "forward product"),
    "beside a root": (
        "v = x * w; y = v / sqrt(u + 1); c = sin(v / (u + 1)) + v / sqrt(u + 1)",
        "forward product",
    ),
}


@pytest.mark.parametrize(("network", "rule"), KEPT.values(), ids=KEPT)
def test_what_has_as_many_values_is_read(network: str, rule: str) -> None:
    read, rules = derived(network)
    assert "y" in read and rule in rules
