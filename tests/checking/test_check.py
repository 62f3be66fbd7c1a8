"""The checker holds what is right, and refuses each kind of damage where it stands."""

from __future__ import annotations

import numpy as np
import pytest
import regression as r
from regression import derivation, module

from symbackprop.checking import Proved, Report, Row, check
from symbackprop.checking.gradients import check_gradients
from symbackprop.checking.report import EXACTLY, FLOATS, Comparison, row
from symbackprop.equations.masks import Delta
from symbackprop.equations.reductions import Sum


def failures(found: Report) -> dict[str, str]:
    return {row.what: row.failure for row in found if not row.held}


def test_the_right_derivation_and_module_hold() -> None:
    found = check(derivation(), module())
    assert found, str(found)
    chain = found.rows[2]
    assert chain.cells()[:2] == ("rule: chain rule", "both sides, random tensors of 2 shapes")
    assert chain.proved.exactly > 30 and chain.proved.digits > 20
    assert chain.equalities == chain.proved.exactly + chain.proved.digits
    assert found.equalities == sum(row.equalities for row in found) > 200
    assert [row.what for row in found] == [
        "rule: softmax",
        "rule: log of softmax",
        "rule: chain rule",
        "rule: collapse a delta",
        "steps at kinks and ties",
        "∂loss/∂W1",
        "∂loss/∂b1",
        "gradients of loss",
        "second order of loss",
        "zeros, gradients of loss",
        "gradients of loss",
        "forward",
        "loss",
        "gradients of loss",
        "gradients of loss",
        "gradients of loss",
        "gradients of loss",
        "parameters",
        "large entries and zeros",
    ]


def test_the_table() -> None:
    rule = Row("rule: a", "both", Proved(exactly=1200, digits=7), 0.0)
    found = Report((rule, Row("∂L/∂W", "SymPy", Proved(exactly=3), 0.25, "W[0]")))
    assert str(found) == (
        "what     how    equalities                     largest error  result\n"
        "rule: a  both   1,200 exactly, 7 to 30 digits              0  held\n"
        "∂L/∂W    SymPy  3 exactly                            2.5e-01  FAILED\n"
        "FAILED ∂L/∂W: W[0]\n"
        "1 of 2 rows failed; the others hold: 1,200 exactly, 7 to 30 digits"
    )
    assert not found


def test_nothing_checked_is_not_a_proof() -> None:
    assert not Report(())
    too_large = Row("rule: a", "both sides", Proved(), 0.0)
    assert str(Report((too_large,))).endswith("\n0 equalities checked: nothing is proved")
    half = Report((too_large, Row("rule: b", "both", Proved(differences=2), 0.0)))
    assert half and half.verdict == (
        "2 equalities checked, 2 by differences: all held, 1 of 2 rows not checked"
    )
    assert not Report((too_large,))
    assert too_large.cells() == ("rule: a", "both sides", "0", "0", "not checked")


def test_equalities_add_up_by_the_way_they_were_compared() -> None:
    found = row("a", "b", [Comparison(0, 0, "", EXACTLY), Comparison(0, 1, "", FLOATS, 5)] * 2)
    assert found.proved == Proved(exactly=2, floats=10) and found.equalities == 12
    assert Report((found, found)).proved == Proved(exactly=4, floats=20)
    assert str(Proved()) == "0"


@pytest.mark.parametrize(
    ("damage", "row", "place"),
    [
        ({"dz_rhs": r.dz_rhs * 1001 / 1000}, "rule: chain rule", "equation (4), dz[0, 0]"),
        ({"dz_rhs": r.p[r.m, r.v] / r.N}, "rule: chain rule", "equation (4), dz["),
        ({"dz_rhs": -r.dz_rhs}, "rule: chain rule", "equation (4), dz[0, 0]"),
        (
            {"dz_rhs": (r.p[r.m, r.v] - Delta(0, r.y[r.m])) / r.N},
            "rule: chain rule",
            "equation (4), dz[",
        ),
        ({"dW_rhs": -r.dW_rhs}, "rule: collapse a delta", "equation (5), dW1[0, 0]"),
        (
            {"dW_rhs": Sum(r.dz[r.n, r.u] * r.x[r.n, r.u], r.n)},
            "rule: collapse a delta",
            "equation (5), dW1[0, 1]",
        ),
        (
            {"dW_rhs": Sum(r.dz[r.n, r.v] * r.x[r.n, r.v], r.n)},
            "rule: collapse a delta",
            "equation (5), dW1[0, 1]",
        ),
        (
            {"cross_entropy": r.cross_entropy * r.N},
            "rule: log of softmax",
            'equation (3), loss, rule "log of softmax": before is ',
        ),
    ],
    ids=[
        "scaled by 1.001",
        "a dropped term",
        "a wrong sign",
        "a wrong index",
        "a wrong last step",
        "a swapped index",
        "out of range",
        "a wrong forward step",
    ],
)
def test_a_damaged_derivation_is_refused_at_its_equation(damage, row, place) -> None:
    found = check(derivation(**damage))
    assert not found
    assert failures(found)[row].startswith(place), failures(found)


