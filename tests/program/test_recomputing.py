"""Values computed again on the way back: the same numbers, less memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symbackprop as sb
from symbackprop.checking import check
from symbackprop.equations.build import build
from symbackprop.program import lower
from symbackprop.program.memory import workspace_bytes
from symbackprop.program.recomputing import is_pointwise, recomputable

BLOCKS = """
name: blocks
inputs: {x: [N, T, 24], y: {shape: [N, T], classes: 7}}
network: |
%s
  p = softmax(dense(x4, 7))
loss: cross_entropy(p, y)
"""
BLOCK = """  a{0} = x{0} + multi_head_attention(layer_norm(x{0}), 3, causal=True)
  x{1} = a{0} + dense(gelu_tanh(dense(layer_norm(a{0}), 96)), 24)
"""


def blocks() -> str:
    first = BLOCK.format(0, 1).replace("x0", "x")
    return BLOCKS % (first + "".join(BLOCK.format(k, k + 1) for k in (1, 2, 3))).rstrip("\n")


def given(n: int, t: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"x": rng.standard_normal((n, t, 24)), "y": rng.integers(0, 7, (n, t))}


def test_a_deep_network_takes_a_sixth_less_and_gives_the_same_to_the_last_bit() -> None:
    derivation = sb.derive(sb.parse(blocks()))
    extents = {"N": 4, "T": 16}
    high, low = (workspace_bytes(lower(derivation, r), 4, extents) for r in (False, True))
    assert low < high * 5 / 6
    modules = [sb.compile(derivation, "float64", memory=memory) for memory in ("high", "low")]
    params = modules[0].init_params(0, np.float64)
    (value, gradients), (again, recomputed) = (
        m.loss_and_grads(params, **given(3, 5)) for m in modules
    )
    assert value == again
    assert gradients.keys() == recomputed.keys()
    for name, gradient in gradients.items():
        assert (gradient == recomputed[name]).all(), name


@pytest.mark.parametrize("name", ["autoencoder", "gan", "xor"])
def test_the_module_that_recomputes_passes_every_check(name: str) -> None:
    passes(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vae", "char_gru", "char_lstm", "dropout_digits", "lenet5"])
def test_larger_modules_that_recompute_pass_every_check(name: str) -> None:
    passes(name)


@pytest.mark.parametrize(
    "network",
    [
        """a[n, t, i] = tanh(x[n, t, i] * w[i])
  h[n, t, i] = sin(a[n, t, i] + 0.5 * h[n, t - 1, i])""",
        """a = tanh(x * w)
  h = gru(a, 2, reverse=True)""",
    ],
)
def test_what_only_a_recurrence_reads_is_computed_again_before_its_loop(network: str) -> None:
    derivation = sb.derive(sb.parse(RECURRENT % network))
    assert check(derivation, sb.compile(derivation, "float64", memory="low"), None)


RECURRENT = """
name: low
inputs: {x: [N, T, 4]}
params: {w: {shape: [4], init: normal(0.4)}}
network: |
  %s
loss: mean(h**2)
"""


def passes(name: str) -> None:
    derivation = sb.derive(sb.load(name))
    assert check(derivation, sb.compile(derivation, "float64", memory="low"), None)


def test_the_equation_is_named_where_it_is_computed_again() -> None:
    text = sb.parse(blocks())
    from symbackprop.pipeline import source

    module, _ = source(sb.derive(text), memory="low")
    body = module[module.index("def loss_and_grads") : module.index("def sgd_step")]
    assert body.count("# (17) z3[n, t, i] = gamma3[i] * xhat3[n, t, i] + beta3[i]") == 2


def test_only_pointwise_equations_of_what_is_kept_anyway_are_computed_again() -> None:
    derivation = sb.derive(sb.parse(blocks()))
    loss = derivation.losses[0]
    backward = (*loss.cotangents, *loss.gradients.values())
    again = recomputable(derivation.forward, backward, derivation.system.given)
    assert again
    for equation in again.values():
        assert is_pointwise(equation)
    system = build(
        sb.parse("name: s\ninputs: {x: [N, 3]}\nnetwork: s = softmax(x)\nloss: sum(s**2)")
    )
    assert not any(is_pointwise(e) for e in system.equations)


def test_memory_is_high_or_low() -> None:
    with pytest.raises(sb.CallError, match="no memory is called 'lwo'"):
        sb.compile(sb.derive(sb.load("xor")), memory="lwo")
