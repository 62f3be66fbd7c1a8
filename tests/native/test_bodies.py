"""Every function that is compiled computes what NumPy's does."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from symbackprop import gallery
from symbackprop.emit import emit_native
from symbackprop.spec import SpecError, load, parse
from tests.fuzz.specs import drawn
from tests.native import compared
from tests.native.compared import HAS_COMPILER, Both
from tests.sampling import sampled

needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler")
GALLERY = sorted(p.stem for p in Path(gallery.__file__).parent.glob("*.yaml"))
# One for each kind of operation: the rest take longer and are compiled as they are used below.
QUICK = [
    "xor",
    "lenet5",
    "char_lstm",
    "char_transformer",
    "batch_norm_digits",
    "matrix_factorisation",
    "skip_gram",
    "chain_tagger",
    "sunspots_ssm",
    "gan",
]


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@needs_compiler
@pytest.mark.parametrize("name", QUICK)
def test_a_spec_computes_what_numpy_does(name):
    both = Both(load(name))
    assert both.differences("float64") == []
    if name in ("lenet5", "char_lstm"):
        assert both.differences("float32") == []


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("name", sampled(GALLERY, 6))
def test_a_spec_computes_what_numpy_does_when_vectorised(name):
    both = Both(load(name), "-O2")
    assert both.differences("float64", 1) == []
    assert both.differences("float32", 1) == []


def _held(seed: int, level: str) -> None:
    with contextlib.suppress(SpecError, ValueError):  # refused, as it should be
        both = Both(parse(drawn(seed)[1].text), level)
        # Where tanh is near 1, a rounding of it is large beside 1 - tanh².
        assert both.differences("float64", seed, 1e-8) == []


@needs_compiler
@pytest.mark.parametrize("seed", range(20))
def test_a_drawn_spec_computes_what_numpy_does(seed):
    _held(seed, "-O0")


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("seed", sampled(range(1000, 1030), 6))
def test_a_drawn_spec_computes_what_numpy_does_when_vectorised(seed):
    _held(seed, "-O2")


CHAIN = """
name: chain
inputs: {x: [N, 3], y: [N, 3]}
network: |
  h = tanh(dense(x, 3))
  p = exp(-h**2)
loss: mse(p, y)
"""


@needs_compiler
def test_a_wrong_body_is_seen(monkeypatch):
    right = compared.emit_native
    monkeypatch.setattr(
        compared, "emit_native", lambda p: right(p).replace("= real_tanh(", "= real_sin(")
    )
    both = Both(parse(CHAIN))
    assert "real_sin(h_i" in both.source or "real_sin(z" in both.source
    assert any("forward" in difference for difference in both.differences("float64"))


NAMES = """
name: names
inputs:
  double: [real, at]
  auto: {shape: [real], classes: 3}
params:
  restrict: {shape: [at, 3]}
network: |
  exp_[n, i] = sum[k](double[n, k] * restrict[k, i])
  count = tanh(exp_)
  start = softmax(count)
loss: cross_entropy(start, auto)
"""


@needs_compiler
def test_names_that_mean_something_else_in_c():
    assert Both(parse(NAMES)).differences("float64") == []


@needs_compiler
def test_constants_that_numpy_keeps_transposed_are_read_in_row_major_order():
    """[k = i + 1] for i and k is turned to (i, k) and copied: NumPy keeps the order of memory."""
    text = """
name: turned
inputs: {u: {shape: [2], classes: 4}}
params: {W: {shape: [1, 4, 3]}}
network: "h[n:1, i, j] = W[j, u[i], 2*j + i + 3*n + 1]"
loss: sum(tanh(h))
"""
    assert Both(parse(text)).differences("float64") == []


def body_of(source: str, name: str) -> str:
    return source.split(f"static double {name}(")[1].split("\n}\n")[0]


def test_values_between_statements_of_a_loop_are_not_stored():
    both = Both(parse(CHAIN))
    body = body_of(both.source, "sgd_step_in_training")
    stored = [line for line in body.splitlines() if "] = " in line]
    assert not any("exp" in line.split("=")[0] for line in stored)
    assert body.count("for (int64_t") < 12


def test_a_product_goes_into_the_parameter():
    spec = "name: a\ninputs: {x: [N, 40], y: [N, 30]}\nloss: mse(dense(x, 30), y)\n"
    body = body_of(Both(parse(spec)).source, "sgd_step_in_training")
    (call,) = [line for line in body.splitlines() if "product(1, 0, 40, 30, N" in line]
    assert "restrict dW1" not in body and call.rstrip().endswith("1, W1, 30);")


def test_the_text_is_the_same_each_time():
    both = Both(load("lenet5"))
    assert emit_native(both.program) == both.source
