"""The memory of a step: where its large arrays begin, and which of them share one buffer."""

import re

import numpy as np
import pytest

from symbackprop.derivation import differentiate
from symbackprop.emit import emit_module
from symbackprop.equations.build import build
from symbackprop.program import lower
from symbackprop.spec import parse
from tests.program.running import compiled, module_of

DENSE = """
    name: net
    inputs: {x: [N, 40], y: {shape: [N], classes: 64}}
    network: |
      p = softmax(dense(tanh(dense(x, 48)), 64))
    loss: cross_entropy(p, y)
"""
ATTENTION = """
    name: net
    inputs: {x: [N, T, 6], y: [N, T, 6]}
    network: |
      h = multi_head_attention(x, 2, causal=True)
    loss: mse(h, y)
"""


def source_of(text):
    return emit_module(lower(differentiate(build(parse(text)))))


def body(source, name):
    return source.split(f"def {name}(")[1].split("\ndef ")[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 3, 50, 77])
def test_large_arrays_begin_with_a_line_of_the_cache(dtype, rows):
    work = compiled(DENSE).Workspace(N=rows, dtype=dtype)
    names = re.findall(r"self\.(\w+) = _aligned\(", source_of(DENSE))
    assert len(names) >= 4
    for array in (getattr(work, name) for name in names):
        assert array.ctypes.data % 64 == 0 and array.dtype == dtype and array.flags.c_contiguous
        assert len(array) in (rows, 40, 48)


def test_a_result_that_is_kept_keeps_no_other_memory():
    net = compiled(DENSE)
    kept = net.forward(net.init_params(), x=np.ones((500, 40), np.float32))["p"]
    while kept.base is not None:
        kept = kept.base
    assert kept.nbytes <= 4 * (500 * 64 + 64)


def test_modules_without_large_arrays_have_none_of_it():
    text = "name: f\ninputs: {x: [N, 2]}\nnetwork: |\n  y = tanh(x)\nloss: mean(y**2)\nwrt: [x]"
    assert "_aligned" not in source_of(text)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 7), (1030, 5), (3, 400, 9), (2049, 1)])
def test_the_largest_of_each_row_is_that_of_numpy(shape, dtype):
    largest = compiled(DENSE)._largest
    rng = np.random.default_rng(0)
    array = rng.integers(-3, 4, shape).astype(dtype)
    array[rng.random(shape) < 0.01] = np.nan
    array[rng.random(shape) < 0.01] = np.inf
    out = np.empty(shape[:-1], dtype)
    assert largest(array, out=out) is out
    np.testing.assert_array_equal(out, np.maximum.reduce(array, axis=-1))


def test_the_largest_of_what_is_handed_in_is_left_to_numpy():
    """That may be an array of another library, which has other methods."""
    wide = DENSE.replace("softmax(dense(tanh(dense(x, 48)), 64))", "softmax(x)")
    source = source_of(wide.replace("classes: 64", "classes: 40") + "    wrt: [x]\n")
    assert "_largest(" not in source and "np.maximum.reduce(x" in source


def test_scores_are_gathered_before_the_exponentials_take_their_place():
    source = source_of(DENSE)
    step = body(source, "sgd_step")
    assert step.index("z2.take(") < step.index("np.exp(")
    assert "work.p" not in step


def test_scores_that_something_else_reads_stay_as_they_are():
    kept = DENSE.replace("cross_entropy(p, y)", "cross_entropy(p, y) + 0.1 * mean(z**2)")
    kept = kept.replace(
        "p = softmax(dense(tanh(dense(x, 48)), 64))", "z = dense(x, 64)\n      p = softmax(z)"
    )
    step = body(source_of(kept), "sgd_step")
    assert step.index("np.exp(") < step.index("z.take(")


def test_products_of_a_stack_are_written_as_the_next_product_reads_them():
    """o[n, t, h, e] is the rows of v[n, j, h, e] added up: heads side by side, not copied."""
    source = body(source_of(ATTENTION), "loss_and_grads")
    assert "np.copyto(" not in re.sub(r"np\.copyto\(\w+, \S+, where=\S+\)", "", source)
    assert source.count(".transpose(0, 2, 1, 3)") > 4


def test_gradients_of_such_products_are_right():
    net = module_of(source_of(ATTENTION))
    params = net.init_params(0, np.float64)
    rng = np.random.default_rng(1)
    given = {name: rng.standard_normal((2, 5, 6)) for name in ("x", "y")}
    _, grads = net.loss_and_grads(params, **given)
    for name, gradient in grads.items():
        step = rng.standard_normal(gradient.shape)
        moved = [
            net.loss({**params, name: params[name] + s * step}, **given) for s in (1e-6, -1e-6)
        ]
        assert abs((moved[0] - moved[1]) / 2e-6 - np.sum(gradient * step)) < 1e-7, name
