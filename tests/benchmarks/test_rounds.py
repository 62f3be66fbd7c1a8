"""The harness: the table of what was measured, and contenders in processes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.steps import rounds
from benchmarks.steps.quiet import Patience
from benchmarks.steps.table import disturbed, starts, table, text
from benchmarks.steps.workloads import WORKLOADS


def facts(*seconds: float, others: float = 0.0) -> dict[str, Any]:
    return {
        **{"seconds": list(seconds), "others": [others] * len(seconds)},
        **{"imported": 0.25, "first": 0.5, "peak": 61.5},
    }


def test_a_table_has_ratios_round_by_round() -> None:
    results = {
        "W1": {"expert": facts(1e-5, 2e-5, 4e-5), "ours": facts(1e-5, 1e-5, 1e-5, others=0.5)},
        "W2": {"expert": facts(1e-3, 1e-3, 3e-3)},
    }
    assert table(results) == [
        ["", "W1", "W2"],
        ["expert NumPy, µs", "20.0 (10.0–40.0)", "1,000 (1,000–3,000)"],
        ["symbackprop, NumPy", "0.50 (0.25–1.00)", "–"],
    ]
    assert starts(results)[2] == ["symbackprop, NumPy", "0.75 / 62", "–"]
    assert disturbed(results) == "3 of 9 samples: others used over 8% of the cores meanwhile"
    assert text([["a", "b"], ["long", "1"]]) == "a     b\nlong  1"


def test_a_disturbed_sample_is_taken_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds of others' work in the first sample, none in the second."""
    readings = [(0.0, 0.0), (10.0, 0.0), (10.0, 0.0), (10.0, 0.0)]
    clock, samples = iter(readings), iter([3.0, 2.0])
    monkeypatch.setattr("benchmarks.steps.quiet.busy", lambda pid: next(clock))
    assert Patience(60).quietest(lambda: next(samples), pid=1) == (2.0, 0.0)
    clock = iter(readings)
    seconds, others = Patience(0).quietest(lambda: 3.0, pid=1)
    assert seconds == 3.0 and others > 1


@pytest.mark.slow
def test_processes_are_timed_and_a_wrong_one_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("autograd")
    monkeypatch.setattr(rounds, "SAMPLE", 0.002)
    said: list[str] = []
    known = WORKLOADS["W1"]
    found = rounds.timed(known, ["expert", "ours", "autograd"], 2, 1, said.append)
    assert list(found) == ["expert", "ours", "autograd"]
    assert all(len(f["seconds"]) == 2 and min(f["seconds"]) > 0 for f in found.values())

    def wrong(name: str, losses: Any, after: Any) -> None:
        raise rounds.Refused(f"{name}: wrong")

    monkeypatch.setattr(rounds, "checker", lambda *_: wrong)
    assert rounds.timed(known, ["expert"], 2, 1, said.append) == {}
    assert "W1 expert is left out: expert: wrong\n" in said


def test_every_spec_has_an_expert_of_its_own() -> None:
    folder = Path(rounds.__file__).parent
    for known in WORKLOADS.values():
        assert known.path.is_file()
        assert (folder / "experts" / f"{known.expert}.py").is_file()
