"""The loop: it descends, it resumes to the last bit, it stops when asked and when it must."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from networks import linear, softmax, spec

from symbackprop.errors import CallError, Diverged
from symbackprop.training import read_plan, train

DIGITS = {"x": ["N", 64], "y": (["N"], "labels", 10)}


def regression(path, **block):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(37, 3))
    np.savez(path / "d.npz", x=x, y=x @ [1.0, -2.0, 0.5] + 3)
    return spec({"x": ["N", 3], "y": ["N"]}, {"data": "d.npz", **block}, path=f"{path}/net.yaml")


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_every_optimizer_finds_a_line(tmp_path, optimizer):
    block = {"batch": 5, "epochs": 150, "optimizer": optimizer, "rate": 0.05}
    outcome = train(regression(tmp_path, **block), linear(), tmp_path / "run")
    params = np.load(outcome.files["parameters"])
    np.testing.assert_allclose(params["w"], [1, -2, 0.5], atol=1e-3)
    np.testing.assert_allclose(params["b"], 3, atol=1e-3)


def test_full_batch_descent_is_the_textbook_one(tmp_path):
    network = regression(tmp_path, batch="full", steps=11, optimizer="sgd", rate=0.1)
    outcome = train(network, linear(), tmp_path / "run")
    with np.load(tmp_path / "d.npz") as file:
        x, y = file["x"], file["y"]
    w, b = linear().init_params(0)["w"], 0.0
    for _ in range(11):
        error = x @ w + b - y
        w, b = w - 0.1 * (x.T @ error / 37), b - 0.1 * error.mean()
    np.testing.assert_allclose(outcome.state.params["w"], w, rtol=1e-12)
    assert outcome.state.step == 11 and len(outcome.state.records) == 11


def test_records_losses_and_accuracies(tmp_path):
    network = spec(DIGITS, {"epochs": 3, "optimizer": "sgd", "rate": 0.5})
    outcome = train(network, softmax(), tmp_path)
    state = outcome.state
    names = ("epoch", "loss", "accuracy", "validation loss", "validation accuracy")
    assert state.columns == names
    assert [record[0] for record in state.records] == [1, 2, 3]
    assert state.records[-1][4] > 0.9
    with open(outcome.files["record"]) as file:
        header, *lines = csv.reader(file)
    assert tuple(header) == names
    assert [tuple(map(float, line)) for line in lines] == state.records


def test_a_last_batch_that_is_short_counts_by_its_rows(tmp_path):
    network = regression(tmp_path, batch=10, epochs=1, rate=1e-12, optimizer="sgd", validation=0)
    outcome = train(network, linear(), tmp_path / "run")
    with np.load(tmp_path / "d.npz") as file:
        whole = linear().loss(linear().init_params(0), x=file["x"], y=file["y"])
    assert outcome.state.step == 4
    np.testing.assert_allclose(outcome.state.records[0][1], whole, rtol=1e-9)


def contents(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("stop_after", [1, 45, 60, 134])
def test_resuming_gives_the_same_bits(tmp_path, optimizer, stop_after):
    network = spec(DIGITS, {"epochs": 3, "optimizer": optimizer, "rate": 0.05})
    whole = train(network, softmax(), tmp_path / "whole")
    assert whole.total_steps == 135 and not whole.interrupted

    def interrupt(state, total):
        if state.step == stop_after:
            os.kill(os.getpid(), signal.SIGINT)

    part = train(network, softmax(), tmp_path / "parts", watch=interrupt)
    assert part.interrupted and part.state.step == stop_after
    seen = []
    rest = train(
        network, softmax(), tmp_path / "parts", resume=True, watch=lambda s, _: seen.append(s.step)
    )
    assert not rest.interrupted and seen == list(range(stop_after + 1, 136))
    assert contents(tmp_path / "whole") == contents(tmp_path / "parts")


def test_longer_runs_go_on_from_shorter_ones(tmp_path):
    def network(epochs):
        return spec(DIGITS, {"epochs": epochs, "optimizer": "adam"})

    train(network(4), softmax(), tmp_path / "whole")
    train(network(2), softmax(), tmp_path / "parts")
    train(network(4), softmax(), tmp_path / "parts", resume=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "parts")


def test_nothing_to_resume(tmp_path):
    with pytest.raises(CallError) as caught:
        train(spec(DIGITS, {}), softmax(), tmp_path / "run", resume=True)
    path = tmp_path / "run" / "checkpoint.npz"
    assert str(caught.value) == (
        f"there is nothing to resume: no file {path}\n  fix: train without --resume to start again"
    )
    assert not (tmp_path / "run").exists()


def test_another_run_is_not_resumed(tmp_path):
    train(spec(DIGITS, {"epochs": 1}), softmax(), tmp_path)
    with pytest.raises(CallError) as caught:
        train(spec(DIGITS, {"epochs": 1, "seed": 1}), softmax(), tmp_path, resume=True)
    assert str(caught.value) == (
        f"{tmp_path / 'checkpoint.npz'} is of a run with seed 0, this one has 1\n"
        "  fix: train without --resume to start again"
    )


TUNED = """
name: net
title: A title
dims: {D: 3}
inputs: {x: [N, D], y: [N]}
params: {w: {shape: [D], init: zeros}, b: {shape: []}}
constants: {half: 0.5}
network: |
  p[n] = sum[i](x[n, i] * w[i]) + b
