"""`check` with several specs, with --all and with none: what it prints, in order; exit codes."""

from __future__ import annotations

import re

import pytest

from symbackprop.cli import main
from symbackprop.spec.source import gallery

GOOD = "inputs: {x: [N, 2]}\nparams: {w: {shape: [2]}}\nloss: sum(tanh(x * w))\n"
IDLE = "name: idle\ninputs: {x: [N, 2]}\nloss: sum(tanh(x))\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder with two good specs and one that is differentiated by nothing."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\n{GOOD}")
    (tmp_path / "idle.yaml").write_text(IDLE)
    return tmp_path


def told(line: str) -> list[str]:
    """The cells of a line, without the seconds."""
    *cells, _, result = line.split()
    return [*cells, result]


@pytest.mark.parametrize("processes", ["1", "2"])
def test_several_specs_have_a_line_each_in_their_order_and_totals(here, capsys, processes) -> None:
    assert main(["check", "b.yaml", "a.yaml", "--processes", processes]) == 0
    head, b, a, totals = capsys.readouterr().out.splitlines()
    assert head.split() == [
        "spec", "exactly", "30", "digits", "floats", "differences", "seconds", "result",
    ]  # fmt: skip
    assert told(b)[0] == "b.yaml" and told(a)[0] == "a.yaml"
    assert told(a)[1:] == told(b)[1:] and told(a)[-1] == "held"
    counts = [2 * int(cell.replace(",", "")) for cell in told(a)[1:-1]]
    digits, floats, differences = (f"{count:,}" for count in counts[1:])
    assert counts[0] == 0 and totals == (
        f"2 specs, {sum(counts):,} equalities proved, {digits} to 30 digits, {floats} in floats, "
        f"{differences} by differences: all held"
    )


def test_a_failure_is_told_in_full_and_the_exit_code_is_1(here, capsys) -> None:
    assert main(["check", "idle.yaml", "a.yaml", "--processes", "1"]) == 1
    _, idle, failure, a, totals = capsys.readouterr().out.splitlines()
    assert told(idle)[-1] == "FAILED" and told(a)[-1] == "held"
    assert failure == (
        "  FAILED gradients of loss: differentiated by nothing: name inputs or parameters in wrt"
    )
    assert totals.endswith(" by differences: 1 did not hold")


def test_a_fault_in_a_text_is_told_before_any_work(here, capsys) -> None:
    (here / "b.yaml").write_text(f"name: b\n{GOOD.replace('tanh', 'tahn')}")
    assert main(["check", "a.yaml", "b.yaml"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("b.yaml:4:")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_extents_that_disagree_are_told_beside_the_others(here, capsys, processes) -> None:
    (here / "b.yaml").write_text(f"name: b\n{GOOD.replace('shape: [2]', 'shape: [3]')}")
    assert main(["check", "b.yaml", "a.yaml", "--processes", processes]) == 2
    out = capsys.readouterr().out
    assert re.search(r"^b\.yaml .* refused\nb\.yaml:4:", out, re.MULTILINE)
    assert re.search(r"^a\.yaml .* held$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["check"],
            "symbackprop: there is no SPEC to check\n"
            "  fix: name one or several, or check the whole gallery with --all\n",
        ),
        (
            ["check", "--all", "xor"],
            "symbackprop: --all is the whole gallery\n"
            "  fix: leave out --all, or the specs beside it\n",
        ),
        (
            ["check", "xor", "--processes", "0"],
            "symbackprop: argument --processes: '0' is no whole number from 1\n"
            "  fix: symbackprop check --help shows how it is called\n",
        ),
    ],
)
def test_a_wrong_call_is_told(words, message, capsys) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err == message


def test_a_spec_that_is_differentiated_by_nothing_is_no_proof_of_gradients(here, capsys) -> None:
    assert main(["check", "idle.yaml"]) == 1
    *_, failure, verdict = capsys.readouterr().out.splitlines()
    assert failure.startswith("FAILED gradients of loss: differentiated by nothing: ")
    assert verdict.startswith("1 of ") and " rows failed; the others hold: " in verdict


def test_all_is_the_whole_gallery(monkeypatch, capsys) -> None:
    """Which specs; that they hold is a slow test."""
    from symbackprop.commands import check_several

    seen = []
    monkeypatch.setattr(check_several, "run", lambda specs, processes: seen.extend(specs) or 0)
    assert main(["check", "--all"]) == 0
    assert seen == list(gallery())
