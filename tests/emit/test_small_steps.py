"""Steps of small networks: what is checked at every call, and operations on few entries."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from symbackprop.derivation import differentiate
from symbackprop.emit import emit_module
from symbackprop.equations.build import build
from symbackprop.program import lower
from symbackprop.spec import parse
from tests.program.running import compiled

XOR = """
    name: xor
    inputs: {x: [N, 2], y: [N, 1]}
    network: |
      h = sigmoid(dense(x, 2))
      p = sigmoid(dense(h, 1))
    loss: mse(p, y)
"""
ALIKE = """
    name: alike
    inputs: {x: [N, 3], u: {shape: [N], classes: A}, v: {shape: [N], classes: B}}
    params: {U: {shape: [A, 3]}, V: {shape: [B, 3]}, w: {shape: [3]}, r: {shape: [3]}}
    network: |
      e[n, k] = U[u[n], k] * V[v[n], k]
    loss: mse(e * (w + r), x)
"""
COMPOUND = """
    name: compound
    inputs: {x: [N, T, 2], y: [N, 3]}
    network: |
      p = dense(flatten(x), 3) + dense(2 * flatten(x), 3)
    loss: mse(p, y)
"""


MODES = """
    name: modes
    inputs: {x: [N, 2], y: [N, 1]}
    network: |
      h = sigmoid(dense(x, 2))
      p = sigmoid(dense(dropout(h, 0.5), 1))
    loss: mse(p, y)
"""


def step_of(text):
    source = emit_module(lower(differentiate(build(parse(text)))))
    return source.split("def sgd_step(")[1].split("\ndef ")[0]


@pytest.fixture
def xor():
    """The module, and what a step that was made once already takes."""
    net = compiled(XOR)
    rng = np.random.default_rng(0)
    given = {"x": rng.standard_normal((4, 2)), "y": rng.random((4, 1)), "rate": 0.5}
    params = net.init_params(0, np.float64)
    given["workspace"] = net.Workspace(N=4, dtype=np.float64)
    net.sgd_step(params, **given)
    return net, params, given


def shaped(params):
    params["W2"].shape = (1, 2)


def retyped(params):
    params["b2"].dtype = np.int64


def fixed(params):
    params["b2"].flags.writeable = False


def without(params):
    del params["b2"]


def renamed(params):
    params["c2"] = params.pop("b2")


def more(params):
    params["c2"] = params["b2"]


def listed(params):
    params["b2"] = [0.0]


NAMES = "expected W1, b1, W2, b2"
CHANGES = [
    (shaped, "W2: shape (1, 2), expected (2, 1)"),
    (retyped, "b2: dtype int64, expected float64"),
    (fixed, "b2: a read-only array, but a step changes it"),
    (without, f"params: 'b2' is missing, {NAMES}"),
    (renamed, f"params: 'b2' is missing, {NAMES}"),
    (more, f"params: 'c2' is no parameter, {NAMES}"),
    (listed, "b2: expected an array, got list: pass a NumPy array"),
]


@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")
@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_what_changed_since_the_last_step_is_noticed_before_anything_is_written(
    xor, change, message
):
    net, params, given = xor
    change(params)
    before = {name: np.copy(array) for name, array in params.items()}
    with pytest.raises(ValueError) as raised:
        net.sgd_step(params, **given)
    assert str(raised.value) == message
    assert all(np.array_equal(before[name], array) for name, array in params.items())


def test_parameters_in_another_order_are_taken():
    net = compiled(XOR)
    params = net.init_params(0, np.float64)
    turned = {name: params[name].copy() for name in reversed(params)}
    given = {"x": np.ones((4, 2)), "y": np.ones((4, 1)), "rate": 0.5}
    work = net.Workspace(N=4, dtype=np.float64)
    assert net.sgd_step(params, **given) == net.sgd_step(turned, **given, workspace=work)
    assert all(np.array_equal(params[name], turned[name]) for name in params)


@pytest.mark.parametrize("extents", [(4, 4), (4, 5)])
def test_two_names_of_one_array_are_refused_wherever_their_shapes_are_alike(extents):
    net, (a, b) = compiled(ALIKE), extents
    rng = np.random.default_rng(0)
    given = {"x": rng.random((6, 3)), "u": rng.integers(0, 4, 6), "v": rng.integers(0, 4, 6)}
    params = {n: rng.random(s) for n, s in {"U": (a, 3), "V": (b, 3), "w": (3,), "r": (3,)}.items()}
    work = net.Workspace(N=6, A=a, B=b, dtype=np.float64)
    net.sgd_step(params, **given, rate=0.1, workspace=work)
    for first, second in (("U", "V"), ("w", "r")):
        if params[first].shape == params[second].shape:
            twins = {**params, second: params[first]}
            before = {name: array.copy() for name, array in twins.items()}
            with pytest.raises(ValueError) as raised:
                net.sgd_step(twins, **given, rate=0.1, workspace=work)
            reason = "a step would change it twice: pass a copy"
            assert str(raised.value) == f"{second}: the same array as {first}, {reason}"
            assert all(np.array_equal(before[name], twins[name]) for name in twins)
    assert set(work._alike) == ({"w", "r"} if a != b else {"U", "V", "w", "r"})


def test_no_two_parameters_of_different_shapes_are_compared(xor):
    assert xor[0].Workspace(N=4)._alike == []


def test_extents_made_of_others_may_be_alike():
    net = compiled(COMPOUND)
    assert net.SHAPES["W1"] == net.SHAPES["W2"] == ("2 * T", 3)
    params = {"W1": np.ones((8, 3)), "b1": np.zeros(3), "b2": np.ones(3)}
    params["W2"] = params["W1"]
    with pytest.raises(ValueError, match="W2: the same array as W1"):
        net.sgd_step(params, x=np.ones((5, 4, 2)), y=np.ones((5, 3)), rate=0.1)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.longdouble, np.int8])
def test_a_rate_of_any_type_of_numpy_gives_no_warning(xor, kind):
    net, params, given = xor
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.sgd_step(params, **{**given, "rate": kind(1)})


def test_a_whole_number_past_every_float_is_no_rate(xor):
    net, params, given = xor
    with pytest.raises(ValueError, match=r"rate: 1000*, expected a finite number"):
        net.sgd_step(params, **{**given, "rate": 10**400})


def test_an_overflow_on_the_way_to_a_limit_gives_no_warning_and_others_stay(xor):
    net, params, given = xor
    params["W1"][:] = -1e6
    with np.errstate(all="raise", under="ignore"):
        net.sgd_step(params, **{**given, "x": np.ones((4, 2))})
        assert np.geterr()["over"] == "raise"
        with pytest.raises(FloatingPointError, match="invalid value"):
            net.sgd_step(params, **{**given, "y": np.full((4, 1), np.inf), "rate": 0.0})


class Foreign:
    """An array of another library, whose operators come before NumPy's."""

    __array_priority__ = 100

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __array__(self, dtype=None, copy=None):
        return self.array

    def refuse(self, other):
        raise AssertionError("an operator of the other library")

    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = refuse


