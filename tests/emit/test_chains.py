"""Long runs on large arrays, computed a few rows at a time: the values are the same."""

import re

import numpy as np
import pytest

from symbackprop.checking.evaluated import expect
from symbackprop.checking.module import check_module
from symbackprop.derivation import differentiate
from symbackprop.emit import chains, emit_module, rows
from symbackprop.equations.build import build
from symbackprop.program import lower, storage
from symbackprop.spec import parse
from tests.emit.specs import SPECS
from tests.emit.specs_modes import MODES
from tests.program.running import module_of

BLOCK = """
    name: block
    inputs: {x: [N, T, 6], y: {shape: [N, T], classes: 5}}
    network: |
      a = x + multi_head_attention(layer_norm(x), 2, causal=True)
      b = a + dense(gelu_tanh(dense(layer_norm(a), 8)), 6)
      p = softmax(dense(b, 5))
    loss: cross_entropy(p, y)
"""
SQUARES = """
    name: squares
    inputs: {x: [N, N], y: [N, N]}
    network: |
      a[i, j] = exp(x[i, j]) * x[j, i]
      b[i, j] = tanh(a[i, j] + y[i, j]) + a[j, i]
      c[i, j] = b[i, j] * a[i, j] + sum[k](b[i, k]) + sum[k](b[k, j])
      d[i, j] = tanh(c[j, i]) * b[i, j] - c[i, i]
    loss: mean(d**2) + mean(c)
    wrt: [x]
"""
MIDDLE = """
    name: middle
    inputs: {x: [N, T, 3, 5], y: [N, T, 3, 5]}
    params: {w: {shape: [3, 5]}}
    network: h = softmax(x * w, axis=2)
    loss: mse(h, y)
    wrt: [x, w]
"""
OUTER = """
    name: outer
    inputs: {y: [N], x: [N]}
    network: |
      h[i, k, l] = tanh(y[i] * y[k] + y[l])
      g[i, k, l] = exp(h[i, k, l] + sin(y[i]))
      b[i, k] = exp(tanh(x[i] * x[k]) + sin(x[i]))
    loss: mean(exp(g) * cos(g)) + mean(b)
    wrt: [x, y]
"""
ONE_STEP = """
    name: one_step
    inputs: {x: [N, M, T]}
    network: |
      h = tanh(x)
      d[n, k, t] = tanh(h[n, k, t]) - where(t >= 1, exp(sin(exp(h[n, k, t - 1]))), 0)
    loss: mean(d**2)
    wrt: [x]
"""
TEXTS = {"block": BLOCK, "squares": SQUARES, "middle": MIDDLE, "outer": OUTER, **SPECS, **MODES}


@pytest.fixture
def tiny(monkeypatch):
    """Everything is large, and a block has a few entries."""
    monkeypatch.setattr(chains, "IN_BLOCKS", 1)
    monkeypatch.setattr(storage, "IN_BLOCKS", 1)
    monkeypatch.setattr(chains, "SHORTEST", 1)
    for module in (chains, rows):
        monkeypatch.setattr(module, "BLOCK", 7)


def derived(text):
    return differentiate(build(parse(text)))


@pytest.mark.parametrize("name", TEXTS)
def test_values_in_blocks_are_those_of_the_reference(name, tiny):
    derivation = derived(TEXTS[name])
    source = emit_module(lower(derivation))
    if name != "no_parameters":
        assert "rows = slice(" in source
    mode = None if derivation.in_use is None else True
    found = check_module(derivation, module_of(source), expect(derivation, 0), mode, 0)
    assert all(row.held for row in found), [row.failure for row in found]


@pytest.mark.parametrize("name", ["block", "squares", "recurrent"])
def test_blocks_change_no_bit(name, monkeypatch, tiny):
    text = TEXTS[name]
    split = module_of(emit_module(lower(derived(text))))
    monkeypatch.setattr(chains, "IN_BLOCKS", 10**18)
    whole = module_of(emit_module(lower(derived(text))))
    rng = np.random.default_rng(0)
    sizes = {"N": 5, "T": 7}
    params = split.init_params(seed=0, dtype=np.float64)
    given = {}
    for key, shape in split.SHAPES.items():
        shape = tuple(sizes.get(e, e) for e in shape)
        if key in ("x", "s0", "w") or (key == "y" and name == "squares"):
            given[key] = rng.standard_normal(shape)
        elif key == "y":
            given[key] = rng.integers(0, 5, shape)
    pair = [net.loss_and_grads(params, **given) for net in (split, whole)]
    assert pair[0][0] == pytest.approx(pair[1][0], rel=1e-14)
    for key, gradient in pair[0][1].items():
        np.testing.assert_allclose(gradient, pair[1][1][key], rtol=1e-12, atol=1e-14)


def body(text, name):
    source = emit_module(lower(derived(text)))
    start = source.index(f"def {name}(")
    return source[start : source.index("\ndef ", start + 1)]


WIDE = """
    name: wide
    inputs: {x: [N, 512], y: [N, 2048]}
    network: |
      h = gelu_tanh(dense(x, 2048))
    loss: mse(h, y)
"""


def test_a_long_pointwise_run_is_one_loop_over_blocks():
    source = body(WIDE, "forward")
    assert "for start in range(0, N, 16):" in source
    loop = source[source.index("for start") :]
    assert loop.index("np.exp(") < loop.index("\n    h = z1")


def test_short_runs_and_small_arrays_are_not_split():
    assert "rows = slice(" not in body(WIDE.replace("gelu_tanh", "relu"), "forward")
    assert "rows = slice(" not in body(WIDE.replace("2048", "64"), "forward")


def test_what_is_read_by_no_later_statement_has_memory_of_one_block():
    source = body(WIDE, "loss_and_grads")
    assert re.findall(r"out=(work\.\w+)\[part\]", source) == ["work.subtract_5", "work.multiply_5"]
    assert "part = slice(rows.stop - start)" in source


ATTENTION = """
    name: attention
    inputs: {x: [64, 128, 16], y: [64, 128, 16]}
    params: {s: [16]}
    network: |
      h = multi_head_attention(tanh(x * s), 2)
    loss: mse(h, y)
"""


def test_what_does_not_run_along_is_computed_before_or_after():
    """The values of all heads before their scores; what is made of their cotangents after those."""
    source = body(ATTENTION, "loss_and_grads")
    loops = [loop.split("\n\n")[0] for loop in source.split("\n    for ")[1:]]
    forward, back = [loop for loop in loops if "np.matmul(p1" in loop]
    assert forward.count("np.matmul(") == 3 and "np.exp(p1, out=p1)" in forward
    assert back.count("np.matmul(") == 4 and " = np.einsum(" in back
    assert source.index("v1 = work.v1") < source.index(forward)
    assert source.index("dW1_v = work.dW1_v") > source.index(back)


def test_blocks_of_what_has_no_entries(tiny):
    """With one step there is no step before it."""
    net = module_of(emit_module(lower(derived(ONE_STEP))))
    x = np.linspace(-1, 1, 15).reshape(3, 5, 1)
    loss, grads = net.loss_and_grads({}, x=x)
    np.testing.assert_allclose(loss, np.mean(np.tanh(np.tanh(x)) ** 2), rtol=1e-12)
    slope = (1 - np.tanh(np.tanh(x)) ** 2) * (1 - np.tanh(x) ** 2)
    np.testing.assert_allclose(grads["x"], 2 * np.tanh(np.tanh(x)) * slope / 15, rtol=1e-12)
