"""Names of 20 to 60 letters: told apart, broken where a line ends, whole in the table of names."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from symbackprop.derivation import Derivation, differentiate
from symbackprop.equations.build import build
from symbackprop.notation import Notation
from symbackprop.report import document_tex, fragment_tex
from symbackprop.report.escape import latex_names
from symbackprop.report.latex import latex_of
from symbackprop.report.naming import names
from symbackprop.spec import parse
from tests.report.test_pdf import PAPER, log_of

LONG = """
name: a_specification_whose_name_is_a_whole_sentence_with_many_words
inputs:
  standardisedMeasurementsOfTheWeatherStationOnTheRoof: [number_of_samples_in_a_batch, 3]
  y: [number_of_samples_in_a_batch, 2]
params:
  a_very_long_parameter_name_that_goes_on_for_a_while: {shape: [3, 4]}
  a_very_long_parameter_name_of_the_other_kind_for_a_while: {shape: [4]}
  output_projection_of_the_last_layer12: {shape: [4, 2]}
  output_projection_of_a_first_layer12: {shape: [2]}
network: |
  hidden_representation_1 = tanh(
      standardisedMeasurementsOfTheWeatherStationOnTheRoof
      @ a_very_long_parameter_name_that_goes_on_for_a_while
      + a_very_long_parameter_name_of_the_other_kind_for_a_while)
  predictions_of_the_network = (
      hidden_representation_1 @ output_projection_of_the_last_layer12
      + output_projection_of_a_first_layer12)
losses:
  discrepancy_of_the_predictions: {value: "mse(predictions_of_the_network, y)"}
  total_energy_of_the_hidden_units: {value: "mean(hidden_representation_1**2) + l2(0.1)"}
"""
LOOKS = [Notation(), Notation("delta", "denominators", "column", "subscript")]


@functools.cache
def long() -> Derivation:
    text = re.sub(r"\(\n\s+", "(", LONG)
    return differentiate(build(parse(re.sub(r"\n\s+([@+])", r" \1", text))))


def test_a_long_name_is_its_first_and_its_last_words() -> None:
    known = names(long())
    written = {t.name: latex_of(known.whole(t)) for t in known.displays if hasattr(t, "rank")}
    assert written["a_very_long_parameter_name_that_goes_on_for_a_while"] == (
        r"\mathbf{a\_very{\ldots}a\_while}"
    )
    assert written["a_very_long_parameter_name_of_the_other_kind_for_a_while"] == (
        r"\mathbf{a\_very{\ldots}a\_while^{\prime}}"
    )
    assert written["output_projection_of_the_last_layer12"] == r"\mathbf{output{\ldots}layer}^{12}"
    assert written["discrepancy_of_the_predictions"] == r"L_{\mathrm{discrepanc{\ldots}edictions}}"
    assert written["standardisedMeasurementsOfTheWeatherStationOnTheRoof"] == (
        r"\mathbf{standardis{\ldots}OnTheRoof}"
    )
    assert len(set(written.values())) == len(written)


def test_a_long_word_has_places_to_break() -> None:
    assert latex_names("gradient by W_q") == r"gradient by W\_q"
    assert latex_names("gradient by a_parameter_of_the_network") == (
        r"gradient by a\_\cut{}parameter\_\cut{}of\_\cut{}the\_\cut{}network"
    )
    assert latex_names("x" * 40) == r"\cut{}".join(["x" * 16, "x" * 16, "x" * 8])


@pytest.mark.latex
@pytest.mark.parametrize("look", LOOKS, ids=["bars", "delta"])
def test_no_line_is_too_long(look: Notation, tmp_path: Path) -> None:
    assert log_of(tmp_path, document_tex(long(), look)) == ""
    part = fragment_tex(long(), look)
    (tmp_path / "part.tex").write_text(part, encoding="utf-8")
    declared = "".join(re.findall(r"^%   (.*)$", part, re.MULTILINE))
    assert log_of(tmp_path, PAPER % declared) == ""


def test_lines_of_a_list_in_chinese_end_behind_its_commas():
    assert latex_names("抽取：x、W1_z、y。") == r"抽取：x、\cut{}W1\_z、\cut{}y。"
