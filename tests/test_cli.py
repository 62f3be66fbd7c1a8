"""The command line: what it writes where, its exit codes, and the exact words of its errors."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import symbackprop
from symbackprop import __version__
from symbackprop.cli import main
from symbackprop.spec.source import gallery

SPEC = """\
name: line
title: A line
inputs: {x: [N, 2], y: [N]}
params: {w: {shape: [2], init: zeros}, b: {shape: [], init: zeros}}
network: |
  p[n] = sum[i](x[n, i] * w[i]) + b
loss: mse(p, y)
train:
  data: {x: [[1, 0], [0, 1], [1, 1]], y: [1, 2, 3]}
  steps: 400
  optimizer: sgd
  rate: 0.5
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, with one spec."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "line.yaml").write_text(SPEC)
    return tmp_path


def listing(folder):
    """Every file below a folder, by its path."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


# A child process imports the package that is tested here, installed or not.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(symbackprop.__file__).parents[1])}


def run(*words, **more):
    """Run a Python of its own to its end."""
    command = [sys.executable, *words]
    environment = ENVIRONMENT | more
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


MISTAKES = {
    "derve xor": "no command is called 'derve'\n  fix: did you mean 'derive'?",
    "frobnicate": "no command is called 'frobnicate'\n  fix: the commands are derive, generate, "
    "build, render, check, inspect, train, audit, gallery, tour",
    "derive": "the following arguments are required: SPEC\n"
    "  fix: symbackprop derive --help shows how it is called",
    "derive xor --formt json": "symbackprop derive has no option '--formt'\n"
    "  fix: did you mean '--format'?",
    "derive xor --format yaml": "argument --format: 'yaml' is none of text, latex, markdown, json\n"
    "  fix: symbackprop derive --help shows how it is called",
    "derive xor --detail step": "argument --detail: 'step' is none of result, steps\n"
    "  fix: symbackprop derive --help shows how it is called",
    "derive xor again": "'again' is one word too many\n  fix: symbackprop derive --help",
    "derive xor --wrt W9": "no parameter or real input is called 'W9'\n  fix: did you mean 'W2'?",
    "generate xor --dtype float16": "argument --dtype: 'float16' is none of float32, float64\n"
    "  fix: symbackprop generate --help shows how it is called",
    "render xor -o xor.docx": "cannot render 'xor.docx': no format ends in '.docx'\n"
    "  fix: end the file's name in .html, .md, .tex or .pdf",
    "render xor -o xor": "cannot render 'xor': the file's name has no ending\n"
    "  fix: end the file's name in .html, .md, .tex or .pdf",
    "render xor -o o2/.html": "cannot render 'o2/.html': there is no name before '.html'\n"
    "  fix: write it as in o2/name.html",
    "inspect xor -o .PNG": "cannot draw '.PNG': there is no name before '.PNG'\n"
    "  fix: write it as in name.PNG",
    "render xor -o xor.pdf --fragment": "cannot render 'xor.pdf': a fragment is LaTeX\n"
    "  fix: end the file's name in .tex, or leave out --fragment",
    "render xor --layers below": "argument --layers: 'below' is none of superscript, brackets, "
    "subscript\n  fix: symbackprop render --help shows how it is called",
    "train xor --epochs 0": "argument --epochs: '0' is no whole number from 1\n"
    "  fix: symbackprop train --help shows how it is called",
    "train xor --epochs 99999999999999999999999": "argument --epochs: "
    "'99999999999999999999999' is "
    "above 2147483647, the most there can be\n"
    "  fix: symbackprop train --help shows how it is called",
    f"train xor --seed {'9' * 5000}": f"argument --seed: '{'9' * 37}...' is "
    "above 2147483647, the most there can be\n"
    "  fix: symbackprop train --help shows how it is called",
    "train xor --epochs 3 --steps 4": "argument --steps: not allowed with argument --epochs\n"
    "  fix: symbackprop train --help shows how it is called",
    "train xor --resume": "there is nothing to resume: no file runs/xor/checkpoint.npz\n"
    "  fix: train without --resume to start again",
    "gallery xr": "the gallery has no spec 'xr'\n  fix: did you mean 'xor'?",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_wrong_call_is_told_and_nothing_is_written(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"symbackprop: {MISTAKES[words]}\n")
    assert listing(tmp_path) == []


@pytest.mark.parametrize("command", ["derive", "generate", "render", "check", "train", "tour"])
def test_a_wrong_spec_is_told_and_nothing_is_written(command, here, capsys):
    (here / "line.yaml").write_text(SPEC.replace("mse(", "mze("))
    assert main([command, "line.yaml"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and listing(here) == ["line.yaml"]
    assert err.startswith("line.yaml:7:7: ") and err.endswith("  fix: did you mean 'mse'?\n")


def test_a_wrong_name_of_a_spec(here, capsys):
    assert main(["derive", "xr"]) == 2
    assert capsys.readouterr().err == (
        "xr: neither a file nor a spec of the gallery is called 'xr'\n  fix: did you mean 'xor'?\n"
    )


def test_a_wrong_plan_is_told_before_any_work(here, capsys):
    (here / "line.yaml").write_text(SPEC.replace("rate: 0.5", "rte: 0.5"))
    for command in ("train", "tour"):
        assert main([command, "line.yaml"]) == 2
        assert capsys.readouterr().err == (
            "line.yaml:12:3: unknown key 'rte' in train\n    rte: 0.5\n    ^\n"
            "  fix: did you mean 'rate'?\n"
        )
    assert listing(here) == ["line.yaml"]


def test_help_version_and_nothing(capsys):
    for words in (["--help"], ["--version"], ["train", "--help"]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 0
    out = capsys.readouterr().out
    assert f"symbackprop {__version__}\n" in out and "audit" in out
    assert main([]) == 2
    assert "COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["derve"], ["gallery"]])
def test_what_needs_no_mathematics_imports_none(words):
    text = (
        "import sys\nfrom symbackprop.cli import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        "heavy = ('sympy', 'numpy', 'rich', 'jinja2', 'matplotlib')\n"
        "sys.exit(str([name for name in heavy if name in sys.modules]))"
    )
    done = run("-c", text)
    assert done.stderr.endswith("[]\n"), done.stderr


@pytest.mark.parametrize(
    "fault", ["loss: mze(p, y)", "los: mse(p, y)", "loss: [", "loss: mse(q, y)"]
)
def test_a_fault_in_the_text_is_found_without_sympy(fault, here):
    (here / "line.yaml").write_text(SPEC.replace("loss: mse(p, y)", fault))
    text = (
        "import sys\nfrom symbackprop.cli import main\n"
        "code = main(['derive', 'line.yaml'])\n"
        "sys.exit(f'{code} {\"sympy\" in sys.modules}')"
    )
    done = run("-c", text)
    assert done.stderr.endswith("2 False\n"), done.stderr


def test_derive_in_every_format(here, capsys):
    marks = {"text": "Backward", "latex": r"\begin{align*}", "markdown": "```math", "json": "{"}
    for form, mark in marks.items():
        for detail in ("result", "steps"):
            assert main(["derive", "line.yaml", "--format", form, "--detail", detail]) == 0
            out = capsys.readouterr().out
            assert mark in out
            if form == "json":
                json.loads(out)


def test_wrt_chooses_the_gradients(here, capsys):
    assert main(["derive", "line.yaml", "--wrt", "b", "--wrt", "x"]) == 0
    out = capsys.readouterr().out
    assert "gradient of b" in out and "gradient of x" in out and "gradient of w" not in out


def test_generate_writes_two_files_and_says_where(here, capsys):
    assert main(["generate", "line.yaml", "--dtype", "float64"]) == 0
    assert capsys.readouterr().out == "generated/line.py\ngenerated/test_line.py\n"
    assert listing(here) == ["generated/line.py", "generated/test_line.py", "line.yaml"]
    assert main(["generate", "line.yaml", "-o", "there"]) == 0
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "there")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("ending", [".md", ".tex"])
def test_render_writes_by_the_ending(here, capsys, ending):
    assert main(["render", "line.yaml", "-o", f"a/b/line{ending}"]) == 0
    assert capsys.readouterr().out == f"a/b/line{ending}\n"
    assert "A line" in (here / "a" / "b" / f"line{ending}").read_text(encoding="utf-8")


def test_what_cannot_be_written_is_told(here, capsys):
    (here / "generated").write_text("in the way")
    assert main(["generate", "line.yaml"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("symbackprop: generated: ") and "fix: " in err
    assert listing(here) == ["generated", "line.yaml"]


def test_check_passes_and_says_how_many(here, capsys):
    assert main(["check", "line.yaml"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    count, words = last.split(" ", 1)
    assert int(count.replace(",", "")) > 50
    assert words.startswith("equalities checked, ") and words.endswith(" differences: all held")


def test_what_is_too_large_to_check_is_said(here, capsys):
    (here / "line.yaml").write_text(
        SPEC.replace("[N, 2]", "[N, 41000000]").replace("[2]", "[41000000]")
    )
    assert main(["check", "line.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row, said = [line for line in lines if "too large: " in line]
    assert row.split()[-2:] == ["not", "checked"]
    assert said.startswith("not checked: the module, at full size: not run, too large: ")
    assert ": all held, 1 of " in lines[-1]


def test_check_fails_where_the_code_is_wrong(here, capsys, monkeypatch):
    from symbackprop import emit

    true_module = emit.emit_module

    def false_module(*given):
        return true_module(*given).replace("def loss_and_grads(", "def _inner(") + FALSE

    monkeypatch.setattr(emit, "emit_module", false_module)
    assert main(["check", "line.yaml"]) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out and " rows failed; the others hold: " in out.splitlines()[-1]


FALSE = """

