"""The checker holds what is right, and refuses each kind of damage where it stands."""

from __future__ import annotations

import numpy as np
import pytest
import regression as r
from regression import derivation, module

from symbackprop.checking import Report, Row, check
from symbackprop.equations.masks import Delta
from symbackprop.equations.reductions import Sum


def failures(found: Report) -> dict[str, str]:
    return {row.what: row.failure for row in found if not row.held}


def test_the_right_derivation_and_module_hold() -> None:
    found = check(derivation(), module())
    assert found, str(found)
    assert found.rows[2].cells()[:3] == (
        "rule: chain rule",
        "SymPy's scalar derivatives, all entries",
        "40",
    )
    assert found.equalities == sum(row.equalities for row in found) > 200
    assert [row.what for row in found] == [
        "rule: softmax",
        "rule: log of softmax",
        "rule: chain rule",
        "rule: collapse a delta",
        "∂loss/∂W1",
        "∂loss/∂b1",
        "zeros, gradients of loss",
        "forward",
        "loss",
        "gradients of loss",
        "gradients of loss",
        "gradients of loss",
        "gradients of loss",
    ]


def test_the_table() -> None:
    found = Report((Row("rule: a", "both", 1200, 0.0), Row("∂L/∂W", "SymPy", 3, 0.25, "W[0]")))
    assert str(found) == (
        "what     how    equalities  largest error  result\n"
        "rule: a  both        1,200              0  held\n"
        "∂L/∂W    SymPy           3        2.5e-01  FAILED\n"
        "FAILED ∂L/∂W: W[0]\n"
        "1,203 equalities checked: 1 of 2 rows failed"
    )
    assert not found


def test_nothing_checked_is_not_a_proof() -> None:
    assert not Report(())
    too_large = Row("rule: a", "both sides", 0, 0.0)
    assert str(Report((too_large,))).endswith("\n0 equalities checked: nothing is proved")
    half = Report((too_large, Row("rule: b", "both", 2, 0.0)))
    assert half and half.verdict == "2 equalities checked: all held, 1 of 2 rows not checked"
    assert not Report((too_large,))
    assert too_large.cells() == ("rule: a", "both sides", "0", "0", "not checked")


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
            'equation (5), rule "collapse a delta", after: equation (5): axis 1 of x',
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
    assert found["∂loss/∂W1"].startswith("equation (5), dW1[0, 1]: derived ")


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
    differences = [row for row in found if row.how == "module's central differences"]
    assert [row.held for row in differences] == [False]
    assert differences[0].failure.startswith("equation (5), along a random direction of W1: ")
