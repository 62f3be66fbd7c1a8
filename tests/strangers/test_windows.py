"""Networks of convolutions and pools, equal to PyTorch's in float64 to 1e-9.

Plain loops over images take too long here: `tests/program/test_affine.py` has small ones.
"""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import cases_convolution
from stranger import Case
from test_strangers import assert_same
from ways import by_module, by_torch, extents_of, given

import symbackprop as sb

pytestmark = pytest.mark.torch

CASES = [made for made in vars(cases_convolution).values() if isinstance(made, Case)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradients_of_windows_equal_those_of_pytorch(case: Case) -> None:
    derivation = sb.derive(sb.parse(case.text))
    module = sb.compile(derivation, "float64")
    for seed, primes in enumerate(((2, 19, 23, 5), (17, 29, 31, 37))):
        extents = extents_of(derivation, primes)
        arrays = given(case, derivation, extents, seed)
        expected = by_torch(case, derivation, arrays)
        assert_same(by_module(module, derivation, arrays), expected)
