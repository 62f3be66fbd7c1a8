"""Factors of the way back that are computed on the way forward: fewer arrays, the same values."""

import numpy as np
import pytest

from symbackprop.derivation import differentiate
from symbackprop.emit import emit_module
from symbackprop.equations.build import build
from symbackprop.program import functions, lower
from symbackprop.spec import parse
from tests.program.running import module_of

NETWORK = """
    name: two
    inputs: {{x: [N, 5], y: [N, 3]}}
    network: |
      z = dense(x, 7)
      h = {0}
    loss: mse(dense(h, 3), y)
"""
KNOWN = "the part that is known already"


def lowered(map_of_z):
    return lower(differentiate(build(parse(NETWORK.format(map_of_z)))))


def body(program, name):
    return emit_module(program).split(f"def {name}(")[1].split("\ndef ")[0]


@pytest.mark.parametrize("name", ["loss_and_grads", "sgd_step"])
def test_the_slope_of_a_map_that_keeps_two_arrays_is_computed_at_once(name):
    source = body(lowered("gelu_tanh(z)"), name)
    assert source.index(f"dz, {KNOWN}") < source.index(") loss = ")
    assert source.count(KNOWN) == 1


@pytest.mark.parametrize("map_of_z", ["tanh(z)", "sigmoid(z)", "relu(z)", "exp(z) * x[0, 0]"])
def test_one_array_is_kept_for_the_way_back_as_it_is(map_of_z):
    assert KNOWN not in emit_module(lowered(map_of_z))


def test_a_cotangent_that_is_known_whole_is_no_factor():
    """dz = (p - y) p (1 - p) waits for nothing: it stands where the way back begins."""
    text = NETWORK.format("tanh(z)").replace("mse(dense(h, 3), y)", "mse(sigmoid(dense(h, 3)), y)")
    assert KNOWN not in emit_module(lower(differentiate(build(parse(text)))))


def test_what_only_uses_the_network_computes_no_slopes():
    program = lowered("gelu_tanh(z)")
    assert KNOWN not in body(program, "forward") + body(program, "loss")


def test_what_is_read_late_in_any_case_makes_no_room():
    """The gradient of another layer reads z: of two arrays only the sigmoid would be let go."""
    text = NETWORK.format("gelu_tanh(z)").replace("dense(h, 3)", "dense(h, 3) + dense(z, 3)")
    assert KNOWN not in emit_module(lower(differentiate(build(parse(text)))))


def test_no_bit_changes_and_an_array_less_is_kept(monkeypatch):
    moved = lowered("gelu_tanh(z)")
    monkeypatch.setattr(functions, "moved_forward", lambda _, order, *__: (order, frozenset()))
    plain = lowered("gelu_tanh(z)")
    kept = [sum(b.shape[1:] == (7,) for b in program.buffers) for program in (moved, plain)]
    assert kept[0] < kept[1]
    rng = np.random.default_rng(0)
    given = {"x": rng.standard_normal((4, 5)), "y": rng.standard_normal((4, 3))}
    results = []
    for program in (moved, plain):
        module = module_of(emit_module(program))
        params = module.init_params(seed=1, dtype=np.float64)
        results.append(module.loss_and_grads(params, **given))
    assert results[0][0] == results[1][0]
    for name, gradient in results[0][1].items():
        assert (gradient == results[1][1][name]).all()
