"""Windows copied as slabs, products in strips: right for every layout, without copies between."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Integer

from symbackprop.equations.nodes import Index, TensorSymbol
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation
from symbackprop.program import blocks, overlaps, slabs, strips
from tests.program import running
from tests.program.running import N, agree, compiled, sources
from tests.program.test_blocks import IMAGES, KERNELS, convolution


@pytest.mark.parametrize("thin", [1, 1024])
@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("image", IMAGES)
def test_a_convolution_of_slabs(image, kernel, count, thin, monkeypatch):
    """Once copied, the windows serve the product and the gradient by the kernel."""
    monkeypatch.setattr(strips, "MOST", 4096)
    monkeypatch.setattr(strips, "THIN", thin)
    monkeypatch.setitem(running.SIZES, "N", count)
    source = agree(*convolution(IMAGES[image], KERNELS[kernel]))
    assert source.count("_windows(x") + source.count("_windows(copy_1,") == 1
    assert ("np.add.reduce(part_" in source) == (thin > 1 and kernel != "alone")


def test_windows_that_are_read_backwards():
    """Their view starts at the last entry: a copy of it alone would hold nothing before."""
    n, i, p = Index("n", N), Index("i", Integer(6)), Index("p", Integer(3))
    x, w = TensorSymbol("x", (N, 8)), TensorSymbol("w", (3,))
    z = Equation(TensorSymbol("z", (N, 6)), (n, i), Sum(x[n, 7 - i - p] * w[p], p))
    agree([z], (x, w))


NETWORK = """
name: pictures
inputs: {x: [N, 12, 12, 1], y: {shape: [N], classes: 3}}
network: |
  a = max_pool2d(tanh(conv2d(x, 4, 3, padding="same")), 2)
  b = max_pool2d(relu(conv2d(a, 5, 3)), 2)
  p = softmax(dense(flatten(b), 3))
loss: cross_entropy(p, y)
"""


def test_all_between_two_convolutions_has_their_layout():
    """Nothing is turned but the input, and what a dense layer reads and hands back."""
    source = sources(NETWORK)[0]
    body = source[source.index("def sgd_step") : source.index("def _windows")]
    turned = [line.strip() for line in body.splitlines() if ".transpose(" in line]
    assert sum("np.copyto(" in line for line in turned) == 2, turned
    assert "np.fill(-np.inf)" not in body


def test_the_buffers_of_a_network_keep_the_layout():
    work = compiled(NETWORK).Workspace(N=7)
    assert work.z1.shape == (4, 12, 12, 7)
    assert work.z2.shape == (5, 4, 4, 7)


def test_large_windows_after_slabs_are_copied_in_blocks(monkeypatch):
    """From a copy in which an example is a block again; the numbers stay the same."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((7, 12, 12, 1)), rng.integers(0, 3, 7)
    found = []
    text = NETWORK.replace("conv2d(x, 4", "conv2d(x, 16")
    for kept in (2**20, 100000):
        monkeypatch.setattr(slabs, "KEPT", kept)
        monkeypatch.setattr(blocks, "ENTRIES", 2048)
        source, module = sources(text)[0], compiled(text)
        assert module.Workspace(N=7).z1.shape == (16, 12, 12, 7)
        assert ("for start in range(0, N, " in source) == (kept < 2**20)
        found.append(module.loss_and_grads(module.init_params(0, np.float64), x=x, y=y)[1])
    for name in found[0]:
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-9, atol=1e-12)


def test_windows_that_are_read_in_long_runs_stay_as_they_are():
    source = sources(NETWORK.replace("12, 1]", "12, 64]").replace("same", "valid"))[0]
    assert "x.transpose(" not in source


POOLED = """
name: pooled
inputs: {x: [N, 13, 19, 2]}
params: {a: [2]}
network: |
  m = max_pool2d(x, POOL)
  h[n, i, j, c] = a[c] * m[n, i, j, c]
loss: mse(h, h**2)
wrt: [x]
"""


@pytest.mark.parametrize("pool", ["2", "2, stride=1", "3, stride=2", "3"])
def test_an_extreme_is_found_by_visits_as_by_its_position(pool, monkeypatch):
    """Also where entries are equal, and where none is, for one is not a number."""
    x = np.random.default_rng(0).integers(0, 3, (3, 13, 19, 2)).astype(np.float64)
    x[1, 2, 3, 1] = np.nan
    found = []
    for few in (0, 9):
        monkeypatch.setattr(overlaps, "FEW", few)
        text = POOLED.replace("POOL", pool)
        module, source = compiled(text), sources(text)[0]
        assert ("position_" in source) == (few == 0)
        assert ("np.logical_xor(" in source) == (few > 0)
        found.append(module.loss_and_grads({"a": np.array([1.0, 2.0])}, x=x)[1]["x"])
    np.testing.assert_array_equal(*found)


FLAT = """
name: flat
inputs: {x: [N, 5, 5, 1]}
network: z = dense(flatten(conv2d(conv2d(x, 2, 2), 2, 2)), 1)
loss: mean(z**2)
"""


def test_a_gradient_that_comes_flat_is_multiplied_in_blocks_of_its_rows():
    """A dense layer behind gives it as (N, 18), its product wants rows of 2."""
    module = compiled(FLAT)
    params = module.init_params(0, np.float64)
    x = np.random.default_rng(0).standard_normal((3, 5, 5, 1))
    _, grads = module.loss_and_grads(params, x=x)
    for name, gradient in grads.items():
        step = np.cos(np.arange(gradient.size)).reshape(gradient.shape)
        moved = [module.loss({**params, name: params[name] + s * step}, x=x) for s in (1e-6, -1e-6)]
        assert abs((moved[0] - moved[1]) / 2e-6 - np.sum(gradient * step)) < 1e-7, name
