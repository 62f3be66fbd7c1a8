"""Random specs derive, generate and compute right numbers, or are refused in plain words."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbackprop.spec.errors import Fault, SpecError
from symbackprop.spec.syntax import Place, Source
from tests.fuzz import held
from tests.fuzz.draws import Draws, shrunk
from tests.fuzz.held import Hangs, outcome, within
from tests.fuzz.numbers import Wrong
from tests.fuzz.specs import block, failure
from tests.fuzz.whole import whole

SPECS = st.randoms(use_true_random=False).map(lambda random: whole(Draws(random)))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(SPECS, st.integers(0, 1000))
def test_a_random_spec(drawn, seed):
    outcome(drawn.text, seed)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(SPECS, st.integers(0, 1000))
def test_many_random_specs(drawn, seed):
    outcome(drawn.text, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 112))
def test_a_random_spec_by_the_whole_checker(seed):
    outcome(whole(Draws(Random(seed))).text, seed, thorough=True)


def test_what_is_drawn_is_no_toy():
    """All ranks, recurrences both ways, windows, gathers, masks, layers; most are accepted."""
    specs = [whole(Draws(Random(seed))) for seed in range(1500)]
    notes = sum((spec.notes for spec in specs), specs[0].notes)
    assert all(any(f"stated rank {rank}" == note for note in notes) for rank in range(6))
    for word in (
        "gather", "affine read", "repeated index", "shared index", "mask tensor", "window max",
        "forward, by 1", "backward, by 1", "first step", "max over", "logsumexp over", "prod over",
        "layer by name", "layer by a name known", "losses: 2", "wrt", "sparse", "batch_norm",
    ):  # fmt: skip
        assert any(word in note for note in notes), word
    assert {spec.mistake for spec in specs} >= {"", "misspelt", "cycle", "size changed"}


def test_a_seed_makes_the_same_spec():
    for seed in range(50):
        draws = Draws(Random(seed))
        text = whole(draws).text
        assert whole(Draws(Random(seed))).text == text == whole(Draws(given=draws.made)).text


RIGHT = "name: a\ninputs: {x: [N, 2]}\nnetwork: |\n  h = tanh(x)\nloss: sum(h**2)\nwrt: [x]\n"


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("2.0", "2.5", "dx|loss along x: derived"),
        ("np.tanh(", "np.sin(", "h"),
        ("(N, 2)", "(N + 1, 2)", ""),
    ],
)
def test_a_wrong_module_is_seen(monkeypatch, right, wrong, told):
    assert outcome(RIGHT, 0).kind == "held"
    emit = held.emit_module

    def damaged(program, dtype):
        text = emit(program, dtype)
        assert right in text
        return text.replace(right, wrong)

    monkeypatch.setattr(held, "emit_module", damaged)
    with pytest.raises((Wrong, ValueError)) as seen:
        outcome(RIGHT, 0)
    assert any(word in str(seen.value) for word in told.split("|"))


def test_a_refusal_without_a_fix_is_seen():
    for fault in (Fault(None, "wrong", " "), Fault(Place(3, 1), "wrong", "mend it")):
        with pytest.raises(Wrong):
            held.require_plain(SpecError(Source("one line", "<spec>"), [fault]))


def test_a_hang_is_seen():
    with pytest.raises(Hangs), within(0.05):
        while True:
            pass


def test_failures_are_kept_and_made_small(tmp_path, monkeypatch):
    """A fault that some specs trigger is found, written down, and shown by a small spec."""

    def faulty(text):
        if "tanh" in text:
            raise ZeroDivisionError("as planted")
        raise SpecError(Source(text, "<spec>"), [Fault(None, "wrong", "mend it")])

    monkeypatch.setattr(held, "parse", faulty)
    tally = block(0, 12, tmp_path)
    assert tally["failed: ZeroDivisionError in held"] == len(list(tmp_path.iterdir())) > 0
    for path in tmp_path.iterdir():
        small, text, _ = path.read_text("utf-8").split("\n---\n")
        assert "tanh" in small and len(small) <= len(text) + 60
        assert failure(text, int(path.stem))[0] == "ZeroDivisionError in held"


def test_shrinking_leaves_what_is_needed():
    assert shrunk([5, 9, 3, 7, 2, 8], lambda made: 7 in made) == [7]
