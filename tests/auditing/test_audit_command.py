"""The command: what a newcomer types, and what stands on the screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from strangers import RIGHT

from symbackprop.cli import main


@pytest.fixture
def right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.py"
    path.write_text(RIGHT, "utf-8")
    return path


def wrong(path: Path, before: str, after: str) -> None:
    assert before in RIGHT
    path.write_text(RIGHT.replace(before, after), "utf-8")


def test_a_right_file_is_accepted(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "net.py:gradients", "xor"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("net.py:gradients against xor, at 6 random points\n")
    assert printed.endswith("accepted: all 4 gradients agree at 6 points\n")


def test_the_report_of_a_fault(right: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong(right, "dz2 @ W2.T * h * (1 - h)", "dz2 @ W2.T")
    assert main(["audit", "net.py:gradients", "xor"]) == 1
    printed = capsys.readouterr().out
    assert (
        "1. forgotten derivative: the derivative (1 - h[n, j])*h[n, j] is forgotten\n"
        "   spoils           the gradients of W1 and b1\n"
        "   derivation (11)  Z̄¹ = H̄ ⊙ H ⊙ (1 − H)\n"
        "   net.py:14        dz1 = dz2 @ W2.T\n"
    ) in printed
    assert "   with this line all gradients agree\n" in printed
    assert printed.endswith("refused: 2 of 4 gradients differ; 1 fault found\n")


def test_a_sum_for_a_mean_is_refused_unless_it_is_meant(
    right: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong(right, " / len(x)", "")
    assert main(["audit", "net.py:gradients", "xor"]) == 1
    printed = capsys.readouterr().out
    assert "1. wrong factor N: N times too large" in printed
    assert "if that is meant, say so: --scale N" in printed
    assert main(["audit", "net.py:gradients", "xor", "--scale", "N"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["net.py", "xor"], "which function of net.py is to be audited?\n  fix: symbackprop audit "
         "net.py:sigmoid SPEC; it has sigmoid, gradients"),
        (["net.py:", "xor"], "which function of net.py is to be audited?"),
        (["net.py:gradient", "xor"], "net.py has no function 'gradient'\n  fix: did you mean "
         "'gradients'?"),
        (["nett.py:gradients", "xor"], "there is no file 'nett.py'\n  fix: did you mean 'net.py'?"),
        (["xor", "net.py:gradients"], "there is no file 'xor'"),
        (["net.py:sigmoid", "xor"], "'sigmoid' takes 'z', which no name in the spec is like: its "
         "inputs are x, y, its parameters W1, b1, W2, b2"),
        (["net.py:gradients", "gan"], "the spec has several losses, "),
        (["net.py:gradients", "xor", "--loss", "los"], "the spec has no loss 'los'\n  fix: did you "
         "mean 'loss'?"),
        (["net.py:gradients", "xor", "--bind", "x"], "--bind 'x' is no ARG=NAME"),
        (["net.py:gradients", "xor", "--bind", "x=W9"], "--bind x=W9: the spec has no 'W9'"),
        (["net.py:gradients", "xor", "--returns", "W1,b9"], "--returns names 'b9', of which there "
         "is no gradient"),
        (["net.py:gradients", "xor", "--scale", "M"], "--scale M: 'M' is no number, and no extent"),
        (["net.py:gradients", "xor", "--rate", "fast"], "'fast' is no positive number"),
        (["net.py:gradients", "xor", "--wrt", "W7"], "the derivation has no gradient by 'W7'"),
        (["net.py:gradients"], "the following arguments are required: SPEC"),
    ],
)  # fmt: skip
def test_a_wrong_call(
    right: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["audit", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and not captured.out
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(x:\n", "net.py:1: this is no Python: '(' was never closed"),
        ("x = 1\n", "net.py defines no function"),
        ("\x00", "net.py: this is no Python: source code string cannot contain null bytes"),
        ("def f():\n" + "(" * 1000, "this is no Python"),
    ],
)
def test_a_file_that_is_none(
    right: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    right.write_text(text)
    assert main(["audit", "net.py:f", "xor"]) == 2
    assert message in capsys.readouterr().err


def test_help_says_that_the_file_is_executed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["audit", "--help"])
    printed = capsys.readouterr().out
    assert "THE FILE IS EXECUTED" in printed and "not against\nmalice" in printed
