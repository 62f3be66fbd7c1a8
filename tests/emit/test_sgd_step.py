"""sgd_step: parameters less the rate times the gradients, in place, and nothing else."""

import tracemalloc

import numpy as np
import pytest

from symbackprop.checking.evaluated import expect
from symbackprop.checking.module import check_module
from symbackprop.derivation import differentiate
from symbackprop.emit import emit_module
from symbackprop.equations.build import build
from symbackprop.program import lower
from symbackprop.program.operations import Descend, Read
from symbackprop.program.storage import root
from symbackprop.spec import parse
from tests.emit.specs import SPECS
from tests.emit.specs_modes import MODES
from tests.program.running import compiled, module_of

SIZES = {"N": 5, "M": 3, "T": 6, "B": 7}

ODD = {
    "each_is_the_others_gradient": """
        name: each
        inputs: {x: [N]}
        params: {a: {shape: [3]}, b: {shape: [3]}}
        loss: sum(a * b) + 0 * sum(x)
    """,
    "products_of_parameters": """
        name: products
        inputs: {x: [N]}
        params: {a: {shape: [3, 4]}, b: {shape: [4, 5]}, c: {shape: [5, 3]}}
        loss: sum(a @ b @ c) * mean(x) + l2(0.1, a)
    """,
    "the_loss_is_a_parameter": """
        name: itself
        inputs: {x: [N]}
        params: {a: {shape: []}, b: {shape: [2]}}
        loss: a
        outputs: [b2]
        network: |
          b2 = b + mean(x)
    """,
    "one_gradient_for_two": """
        name: shared
        inputs: {x: [N, 3], y: [N, 2]}
        params: {A: {shape: [3, 2]}, B: {shape: [3, 2]}, c: {shape: [2]}}
        loss: mse(x @ (A + B) + c, y)
    """,
    "used_three_times": """
        name: thrice
        inputs: {x: [N, 3]}
        params: {A: {shape: [3, 3]}}
        network: |
          h = tanh(x @ A)
          g = tanh(h @ A)
        loss: mean((g @ A.T)**2) + l2(0.01)
    """,
    "a_number_for_every_entry": """
        name: same
        inputs: {x: [N, 3]}
        params: {A: {shape: [3, 4]}, r: {shape: []}}
        loss: sum(A) / 7 + r * sum(x)
    """,
    "what_a_loop_writes": """
        name: every_step
        inputs: {y: [5, 3]}
        params: {w: {shape: [5, 3]}}
        network: |
          z[t, j] = w[t, j] + 0.5 * h[t - 1, j]
          h[t, j] = tanh(z[t, j])
        loss: mse(h, y)
    """,
    "what_a_loop_writes_turned": """
        name: every_turned
        inputs: {y: [N]}
        params: {w: {shape: [3, N, 4]}}
        network: |
          z[t, n, j] = w[j, n, 3 - t] + 0.5 * h[t + 1, n, j]
          h[t:4, n, j] = tanh(z[t, n, j])
        loss: mean(sin(h)) + mean(y)
    """,
    "by_inputs_as_well": """
        name: inputs_too
        inputs: {x: [N, 3], y: [N, 2]}
        params: {W: {shape: [3, 2]}, b: {shape: [2]}}
        loss: mse(tanh(x @ W + b), y)
        wrt: [x, b]
    """,
    "two_losses_of_one_network": """
        name: both
        inputs: {x: [N, 3]}
        params: {W: {shape: [3, 2]}, v: {shape: [2]}}
        network: |
          h = tanh(x @ W)
        losses:
          first: {value: mean(h**2)}
          second: {value: sum(h @ v), wrt: [v]}
    """,
    "rows_that_repeat": """
        name: rows
        inputs: {a: {shape: [N], classes: 4}, b: {shape: [N], classes: 4}}
        params: {E: {shape: [4, 3]}}
        network: |
          h[n, d] = tanh(E[a[n], d] * E[b[n], d])
        loss: sum(h)
        sparse: [E]
    """,
    "a_parameter_in_a_loop": """
        name: loop
        inputs: {x: [N, T, 2], y: [N, 3]}
        params: {U: {shape: [3, 3]}, W: {shape: [2, 3]}, r: {shape: []}}
        network: |
          h[n, t, k] = tanh(sum[i](x[n, t, i] * W[i, k]) + r * sum[j](h[n, t - 1, j] * U[j, k]))
          e[n, k] = h[n, T - 1, k]
        loss: mse(e @ U, y)
    """,
    "large": """
        name: large
        inputs: {x: [N, 300], y: [N, 250]}
        params: {W: {shape: [300, 250]}, V: {shape: [250, 250]}}
        loss: mse(tanh(x @ W) @ V, y) + l2(0.01, V)
    """,
}
TEXTS = {**SPECS, **MODES, **ODD}
TEXTS.pop("no_parameters")


