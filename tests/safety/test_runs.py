"""Runs that are killed, meet each other, or would not fit: nothing is lost or half done."""

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import symbackprop as sb
from symbackprop import pipeline
from symbackprop.errors import CallError
from symbackprop.files import alone_in
from symbackprop.program import lower
from symbackprop.program.memory import parameter_bytes, workspace_bytes
from symbackprop.spec import parse
from symbackprop.training import room
from symbackprop.training.sources import read_npz

LARGE = """
name: large
inputs: {{x: [N, 64], y: {{shape: [N], classes: 10}}}}
network: |
  p = softmax(dense(tanh(dense(x, {width})), 10))
loss: cross_entropy(p, y)
train: {{data: digits, batch: {batch}, epochs: 1}}
"""


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "symbackprop", *map(str, words)]


def test_parameters_beyond_the_memory_are_refused_before_anything_is_made(tmp_path) -> None:
    spec = parse(LARGE.format(width=10**12, batch=32))
    with pytest.raises(CallError) as refusal:
        pipeline.train(spec, tmp_path / "run")
    assert refusal.value.message.startswith("the parameters take 273 TiB of memory, and this ")
    assert not (tmp_path / "run").exists()


def test_a_step_beyond_the_memory_is_refused_with_the_figure(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(room, "available", lambda: 1 << 28)
    assert pipeline.train(parse(LARGE.format(width=1000, batch=100)), tmp_path / "a")
    with pytest.raises(CallError) as refusal:
        pipeline.train(parse(LARGE.format(width=200_000, batch=100)), tmp_path / "b")
    taken = 4 * (74 * 200_000 + 200_010) * 2  # the parameters, and as much to step them
    said = refusal.value.message
    assert said.startswith("training takes ") and said.endswith(", and this computer has 256 MiB")
    assert float(said.split()[2]) > taken / 2**20
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1023, "1.02e+03 bytes"), (1024, "1 KiB"), (5 << 60, "5.24e+06 TiB")],
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert room.shown(size) == words


@pytest.mark.parametrize("name", ["lenet5", "char_lstm", "vae", "skip_gram"])
def test_what_a_module_takes_is_what_its_workspace_has(name: str) -> None:
    program = lower(sb.derive(sb.load(name)))
    module = sb.compile(sb.derive(sb.load(name)), dtype="float64")
    extents = {e.name: 2 * k + 31 for k, e in enumerate(program.derivation.system.extents)}
    work = vars(module.Workspace(**extents))
    own = [work[buffer.name].nbytes for buffer in program.buffers]
    assert workspace_bytes(program, 8, extents) == sum(own)
    own = {name: array.nbytes for name, array in module.init_params(dtype=float).items()}
    assert parameter_bytes(program, 8) == own


def test_a_file_that_unpacks_beyond_the_memory_is_refused(tmp_path, monkeypatch) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.zeros(10_000_000))
    assert path.stat().st_size < 1_000_000
    monkeypatch.setattr(room, "available", lambda: 1 << 24)
    with pytest.raises(CallError, match=r"bomb.npz takes 76.3 MiB of memory, and this "):
        read_npz(path)


def test_a_file_that_lies_about_its_size_is_no_traceback(tmp_path) -> None:
    header = io.BytesIO()
    told = {"descr": "<f8", "fortran_order": False, "shape": (10**13,)}
    np.lib.format.write_array_header_1_0(header, told)
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as packed:
        packed.writestr("x.npy", header.getvalue())
        packed.writestr("y.npy", header.getvalue())
    spec = LARGE.format(width=5, batch=32).replace("digits", "lie.npz")
    (tmp_path / "net.yaml").write_text(spec)
    ended = subprocess.run(
        command("train", "net.yaml"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("symbackprop: there is not enough memory: Unable to allocate ")
    assert sorted(os.listdir(tmp_path)) == ["lie.npz", "net.yaml"]


def test_two_runs_into_one_folder(tmp_path) -> None:
    """The second is refused, and what the first has written stays."""
    with alone_in(tmp_path, "run"):
        ended = subprocess.run(
            command("train", "xor", "--steps", 5, "-o", tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ended.returncode, os.listdir(tmp_path)) == (2, [])
    assert ended.stderr == (
        f"symbackprop: another run is writing to {tmp_path}\n"
        "  fix: let it end, or choose another folder with -o\n"
    )


KILLED = """
import sys
from symbackprop import cli, training
training.SECONDS_BETWEEN_SAVES = 0.01
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_run_that_is_killed_goes_on_to_the_same_bytes(tmp_path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    words = ["train", "xor", "--steps", "4000"]
    subprocess.run(command(*words, "-o", whole), check=True, capture_output=True)
    running = subprocess.Popen(
        [sys.executable, "-c", KILLED, *words, "-o", str(killed)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while not (killed / "checkpoint.npz").exists() and time.monotonic() < until:
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert "checkpoint.npz" in os.listdir(killed)
    subprocess.run(command(*words, "-o", killed, "--resume"), check=True, capture_output=True)
    for name in ("params.npz", "history.csv"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_checkpoint_cut_short_is_named(tmp_path: Path, share: float) -> None:
    subprocess.run(command("train", "xor", "--steps", 5, "-o", tmp_path), check=True)
    path = tmp_path / "checkpoint.npz"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    ended = subprocess.run(
        command("train", "xor", "--steps", 9, "-o", tmp_path, "--resume"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == (
        f"symbackprop: {path} is not the state of a run\n"
        "  fix: train without --resume to start again\n"
    )
    assert ended.returncode == 2 and path.stat().st_size == int(len(content) * share)