loss: half * mse(p, y)
wrt: [w, b]
train: {data: {x: [[1, 2, 3], [4, 5, 6]], y: [1, 2]}, steps: 3}
"""


@pytest.mark.parametrize(
    ("written", "changed", "difference"),
    [
        ("dims: {D: 3}", "dims: {D: 3, unused: 4}", "other dims in its spec"),
        ("init: zeros", "init: ones", "other params in its spec"),
        ("y: [N]", "y: {shape: [N], classes: 9}", "other inputs in its spec"),
        ("half: 0.5", "half: 0.25", "other constants in its spec"),
        ("+ b", "- b", "other network in its spec"),
        ("half * mse", "mse", "other losses in its spec"),
        ("wrt: [w, b]", "wrt: [b, w]", "other wrt in its spec"),
        ("y: [1, 2]", "y: [1, 3]", "other rows of data"),
        ("steps: 3", "steps: 3, batch: 1", "batch full, this one has 1"),
    ],
)
def test_what_is_another_run(tmp_path, written, changed, difference):
    from symbackprop.spec import parse

    assert TUNED.count(written) == 1
    train(parse(TUNED), linear(), tmp_path)
    before = contents(tmp_path)
    with pytest.raises(CallError) as caught:
        train(parse(TUNED.replace(written, changed)), linear(), tmp_path, resume=True)
    assert str(caught.value) == (
        f"{tmp_path / 'checkpoint.npz'} is of a run with {difference}\n"
        "  fix: train without --resume to start again"
    )
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        ("title: A title", "title: Another\nnotes: |\n  some\n  more"),
        ("half: 0.5", "half: 5e-1"),
        ("x[n, i] * w[i]", "x[n,i]*w[i]"),
        ("steps: 3", "steps: 5"),
        ("wrt: [w, b]", "wrt:\n  - w\n  - b"),
    ],
)
def test_what_is_still_the_same_run(tmp_path, written, changed):
    from symbackprop.spec import parse

    train(parse(TUNED), linear(), tmp_path)
    train(parse(TUNED.replace(written, changed)), linear(), tmp_path, resume=True)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 cut short", b"a text file\n", b"\x93NUMPY\x01\x00"]
)
def test_a_broken_state_is_refused(tmp_path, content):
    refused_state(tmp_path, content, "")


def refused_state(folder, content, why):
    (folder / "checkpoint.npz").write_bytes(content)
    with pytest.raises(CallError) as caught:
        train(spec(DIGITS, {"epochs": 1}), softmax(), folder, resume=True)
    assert str(caught.value) == (
        f"{folder / 'checkpoint.npz'} is not the state of a run{why}\n"
        "  fix: train without --resume to start again"
    )
    assert contents(folder) == {"checkpoint.npz": content}


@pytest.mark.parametrize(
    ("name", "array", "why"),
    [
        ("settings", np.array("not JSON"), ""),
        ("settings", np.array("[1, 2]"), ""),
        ("settings", np.array("{}"), ""),
        ("settings", np.array('{"spec": 1}'), ""),
        (
            "params/W",
            np.zeros((64, 1), "f4"),
            ": 'params/W' is float32[64, 1], not float32[64, 10]",
        ),
        ("params/b", np.zeros(10), ": 'params/b' is float64[10], not float32[10]"),
        ("memory/loss/b/0", np.zeros(()), ": 'memory/loss/b/0' is float64[], not float32[10]"),
        ("records", np.zeros((1, 4)), ": 'records' is float64[1, 4], not rows of 5 numbers"),
        ("records", np.array("x"), ": 'records' is <U1[], not rows of 5 numbers"),
        ("records", np.full((1, 5), np.nan), ": its steps are not counted from 0"),
        ("sums/loss", np.zeros(3), ": 'sums/loss' is float64[3], not float64[2]"),
        ("step", np.array(-1), ": its steps are not counted from 0"),
        ("step", np.array("x"), ": 'step' is <U1[], not int64[]"),
    ],
)
def test_a_damaged_state_is_refused(tmp_path, name, array, why):
    train(spec(DIGITS, {"epochs": 1}), softmax(), tmp_path / "whole")
    with np.load(tmp_path / "whole" / "checkpoint.npz") as file:
        arrays = dict(file)
    assert name in arrays
    (tmp_path / "damaged").mkdir()
    np.savez(tmp_path / "new.npz", **{**arrays, name: array})
    refused_state(tmp_path / "damaged", (tmp_path / "new.npz").read_bytes(), why)


def test_a_state_that_lacks_an_array_is_refused(tmp_path):
    train(spec(DIGITS, {"epochs": 1}), softmax(), tmp_path / "whole")
    with np.load(tmp_path / "whole" / "checkpoint.npz") as file:
        arrays = {name: array for name, array in file.items() if name != "params/W"}
    (tmp_path / "damaged").mkdir()
    np.savez(tmp_path / "new.npz", **arrays)
    refused_state(tmp_path / "damaged", (tmp_path / "new.npz").read_bytes(), "")


def test_a_folder_that_cannot_be_written_is_found_before_the_first_step(tmp_path, monkeypatch):
    steps = []
    (tmp_path / "run").write_text("in the way")
    with pytest.raises(FileExistsError) as caught:
        train(spec(DIGITS, {}), softmax(), tmp_path / "run", watch=lambda s, _: steps.append(s))
    assert (caught.value.filename, steps) == (str(tmp_path / "run"), [])


def test_a_second_interruption_says_what_was_saved(tmp_path, monkeypatch):
    def twice(state, total):
        if state.step == 7:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    network = spec(DIGITS, {"epochs": 2})
    with pytest.raises(KeyboardInterrupt) as caught:
        train(network, softmax(), tmp_path, watch=twice)
    assert str(caught.value) == "interrupted at once; this run has saved nothing"
    assert contents(tmp_path) == {}
    monkeypatch.setattr("symbackprop.training.SECONDS_BETWEEN_SAVES", 0.0)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(network, softmax(), tmp_path, watch=twice)
    assert str(caught.value) == (
        f"interrupted at once; {tmp_path / 'checkpoint.npz'} is what was saved last, after step 6\n"
        "  fix: the same command with --resume goes on from there"
    )
    assert list(contents(tmp_path)) == ["checkpoint.npz"]


@pytest.mark.parametrize("where", ["start", "save_arrays"])
def test_an_interruption_at_the_start_or_while_saving_saves_all(tmp_path, monkeypatch, where):
    import symbackprop.training as training

    true = getattr(training, where)

    def interrupted(*given):
        os.kill(os.getpid(), signal.SIGINT)
        return true(*given)

    monkeypatch.setattr(training, where, interrupted)
    outcome = train(spec(DIGITS, {"epochs": 1}), softmax(), tmp_path)
    assert outcome.interrupted == (where == "start")
    assert outcome.state.step == (0 if where == "start" else 45)
    assert {"checkpoint.npz", "history.csv", "params.npz"} <= set(contents(tmp_path))


def test_divergence_stops_with_its_step_and_saves_nothing(tmp_path):
    network = regression(tmp_path, batch="full", steps=5000, optimizer="sgd", rate=1e3)
    with pytest.raises(Diverged) as caught:
        train(network, linear(), tmp_path / "run")
    message = str(caught.value)
    assert message.startswith("loss is inf at step ") and "fix: try a rate below 1000" in message
    assert contents(tmp_path / "run") == {}


def test_missing_numbers_are_named(tmp_path):
    network = spec({"x": ["N", 3], "y": ["N"]}, {"data": {"x": [[1, 2, 3]], "y": [float("nan")]}})
    with pytest.raises(Diverged) as caught:
        train(network, linear(), tmp_path / "run")
    assert str(caught.value) == (
        "loss is nan at step 1, in epoch 1\n  fix: take out the rows of input 'y' that hold nan"
    )


def test_without_matplotlib_all_but_the_picture_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = train(spec(DIGITS, {"epochs": 1}), softmax(), tmp_path)
    assert list(outcome.files) == ["parameters", "checkpoint", "record"]
    assert sorted(contents(tmp_path)) == ["checkpoint.npz", "history.csv", "params.npz"]


def test_titles_are_no_formulas_in_the_picture(tmp_path):
    pytest.importorskip("matplotlib")
    import dataclasses

    network = dataclasses.replace(spec(DIGITS, {"epochs": 1}), title=r"$\frac{ \undefined $$ %")
    outcome = train(network, softmax(), tmp_path)
    assert outcome.files["curves"].read_bytes().startswith(b"\x89PNG")


def test_a_title_that_the_font_lacks_is_no_warning(tmp_path):
    pytest.importorskip("matplotlib")
    import dataclasses
    import warnings

    network = dataclasses.replace(spec(DIGITS, {"epochs": 1}), title="网络 🙂")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = train(network, softmax(), tmp_path)
    assert outcome.files["curves"].read_bytes().startswith(b"\x89PNG")


def test_training_again_gives_the_same_bytes(tmp_path):
    for run in ("one", "two"):
        train(spec(DIGITS, {"epochs": 1}), softmax(), tmp_path / run)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_several_losses_each_step_their_own_parameters(tmp_path):
    """A tug of war: loss `up` pulls a with (a - b - 1)²/2, then `down` pulls b with (b - a)²/2."""
    import dataclasses
    from types import ModuleType

    from networks import HERE

    from symbackprop.spec.syntax import LossDeclaration, Number

    module = ModuleType("tug")
    module.init_params = lambda seed=0: {"a": np.array(2.0), "b": np.array(0.0)}
    module.forward = lambda params: {}
    module.Workspace = lambda: None

    def up(params):
        return float((params["a"] - params["b"] - 1) ** 2 / 2)

    def down(params):
        return float((params["b"] - params["a"]) ** 2 / 2)

    module.up, module.down = up, down
    module.up_and_grads = lambda params: (
        up(params), {"a": params["a"] - params["b"] - 1}
    )  # fmt: skip
    module.down_and_grads = lambda params: (down(params), {"b": params["b"] - params["a"]})
    losses = (
        LossDeclaration("up", Number(0, "0", HERE), (("a", HERE),), HERE),
        LossDeclaration("down", Number(0, "0", HERE), (("b", HERE),), HERE),
    )
    block = {"data": {}, "steps": 2, "optimizer": "sgd", "rate": 0.5}
    network = dataclasses.replace(spec({}, block), losses=losses)
    state = train(network, module, tmp_path).state
    # a: 2 - (2-0-1)/2 = 1.5; b: 0 + 1.5/2 = 0.75; a: 1.5 + 0.25/2 = 1.625; b: 0.75 + 0.875/2
    assert (float(state.params["a"]), float(state.params["b"])) == (1.625, 1.1875)
    assert state.columns == ("epoch", "up", "down")


def test_gradients_by_inputs_alone_train_nothing(tmp_path):
    import dataclasses

    from networks import HERE

    network = dataclasses.replace(spec(DIGITS, {}), wrt=(("x", HERE),))
    with pytest.raises(CallError, match="net is differentiated by no parameter"):
        train(network, softmax(), tmp_path)


PROGRAM = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from networks import softmax, spec
from symbackprop.training import train

network = spec({{"x": ["N", 64], "y": (["N"], "labels", 10)}}, {{"epochs": 100000}})
print("started", flush=True)
outcome = train(network, softmax(), Path({run!r}))
print("interrupted" if outcome.interrupted else "done")
"""


def test_ctrl_c_saves_and_ends(tmp_path):
    text = PROGRAM.format(here=str(Path(__file__).parent), run=str(tmp_path))
    child = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "started\n"
    time.sleep(1.5)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert (child.returncode, out) == (0, "interrupted\n")
    with np.load(tmp_path / "checkpoint.npz") as state, np.load(tmp_path / "params.npz") as params:
        assert state["step"] > 0
        np.testing.assert_array_equal(state["params/W"], params["W"])


def test_the_digits_say_where_they_are_from():
    import symbackprop.training

    folder = Path(symbackprop.training.__file__).parent / "datasets"
    text = (folder / "ATTRIBUTION.md").read_text()
    assert "CC BY 4.0" in text and "10.24432/C50P49" in text and "Kaynak" in text


def test_read_plan_is_what_train_follows(tmp_path):
    network = spec(DIGITS, {"epochs": 2})
    given = train(network, softmax(), tmp_path / "a", plan=read_plan(network))
    assert given.state.records == train(network, softmax(), tmp_path / "b").state.records