def loss_and_grads(params, **inputs):
    value, grads = _inner(params, **inputs)
    grads["w"] *= 1.001
    return value, grads
"""


def test_train_writes_its_files_and_says_where(here, capsys):
    assert main(["train", "line.yaml"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].startswith("epoch 20  loss ")
    for name in ("params.npz", "checkpoint.npz", "history.csv"):
        assert f"runs/line/{name}" in out and (here / "runs" / "line" / name).is_file()
    with np.load(here / "runs" / "line" / "params.npz") as params:
        assert params["w"].dtype == np.float32
        np.testing.assert_allclose(params["w"], [1, 2], atol=0.05)


def test_train_resumes(here, capsys):
    whole = ["train", "line.yaml", "-o", "whole", "--seed", "3", "--dtype", "float64"]
    parts = ["train", "line.yaml", "-o", "parts", "--seed", "3", "--dtype", "float64"]
    assert main(whole) == 0
    assert main([*parts, "--steps", "15"]) == 0
    assert main([*parts, "--resume"]) == 0
    for name in ("params.npz", "checkpoint.npz", "history.csv"):
        assert (here / "whole" / name).read_bytes() == (here / "parts" / name).read_bytes()


@pytest.mark.parametrize("command", ["train", "tour"])
def test_a_folder_that_cannot_be_written_is_told_before_training(here, command, capsys):
    (here / "taken").write_text("in the way")
    assert main([command, "line.yaml", "-o", "taken"]) == 2
    out, err = capsys.readouterr()
    assert "epoch" not in out
    assert err == (
        "symbackprop: taken: File exists\n"
        "  fix: choose another place with -o, or mend its permissions\n"
    )


def test_a_damaged_state_is_told(here, capsys):
    (here / "runs" / "line").mkdir(parents=True)
    (here / "runs" / "line" / "checkpoint.npz").write_text("a text")
    assert main(["train", "line.yaml", "--resume"]) == 2
    assert capsys.readouterr().err == (
        "symbackprop: runs/line/checkpoint.npz is not the state of a run\n"
        "  fix: train without --resume to start again\n"
    )
    assert listing(here) == ["line.yaml", "runs/line/checkpoint.npz"]


def test_an_interruption_says_what_it_knows(here, capsys, monkeypatch):
    from symbackprop import pipeline

    for words, said in (((), "interrupted"), (("nothing saved",), "nothing saved")):

        def interrupt(*_, words=words, **__):
            raise KeyboardInterrupt(*words)

        monkeypatch.setattr(pipeline, "train", interrupt)
        assert main(["train", "line.yaml"]) == 130
        assert capsys.readouterr().err == f"symbackprop: {said}\n"


def test_divergence_is_a_failure(here, capsys):
    (here / "line.yaml").write_text(SPEC.replace("rate: 0.5", "rate: 1e9"))
    assert main(["train", "line.yaml"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("symbackprop: loss is ") and "fix: try a rate below 1e+09" in err


def test_ctrl_c_while_training_saves_and_says_how_to_go_on(here):
    command = [sys.executable, "-m", "symbackprop", "train", "digits_mlp", "--epochs", "100000"]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    # The first line of progress would come late; what has been imported by now is training.
    time.sleep(6)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, (out, err)
    assert err.startswith("symbackprop: stopped after step ") and "--resume goes on" in err
    assert (here / "runs" / "digits_mlp" / "checkpoint.npz").is_file()


def test_a_reader_that_leaves_is_no_fault(here):
    line = f"{sys.executable} -m symbackprop gallery keras_mlp | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.stderr == "" and done.returncode in (0, 141)


def test_a_terminal_without_unicode_is_no_fault(here):
    done = run("-m", "symbackprop", "derive", "line.yaml", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and done.stderr == ""


def test_gallery_lists_and_prints(capsys):
    assert main(["gallery"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()] == list(gallery())
    assert main(["gallery", "xor"]) == 0
    assert capsys.readouterr().out == gallery()["xor"].read_text(encoding="utf-8")


def test_tour_leaves_everything_in_one_folder(here, capsys):
    assert main(["tour", "line.yaml", "-o", "all"]) == 0
    out = capsys.readouterr().out
    names = ["line.md", "line.py", "line.tex", "test_line.py", "params.npz", "history.csv"]
    for name in names:
        assert f"all/{name}" in out and (here / "all" / name).is_file()
    for stage in ("derive", "generate", "render", "check", "train"):
        assert f"── {stage}: " in out


def test_a_tour_without_a_tex_goes_on(here, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("symbackprop.report.pdflatex.WHEEL", "no_such_wheel")
    assert main(["tour", "line.yaml", "-o", "all"]) == 0
    out = capsys.readouterr().out
    assert "all/line.pdf is left out: there is no pdflatex to make a PDF with\n" in out
    assert "── train: " in out