def derived(text):
    return differentiate(build(parse(text)))


def rows_of(text, damage=lambda source: source):
    """The checks of the module, against the reference evaluator."""
    derivation = derived(text)
    module = module_of(damage(emit_module(lower(derivation))))
    mode = None if derivation.in_use is None else True
    return check_module(derivation, module, expect(derivation, 0), mode, 0)


@pytest.mark.parametrize("name", TEXTS)
def test_a_step_is_that_of_the_reference(name):
    rows = [row for row in rows_of(TEXTS[name]) if row.what == "parameters"]
    assert rows and all(row.held for row in rows), [row.failure for row in rows]


@pytest.mark.parametrize(
    ("before", "after"),
    [("W -= dW", "W += dW"), ("b -= db", "")],
)
def test_a_wrong_step_is_refused(before, after):
    def damage(source):
        assert before in source
        return source.replace(before, after or "pass")

    text = ODD["by_inputs_as_well"].replace("[x, b]", "[W, b]")
    assert not all(row.held for row in rows_of(text, damage))


@pytest.mark.parametrize("name", TEXTS)
def test_no_value_reads_a_parameter_after_its_step(name):
    program = lower(derived(TEXTS[name]))
    for loss in program.losses:
        function = loss.descent
        stepped = set()
        for value in function.order:
            operation = program.values[value]
            read = {root(program.values, o) for o in operation.operands}
            assert read.isdisjoint(stepped)
            if isinstance(operation, Descend):
                stepped.add(operation.parameter)
                assert isinstance(program.values[operation.parameter], Read)
        assert len(stepped) == len(function.steps)


DECAYED = """
    name: decayed
    inputs: {x: [N, 3], y: [N, 2], i: {shape: [N], classes: 5}}
    params: {W: {shape: [3, 2]}, E: {shape: [5, 2]}}
    network: |
      e[n, k] = E[i[n], k]
    loss: mse(x @ W + e, y) + l2(0.1)
"""


def test_a_penalty_makes_a_parameter_smaller_before_its_step():
    """So its gradient is not added up with what it is multiplied by."""
    source = emit_module(lower(derived(DECAYED)))
    step = source.split("def sgd_step(")[1].split("\ndef ")[0]
    for name, stepped in (("W", "W -= "), ("E", "_at_rows(np.subtract, E")):
        assert step.count(f"    {name} *= 1 - ") == 1
        assert step.index(f"    {name} *= 1 - ") < step.index(f"    {stepped}")
    assert "work.dE" not in step
    assert all(row.held for row in rows_of(DECAYED))
    assert not all(row.held for row in rows_of(DECAYED, lambda s: s.replace("= 1 - ", "= 1 + ")))


def test_other_terms_of_a_gradient_are_added_to_it():
    source = emit_module(lower(derived(DECAYED.replace("l2(0.1)", "0.1 * sum(W**3)"))))
    assert "= 1 - " not in source.split("def sgd_step(")[1]


def test_one_loss_gives_sgd_step_and_several_one_each():
    one, several = compiled(SPECS["digits"]), compiled(SPECS["two_losses"])
    assert hasattr(one, "sgd_step")
    assert hasattr(several, "critic_sgd_step") and hasattr(several, "maker_sgd_step")
    assert not hasattr(several, "sgd_step")


def test_a_loss_by_inputs_alone_has_no_step():
    assert not hasattr(compiled(SPECS["no_parameters"]), "sgd_step")


def test_only_what_the_loss_is_differentiated_by_changes():
    net = compiled(ODD["by_inputs_as_well"])
    params = net.init_params(seed=1, dtype=np.float64)
    params["W"].flags.writeable = False
    params["b"] += 1.0
    before = {name: array.copy() for name, array in params.items()}
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    net.sgd_step(params, x=x, y=y, rate=0.1)
    assert np.array_equal(params["W"], before["W"])
    assert not np.array_equal(params["b"], before["b"])


def digits(dtype=np.float32):
    net = compiled(SPECS["digits"])
    rng = np.random.default_rng(0)
    given = {"x": rng.standard_normal((5, 13)).astype(dtype), "y": rng.integers(0, 7, 5)}
    return net, net.init_params(seed=0, dtype=dtype), given


@pytest.mark.parametrize("rate", [np.float32(0.5), np.float64(0.5), 0.5])
def test_a_rate_may_be_any_real_number(rate):
    net, params, given = digits()
    _, grads = net.loss_and_grads(params, **given)
    wanted = {name: params[name] - np.float32(0.5) * grad for name, grad in grads.items()}
    arrays = dict(params)
    value = net.sgd_step(params, **given, rate=rate)
    assert isinstance(value, float)
    for name, array in params.items():
        assert array is arrays[name] and array.dtype == np.float32
        np.testing.assert_allclose(array, wanted[name], rtol=1e-6, atol=1e-6)


