"""The way into the compiled loops: what is taken, what is declined, where the library is kept."""

from __future__ import annotations

import concurrent.futures
import copy
import ctypes
import functools
import gc
import inspect
import os
import pickle
import shutil
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symbackprop as sb
from symbackprop.importing import from_file

SPEC = """
name: doors
inputs:
  x: [N, 5]
  y: {shape: [N], classes: 3}
network: p = softmax(dense(tanh(dense(x, 7)), 3))
loss: cross_entropy(p, y)
"""
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
compiled_only = pytest.mark.skipif(COMPILER is None, reason="no C compiler")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated files, in a folder of their own."""
    found = tmp_path_factory.mktemp("doors")
    sb.generate(sb.derive(sb.parse(SPEC)), found, "float64", "native")
    return found


@pytest.fixture
def net(folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> ModuleType:
    """The module, with a cache that the tests of this file share."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return from_file(folder / "doors.py")


def given(n: int = 11, dtype: str = "float64") -> dict[str, Any]:
    rng = np.random.default_rng(n)
    return {"x": rng.standard_normal((n, 5)).astype(dtype), "y": rng.integers(0, 3, n)}


def declined(net: ModuleType) -> list[str]:
    """Let the module tell which NumPy functions it falls back on."""
    told: list[str] = []

    def telling(name: str, kept: Any) -> Any:
        def numpy(*given: Any, **more: Any) -> Any:
            told.append(name)
            return kept(*given, **more)

        return numpy

    for name in ("forward", "loss", "loss_and_grads", "sgd_step"):
        setattr(net, f"_numpy_{name}", telling(name, getattr(net, f"_numpy_{name}")))
    return told


@compiled_only
def test_the_loops_are_entered_and_agree_with_numpy(net: ModuleType) -> None:
    told = declined(net)
    params, batch = net.init_params(0, np.float64), given()
    value, grads = net.loss_and_grads(params, **batch)
    assert not told
    expected, by_numpy = net._numpy_loss_and_grads(params, **batch, training=True)
    assert value == pytest.approx(expected, rel=1e-13)
    for name, gradient in by_numpy.items():
        assert grads[name].dtype == gradient.dtype and grads[name].shape == gradient.shape
        np.testing.assert_allclose(grads[name], gradient, rtol=1e-11, atol=1e-14)


@compiled_only
@pytest.mark.parametrize(
    "fitted",
    [
        lambda b: {**b, "x": np.asfortranarray(b["x"])},
        lambda b: {**b, "x": np.repeat(b["x"], 2, axis=1)[:, ::2]},
        lambda b: {**b, "y": b["y"].astype(np.int32)},
        lambda b: {**b, "y": b["y"].astype(np.uint8)},
    ],
)
def test_what_has_another_layout_is_fitted(net: ModuleType, fitted: Any) -> None:
    told = declined(net)
    params, batch = net.init_params(0, np.float64), given()
    plain = net.loss(params, **batch)
    work = net.Workspace(N=11, dtype=np.float64)
    assert net.loss(params, **fitted(batch)) == plain
    assert net.loss(params, **fitted(batch), workspace=work) == plain
    assert not told


@compiled_only
def test_parameters_of_another_layout_are_stepped_in_place_by_numpy(net: ModuleType) -> None:
    told = declined(net)
    params, batch = net.init_params(0, np.float64), given()
    other = {name: np.array(array, order="F") for name, array in params.items()}
    kept = dict(other)
    net.sgd_step(params, **batch, rate=0.1)
    net.sgd_step(other, **batch, rate=0.1)
    assert told == ["sgd_step"]
    for name, array in params.items():
        assert other[name] is kept[name]
        np.testing.assert_allclose(other[name], array, rtol=1e-12)


@compiled_only
def test_one_array_under_two_names_is_left_to_numpy(net: ModuleType) -> None:
    told = declined(net)
    params = {**net.init_params(0, np.float64)}
    batch = given(5)
    square = np.zeros((5, 7))
    params["W1"], batch["x"] = square, square[:, :5].copy()
    net.sgd_step(params, **batch, rate=0.1)
    assert not told
    flat = np.zeros(35)
    params["W1"], params["b1"] = flat.reshape(5, 7), flat[:7]
    net.sgd_step(params, **batch, rate=0.1)
    assert told == ["sgd_step"]