def test_a_gradient_that_is_wrong_in_steps_that_agree_is_refused_by_the_whole() -> None:
    """Steps that start from too little hold each by itself; only the whole gradient shows it."""
    wrong = derivation(dW_rhs=r.dW_rhs * 1001 / 1000, dW_deltas=r.dW_deltas * 1001 / 1000)
    found = failures(check(wrong))
    assert found["∂loss/∂W1"].startswith("equation (5), dW1[0, 0]: derived ")


def test_a_step_that_does_not_continue_the_last_is_refused() -> None:
    import dataclasses

    good = derivation()
    line = good.losses[0].cotangents[1]
    twice = dataclasses.replace(line.equation, rhs=2 * line.equation.rhs)
    broken = dataclasses.replace(line, equation=twice)
    back = dataclasses.replace(
        good.losses[0],
        cotangents=(good.losses[0].cotangents[0], broken, good.losses[0].cotangents[2]),
        gradients={"W1": broken, "b1": good.losses[0].gradients["b1"]},
    )
    found = failures(check(dataclasses.replace(good, losses=(back,))))
    assert found["rule: steps connect"].startswith(
        'equation (5), dW1[0, 0], rule "steps connect": after is '
    )


@pytest.mark.parametrize(
    ("damage", "row"),
    [
        ({"W1": lambda g: g * 1.001}, "equation (5), dW1[0, 0]: the module has "),
        ({"b1": lambda g: -g}, "equation (6), db1[0]: the module has "),
        ({"W1": lambda g: g[:, ::-1]}, "equation (5), dW1[0, 0]: the module has "),
        ({"W1": lambda g: g.T}, "equation (5), dW1, shape: the module has (5, 4), expected (4, 5)"),
        ({"b1": lambda g: g * np.nan}, "equation (6), db1[0]: the module has nan"),
        (
            {"b1": lambda g: g.astype(np.float16)},
            "equation (6), db1, dtype: the module has float16, expected float64",
        ),
        (
            {"b2": lambda g: 0},
            "KeyError: 'b2'",
        ),
    ],
    ids=["scaled", "sign", "swapped", "transposed", "nan", "dtype", "raises"],
)
def test_a_damaged_module_is_refused(damage, row) -> None:
    found = check(derivation(), module(**damage))
    assert not found
    assert failures(found)["gradients of loss"].startswith(row), failures(found)


@pytest.mark.parametrize("factor", [1.001, 0.999, -1.0])
def test_central_differences_alone_refuse_a_damaged_gradient(factor) -> None:
    found = check(derivation(), module(W1=lambda g: g * factor))
    (differences,) = [row for row in found if "central differences" in row.how]
    assert differences.how == "module's central differences, 5 of 10 within rounding"
    assert differences.failure.startswith("equation (5), along a random direction of W1: ")
    assert differences.failure.endswith(": not rounding")


def whole(derivation) -> dict[str, Row]:
    return {row.what: row for row in check_gradients(derivation)}


def test_every_entry_of_a_small_gradient_is_held_against_sympy() -> None:
    found = whole(derivation())["∂loss/∂W1"]
    assert found.how == "SymPy's derivative of the expanded loss, all entries"
    assert found.proved == Proved(digits=20)


def test_of_a_large_gradient_some_entries_are_and_all_along_a_direction(monkeypatch) -> None:
    monkeypatch.setattr("symbackprop.checking.gradients._OPERATIONS", 500)
    found = whole(derivation())
    assert found["∂loss/∂W1"].how == "SymPy's derivative of the expanded loss, 1 of 20 entries"
    assert found["gradients of loss"].how == "dual numbers along a random direction of all"
    assert found["∂loss/∂W1"].proved == found["gradients of loss"].proved == Proved(digits=1)
    elsewhere = Delta(r.u, 0) * Delta(r.v, 0) / 1000
    wrong = whole(derivation(dW_rhs=r.dW_rhs * (1 + elsewhere)))
    assert wrong["∂loss/∂W1"].held
    failure = wrong["gradients of loss"].failure
    assert failure.startswith("equation (5), along a random direction of W1: derived ")
    assert ", the loss rises by " in failure
