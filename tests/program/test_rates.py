"""What of a program is decided for speed, and where: rates, tables, products in loops, masks."""

import numpy as np
import pytest

from symbackprop.derivation import differentiate
from symbackprop.emit import emit_module
from symbackprop.equations.build import build
from symbackprop.program import lower
from symbackprop.program.operations import Descend, Scalar
from symbackprop.spec import parse
from tests.emit.specs import SPECS
from tests.emit.specs_modes import MODES, PAIRS
from tests.program.running import compiled, module_of


def lowered(text):
    return lower(differentiate(build(parse(text))))


def body(text, name):
    source = emit_module(lowered(text))
    start = source.index(f"def {name}(")
    return source[start : source.index("\ndef ", start + 1)]


def rates(text):
    """Whether the rates of all steps have been taken into what came before."""
    program = lowered(text)
    steps = [program.values[v] for v in program.losses[0].descent.order]
    steps = [step for step in steps if isinstance(step, Descend)]
    return {isinstance(program.values[step.rate], Scalar) for step in steps}


@pytest.mark.parametrize("name", ["digits", "attention", "misc", "long"])
def test_the_rate_is_taken_into_the_first_cotangents(name):
    assert rates(SPECS[name]) == {True}


@pytest.mark.parametrize("name", ["pairs", "sentences", "dropped", "normalised"])
def test_the_rate_is_taken_in_also_where_gradients_are_sparse_or_drawn(name):
    assert rates(MODES[name]) == {True}


def test_a_recurrence_has_the_rate_at_its_steps():
    assert rates(SPECS["recurrent"]) == {False}


def test_the_rate_is_multiplied_with_what_is_smaller():
    """z - y of [N, 3] is larger than all parameters together: each of them is multiplied."""
    text = """
        name: one
        inputs: {x: [N, 2], y: [N, 3]}
        loss: sum((tanh(dense(x, 3)) - y)**2) / 2
    """
    assert rates(text) == {False}
    assert rates(text.replace("/ 2", "/ N")) == {True}


def test_comments_say_where_the_rate_has_been_taken_in():
    source = body(SPECS["digits"], "sgd_step")
    assert "[j = y[n]]) / N, times rate" in source
    assert "dW1 *= rate" not in source and "np.multiply(dW1, rate" not in source
    assert "times rate" not in body(SPECS["digits"], "loss_and_grads")


@pytest.mark.parametrize("width", [1, 2, 5, 6])
@pytest.mark.parametrize("sparse", ["", "sparse: [P, Q]"])
def test_rows_that_repeat_add_up(width, sparse):
    text = PAIRS.replace("k: 4", f"k: {width}").replace("sparse: [P, Q]", sparse)
    net = compiled(text)
    rng = np.random.default_rng(0)
    params = net.init_params(seed=0, dtype=np.float64)
    given = {k: rng.integers(0, 7, 40) for k in ("center", "near")}
    given["far"] = rng.integers(0, 7, (40, 3))
    _, grads = net.loss_and_grads(params, **given)
    wanted = {k: v.copy() for k, v in params.items()}
    for name, gradient in grads.items():
        if sparse:
            np.subtract.at(wanted[name], gradient[0], 0.5 * gradient[1])
        else:
            wanted[name] -= 0.5 * gradient
    columns = {k: np.array(v, order="F") for k, v in params.items()}
    for taken in (params, columns):
        net.sgd_step(taken, **given, rate=0.5)
        for name, array in taken.items():
            np.testing.assert_allclose(array, wanted[name], rtol=1e-12, atol=1e-14)


def test_the_transpose_that_every_step_of_a_loop_reads_is_copied_once():
    source = body(SPECS["recurrent"], "loss_and_grads")
    before, after = source.split("in reversed(range(T)):", 1)
    assert ".T, out=" not in after.split("\n\n    #", 1)[0]
    assert "np.copyto(copy_" in before


def test_a_number_is_written_where_a_known_mask_does_not_hold():
    text = """
        name: causal
        inputs: {x: [N, T, 4], y: [N, T, 4]}
        network: |
          h = multi_head_attention(x, 2, causal=True)
        loss: mse(h, y)
    """
    source = body(text, "forward")
    assert source.count("where=work.fixed_T)") == 2
    assert "np.copyto(p" in source and ".fill(-1e30)" not in source


def test_what_a_mask_leaves_out_is_zero_though_all_scores_are_lowest():
    """Of a row that another mask has emptied, the softmax is the same everywhere."""
    text = """
        name: causal
        inputs: {s: [T, T], m: {shape: [T], kind: mask}, y: [T, T]}
        params: {w: [1]}
        network: |
          z[t, i] = w[0] * s[t, i]
          p[t, j] = where(j <= t, exp(where(j <= t, where(m[j], z[t, j], -1e30), -1e30)
                    - logsumexp[i](where(i <= t, where(m[i], z[t, i], -1e30), -1e30))), 0)
        loss: mse(p, y)
    """
    module = module_of(emit_module(lowered(text)))
    s, m = np.zeros((3, 3)), np.array([False, True, True])
    found = module.forward({"w": np.ones(1)}, s=s, m=m)["p"]
    np.testing.assert_allclose(found, [[1 / 3, 0, 0], [0, 1, 0], [0, 1 / 2, 1 / 2]])


def test_pools_write_where_windows_lie_apart():
    text = """
        name: pools
        inputs: {x: [N, 8, 8, 3], y: [N, 4, 4, 3]}
        loss: mse(max_pool2d(tanh(x), 2), y)
        wrt: [x]
    """
    apart = body(text, "loss_and_grads")
    assert "windows[:, :, q, :, r] +=" not in apart
    together = body(
        text.replace("max_pool2d(tanh(x), 2)", "max_pool2d(tanh(x), 3, stride=1)").replace(
            "[N, 4, 4, 3]", "[N, 6, 6, 3]"
        ),
        "loss_and_grads",
    )
    assert " += part" in together
