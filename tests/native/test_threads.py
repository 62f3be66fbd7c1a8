"""Loops and products that threads share: results are NumPy's, and the same each time."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sb
from symbackprop.derivation import differentiate
from symbackprop.emit import emit_native
from symbackprop.emit.native import threads
from symbackprop.equations.build import build
from symbackprop.program import lower
from symbackprop.spec import SpecError, load, parse
from tests.fuzz.specs import drawn
from tests.native.compared import HAS_COMPILER, Both
from tests.native.test_bodies import GALLERY
from tests.sampling import sampled

needs_compiler = pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler")
QUICK = ["lenet5", "char_lstm", "batch_norm_digits", "skip_gram"]
REST = ["char_transformer", *(n for n in GALLERY if n not in QUICK)]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "threads"))


@pytest.fixture
def eager(monkeypatch: Any) -> None:
    """Whatever may be shared is, however little it is."""
    monkeypatch.setattr(threads, "WORTH", 0)
    monkeypatch.setattr(threads, "FEWEST", 1)


class Shared(Both):
    """The loops of a spec, every one that may be shared in the hands of three threads."""

    def __init__(self, spec: Any) -> None:
        super().__init__(spec)
        self.source = f"#define WORTH_A_THREAD 1\n#define FEWEST_ROWS 1\n{self.source}"
        self.native._SOURCE = self.source
        _, _, told, setting = self.native._blas("float64")
        self._told = ctypes.CFUNCTYPE(ctypes.c_int)(told)
        self._set = ctypes.CFUNCTYPE(None, ctypes.c_int)(setting)

    def differences(self, *given: Any, **more: Any) -> list[str]:
        before = self._told()
        self._set(3)
        try:
            return super().differences(*given, **more)
        finally:
            assert self._told() == 3, "a step gives BLAS its threads back"
            self._set(before)


@needs_compiler
@pytest.mark.parametrize("name", QUICK)
def test_what_threads_share_is_what_numpy_computes(name: str, eager: None) -> None:
    shared = Shared(load(name))
    assert "omp parallel for" in shared.source
    for seed in range(3):
        assert shared.differences("float64", seed) == []


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("name", sampled(REST, 13))
def test_the_gallery_shared_by_threads(name: str, eager: None) -> None:
    shared = Shared(load(name))
    for seed in range(2):
        assert shared.differences("float64", seed) == []


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("seed", sampled(range(2000, 2040), 8))
def test_a_drawn_spec_shared_by_threads(seed: int, eager: None) -> None:
    with contextlib.suppress(SpecError, ValueError):  # refused, as it should be
        shared = Shared(parse(drawn(seed)[1].text))
        assert shared.differences("float64", seed, 1e-8) == []


@needs_compiler
def test_strips_of_several_rows_are_collected_whole() -> None:
    """Eight rows of six entries are summed at once: each thread has 48 sums of its own."""
    text = """
name: strips
inputs: {x: [N, 4096, 7]}
network: z = dense(tanh(dense(x, 6)), 1)
loss: mean(z)
"""
    shared = Shared(parse(text))
    assert "reduction(+ : strip[:48])" in shared.source
    assert shared.differences("float64") == []


@needs_compiler
def test_a_product_of_fewer_rows_and_columns_than_threads() -> None:
    """dw = dz x has one row of two entries: some of three threads have none of them."""
    text = """
name: few
inputs: {x: [64, 2], y: [64]}
params: {w: {shape: [2], init: ones}}
network: z = x @ w
loss: mse(z, y)
"""
    assert Shared(parse(text)).differences("float64") == []


def test_rows_that_may_be_the_same_are_not_shared(eager: None) -> None:
    """dE[u, d] = sum over n of dz[n, d] where u = ids[n]: two n may have one u."""
    text = """
