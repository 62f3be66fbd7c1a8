"""What must not be taken for proved: statements that look alike, lines under other names."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from sympy import Integer, Rational

import symbackprop as sb
from symbackprop.checking.gradients import check_gradients
from symbackprop.checking.steps import check_steps
from symbackprop.derivation import differentiate
from symbackprop.derivation.model import Derivation
from symbackprop.equations.build import build
from symbackprop.equations.evaluate_numbers import multiprecision
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


@pytest.mark.parametrize("kept", [(), ("w",), ("v",), ("v", "w")])
def test_gradients_that_are_missing_are_refused(kept: tuple[str, ...]) -> None:
    text = "name: t\ninputs: {x: [N]}\nparams: {w: {shape: []}, v: {shape: []}}\n"
    right = differentiate(build(sb.parse(text + "loss: sum(tanh(x * w) + v)")))
    (loss,) = right.losses
    assert loss.wrt == ("w", "v")
    fewer = {name: loss.gradients[name] for name in kept}
    wrong = dataclasses.replace(right, losses=(dataclasses.replace(loss, gradients=fewer),))
    with pytest.raises(Unproved, match=r"^gradients of loss by .*, asked for by w, v; nothing is"):
        prove(wrong)
    report = sb.check(wrong)
    missing = [n for n in ("w", "v") if n not in kept]
    assert bool(report) == (not missing)
    for name in missing:
        assert f"no gradient by {name}, which was asked for" in str(report)


def test_gradients_under_each_others_names_are_refused() -> None:
    text = "name: t\ninputs: {x: [N]}\nparams: {w: {shape: []}, v: {shape: []}}\n"
    right = differentiate(build(sb.parse(text + "loss: sum(tanh(x * w) + v)")))
    (loss,) = right.losses
    turned = {"w": loss.gradients["v"], "v": loss.gradients["w"]}
    prove(right)
    with pytest.raises(Unproved, match="what stands for the gradient of w is another line"):
        prove(dataclasses.replace(right, losses=(dataclasses.replace(loss, gradients=turned),)))


NARROW = {
    "between two numbers": "sum(sqrt(x - 6) * sqrt(8 - x))",
    "between two roots": "sum(sqrt(x**2 - 36) * sqrt(64 - x**2))",
    "large": "sum(log(x - 900))",
    "of two signs": "sum(log(x) * log(-w) * sqrt(x + w - 3))",
    "one inside the other": "sum(sqrt(log(2 - sqrt(x - 6))))",
    "small": "sum(sqrt(1/1000 - sum(x**2)))",
    "in order": "",
    "at large extents": "sum(x) * sqrt(sum(x - x + 1) - 20)",
}


def narrow(loss: str) -> Derivation:
    equation = "" if loss else "network: |\n  h[n] = where(n > 0, log(x[n] - x[n - 1]), 0)\n"
    loss = loss or "sum(h)"
    given = "x: [N], w: [N]" if "w" in loss else "x: [N]"
    text = f"name: t\ninputs: {{{given}}}\n{equation}loss: {loss}\nwrt: [x]"
    return differentiate(build(sb.parse(text)))


@pytest.mark.parametrize("loss", NARROW.values(), ids=NARROW)
def test_values_are_found_in_narrow_domains(loss: str) -> None:
    derivation = narrow(loss)
    prove(derivation)
    assert "steps without values" not in [row.what for row in check_steps(derivation)]


@pytest.mark.parametrize("loss", NARROW.values(), ids=NARROW)
def test_mistakes_in_narrow_domains_are_refused(loss: str) -> None:
    right = narrow(loss)
    (back,) = right.losses
    *others, last = back.cotangents
    for rhs in (2 * last.equation.rhs, -last.equation.rhs):
        wrong = dataclasses.replace(last, equation=dataclasses.replace(last.equation, rhs=rhs))
        lines = (*others, wrong)
        of = dataclasses.replace(back, cotangents=lines, gradients={"x": wrong})
        with pytest.raises(Unproved, match=r'^rule ".*" does not hold'):
            prove(dataclasses.replace(right, losses=(of,)))


@pytest.mark.parametrize("loss", ["sum(log(-1 - x**2))", "sum(x) * sqrt(-sum(x**2))"])
def test_what_has_no_values_anywhere_is_not_handed_out(loss: str) -> None:
    with pytest.raises(Unproved) as refused:
        sb.derive(sb.parse(f"name: t\ninputs: {{x: [N]}}\nloss: {loss}\nwrt: [x]"))
    first, second, *_, last = str(refused.value).splitlines()
    assert first == (
        'rule "chain rule": no point was found where both sides have values; '
        "nothing is shown or written"
    )
    assert second.startswith("  equation (") and last == (
        "  fix: see that what it takes logarithms or roots of, or divides by, allows them somewhere"
    )


def test_what_has_no_values_anywhere_is_said_by_the_checker() -> None:
    row = check_steps(narrow("sum(log(-1 - x**2))"))[-1]
    assert row.what == "steps without values" and row.cells()[-1] == "not checked"
    assert "have no values where they are drawn, first in equation (" in row.how


@pytest.mark.parametrize("wrong", [2, -1, 0, 1 + Rational(1, 10**20)])
def test_a_mistake_in_small_numbers_is_seen(wrong) -> None:
    """e^-200 x is about 1e-87; so is a mistake in it."""
    right = narrow("sum(exp(-200) * x * exp(x))")
    (back,) = right.losses
    (line,) = back.cotangents
    damaged = dataclasses.replace(line.equation, rhs=wrong * line.equation.rhs)
    lines = (dataclasses.replace(line, equation=damaged),)
    of = dataclasses.replace(back, cotangents=lines, gradients={"x": lines[0]})
    all_wrong = dataclasses.replace(right, losses=(of,))
    prove(right)
    with pytest.raises(Unproved, match="does not hold"):
        prove(all_wrong)
    assert all(row.held for row in check_gradients(right))
    assert not any(row.held for row in check_gradients(all_wrong))


def test_small_values_are_compared_by_their_digits() -> None:
    def power(n: int) -> Any:
        return multiprecision(Fraction(1, 10**n))

    a = power(40)
    assert compare((), a, 2 * a).difference and compare((), a, a + power(69)).difference
    assert compare((), a, a + power(71)).held
    assert compare((), a, 0).difference and compare((), a, 0, fine=True).difference
    assert compare((), power(360), 0, fine=True).held


def test_what_cancels_vanishes() -> None:
    """The gradient by what shifts all scores of a softmax is 0, and it is proved to be."""
    text = (
        "name: t\ninputs: {x: [N, 4], y: {shape: [N], classes: 4}}\nparams: {c: {shape: [N]}}\n"
        "network: '  z[n, k] = tanh(x[n, k]) + c[n]'\nloss: cross_entropy(softmax(z), y)\n"
    )
    derivation = differentiate(build(sb.parse(text)))
    prove(derivation)
    assert all(row.held for row in check_steps(derivation))


def test_what_is_too_dear_at_its_own_extents_is_no_failure_and_takes_no_time() -> None:
    """Ē = 5 N has a number for an extent, so it is wrong at smaller extents."""
    text = "name: t\ninputs: {x: [N, 5]}\nparams: {E: {shape: [60000, 1000]}}\n"
    derivation = differentiate(build(sb.parse(text + "loss: sum(sum(E) + x)")))
    prove(derivation)
    row = check_steps(derivation)[-1]
    assert row.what == "steps without values" and "are too dear" in row.how
