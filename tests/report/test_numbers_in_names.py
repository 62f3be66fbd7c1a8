"""Numbers in names: a layer's, or the user's own, and what is said of them."""

from __future__ import annotations

import pytest

import symbackprop as sb
from symbackprop import report
from symbackprop.notation import Notation
from symbackprop.report.naming import names

HEAD = "name: t\ninputs:\n  x: [N, 4]\n  y: [N, 4]\n"
LAYERS = "A number above a name is its layer, not a power."
OWN = "A number in brackets above a name is its own in the spec, not a layer."
AGREEING = "  h1 = relu(dense(x, 4))\n  h2 = tanh(dense(h1, 4))\n  p = dense(h2, 4)\n"
OTHERS = (
    "  h1 = layer_norm(relu(dense(x, 4)))\n  h2 = h1 * gelu(dense(h1, 4))\n  p = dense(h2, 4)\n"
)


def derived(network: str, head: str = HEAD):
    return sb.derive(sb.parse(f"{head}network: |\n{network}loss: mse(p, y)\n"))


def aside(derivation) -> list[str]:
    return sorted(tensor.name for tensor in names(derivation).aside)


def test_numbers_that_are_those_of_the_layers_stand_as_theirs() -> None:
    derivation = derived(AGREEING)
    assert aside(derivation) == []
    assert "H¹ = max" not in str(derivation)
    assert "  H¹ = relu(Z¹)" in str(derivation)
    assert LAYERS in str(derivation) and OWN not in str(derivation)


def test_numbers_that_are_others_stand_in_brackets() -> None:
    derivation = derived(OTHERS)
    assert aside(derivation) == ["h1", "h2", "z_h1"]
    text = str(derivation)
    assert "H⁽¹⁾ = " in text and "H⁽²⁾ = " in text
    assert " Z¹ = X W¹" in text and "H¹" not in text
    assert LAYERS in text and OWN in text
    assert r"\mathbf{H}^{(1)}" in report.latex(derivation)
    brackets = report.text(derivation, notation=Notation(layers="brackets"))
    assert "H¹ = " in brackets and "Z⁽¹⁾ = " in brackets
    assert "A number without brackets above a name is its own in the spec, not a power." in brackets
    below = report.text(derivation, notation=Notation(layers="subscript"))
    assert "H⁽¹⁾ = " in below and "Z₁ = " in below
    assert "A number below a name is its layer." in below and OWN in below


def test_inputs_and_parameters_of_ones_own_beside_layers() -> None:
    head = HEAD.replace("  x: [N, 4]\n", "  x1: [N, 4]\n  x2: [N, 4]\n")
    assert aside(derived("  p = dense(x1 * x2, 4)\n", head)) == ["x1", "x2"]
    alone = HEAD + "params:\n  V2: {shape: [4, 4]}\n"
    assert aside(derived("  h1 = x @ V2\n  p = tanh(h1)\n", alone)) == []


def test_what_a_layer_draws_is_not_the_users() -> None:
    network = "  h1 = dropout(relu(dense(x, 4)), 0.5)\n  p = dense(h1, 4)\n"
    derivation = derived(network)
    assert "keep1" not in derivation.system.own
    assert aside(derivation) == []


def test_two_networks_are_each_looked_at_for_themselves() -> None:
    network = "  h1 = relu(dense(x, 4, name=a1))\n  r1 = relu(dense(h1, 4, name=b1))\n  p = r1\n"
    assert aside(derived(network)) == []


def test_worked_numbers_say_it_too() -> None:
    text = str(sb.numbers(sb.derive(sb.load("two_sigmoids"))))
    assert f"\n  {LAYERS}\n\nForward\n" in text


def test_where_no_name_has_a_number_nothing_is_said() -> None:
    text = str(sb.derive(sb.load("affine")))
    assert "number" not in text


@pytest.mark.parametrize("notation", [Notation(), Notation(language="zh")])
def test_documents_say_it_as_the_terminal_does(notation: Notation) -> None:
    derivation = derived(OTHERS)
    said = "名称右上角括号中的数字是规格中的编号，不表示层。" if notation.language == "zh" else OWN
    for write in (report.text, report.document_markdown, report.document_tex, report.fragment_tex):
        options = {"notation": notation}
        assert said in write(derivation, **options)
        assert said not in write(derived(AGREEING), **options)
