"""Every formula that is emitted parses in KaTeX."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import quickjs
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import tanh

from symbackprop.derivation.model import Derivation, Line
from symbackprop.equations.nodes import Index, TensorSymbol, extent
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation
from symbackprop.report import document_markdown, latex, line_latex, markdown
from symbackprop.report import json as json_report
from symbackprop.report.escape import latex_text
from symbackprop.report.page.mathematics import before_signs

from .katex import formulas, render
from .specs import SPECS, derived


@pytest.mark.parametrize("spec", sorted(SPECS))
def test_every_formula_parses(spec: str) -> None:
    derivation = derived(spec)
    pages = [document_markdown(derivation), markdown(derivation, "steps"), markdown(derivation)]
    found = [formula for page in pages for formula in formulas(page)]
    assert len(found) > 10
    for tex, display in found:
        render(tex, display)
    for detail in ("result", "steps"):
        for block in latex(derivation, detail).split("\n\n"):
            if block.startswith("\\begin"):
                render(block)
            for tex, display in formulas(block):
                render(tex, display)


@pytest.mark.parametrize("spec", sorted(SPECS))
def test_formulas_in_json_and_single_lines_parse(spec: str) -> None:
    derivation = derived(spec)
    for equation in json.loads(json_report(derivation, "steps"))["equations"]:
        render(equation["latex"])
        if equation["matrix_latex"] is not None:
            render(equation["matrix_latex"])
        for step in equation["steps"]:
            render(step["before"])
            render(step["after"])
    for line in derivation.lines():
        render(line_latex(line))


NAMES = st.one_of(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True),
    st.sampled_from(
        ["数据", "é1", "Ünter_x2", "λ", "pi", "I", "delta", "_", "__", "x__1", "L", "e"]
    ),
)


@given(st.lists(NAMES, min_size=6, max_size=6, unique=True), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_any_names_parse(words: list[str], rank: int) -> None:
    x, w, z, size, first, second = words
    n, m = extent(size), extent(size + "m")
    i, j = Index(first, n), Index(second, m)
    shape, at = ((), (n,), (n, m), (n, m, 2))[rank], ((), (i,), (i, j), (i, j, 1))[rank]
    X, W, Z = TensorSymbol(x, shape), TensorSymbol(w, (m, n)), TensorSymbol(z, (n, m))
    rhs = Sum(tanh(X[at] if at else X[()]) * W[j, i], i if rank < 1 else j)
    indices = (j,) if rank < 1 else (i,)
    free = indices if rank < 1 else (i,)
    target = TensorSymbol(z, tuple(index.extent for index in free))
    render(line_latex(Line(1, Equation(target, free, rhs))))
    render(line_latex(Line(2, Equation(Z, (i, j), W[j, i]))))


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_words_parse(words: str) -> None:
    render(rf"\text{{{latex_text(words)}}}")


def test_renaming_everything_still_parses() -> None:
    for tex, display in formulas(document_markdown(renamed(derived("mlp")))):
        render(tex, display)


def renamed(derivation: Derivation) -> Derivation:
    """The derivation with another name in place of h1."""
    old = next(e.tensor for e in derivation.system.equations if e.tensor.name == "h1")
    new = TensorSymbol("h__1", old.shape)

    def line(line: Line) -> Line:
        equation = line.equation
        swapped = replace(
            equation,
            rhs=equation.rhs.xreplace({old: new}),
            tensor=new if equation.tensor == old else equation.tensor,
        )
        return replace(line, equation=swapped, steps=(), of=new if line.of == old else line.of)

    losses = tuple(
        replace(loss, cotangents=tuple(line(c) for c in loss.cotangents), gradients={})
        for loss in derivation.losses
    )
    system = replace(derivation.system, equations=())
    forward = tuple(line(f) for f in derivation.forward)
    return replace(derivation, system=system, forward=forward, losses=losses)


def test_katex_refuses_what_is_wrong() -> None:
    with pytest.raises(quickjs.JSException):
        render(r"\frac{1}{")


def test_lines_of_the_page_begin_with_their_signs() -> None:
    tex = r"-a + \frac{a + b}{2} \odot \left( c - d \right) - \{ e \cdot f \}"
    assert before_signs(tex) == (
        r"-a \allowbreak + \nobreak \frac{a + b}{2} \allowbreak \odot \nobreak "
        r"\left( c - d \right) \allowbreak - \nobreak \{ e \allowbreak \cdot \nobreak f \}"
    )
    first, second = render(before_signs("a + b"), display=False).split("katex-base")[1:]
    assert "+" not in first and "+" in second
