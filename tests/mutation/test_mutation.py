"""What `python -m tests.mutation.score` counts, in small: every mutant of a sample is refused."""

from __future__ import annotations

import functools

import pytest

from symbackprop import pipeline
from symbackprop.derivation.model import Derivation
from symbackprop.mistakes import KINDS
from tests.mutation import edits, equivalence, modules, refusal, score
from tests.mutation.derivations import THROUGHOUT, forgotten_consumers, single, throughout
from tests.mutation.mutant import sample
from tests.mutation.score import Verdict
from tests.mutation.specs import SPECS

RELU = "name: r\ninputs: {x: [N, 3]}\nnetwork: h = relu(dense(x, 2))\nloss: mean(h)"


@functools.cache
def derived(name: str) -> Derivation:
    return pipeline.derive(pipeline.parse(SPECS[name]))


def told(found: list[Verdict]) -> str:
    return score.report([v for v in found if v.survived])


@pytest.mark.parametrize("name", SPECS)
def test_damage_of_every_kind_is_refused(name: str) -> None:
    """One or two of each kind that the network allows."""
    found = [
        *score.of_derivation(name, derived(name), most=20, seed=1),
        *score.of_module(name, derived(name), most=10, seed=1),
    ]
    assert not any(v.survived for v in found), told(found)
    assert sum(bool(v.refused) for v in found) > 25


def test_the_sample_has_every_kind() -> None:
    made = {m.kind for name in SPECS for m in sample(single(derived(name)), 20, seed=1)}
    assert made == set(KINDS)
    made_edits = {
        m.kind
        for name in SPECS
        for m in sample(modules.edits(pipeline.source(derived(name), "float64")[0], {}), 40, seed=1)
    }
    assert made_edits >= {f"module: {kind}" for kind in edits.KINDS} - {"module: wrong array"}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_damage_in_the_gallery_is_refused(part: int) -> None:
    found: list[Verdict] = []
    for name in score.gallery()[part::4]:
        tiny = pipeline._tiny(pipeline.load(name))
        assert tiny is not None
        found += score.of_derivation(name, tiny, most=4, seed=2)
        found += score.of_module(name, tiny, most=3, seed=2)
    assert not any(v.survived for v in found), told(found)


def test_what_is_wrong_throughout_is_refused_twice() -> None:
    """By the chain rule of the network, and by the gradients, each without the other."""
    derivation = derived("dense")
    mutants = [*throughout(derivation), *forgotten_consumers(derivation)]
    for mutant in sample(mutants, 4, seed=0):
        assert mutant.kind.startswith(THROUGHOUT)
        wrong = mutant.make()
        assert "the network is" in refusal.of_steps(wrong, mutant.line.number)
        assert refusal.of_gradients(wrong)


def test_a_consumer_is_forgotten_with_its_term() -> None:
    (mutant,) = forgotten_consumers(derived("dense"))
    assert mutant.before() == "Sum[j](W2[i, j]*dz2[n, j]) + 1/(30*N)"
    assert mutant.after() == "1/(30*N)"
    assert "z2" in mutant.words


def test_what_nothing_refuses_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    for check in ("of_steps", "of_gradients", "of_exact_gradients"):
        monkeypatch.setattr(refusal, check, lambda *given: "")
    found = list(score.of_derivation("dense", derived("dense"), most=6, seed=0))
    survivors = [v for v in found if v.survived]
    assert survivors
    text = score.report(found)
    assert f"SURVIVED: dense, {survivors[0].where}" in text
    assert survivors[0].after in text


def test_what_is_equal_is_no_mutant() -> None:
    """h > 0 for z > 0 is as good where h is relu(z); h >= 0 is not."""
    derivation = pipeline.derive(pipeline.parse(RELU))
    equal = {m.words: equivalence.of_line(derivation, m) for m in single(derivation)}
    assert equal["the derivative is taken of h, not of z1"] == equivalence.EVERYWHERE
    assert equal["h stands where its argument z1 belongs"] == equivalence.IN_THE_SYSTEM
    assert equal[">= where > belongs in Compare(>, z1[n, j], 0)"] == ""
    assert equal["the sign is opposite"] == ""


def test_a_module_that_cannot_be_imported_is_refused() -> None:
    derivation = derived("dense")
    check = refusal.Modules(derivation, pipeline.source(derivation, "float64")[0])
    assert "SyntaxError" in check.refused("def")
    assert check.refused(check.source) == ""


def test_a_table_counts_what_was_refused() -> None:
    def verdict(refused: str, equal: str) -> Verdict:
        return Verdict("s", "k", "w", "words", "a", "b", refused, equal)

    found = [verdict("no", ""), verdict("no", ""), verdict("", ""), verdict("", "equal")]
    assert score.table("spec", [("all", found)]).splitlines()[1].split() == [
        *("all", "3", "2", "1", "66.7%", "1")
    ]
