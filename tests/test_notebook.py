"""Derivations show themselves."""

from __future__ import annotations

import symbackprop as sb

TEXT = "name: t\ninputs:\n  x: [N, 3]\n  y: [N, 2]\nloss: mse(dense(x, 2), y)\n"


def test_a_gradient_is_its_formula() -> None:
    derivation = sb.derive(sb.parse(TEXT))
    gradient = derivation["W1"]
    assert gradient.latex() == r"\bar{\mathbf{W}}^{1} = \mathbf{X}^{\top} \, \bar{\mathbf{Z}}^{1}"
    assert gradient._repr_latex_() == f"$\\displaystyle {gradient.latex()}$"
    assert gradient.steps[0].rule == "chain rule"
    assert repr(gradient) == str(gradient) == "W̄¹ = Xᵀ Z̄¹"
    assert repr(derivation) == "<derivation of t: W1, b1>"
    assert list(derivation) == ["W1", "b1"]


def test_a_derivation_is_its_report() -> None:
    derivation = sb.derive(sb.parse(TEXT))
    assert "W̄¹ = Xᵀ Z̄¹" in str(derivation)
    assert "```math" in derivation._repr_markdown_()