def test_a_rate_of_zero_changes_nothing():
    net, params, given = digits()
    before = {name: array.copy() for name, array in params.items()}
    net.sgd_step(params, **given, rate=0)
    assert all(np.array_equal(before[name], params[name]) for name in params)


@pytest.mark.parametrize("rate", [np.nan, np.inf, -np.inf, None, "0.1", 1j, np.zeros(2)])
def test_a_rate_that_is_no_finite_number_is_refused(rate):
    net, params, given = digits()
    before = {name: array.copy() for name, array in params.items()}
    with pytest.raises(ValueError) as raised:
        net.sgd_step(params, **given, rate=rate)
    assert str(raised.value) == f"rate: {rate!r}, expected a finite number"
    assert all(np.array_equal(before[name], params[name]) for name in params)


def test_a_rate_is_needed():
    net, params, given = digits()
    with pytest.raises(TypeError, match="rate"):
        net.sgd_step(params, **given)


def test_a_read_only_parameter_is_refused_before_any_changes():
    net, params, given = digits()
    params["b2"].flags.writeable = False
    before = {name: array.copy() for name, array in params.items()}
    with pytest.raises(ValueError) as raised:
        net.sgd_step(params, **given, rate=0.1)
    assert str(raised.value) == "b2: a read-only array, but a step changes it"
    assert all(np.array_equal(before[name], params[name]) for name in params)


def test_parameters_that_are_views_are_changed_where_they_are():
    net, params, given = digits()
    memory = {name: np.zeros((*array.shape, 2), np.float32) for name, array in params.items()}
    views = {name: array[..., 1] for name, array in memory.items()}
    for name, array in params.items():
        views[name][...] = array
    net.sgd_step(params, **given, rate=0.5)
    net.sgd_step(views, **given, rate=0.5)
    for name, array in params.items():
        np.testing.assert_allclose(memory[name][..., 1], array, rtol=1e-6)
        assert not memory[name][..., 0].any()


def test_a_step_in_a_workspace_allocates_nothing_in_the_size_of_the_arrays():
    net = compiled(ODD["large"])
    params = net.init_params(seed=0)
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((64, k)).astype(np.float32) for k in (300, 250))
    work = net.Workspace(N=64)
    net.sgd_step(params, x=x, y=y, rate=0.1, workspace=work)
    tracemalloc.start()
    net.sgd_step(params, x=x, y=y, rate=0.1, workspace=work)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000


@pytest.mark.parametrize("name", ["normalised", "dropped"])
def test_training_and_use_are_those_of_the_gradients(name):
    net = compiled(MODES[name])
    rng = np.random.default_rng(0)
    given = {"x": rng.standard_normal((5, 3)), "y": rng.integers(0, 4, 5)}
    drawn = {"rng": 3} if name == "dropped" else {}
    for training in (True, False):
        states = [{}, {}]
        if name == "normalised":
            states = [{"state": net.init_state(dtype=np.float64)} for _ in range(2)]
        params = net.init_params(seed=0, dtype=np.float64)
        mode = {"training": training, **drawn}
        value, grads = net.loss_and_grads(params, **given, **mode, **states[0])
        wanted = {k: params[k] - 0.5 * grads[k] for k in params}
        assert net.sgd_step(params, **given, rate=0.5, **mode, **states[1]) == value
        for k in params:
            np.testing.assert_allclose(params[k], wanted[k], rtol=1e-12, atol=1e-12)
        for a, b in zip(*(s.get("state", {}).values() for s in states), strict=True):
            np.testing.assert_array_equal(a, b)


def test_names_that_steps_need_are_the_modules_own():
    from symbackprop.spec.errors import SpecError

    for text in (
        "name: a\ninputs: {rate: [N]}\nparams: {w: {shape: []}}\nloss: w * sum(rate)",
        "name: a\ninputs: {x: [N]}\nlosses: {sgd_step: {value: sum(x)}}",
        "name: a\ninputs: {x: [N]}\nlosses: {a_sgd_step: {value: sum(x)}}",
    ):
        with pytest.raises(SpecError, match="name of the generated module's own"):
            parse(text)


def test_a_tensor_may_be_called_rate():
    text = """
        name: poisson
        inputs: {x: [N, 3], y: [N]}
        params: {w: {shape: [3]}}
        network: |
          rate = exp(x @ w)
        loss: mean(rate - y * (x @ w))
    """
    assert all(row.held for row in rows_of(text))
