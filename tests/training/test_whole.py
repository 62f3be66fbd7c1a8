"""Generated modules with everything that a step may carry: draws, states, rows of tables."""

import os
import signal

import pytest

import symbackprop as sb
from symbackprop.cli import main

EVERYTHING = """
name: everything
inputs:
  word: {shape: [N], classes: 11}
  y: {shape: [N], classes: 3}
  eps: {shape: [N, 4], draw: normal}
network: |
  e = embedding(word, 4)
  h = batch_norm(dense(e + 0.1 * eps, 5))
  p = softmax(dense(dropout(h, 0.2), 3))
losses:
  loss: cross_entropy(p, y)
  spread: {value: "mean(h**2)", wrt: []}
outputs: [p]
sparse: [E1]
train:
  data: {word: WORDS, y: LABELS}
  batch: 4
  epochs: 30
  validation: 0.2
  optimizer: adagrad
  rate: 0.5
  clip: 1
  schedule: cosine
  measure: [accuracy, bits]
  goal: accuracy >= 70%
"""
WORDS = [k % 11 for k in range(44)]
TEXT = EVERYTHING.replace("WORDS", str(WORDS)).replace("LABELS", str([k % 3 for k in WORDS]))


def contents(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_a_run_in_parts_is_the_whole_run(tmp_path):
    spec = sb.parse(TEXT)
    columns = ("loss", "accuracy", "bits")
    whole = sb.train(spec, tmp_path / "whole")
    assert whole.state.columns == (
        "epoch", *columns, *(f"validation {c}" for c in ("loss", "spread", *columns[1:]))
    )  # fmt: skip
    assert whole.reached and whole.state.last("loss") < whole.state.records[0][1]
    assert "states" in whole.files

    def interrupt(state, total):
        if state.step == 100:
            os.kill(os.getpid(), signal.SIGINT)

    assert sb.train(spec, tmp_path / "parts", watch=interrupt).interrupted
    sb.train(spec, tmp_path / "parts", resume=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "parts")


@pytest.mark.parametrize("options", [[], ["--epochs", "1"]])
def test_the_command_says_whether_the_goal_is_reached(tmp_path, capsys, options):
    path = tmp_path / "everything.yaml"
    path.write_text(TEXT)
    assert main(["train", str(path), "-o", str(tmp_path / "run"), *options]) == 0
    verdict = "missed" if options else "reached"
    assert f"goal       {verdict}: accuracy >= 70%\n" in capsys.readouterr().out
