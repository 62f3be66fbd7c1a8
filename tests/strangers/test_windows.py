"""Networks of convolutions and pools, equal to PyTorch's in float64 to 1e-9.

Plain loops over images take too long here: `tests/program/test_affine.py` has small ones.
"""

from __future__ import annotations

import numpy as np
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


def test_memory_grows_with_the_windows_not_with_inputs_times_outputs() -> None:
    text = """
name: memory
inputs: {x: [N, 32, 32, 4]}
network: |
  a = relu(conv2d(x, 8, 5, padding="same"))
  b = max_pool2d(a, 3, stride=2)
  c = conv2d_transpose(avg_pool2d(b, 3, stride=3), 4, 3, stride=2)
loss: mean(c**2)
wrt: [x, W1, b1, W2, b2]
"""
    module = sb.compile(sb.derive(sb.parse(text)), "float64")
    sizes = []
    for count in (2, 3):
        buffers = vars(module.Workspace(N=count, dtype=np.float64)).values()
        sizes.append(sum(b.size for b in buffers if isinstance(b, np.ndarray)))
    windows = 32 * 32 * 5 * 5 * 4
    assert sizes[1] - sizes[0] < 3 * windows < 32 * 32 * 4 * 32 * 32 * 8 / 100
