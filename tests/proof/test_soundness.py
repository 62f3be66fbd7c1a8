"""What must not be taken for proved: statements that look alike, lines under other names."""

from __future__ import annotations

import dataclasses

import mpmath
import pytest
from sympy import Integer

import symbackprop as sb
from symbackprop.checking.steps import check_steps
from symbackprop.derivation import differentiate
from symbackprop.equations.build import build
from symbackprop.equations.nodes import Access, Index, Partial, TensorSymbol
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation
from symbackprop.errors import Unproved
from symbackprop.proof import prove
from symbackprop.proof.comparison import compare
from symbackprop.proof.equalities import Side
from symbackprop.proof.evaluation import outcome
from symbackprop.proof.form import Writer
from symbackprop.proof.instances import Draw
from symbackprop.proof.statements import Statement


def test_what_moves_and_what_stands_still_are_told_apart() -> None:
    """y = x h with h = x²: x̄ = ȳ (h + 2 x²) if h moves with x, else x̄ = ȳ h."""
    size = Integer(3)
    x, h, y, dy = (TensorSymbol(name, (size,)) for name in ("x", "h", "y", "dy"))
    i, j = Index("i", size), Index("j", size)
    of_h = Equation(h, (i,), Access(x, i) ** 2)
    of_y = Equation(y, (i,), Access(x, i) * Access(h, i))
    moved = Sum(Access(dy, j) * Partial(Access(y, j), Access(x, i)), j)
    before = Side("before", (i,), moved)
    after = Side("after", (i,), Access(dy, i) * (Access(h, i) + 2 * Access(x, i) ** 2))

    def statement(role: str) -> Statement:
        writer = Writer(frozenset(), frozenset({dy}))
        for side in (before, after):
            writer.side(side.indices, side.expr)
        writer.equation("differentiated", of_y)
        writer.equation(role, of_h)
        through, defined = ({h: of_h}, {}) if role == "through" else ({}, {h: of_h})
        cotangents = frozenset({dy})
        return Statement(
            writer.form(), before, after, {y: of_y}, through, defined, frozenset(), cotangents
        )

    right, wrong = statement("through"), statement("defined")
    assert outcome(right, Draw(0)).held and right != wrong
    assert outcome(wrong, Draw(0)).difference


def test_no_number_is_no_equality() -> None:
    assert compare((), mpmath.mpf("nan"), mpmath.mpf(1)).difference


def test_gradients_under_each_others_names_are_refused() -> None:
    text = "name: t\ninputs: {x: [N]}\nparams: {w: {shape: []}, v: {shape: []}}\n"
    right = differentiate(build(sb.parse(text + "loss: sum(tanh(x * w) + v)")))
    (loss,) = right.losses
    turned = {"w": loss.gradients["v"], "v": loss.gradients["w"]}
    prove(right)
    with pytest.raises(Unproved, match="what stands for the gradient of w is another line"):
        prove(dataclasses.replace(right, losses=(dataclasses.replace(loss, gradients=turned),)))


def test_what_has_no_values_where_it_is_drawn_is_said() -> None:
    text = "name: t\ninputs: {x: [N]}\nloss: sum(sqrt(x - 6) * sqrt(8 - x))\nwrt: [x]"
    row = check_steps(differentiate(build(sb.parse(text))))[-1]
    assert row.what == "steps without values" and row.cells()[-1] == "not checked"
    assert "have no values where they are drawn, first in equation (" in row.how


def test_what_is_too_dear_at_its_own_extents_is_no_failure_and_takes_no_time() -> None:
    """Ē = 5 N has a number for an extent, so it is wrong at smaller extents."""
    text = "name: t\ninputs: {x: [N, 5]}\nparams: {E: {shape: [60000, 1000]}}\n"
    derivation = differentiate(build(sb.parse(text + "loss: sum(sum(E) + x)")))
    prove(derivation)
    assert check_steps(derivation)[-1].what == "steps without values"