ARGUMENTS = """
    name: arguments
    inputs: {x: [4, 3]}
    params: {a: {shape: [4, 3]}, b: {shape: [3]}}
    loss: sum(a * x) + sum((tanh(a) + b - x) * b / x)
"""


@pytest.mark.parametrize("call", ["loss", "loss_and_grads", "sgd_step"])
def test_arrays_of_other_libraries_are_taken(call):
    net, rng = compiled(ARGUMENTS), np.random.default_rng(0)
    x, results = 1 + rng.random((4, 3)), []
    for kind in (np.array, Foreign):
        params = {"a": np.full((4, 3), 0.5), "b": np.full(3, 0.25)}
        more = {"rate": 0.1} if call == "sgd_step" else {}
        taken = params if more else {name: kind(array) for name, array in params.items()}
        results.append((getattr(net, call)(taken, x=kind(x), **more), params))
    np.testing.assert_equal(*results)


def test_a_slope_goes_by_the_name_of_its_result():
    """And what has that name already is changed in place."""
    step = step_of(XOR)
    assert "dz2 = np.subtract(work.one, p, out=work.dz2)\n    dz2 *= dp\n    dz2 *= p\n" in step
    for line in ("h += work.one", "W1 -= dW1", "b2 -= db2"):
        assert step.count(f"\n    {line}\n") == 1


def test_large_arrays_are_added_to_plain_numbers():
    text = XOR.replace("dense(x, 2)", "dense(x, 512)")
    step = step_of(text)
    assert step.count("np.subtract(1.0, h, ") == step.count("h += 1.0") == 1
    assert step.count("np.subtract(work.one, p, ") == step.count("p += work.one") == 1


@pytest.mark.parametrize("name", ["z", "h", "N", "x"])
@pytest.mark.parametrize("width", [2, 64])
def test_a_name_of_the_spec_may_be_one(name, width):
    """Arrays of 64 times 64 entries, and the others, are made in two ways."""
    layers = f"z = dense(x, {width})\n      h = sigmoid(z)"
    text = XOR.replace("h = sigmoid(dense(x, 2))", layers)
    own, net = compiled(re.sub(rf"\b{name}\b", "one", text)), compiled(text)
    params, others = net.init_params(0, np.float64), own.init_params(0, np.float64)
    given = {"x": np.ones((4, 2)), "y": np.zeros((4, 1)), "rate": 0.5}
    called = {"one" if known == name else known: array for known, array in given.items()}
    assert net.sgd_step(params, **given) == own.sgd_step(others, **called)
    assert all(np.array_equal(a, b) for a, b in zip(params.values(), others.values(), strict=True))


@pytest.mark.parametrize("training", [True, False])
def test_it_may_be_so_in_use_as_well(training):
    """Both modes have one workspace."""
    own, net = compiled(re.sub(r"\bh\b", "one", MODES)), compiled(MODES)
    given = {"x": np.ones((4, 2)), "y": np.zeros((4, 1)), "rng": 0, "training": training}
    values = [
        module.loss_and_grads(module.init_params(0, np.float64), **given) for module in (own, net)
    ]
    assert values[0][0] == values[1][0]
    for name, gradient in values[1][1].items():
        assert np.array_equal(values[0][1][name], gradient)


def test_parameters_that_are_no_dict_are_named(xor):
    net, _, given = xor
    with pytest.raises(ValueError, match="params: expected a dict, got int"):
        net.sgd_step(3, **given)