@compiled_only
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda p, b: (p, {**b, "x": b["x"][:, :4].copy()}), "x: shape (11, 4), expected (N, 5)"),
        (lambda p, b: (p, {**b, "x": b["x"].astype("f4")}), "x: dtype float32, expected float64"),
        (lambda p, b: (p, {**b, "y": b["y"] + 1}), "expected 0 to 2"),
        (lambda p, b: (p, {**b, "y": b["y"] - 1}), "is -1, expected 0 to 2"),
        (lambda p, b: (p, {**b, "y": b["y"] * 1.0}), "y: dtype float64, expected integers"),
        (lambda p, b: ({**p, "W9": 1}, b), "'W9' is no parameter"),
        (lambda p, b: ({"W1": p["W1"]}, b), "'b1' is missing"),
        (lambda p, b: (p, given(7)), "workspace: made for N = 11, but the arrays have N = 7; make"),
    ],
)
def test_what_is_wrong_is_told_as_numpy_tells_it(net: ModuleType, wrong: Any, message: str) -> None:
    params, batch = wrong(net.init_params(0, np.float64), given())
    work = net.Workspace(N=11, dtype=np.float64)
    for call in (net.loss, net.loss_and_grads):
        with pytest.raises(ValueError) as told:
            call(params, **batch, workspace=work)
        assert message in str(told.value)


@compiled_only
@pytest.mark.parametrize("rate", [float("nan"), float("inf"), "fast", None])
def test_a_rate_that_is_no_number_is_refused(net: ModuleType, rate: Any) -> None:
    params = net.init_params(0, np.float64)
    before = {name: array.copy() for name, array in params.items()}
    work = net.Workspace(N=11, dtype=np.float64)
    with pytest.raises(ValueError, match="rate"):
        net.sgd_step(params, **given(), rate=rate, workspace=work)
    assert all((params[name] == before[name]).all() for name in params)


@compiled_only
def test_read_only_parameters_are_not_written(net: ModuleType) -> None:
    params = net.init_params(0, np.float64)
    params["W1"].flags.writeable = False
    work = net.Workspace(N=11, dtype=np.float64)
    with pytest.raises(ValueError, match="W1"):
        net.sgd_step(params, **given(), rate=0.1, workspace=work)


@compiled_only
def test_results_are_the_workspace_s_own_and_outlive_it(net: ModuleType) -> None:
    params, batch = net.init_params(0, np.float64), given()
    work = net.Workspace(N=11, dtype=np.float64)
    _, grads = net.loss_and_grads(params, **batch, workspace=work)
    assert grads["W1"] is work.dW1
    gone = weakref.ref(work)
    loss = work._compiled["loss_in_training"]
    expected = grads["W1"].copy()
    del work
    gc.collect()
    assert gone() is None
    assert (grads["W1"] == expected).all()
    assert isinstance(loss(params, batch["x"], batch["y"]), float)  # its arrays are kept for it


@compiled_only
def test_steps_keep_no_references(net: ModuleType) -> None:
    params, batch = net.init_params(0, np.float64), given()
    work = net.Workspace(N=11, dtype=np.float64)
    before = [sys.getrefcount(a) for a in (*params.values(), *batch.values(), None, net.np.ndarray)]
    for _ in range(1000):
        net.sgd_step(params, **batch, rate=1e-3, workspace=work)
    after = [sys.getrefcount(a) for a in (*params.values(), *batch.values(), None, net.np.ndarray)]
    assert max(abs(a - b) for a, b in zip(after, before, strict=True)) < 50


def in_a_process(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import numpy as np, doors as net\n{code}"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "other"), **environment},
    )


RUN = """
params = net.init_params(0, np.float64)
x, y = np.ones((3, 5)), np.array([0, 1, 2])
work = net.Workspace(N=3, dtype=np.float64)
for _ in range(3):
    net.sgd_step(params, x=x, y=y, rate=0.1, workspace=work)
print(net.loss(params, x=x, y=y), net._library(np.dtype(np.float64)) is not None)
"""


def test_without_a_compiler_it_says_so_once_and_runs_as_numpy(folder: Path) -> None:
    ran = in_a_process(RUN, folder, CC="no-such-compiler")
    assert ran.returncode == 0 and ran.stdout.endswith("False\n")
    assert ran.stderr.count("RuntimeWarning") == 1
    said = "doors runs as NumPy: no C compiler: CC is no-such-compiler, which is no command"
    assert said in ran.stderr