name: rows
inputs: {ids: {shape: [N], classes: 1000}, y: [N, 512]}
network: z = embedding(ids, 512)
loss: mse(z, y)
"""
    lines = emit_native(lower(differentiate(build(parse(text))))).splitlines()
    added = next(k for k, line in enumerate(lines) if "dE1[" in line and "+=" in line)
    around = "\n".join(lines[added - 4 : added])
    assert "ids_row" in around and "parallel" not in around


def test_sums_of_many_entries_are_not_kept_on_the_stack() -> None:
    """A bias of 100,000 entries is summed by one thread: each would need as many of its own."""
    few, many = (
        emit_native(lower(differentiate(build(parse(WIDE.format(width=width))))))
        for width in (1000, 100_000)
    )
    assert "db1[:1000]" in few
    assert "db1[:" not in many


WIDE = """
name: wide
inputs: {{x: [N, 7], y: [N, {width}]}}
network: z = tanh(dense(x, {width}))
loss: mse(z, y)
"""
TRAIN = """
import os, sys, numpy as np, net
rng = np.random.default_rng(0)
x, y = rng.standard_normal((256, 64)).astype("f"), rng.standard_normal((256, 512)).astype("f")
def losses():
    params, work = net.init_params(0), net.Workspace(N=256)
    return [net.sgd_step(params, x=x, y=y, rate=0.1, workspace=work).hex() for _ in range(20)]
"""
NET = """
name: net
inputs: {x: [N, 64], y: [N, 512]}
network: z = dense(tanh(dense(x, 512)), 512)
loss: mse(z, y)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("threads")
    sb.generate(sb.derive(sb.parse(NET)), found, "float32", "native")
    return found


def ran(code: str, folder: Path, **environment: str) -> str:
    """What a process of its own prints, with so many threads and no warnings."""
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRAIN + code],
        cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


@needs_compiler
def test_two_threads_compute_the_same_each_time(folder: Path) -> None:
    code = "print(losses() == losses() == losses(), len(os.listdir('/proc/self/task')))"
    same, count = ran(code, folder, OPENBLAS_NUM_THREADS="2").split()
    assert same == "True" and int(count) >= 3  # this one, that of BLAS and that of OpenMP


@needs_compiler
def test_a_forked_process_trains_too(folder: Path) -> None:
    """The threads of OpenMP stay with the parent; a child that waited for them would not end."""
    code = """
before = losses()
child = os.fork()
if not child:
    os._exit(0 if np.allclose([float.fromhex(v) for v in losses()],
                              [float.fromhex(v) for v in before]) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), losses() == before)
"""
    assert ran(code, folder, OPENBLAS_NUM_THREADS="2").split() == ["0", "True"]


@needs_compiler
def test_a_forked_process_opens_another_library(folder: Path) -> None:
    """What is opened after the fork knows nothing of it: the parent's threads have ended before."""
    code = """
import signal
losses()
net._built(np.dtype("float64"))
child = os.fork()
if not child:
    signal.alarm(30)
    params, work = net.init_params(0, dtype="float64"), net.Workspace(N=256, dtype="float64")
    net.sgd_step(params, x=x.astype("d"), y=y.astype("d"), rate=0.1, workspace=work)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert ran(code, folder, OPENBLAS_NUM_THREADS="2").split() == ["0"]


@needs_compiler
def test_a_process_forks_between_steps_of_another_thread(folder: Path) -> None:
    """In the children no thread computes with its workspace, and BLAS and OpenMP are in order."""
    code = """
import signal, threading
params, work = net.init_params(0), net.Workspace(N=256)
loss = lambda: net.loss(params, x=x, y=y, workspace=work)
wanted, over = loss(), threading.Event()
def steps():
    while not over.is_set():
        loss()
other = threading.Thread(target=steps)
other.start()
told = []
for _ in range(40):
    child = os.fork()
    if not child:
        signal.alarm(30)
        os._exit(0 if abs(loss() - wanted) < 1e-5 else 1)
    told.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
over.set()
other.join()
print(set(told), loss() == wanted)
"""
    assert ran(code, folder, OPENBLAS_NUM_THREADS="2").split() == ["{0}", "True"]


@needs_compiler
def test_a_compiler_without_openmp_makes_loops_for_one_thread(folder: Path, tmp_path: Path) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("""#!/bin/sh
for flag; do [ "$flag" != -fopenmp ] || exit 1; done
exec cc "$@"
""")
    compiler.chmod(0o755)
    code = "losses(); print(len(os.listdir('/proc/self/task')))"
    environment = {"CC": str(compiler), "XDG_CACHE_HOME": str(tmp_path)}
    # This one and that of BLAS.
    assert ran(code, folder, OPENBLAS_NUM_THREADS="2", **environment).split() == ["2"]
