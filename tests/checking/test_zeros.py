"""Gradients that are no numbers at zeros are refused, where the loss has a derivative."""

from __future__ import annotations

from dataclasses import replace

from sympy import Mul

from symbackprop.checking import check
from symbackprop.checking.zeros import check_zeros
from symbackprop.derivation import Derivation, differentiate
from symbackprop.equations.build import build
from symbackprop.equations.nodes import Access
from symbackprop.spec import parse

GAIN = """
name: gain
inputs: {x: [N, 3]}
params: {g: {shape: [3], init: zeros}}
network: |
  z[n, d] = g[d] * x[n, d]
loss: sum(z ** 3) + sum(x * z)
"""


def divided(derivation: Derivation) -> Derivation:
    """The gradient by g times g / g: right wherever g is not 0."""
    (loss,) = derivation.losses
    line = loss.gradients["g"]
    g = Access(derivation.system.parameters[0].symbol, *line.equation.indices)
    rhs = Mul(g, line.equation.rhs, Mul(1, g**-1, evaluate=False), evaluate=False)
    damaged = replace(line, equation=replace(line.equation, rhs=rhs))
    cotangents = tuple(damaged if one is line else one for one in loss.cotangents)
    gradients = {**loss.gradients, "g": damaged}
    return replace(derivation, losses=(replace(loss, cotangents=cotangents, gradients=gradients),))


def test_a_gradient_that_divides_by_a_parameter_is_refused() -> None:
    derivation = differentiate(build(parse(GAIN)))
    (held,) = check_zeros(derivation)
    (refused,) = check_zeros(divided(derivation))
    assert held.held and held.equalities
    assert not refused.held
    assert "dg[0] is nan where entries are 0, but the loss rises by" in refused.failure


def test_a_root_at_zero_is_no_fault() -> None:
    text = GAIN.replace("sum(z ** 3)", "sum(sqrt(abs(g)))")
    (row,) = check_zeros(differentiate(build(parse(text))))
    assert row.held


def test_a_loss_that_is_differentiated_by_nothing_is_named() -> None:
    text = "name: idle\ninputs: {x: [N, 3]}\nnetwork: |\n  h = tanh(x)\nloss: sum(h)\n"
    found = check(differentiate(build(parse(text))))
    (row,) = found.rows
    assert row.how == "differentiated by nothing: name inputs or parameters in wrt"
    assert not row.held and not found
