"""Error bars: what rounding explains is held, ten times as much is refused."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import regression as r
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.checking import check
from symbackprop.checking.complex_steps import directions, rises_as_derived
from symbackprop.checking.evaluated import expect
from symbackprop.checking.module import check_module
from symbackprop.checking.report import Row
from symbackprop.checking.slopes import difference
from symbackprop.checking.wide import check_wide
from symbackprop.derivation import differentiate
from symbackprop.derivation.model import Derivation
from symbackprop.equations.build import build
from symbackprop.spec import parse


@settings(deadline=None, max_examples=60)
@given(
    slope=st.floats(-3, 3),
    bend=st.floats(-3, 3),
    wave=st.floats(-20, 20),
    noise=st.floats(1e-17, 1e-9),
    seed=st.integers(0, 1000),
)
def test_a_smooth_slope_lies_within_its_error_bar(slope, bend, wave, noise, seed) -> None:
    chance = np.random.default_rng(seed)

    def loss(t: float) -> float:
        value = slope * t + bend * t * t + math.sin(wave * t)
        return value + chance.uniform(-noise, noise) / 2

    found = difference(loss, noise + 1e-15)
    assert abs(found.slope - (slope + wave)) <= found.bar
    assert found.bar <= 1e7 * (noise + 1e-15)


@settings(deadline=None, max_examples=60)
@given(kink=st.floats(1e-9, 1e-2), jump=st.floats(0.1, 3), side=st.sampled_from([1, -1]))
def test_a_kink_within_a_step_does_not_pass_for_a_slope(kink, jump, side) -> None:
    def loss(t: float) -> float:
        return math.sin(t) + jump * max(0.0, side * t - kink)

    found = difference(loss, 1e-15)
    assert abs(found.slope - 1) <= found.bar


def test_what_has_no_values_nearby_has_an_endless_error_bar() -> None:
    found = difference(lambda t: math.nan, 1e-15)
    compared = found.against(1.0, 1.0, "somewhere")
    assert compared.held and not compared.count


def module_rows(changed) -> dict[str, Row]:
    """The rows of the module whose gradient by W1 is changed, by how it was compared."""
    derivation = r.derivation()
    expected = expect(derivation)
    rows = check_module(derivation, r.module(W1=changed(expected)), expected)
    return {row.how.removeprefix("module ").split(", ")[-1]: row for row in rows}


def moved_by(bars: float, dtype):
    """A change by so many error bars, in one dtype."""

    def changed(expected):
        at = expected.losses["loss"].bars("dW1", dtype)
        return lambda g: (g + bars * at).astype(g.dtype) if g.dtype == dtype else g

    return changed


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_difference_as_of_rounding_passes_and_ten_times_it_does_not(dtype) -> None:
    name = np.dtype(dtype).name
    assert all(row.held for row in module_rows(moved_by(0.5, dtype)).values())
    row = module_rows(moved_by(10, dtype))[name]
    assert row.failure.startswith("equation (5), dW1[0, 0]: the module has ")
    assert row.failure.endswith(": not rounding") and " error bars of " in row.failure


def test_a_small_mistake_in_a_small_entry_is_seen() -> None:
    """The smallest entry, off by a thousandth, though the largest is far larger."""
    derivation = differentiate(
        build(parse("name: t\ninputs: {x: [N, 3]}\nparams: {w: {shape: [2, 3]}}\n"
                    "loss: sum[n, i](tanh(x[n, i]) * (w[0, i] + 1e-7 * w[1, i]))\n"))
    )  # fmt: skip
    expected = expect(derivation)

    def gradients(params, *, x, off):
        both = np.stack([np.ones(3), np.full(3, 1e-7)]).astype(x.dtype)
        dw = both * np.tanh(x).sum(0)
        loss = np.sum(dw * params["w"])
        dw[1, 1] *= off
        return loss, {"w": dw}

    def rows(off: float) -> list[bool]:
        module = SimpleNamespace(
            loss=lambda params, *, x: gradients(params, x=x, off=1)[0],
            loss_and_grads=lambda params, *, x: gradients(params, x=x, off=np.float32(off)),
        )
        return [row.held for row in check_module(derivation, module, expected)]

    assert rows(1.0) == [True, True, True, True]
    # Differences are too rough for so small an entry, and single precision is too.
    assert rows(1.001) == [True, False, True, True]


HIDDEN = """
name: t
inputs: {x: [N, 3]}
params: {w: {shape: [3]}, small: {shape: [3]}}
loss: sum(tanh(x * w)) + 1e-6 * sum(tanh(x * small))
"""


def hidden(factor: float = 1.0) -> Derivation:
    """A tiny gradient beside a large one, scaled."""
    import dataclasses

    import sympy

    good = differentiate(build(parse(HIDDEN)))
    (loss,) = good.losses
    line = loss.gradients["small"]
    scaled = dataclasses.replace(
        line,
        equation=dataclasses.replace(
            line.equation, rhs=line.equation.rhs * sympy.Rational(str(factor))
        ),
    )
    back = dataclasses.replace(
        loss,
        cotangents=tuple(scaled if c is line else c for c in loss.cotangents),
        gradients={**loss.gradients, "small": scaled},
    )
    return dataclasses.replace(good, losses=(back,))


def test_along_a_direction_of_everything_each_gradient_counts_alike() -> None:
    derivation = hidden()
    (loss,) = derivation.losses
    at = expect(derivation).losses["loss"]
    along = directions(["w", "small"], loss, at, np.random.default_rng(0))
    terms = {n: np.abs(along[n] * at.values[loss.gradients[n].equation.tensor.name]) for n in along}
    assert all(term.sum() == pytest.approx(1, rel=1e-3) for term in terms.values())


@pytest.mark.parametrize("factor", [1.001, -1.0, 0.0])
def test_a_tiny_gradient_that_is_wrong_does_not_hide_among_large_ones(factor, monkeypatch) -> None:
    """In the one direction of all gradients, by complex steps and by differences."""
    monkeypatch.setattr("symbackprop.checking.wide._OPERATIONS", 0)
    monkeypatch.setattr("symbackprop.checking.slopes._OPERATIONS", 0)
    good, wrong = hidden(), hidden(factor)
    for derivation, holds in ((good, True), (wrong, False)):
        expected, (loss,) = expect(derivation), derivation.losses
        at = expected.losses["loss"]
        both = rises_as_derived(
            derivation.system, loss, ["w", "small"], at, np.random.default_rng(0)
        )
        assert both.held == holds
        assert check_wide(derivation, expected)[-1].held == holds
    from symbackprop import pipeline

    module = pipeline.compile(good, "float64")
    true = module.loss_and_grads

    def loss_and_grads(params, *, x):
        value, grads = true(params, x=x)
        return value, {**grads, "small": grads["small"] * factor}

    module.loss_and_grads = loss_and_grads
    rows = check_module(good, module, expect(good))
    (row,) = [row for row in rows if "differences" in row.how]
    assert not row.held and "the module says" in row.failure


def test_a_forward_value_and_a_loss_that_are_a_little_wrong_are_refused() -> None:
    derivation, good = r.derivation(), r.module()
    more = 1 + 1e-12

    def forward(params, *, x):
        return {"p": good.forward(params, x=x)["p"] * more}

    def loss(params, *, x, y):
        return good.loss(params, x=x, y=y) * more

    for name, wrong in (("forward", forward), ("loss", loss)):
        module = SimpleNamespace(**{**vars(good), name: wrong})
        rows = check_module(derivation, module, expect(derivation))
        assert [row.what for row in rows if not row.held] == [name]


def test_what_is_left_in_a_workspace_is_seen() -> None:
    good, called = r.module(), []

    def loss_and_grads(params, *, x, y, workspace=None):
        value, grads = good.loss_and_grads(params, x=x, y=y)
        called.append(workspace is not None)
        return value, {n: g + (sum(called) > 1) for n, g in grads.items()}

    module = SimpleNamespace(**{**vars(good), "loss_and_grads": loss_and_grads})
    found = check(r.derivation(), module)
    assert [row.how for row in found if not row.held] == ["module with a workspace, twice"]
