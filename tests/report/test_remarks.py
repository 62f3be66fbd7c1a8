"""What is drawn, what is kept, what holds outside training, and what is handed out sparse."""

from __future__ import annotations

import json
import unicodedata

from symbackprop.report import document_markdown, document_tex, latex, markdown, text
from symbackprop.report import json as json_report
from symbackprop.report.view import view

from .specs import derived


def test_inputs_that_are_drawn() -> None:
    page = text(derived("drawn"))
    assert "ε ∼ N(0, 1/4), where it is not given" in page
    assert "keep¹ ∼ Bernoulli(4/5), where it is not given" in page
    tex = document_tex(derived("drawn")).replace(r"\left(", "(")
    assert r"\boldsymbol{\varepsilon} \sim \mathcal{N}(" in tex
    assert r"\mathbf{keep}^{1} \sim \operatorname{Bernoulli}(" in tex
    assert "mask, drawn" in tex


def test_states_and_what_becomes_of_them() -> None:
    derivation = derived("drawn")
    number = next(x.number for x in derivation.forward if x.equation.tensor.name.startswith("new"))
    page = text(derivation)
    line = f"after a step of training running_mean² ← new_running_mean², by ({number})"
    assert line in page
    assert r"\gets" in document_markdown(derivation)
    updates = json.loads(json_report(derivation))["updates"]
    assert updates[0] == {
        "state": "running_mean2",
        "becomes": "new_running_mean2",
        "number": number,
    }


def test_in_use_only_what_differs_is_printed() -> None:
    derivation = derived("drawn")
    assert derivation.in_use is not None
    page = text(derivation)
    in_use = page[page.index("In use: forward") :]
    assert "μ² = running_mean²" in in_use
    assert "Y¹ = H " in in_use
    assert "softmax" not in in_use.split("In use: backward")[0]
    shown = view(derivation)
    training = {(x.equation.tensor, x.equation.rhs) for x in derivation.lines()}
    lines = [s for section in shown.in_use for s in section.lines]
    assert lines and all(
        (s.line.equation.tensor, s.line.equation.rhs) not in training for s in lines
    )
    assert not {s.number for s in lines} & {s.number for s in shown.gradients()}
    for other in (latex(derivation), markdown(derivation), document_tex(derivation)):
        assert r"\mathbf{running\_mean}^{2}" in other
    flags = {e["number"]: e["in_use"] for e in json.loads(json_report(derivation))["equations"]}
    assert {number for number, flag in flags.items() if flag} == {s.number for s in lines}


def test_every_line_outside_training_has_a_number_that_is_printed() -> None:
    derivation = derived("drawn")
    assert derivation.in_use is not None
    printed = [s.number for s in view(derivation).lines()]
    assert printed == list(range(1, len(printed) + 1))
    by_number = {line.number: line.equation for line in derivation.lines()}
    own = list(derivation.in_use.lines())
    assert {line.number for line in own} <= set(printed)
    for line in own:
        same = by_number.get(line.number, line.equation)
        assert (same.tensor, same.indices, same.rhs) == (
            line.equation.tensor,
            line.equation.indices,
            line.equation.rhs,
        )
    for loss in derivation.in_use.losses:
        assert all(line in loss.cotangents for line in loss.gradients.values())


def test_where_nothing_differs_nothing_is_said_of_use() -> None:
    assert "In use" not in text(derived("mlp"))
    assert "states" not in document_tex(derived("mlp"))


def test_sparse_gradients() -> None:
    page = text(derived("block"))
    assert "◀ gradient of E1, as (rows, values)" in page
    assert page.count("(rows, values)") == 1
    assert json.loads(json_report(derived("block")))["sparse"] == ["E1"]
    assert r"Gradient by $\mathbf{E}^{1}$ (\texttt{E1}, as (rows, values))" in document_tex(
        derived("block")
    )


def test_attention_reads_as_in_the_literature() -> None:
    """Dao et al. (2022), appendix B.2: dV = Pᵀ dO, dP = dO Vᵀ, dS = P ∘ (dP - rowsum(dP ∘ P))."""
    page = unicodedata.normalize("NFC", text(derived("heads")))
    for line in (
        "S[n,h] = Q[n,h] K[n,h]ᵀ/√3",
        "P[n,h] = softmax(S[n,h])",
        "O[n,h] = P[n,h] V[n,h]",
        "P̄[n,h] = Ō[n,h] V[n,h]ᵀ",
        "V̄[n,h] = P[n,h]ᵀ Ō[n,h]",
        "S̄[n,h] = P[n,h] ⊙ (P̄[n,h] − (P̄[n,h] ⊙ P[n,h]) 𝟏 𝟏ᵀ)",
        "K̄[n,h] = S̄[n,h]ᵀ Q[n,h]/√3",
        "Q̄[n,h] = S̄[n,h] K[n,h]/√3",
        "W̄_o[h] = Σ_n O[n,h]ᵀ R̄[n]",
    ):
        assert line in page, line


def test_layer_normalisation_reads_as_in_the_literature() -> None:
    """Ba et al. (2016): dx = (dx̂ - mean(dx̂) - x̂ mean(dx̂ x̂)) / σ."""
    page = text(derived("block"))
    dx = "X\u0302\u0304²"
    x = "X\u0302²"
    assert (
        f"R²[n,t] ({dx}[n,t,i] − 1/6 Σ_i₁ {dx}[n,t,i₁] "
        f"− {x}[n,t,i]/6 Σ_i₁ {dx}[n,t,i₁] {x}[n,t,i₁]) + " in page
    )
