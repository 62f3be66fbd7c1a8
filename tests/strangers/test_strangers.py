"""Losses, outputs and gradients of a stranger's specs, equal to PyTorch's in float64 to 1e-9."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import cases_arrays
import cases_attention
import cases_corners
import cases_handmade
import cases_indices
import cases_losses
import cases_networks
import cases_normalisation
import cases_objectives
import cases_pointwise
import cases_recurrences
import cases_training
from stranger import Case
from ways import by_loops, by_module, by_torch, extents_of, given

import symbackprop as sb

pytestmark = pytest.mark.torch

THEMES = (
    cases_arrays,
    cases_attention,
    cases_corners,
    cases_handmade,
    cases_indices,
    cases_losses,
    cases_networks,
    cases_normalisation,
    cases_objectives,
    cases_pointwise,
    cases_recurrences,
    cases_training,
)
CASES = [made for theme in THEMES for made in vars(theme).values() if isinstance(made, Case)]
SMALL, LARGE = (3, 2, 5, 7, 11, 13), (13, 7, 11, 17, 5, 19)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradients_equal_those_of_pytorch(case: Case) -> None:
    derivation = sb.derive(sb.parse(case.text))
    module = sb.compile(derivation, "float64")
    for seed, primes in enumerate((SMALL, LARGE)):
        extents = extents_of(derivation, primes)
        arrays = given(case, derivation, extents, seed)
        expected = by_torch(case, derivation, arrays)
        if primes is SMALL:
            assert_same(by_loops(derivation, arrays, extents), expected)
        assert_same(by_module(module, derivation, arrays), expected)


def assert_same(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Every loss, gradient and output that is expected was found."""
    for name, wanted in expected.items():
        if isinstance(wanted, tuple):
            close(found[name][0], wanted[0], f"loss {name}")
            assert sorted(found[name][1]) == sorted(wanted[1])
            for by, grad in wanted[1].items():
                close(found[name][1][by], grad, f"gradient of {name} by {by}")
        else:
            close(found[name], wanted, f"output {name}")


def close(found: Any, expected: Any, what: str) -> None:
    assert np.shape(found) == np.shape(expected), what
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=what)


@pytest.mark.parametrize("wrong", ["value", "scaled", "transposed", "missing", "output"])
def test_the_comparison_can_fail(wrong: str) -> None:
    grads = {"W": np.arange(6.0).reshape(2, 3), "b": np.ones(3)}
    expected = {"loss": (1.5, grads), "p": np.ones(2)}
    found = {
        "value": {"loss": (1.5 + 1e-8, grads), "p": np.ones(2)},
        "scaled": {"loss": (1.5, grads | {"W": grads["W"] * (1 + 1e-8)}), "p": np.ones(2)},
        "transposed": {"loss": (1.5, grads | {"W": grads["W"].T}), "p": np.ones(2)},
        "missing": {"loss": (1.5, {"W": grads["W"]}), "p": np.ones(2)},
        "output": {"loss": (1.5, grads), "p": np.array([1.0, 1.1])},
    }
    assert_same(expected, expected)
    with pytest.raises(AssertionError):
        assert_same(found[wrong], expected)


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 34