def test_compilers_that_were_looked_for_are_named(folder: Path) -> None:
    ran = in_a_process(RUN, folder, CC="", PATH=str(folder))
    assert ran.returncode == 0 and ran.stdout.endswith("False\n")
    assert "no C compiler was found (tried cc, gcc, clang): install one" in ran.stderr


@compiled_only
def test_a_compiler_that_fails_is_told_of(folder: Path) -> None:
    ran = in_a_process(RUN, folder, CC="false")
    assert ran.returncode == 0 and ran.stdout.endswith("False\n")
    assert "doors runs as NumPy: false failed on doors.c" in ran.stderr
    assert not list((folder / "other" / "symbackprop").glob("*"))


@compiled_only
def test_a_cache_that_cannot_be_written_is_done_without(folder: Path) -> None:
    ran = in_a_process(RUN, folder, XDG_CACHE_HOME="/proc/none")
    assert ran.returncode == 0 and ran.stdout.endswith("True\n") and not ran.stderr


@compiled_only
def test_what_was_compiled_is_used_again_without_a_compiler(folder: Path) -> None:
    kept = {"XDG_CACHE_HOME": str(folder / "again")}
    first = in_a_process(RUN, folder, **kept)
    again = in_a_process(RUN, folder, **kept, CC="no-such-compiler")
    assert first.stdout == again.stdout and again.stdout.endswith("True\n") and not again.stderr


@compiled_only
@pytest.mark.parametrize("portable", [False, True])
def test_a_library_built_ahead_needs_no_compiler(tmp_path: Path, portable: bool) -> None:
    paths = sb.build(sb.derive(sb.parse(SPEC)), tmp_path, "float64", portable)
    assert [p.name for p in paths[:3]] == ["doors.py", "test_doors.py", "doors.c"]
    ran = in_a_process(RUN, tmp_path, CC="no-such-compiler")
    assert ran.stdout.endswith("True\n") and not ran.stderr
    (tmp_path / "doors.c").write_text((tmp_path / "doors.c").read_text() + "\n")
    ran = in_a_process(RUN, tmp_path, CC="no-such-compiler")  # another source: not its library
    assert ran.stdout.endswith("False\n")


