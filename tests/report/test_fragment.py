"""Fragments for papers: like blocks once, stars wherever they stand, labels that exist."""

from __future__ import annotations

import re

import symbackprop as sb
from symbackprop import pipeline
from symbackprop.report import fragment_tex

from .specs import derived
from .test_page import deep

NORMALISED = "name: normalised\ninputs: {x: [N, 5], y: [N, 5]}\nnetwork: |\n" + "".join(
    f"  h{k} = tanh(batch_norm(dense({f'h{k - 1}' if k else 'x'}, 5)))\n" for k in range(7)
)
BRANCHES = """
name: branches
inputs: {x: [N, 3], y: [N, 5]}
network: |
  h = tanh(dense(x, 4))
  z_f = dense(h, 5, name=f)
  z_g = dense(h, 5, name=g)
  z_i = dense(h, 5, name=i)
  o = sigmoid(z_f) * tanh(z_g) * sigmoid(z_i)
loss: mse(o, y)
"""


def labels(page: str) -> set[str]:
    return set(re.findall(r"\\label\{(.*?)\}", page))


def test_like_blocks_are_said_once() -> None:
    page = fragment_tex(deep())
    assert len(labels(page)) < sum(1 for _ in deep().lines()) - 24
    assert "The same for $\\ell = 10, \\ldots, 1$, of\n$\\mathbf{Z}^{\\ell+1}$, " in page


def test_with_numbers_nothing_is_folded() -> None:
    derivation = pipeline.derive(pipeline.load("xor"))
    page = fragment_tex(derivation, worked=pipeline.numbers(derivation))
    assert labels(page) == {f"xor:{line.number}" for line in derivation.lines()}


def test_what_is_referred_to_has_a_label() -> None:
    page = fragment_tex(sb.derive(sb.parse(NORMALISED + "loss: mse(h6, y)\n")))
    assert "The same for" in page
    body = "\n".join(line for line in page.splitlines() if not line.startswith("%"))
    referred = set(re.findall(r"\\(?:eq)?ref\{(.*?)\}", body))
    assert referred and referred <= labels(page)
    assert page.count(r"\gets") == 14  # a mean and a variance of each of seven layers


def test_terms_of_one_form_are_a_sum_wherever_they_stand() -> None:
    rows = fragment_tex(sb.derive(sb.parse(BRANCHES))).splitlines()
    assert [row for row in rows if r"\star" in row] == [
        r"\bar{\mathbf{Z}}^{1} &= \left(\sum_{\star} \bar{\mathbf{Z}}_{\star} \, "
        r"\mathbf{W}^{\top}_{\star}\right) \odot (1 - \mathbf{H} \odot \mathbf{H}) && "
        r"\star = \mathrm{f}, \mathrm{g}, \mathrm{i} \label{branches:19} \\"
    ]


def test_it_says_which_equations_have_no_label() -> None:
    lines = fragment_tex(derived("mlp")).splitlines()
    assert lines[3:5] == [
        "% entry, stands where it is read, and has no label; of equations that a star joins, or "
        "that are the",
        "% same for other numbers, the first has one. Lines fit in a width of 37 em.",
    ]
