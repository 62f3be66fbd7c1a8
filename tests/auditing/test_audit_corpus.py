"""The audit of the strangers' files: what is right is accepted, what is wrong is named."""

from __future__ import annotations

import pytest
from strangers import CORPUS, audited, cases, misjudged

import symbackprop as sb

CASES = cases()
# Refused, and the wrong gradients told, but by another name than the corpus has, or none.
UNNAMED = frozenset({"causal_mask_lost", "causal_mask_off_by_one"})
SAMPLE = (
    "xor_sigmoid_of_sigmoid",
    "two_layer_no_mean",
    "columns_rows_spec_right",
    "three_layer_untransposed",
    "three_layer_two_mistakes",
    "linear_updated_bias_first",
    "bag_duplicates_lost",
    "globals_right",
)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_of_the_corpus(name: str) -> None:
    assert misjudged(CASES[name], audited(CASES[name])) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in CASES if n not in (*SAMPLE, *UNNAMED)])
def test_the_corpus(name: str) -> None:
    assert misjudged(CASES[name], audited(CASES[name])) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(UNNAMED))
def test_what_is_not_named_is_refused(name: str) -> None:
    found = audited(CASES[name])
    wrong = {row.gradient for row in found.rows if not row.held}
    assert wrong == {g for fault in CASES[name]["faults"] for g in fault["gradients"]}


def test_the_corpus_is_large_enough() -> None:
    right = [c for c in CASES.values() if c.get("verdict") == "accepted"]
    named = len(CASES) - len(right) - len(UNNAMED)
    assert len(right) >= 20 and named >= 40


def test_a_correction_is_verified_and_mends_the_file() -> None:
    found = audited(CASES["xor_sigmoid_of_sigmoid"])
    (finding,) = found.findings
    (correction,) = finding.corrections
    assert found.verified
    lines = (CORPUS / "xor_sigmoid_of_sigmoid.py").read_text("utf-8").splitlines()
    assert lines[correction.line - 1] == correction.before
    assert finding.place == correction.line == 20
    assert finding.line is not None and finding.line.number == 11


EXAMPLES = CORPUS.parents[2] / "examples"


@pytest.mark.parametrize(
    ("file", "spec", "kinds"),
    [
        ("xor_loop.py", "xor_loop.yaml", ["shape error", "opposite sign"]),
        ("xor_loop_reshaped.py", "xor_loop.yaml", ["opposite sign"]),
        ("three_four_one.py", "three_four_one.yaml", []),
    ],
)
def test_the_networks_of_the_articles(file: str, spec: str, kinds: list[str]) -> None:
    derivation = sb.derive(sb.load(EXAMPLES / spec))
    found = sb.audit(f"{EXAMPLES / file}:Network.step", derivation)
    assert [finding.kind for finding in found] == kinds
    assert bool(found) is not bool(kinds)
