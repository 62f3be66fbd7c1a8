"""The emitted module and its test: how they read, what they refuse, what they allocate."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pytest

import symbackprop as sb
from tests.emit.specs import SPECS
from tests.program.running import compiled, module_of, sources

TEXTS = {name: textwrap.dedent(text) for name, text in SPECS.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every module and its test, written side by side."""
    path = tmp_path_factory.mktemp("generated")
    for name, text in TEXTS.items():
        module, test = sources(text)
        (path / f"{name}.py").write_text(module, encoding="utf-8")
        (path / f"test_{name}.py").write_text(test, encoding="utf-8")
    return path


def run(*command, **options):
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, **options
    )


def test_the_formatter_has_nothing_to_change(folder):
    done = run("ruff", "format", "--isolated", "--diff", str(folder))
    assert done.returncode == 0, done.stdout


def test_the_linter_finds_nothing(folder):
    done = run("ruff", "check", "--isolated", str(folder))
    assert done.returncode == 0, done.stdout


def test_every_emitted_test_passes(folder):
    done = run("pytest", "-q", "-p", "no:cacheprovider", str(folder), cwd=folder)
    assert done.returncode == 0, done.stdout


DAMAGES = {
    "scaled by 1.001": ('"W1": dW1,', '"W1": dW1 * 1.001,'),
    "wrong sign": ('"b3": db3,', '"b3": -db3,'),
    "swapped rows": ('"W2": dW2,', '"W2": dW2[::-1],'),
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_the_emitted_test_refuses_a_wrong_gradient(tmp_path, damage):
    module, test = sources(TEXTS["digits"])
    before, after = DAMAGES[damage]
    assert before in module
    (tmp_path / "digits.py").write_text(module.replace(before, after), encoding="utf-8")
    (tmp_path / "test_digits.py").write_text(test, encoding="utf-8")
    done = run("pytest", "-q", "-p", "no:cacheprovider", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "central differences" in done.stdout


def test_same_bytes_whatever_the_hash_seed():
    program = (
        "import sys; sys.path.insert(0, '.')\n"
        "from tests.emit.test_module import TEXTS\n"
        "from tests.program.running import sources\n"
        "import hashlib\n"
        "texts = ''.join(''.join(sources(t)) for t in TEXTS.values())\n"
        "print(hashlib.sha256(texts.encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


@pytest.fixture(scope="module")
def digits():
    return compiled(TEXTS["digits"])


def arguments(net, rows=11, dtype=np.float32):
    rng = np.random.default_rng(0)
    return {
        "params": net.init_params(0, dtype),
        "x": rng.standard_normal((rows, 13)).astype(dtype),
        "y": rng.integers(0, 7, rows),
    }


REFUSALS = [
    (dict(x=np.zeros((11, 12), "f4")), "x: shape (11, 12), expected (N, 13)"),
    (dict(x=np.zeros(13, "f4")), "x: shape (13,), expected (N, 13)"),
    (dict(y=np.zeros(5, int)), "y: shape (5,), expected (N,) with N = 11 as in x"),
    (
        dict(x=np.zeros((0, 13), "f4"), y=np.zeros(0, int)),
        "x: shape (0, 13), expected (N, 13) with N = 0: it must be at least 1",
    ),
    (dict(x=[[0.0] * 13]), "x: expected an array, got list: pass a NumPy array"),
    (
        dict(x=np.zeros((11, 13))),
        "x: dtype float64, expected float32 as in the arrays before it: pass x.astype(np.float32)",
    ),
    (dict(x=np.zeros((11, 13), int)), "x: dtype int64, expected float32"),
    (
        dict(y=np.zeros(11, "f4")),
        "y: dtype float32, expected integers: pass y.astype(np.int64)",
    ),
    (dict(y=np.array([0] * 3 + [7] * 8)), "y[3] is 7, expected 0 to 6"),
    (dict(y=np.array([0] * 9 + [-1] * 2)), "y[9] is -1, expected 0 to 6"),
    (dict(params=3), "params: expected a dict, got int"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSALS)
def test_wrong_arguments_are_refused(digits, changes, message):
    with pytest.raises(ValueError) as raised:
        digits.loss_and_grads(**(arguments(digits) | changes))
    assert str(raised.value) == message


def test_wrong_parameters_are_refused(digits):
    right = arguments(digits)
    params = right.pop("params")
    names = "W1, b1, W2, b2, W3, b3"
    cases = [
        ({**params, "V": params["W1"]}, f"params: 'V' is no parameter, expected {names}"),
        (
            {n: p for n, p in params.items() if n != "b2"},
            f"params: 'b2' is missing, expected {names}",
        ),
        ({**params, "b1": np.zeros(6, "f4")}, "b1: shape (6,), expected (5,)"),
        (
            {n: p.astype(int) for n, p in params.items()},
            "W1: dtype int64, expected float32 or float64",
        ),
    ]
    for wrong, message in cases:
        with pytest.raises(ValueError) as raised:
            digits.loss(wrong, **right)
        assert str(raised.value) == message


def test_a_workspace_of_other_extents_or_dtype_is_refused(digits):
    right = arguments(digits)
    cases = [
        (
            dict(N=7),
            "workspace: made for N = 7, but the arrays have N = 11; "
            "make one with Workspace(..., N=11)",
        ),
        (
            dict(N=11, dtype=np.float64),
            "workspace: made for float64, but params are float32; "
            "make one with Workspace(..., dtype=np.float32)",
        ),
    ]
    for made_for, message in cases:
        with pytest.raises(ValueError) as raised:
            digits.loss(**right, workspace=digits.Workspace(**made_for))
        assert str(raised.value) == message


def test_masks_are_booleans():
    net = compiled(TEXTS["misc"])
    with pytest.raises(ValueError, match=r"m: dtype float32, expected bool: pass m.astype\(bool\)"):
        net.loss(
            net.init_params(),
            x=np.zeros((2, 6), "f4"),
            ids=np.zeros(2, int),
            y=np.zeros((2, 3), "f4"),
            m=np.zeros((2, 6), "f4"),
        )


def test_not_a_number_stays_so(digits):
    given = arguments(digits)
    given["x"][3, 5] = np.nan
    value, grads = digits.loss_and_grads(**given)
    assert np.isnan(value)
    assert np.isnan(grads["W1"]).any()


@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_losses_are_finite_for_large_logits(digits, scale):
    given = arguments(digits)
    given["params"]["W3"] *= np.float32(scale)
    value, grads = digits.loss_and_grads(**given)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in grads.values())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_have_the_names_shapes_and_dtype_of_parameters(digits, dtype):
    given = arguments(digits, dtype=dtype)
    value, grads = digits.loss_and_grads(**given)
    assert isinstance(value, float)
    assert list(grads) == list(given["params"])
    for name, parameter in given["params"].items():
        assert grads[name].shape == parameter.shape
        assert grads[name].dtype == dtype


def test_integer_dtypes_of_every_width_are_labels(digits):
    given = arguments(digits)
    value = digits.loss(**given)
    for dtype in (np.int8, np.uint8, np.int32, np.uint64):
        assert digits.loss(**(given | {"y": given["y"].astype(dtype)})) == value


def test_parameters_are_not_changed_and_gradients_are_not_shared():
    """A gradient that is an input or another gradient is handed out in memory of its own."""
    net = compiled(
        "name: own\ninputs: {x: [4], z: [4]}\nparams: {a: {shape: [4]}, b: {shape: [4]}}\n"
        "loss: sum(a * x + b * x + stop_gradient(z))"
    )
    given = {n: np.arange(4.0) for n in "xz"}
    params = net.init_params(0, np.float64)
    _, grads = net.loss_and_grads(params, x=given["x"], z=given["z"])
    arrays = [grads["a"], grads["b"], given["x"]]
    assert not any(np.shares_memory(p, q) for p in arrays for q in arrays if p is not q)
    np.testing.assert_array_equal(grads["a"], np.arange(4.0))


def given_for(net, rows, width):
    rng = np.random.default_rng(0)
    return {
        "x": rng.standard_normal((rows, 6)),
        "ids": rng.integers(0, 11, rows),
        "y": rng.standard_normal((rows, 3)),
        "m": rng.random((rows, 6)) < 0.5,
    }


def test_a_step_with_a_workspace_allocates_nothing_in_the_size_of_the_batch():
    """The peak of a step is less than a column of the batch: the blocks of NumPy and of erf."""
    rows = 100_000
    for name in ("digits", "misc"):
        net = compiled(TEXTS[name])
        params = net.init_params(0, np.float64)
        given = (
            given_for(net, rows, 6)
            if name == "misc"
            else {k: v for k, v in arguments(net, rows, np.float64).items() if k != "params"}
        )
        work = net.Workspace(N=rows, dtype=np.float64)
        net.loss_and_grads(params, **given, workspace=work)
        tracemalloc.start()
        try:
            net.loss_and_grads(params, **given, workspace=work)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < rows * 8, (name, peak)


def test_gradients_of_a_workspace_are_its_own_arrays(digits):
    given = arguments(digits)
    work = digits.Workspace(N=11)
    _, first = digits.loss_and_grads(**given, workspace=work)
    _, second = digits.loss_and_grads(**given, workspace=work)
    assert all(first[name] is second[name] for name in first)


def test_extents_of_a_workspace_are_whole_numbers_that_are_large_enough(digits):
    for wrong in (0, -2, 2.0, "2", None):
        with pytest.raises(ValueError) as raised:
            digits.Workspace(N=wrong)
        assert str(raised.value) == f"N: {wrong!r}, expected a whole number of at least 1"
    net = compiled(
        "name: windows\ninputs: {x: [N, T]}\nparams: {w: {shape: [4], init: ones}}\n"
        "network: |\n  h[n, t] = sum[k](w[k] * x[n, t + k])\nloss: sum(h)\n"
    )
    assert net.Workspace(N=np.int64(1), T=4).T == 4
    with pytest.raises(ValueError) as raised:
        net.Workspace(N=1, T=3)
    assert str(raised.value) == "T: 3, expected a whole number of at least 4"


def test_shapes_name_run_time_extents(digits):
    assert digits.SHAPES["x"] == ("N", 13)
    assert digits.SHAPES["W1"] == (13, 5)
    assert digits.SHAPES["p"] == ("N", 7)


def test_initial_values():
    net = compiled(
        "name: start\ninputs: {x: [N, d]}\n"
        "params:\n"
        "  a: {shape: [], init: 0.25}\n"
        "  b: {shape: [2], init: [1, 2.5]}\n"
        "  c: {shape: [d, 7], init: normal(0.1)}\n"
        '  e: {shape: [2, 3], init: "uniform(-3, -2)"}\n'
        "  f: {shape: [2, 3], init: ones}\n"
        "  g: {shape: [3, 5, 7, 11], init: he_normal}\n"
        "  h: {shape: [3, 5, 7, 11], init: glorot_normal}\n"
        "  i: {shape: [41, 43], init: he_uniform}\n"
        "  j: {shape: [41, 43], init: glorot_uniform}\n"
        "loss: sum(x @ c) * a + sum(b) + sum(e) + sum(f) + sum(g) + sum(h) + sum(i) + sum(j)\n"
    )
    params = net.init_params(seed=3, dtype=np.float64, d=401)
    assert params["a"] == 0.25 and params["a"].shape == ()
    np.testing.assert_array_equal(params["b"], [1, 2.5])
    assert abs(params["c"].std() - 0.1) < 0.01
    assert (params["e"] >= -3).all() and (params["e"] < -2).all()
    assert (params["f"] == 1).all()
    assert params["g"].std() == pytest.approx((2 / (15 * 7)) ** 0.5, rel=0.1)
    assert params["h"].std() == pytest.approx((2 / (15 * 18)) ** 0.5, rel=0.1)
    assert np.abs(params["i"]).max() <= (6 / 41) ** 0.5
    assert np.abs(params["j"]).max() <= (6 / 84) ** 0.5
    assert all(p.dtype == np.float64 for p in params.values())
    again = net.init_params(seed=3, dtype=np.float64, d=401)
    assert all((again[n] == params[n]).all() for n in params)
    assert net.init_params(d=2)["c"].dtype == np.float32


def test_titles_cannot_leave_the_docstring():
    title = '"""\\n    import os; os.abort()\\'
    text = f"name: bad\ntitle: '{title}'\ninputs: {{x: [3]}}\nloss: sum(x)\nwrt: [x]"
    module, _ = sources(text)
    assert module_of(module).loss({}, x=np.ones(3)) == 3.0


def test_equation_numbers_stand_before_the_mathematics():
    module, _ = sources(TEXTS["digits"])
    body = module[module.index("def loss_and_grads") : module.index("def _prepare")]
    for line in ("# (1) ", "# (6) ", "# (8) "):
        assert line in body


def test_the_emitted_test_leaves_out_what_is_held_constant():
    """Central differences see through stop_gradient; the derivation, rightly, does not."""
    _, test = sources(
        "name: held\ninputs: {x: [N, 2]}\nparams: {a: {shape: [2]}, b: {shape: [2]}}\n"
        "loss: mean((x @ a) * stop_gradient(x @ b))"
    )
    assert '"loss": (("x",), ("a",)),' in test
    assert "stop_gradient" in test


@pytest.mark.parametrize("shape", ["[]", "[N]", "[N, 3]"])
def test_an_input_that_is_an_output_is_handed_out_as_it_came(shape):
    text = f"name: net\ninputs: {{x: {shape}, w: [N]}}\nloss: sum(w**2)\nwrt: [w]\noutputs: [x]"
    module = sb.compile(sb.derive(sb.parse(text)), dtype="float64")
    x = np.random.default_rng(0).normal(size=(5, 3)[: shape.count(",") + (shape != "[]")])
    out = module.forward({}, x=np.asarray(x))["x"]
    assert (out == x).all() and not np.shares_memory(out, x)