def test_building_without_a_compiler_is_an_error(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(sb.CallError, match="no C compiler: CC is no-such-compiler"):
        sb.build(sb.derive(sb.parse(SPEC)), tmp_path)


@compiled_only
def test_from_memory(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    net = sb.compile(sb.derive(sb.parse(SPEC)), "float64", target="native")
    told = declined(net)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.loss(net.init_params(0, np.float64), **given())
    assert not told


def test_the_c_file_is_the_same_whatever_the_hash_seed(tmp_path: Path) -> None:
    found = set()
    for seed in ("1", "2"):
        derived = f"sb.derive(sb.parse('''{SPEC}'''))"
        folder = str(tmp_path / seed)
        code = f"import symbackprop as sb\nsb.generate({derived}, {folder!r}, target='native')"
        subprocess.run(
            [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        found.add((tmp_path / seed / "doors.c").read_bytes())
    assert len(found) == 1


OTHER = SPEC.replace("tanh", "sigmoid").replace("doors", "others")


@pytest.mark.parametrize("target", ["numpy", "native"])
def test_a_workspace_of_another_network_is_refused(target: str) -> None:
    nets = [sb.compile(sb.derive(sb.parse(s)), "float64", target) for s in (SPEC, OTHER)]
    params = nets[0].init_params(0, np.float64)
    for wrong in (nets[1].Workspace(N=11, dtype=np.float64), {}, "work"):
        with pytest.raises(ValueError, match=r"workspace: .*, expected a Workspace of this module"):
            nets[0].loss(params, **given(), workspace=wrong)


@compiled_only
def test_a_copied_workspace_is_a_new_one(net: ModuleType) -> None:
    params, batch = net.init_params(0, np.float64), given()
    work = net.Workspace(N=11, dtype=np.float64)
    expected = {n: g.copy() for n, g in net.loss_and_grads(params, **batch)[1].items()}
    for copied in (copy.deepcopy(work), copy.copy(work)):
        _, gradients = net.loss_and_grads(params, **batch, workspace=copied)
        assert gradients["W1"] is copied.dW1 and copied.dW1 is not work.dW1
        assert all((gradients[name] == array).all() for name, array in expected.items())


@compiled_only
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_same_product_twice_cancels(dtype: Any) -> None:
    spec = (
        "name: d\ninputs: {x: [N], y: [N]}\nparams: {w: {shape: [], init: ones}}\n"
        "network: d = x * x * w - y * y\nloss: sum(d)"
    )
    net = sb.compile(sb.derive(sb.parse(spec)), target="native")
    x = np.random.default_rng(0).standard_normal(101).astype(dtype)
    assert net.loss(net.init_params(0, dtype), x=x, y=x.copy()) == 0


@pytest.mark.parametrize("target", ["numpy", "native"])
def test_one_array_as_two_parameters_is_refused_by_a_step(target: str) -> None:
    spec = "name: t\ninputs: {x: [N, 3]}\nnetwork: h = dense(dense(x, 3), 3)\nloss: sum(h**2)"
    net = sb.compile(sb.derive(sb.parse(spec)), target=target)
    params = net.init_params(0)
    params["W2"] = params["W1"]
    before = params["W1"].copy()
    with pytest.raises(ValueError, match="W2: the same array as W1"):
        net.sgd_step(params, x=np.ones((2, 3), "f"), rate=0.1, workspace=net.Workspace(N=2))
    assert (params["W1"] == before).all()


@pytest.mark.parametrize("target", ["numpy", "native"])
@pytest.mark.parametrize("dtype", [">f8", "float16", "int64", "complex64", "object"])
def test_a_workspace_of_another_dtype_is_refused(target: str, dtype: str) -> None:
    net = sb.compile(sb.derive(sb.parse(SPEC)), target=target)
    with pytest.raises(ValueError, match=r"dtype: .* expected float32 or float64"):
        net.Workspace(N=3, dtype=np.dtype(dtype))


@compiled_only
@pytest.mark.parametrize("kept", [0, 100, 4096, 9000])
def test_a_library_that_is_cut_off_is_built_again(folder: Path, tmp_path: Path, kept: int) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    first = in_a_process(RUN, folder, **cache)
    (library,) = (tmp_path / "symbackprop").glob("*.so")
    library.write_bytes(library.read_bytes()[:kept])
    again = in_a_process(RUN, folder, **cache)
    assert again.stdout == first.stdout and again.stdout.endswith("True\n") and not again.stderr


@compiled_only
@pytest.mark.parametrize(
    "spec",
    [
        "name: s\ninputs: {u: {shape: [N, K], classes: 5}}\nsparse: [E1]\n"
        "network: c = sum(embedding(u, 3), axis=1)\nloss: sum(c**2)",
        "name: s\ninputs: {x: [N, T], u: {shape: [N], classes: 3}}\nparams: {w: {shape: [1]}}\n"
        "network: r = reshape(x * w[0], T, N)\nloss: sum(r**2)\noutputs: [r]",
        "name: s\ninputs: {x: [N, T, 3]}\nnetwork: |\n  h = rnn(x, 2)\n  q = last(h)\n"
        "loss: sum(q**2)\noutputs: [h, q]",
    ],
)
def test_results_that_are_views_of_run_time_extents(spec: str) -> None:
    derivation = sb.derive(sb.parse(spec))
    plain, net = (sb.compile(derivation, "float64", t) for t in ("numpy", "native"))
    params = net.init_params(0, np.float64)
    rng = np.random.default_rng(0)
    shapes = {
        n: tuple({"N": 4, "T": 3, "K": 2}.get(e, e) for e in s) for n, s in net.SHAPES.items()
    }
    inputs = {n: rng.standard_normal(shapes[n]) for n in ("x",) if n in shapes}
    inputs |= {n: rng.integers(0, 3, shapes[n]) for n in ("u",) if n in shapes}
    for function in ("forward", "loss_and_grads"):
        names = inspect.signature(getattr(net, function)).parameters
        handed = {n: a for n, a in inputs.items() if n in names}
        found, expected = (getattr(m, function)(params, **handed) for m in (net, plain))
        for a, b in zip(leaves(found), leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def leaves(found: Any) -> list[Any]:
    if isinstance(found, dict):
        found = tuple(found.values())
    return (
        [leaf for part in found for leaf in leaves(part)] if isinstance(found, tuple) else [found]
    )


@compiled_only
def test_arrays_that_were_pickled_take_the_loops(net: ModuleType) -> None:
    told = declined(net)
    params, batch = pickle.loads(pickle.dumps((net.init_params(0, np.float64), given())))
    work = net.Workspace(N=11, dtype=np.float64)
    before = {name: array.copy() for name, array in params.items()}
    net.sgd_step(params, **batch, rate=0.1, workspace=work)
    net.loss(params, **batch, workspace=work)
    assert not told and any((params[name] != before[name]).any() for name in params)


@compiled_only
def test_numbers_have_the_shape_and_dtype_of_what_they_are_by() -> None:
    spec = "name: n\ninputs: {x: [N]}\nparams: {w: {shape: []}}\nloss: sum(x) * w"
    for target in ("numpy", "native"):
        net = sb.compile(sb.derive(sb.parse(spec)), target=target)
        x = np.ones(3, np.float32)
        params = net.init_params(0)
        work = net.Workspace(N=3)
        gradient = net.loss_and_grads(params, x=x, workspace=work)[1]["w"]
        assert isinstance(gradient, np.ndarray) and gradient.shape == ()
        assert gradient.dtype == np.float32 and gradient == 3
        with pytest.raises(ValueError, match="w: expected an array, got float"):
            net.loss({"w": 0.5}, x=x, workspace=work)


@compiled_only
@pytest.mark.parametrize("target", ["numpy", "native"])
def test_a_number_is_given_as_an_array_with_a_workspace_as_without(target: str) -> None:
    spec = "name: n\ninputs: {x: [N], a: []}\nparams: {w: {shape: []}}\nloss: sum(x) * w * a"
    net = sb.compile(sb.derive(sb.parse(spec)), target=target)
    params, x = {"w": np.float32(2) * np.ones((), "f")}, np.ones(3, np.float32)
    for work in (None, net.Workspace(N=3)):
        assert net.loss(params, x=x, a=np.array(0.5, "f"), workspace=work) == 3
        with pytest.raises(ValueError, match="a: expected an array, got float: pass a NumPy"):
            net.loss(params, x=x, a=0.5, workspace=work)


WIDE = """
name: wide
inputs: {x: [N, 256], y: [N, 256]}
network: z = dense(tanh(dense(x, 512)), 256)
loss: mse(z, y)
"""


@pytest.fixture(scope="module")
def wide(folder: Path) -> Iterator[Any]:
    """A network whose steps take long."""
    sb.generate(sb.derive(sb.parse(WIDE)), folder, "float64", "native")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield from_file(folder / "wide.py")


@compiled_only
def test_other_threads_run_during_a_long_step(wide: Any) -> None:
    """The one asks for the same workspace until it is told that it is in use, and by whom."""
    params, work = wide.init_params(0, dtype="float64"), wide.Workspace(N=512, dtype="float64")
    rng = np.random.default_rng(0)
    batch = {name: rng.standard_normal((512, 256)) for name in "xy"}
    told: list[str] = []
    over = threading.Event()

    def asking() -> None:
        while not (told or over.is_set()):
            try:
                wide.loss(params, **batch, workspace=work)
            except RuntimeError as error:
                told.append(str(error))

    other = threading.Thread(target=asking)
    other.start()
    for _ in range(200):
        if told:
            break
        try:
            wide.loss_and_grads(params, **batch, workspace=work)
        except RuntimeError as error:
            told.append(str(error))
    over.set()
    other.join()
    assert told[0] == "workspace: another thread computes with it: make one for each thread"
    loss, grads = wide.loss_and_grads(params, **batch, workspace=work)
    again, wanted = wide.loss_and_grads(params, **batch)
    assert loss == again
    assert all(np.array_equal(grads[name], wanted[name]) for name in wanted)


@compiled_only
def test_threads_with_workspaces_of_their_own_train_side_by_side(wide: Any) -> None:
    """Arrays whose only other holder drops them stay until the step is over."""

    def trained(seed: int) -> list[float]:
        rng = np.random.default_rng(seed)
        params, work = wide.init_params(0, dtype="float64"), wide.Workspace(N=64, dtype="float64")
        step = functools.partial(wide.sgd_step, params, rate=0.1, workspace=work)
        return [
            step(x=rng.standard_normal((64, 256)), y=rng.standard_normal((64, 256)))
            for _ in range(30)
        ]

    _, _, told, setting = wide._blas("float64")
    threads, told_to = ctypes.CFUNCTYPE(ctypes.c_int)(told), ctypes.CFUNCTYPE(None, ctypes.c_int)
    before = threads()
    told_to(setting)(2)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        together = list(pool.map(trained, range(4)))
    assert threads() == 2, "steps give BLAS its threads back"
    told_to(setting)(before)
    assert np.allclose(together, [trained(seed) for seed in range(4)], rtol=1e-12, atol=0)
