"""Equations with a star: said once, and nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

from symbackprop import pipeline
from symbackprop.equations.nodes import tensors
from symbackprop.report import fragment_tex
from symbackprop.report.display import Display
from symbackprop.report.families import STAR, Rewritten, _starred, families
from symbackprop.report.formula import Big, Named, Plus, Times, walk
from symbackprop.report.inlining import inlined, readers
from symbackprop.report.latex import latex_of
from symbackprop.report.unicode import text_of
from symbackprop.report.view import Shown, view

from .reading import read
from .specs import SPECS, derived
from .test_matrix import NO_STEPS, array_of, values_of


def back(spec: str) -> list[list[Shown]]:
    sections = view(derived(spec)).all_sections()
    return [list(b.lines) for s in sections if s.lines[0].loss for b in s.blocks()]


def test_the_gradients_of_four_gates_are_three_rows() -> None:
    page = fragment_tex(derived("lstm"))
    rows = [row for row in page.splitlines() if r"\star =" in row]
    assert len(rows) == 4
    assert rows[1] == (
        r"\bar{\mathbf{U}}^{1}_{\star} &= \boxed{\sum_{t} \mathbf{H}^{\top}_{t - 1} \, "
        r"\bar{\mathbf{Z}}^{1}_{\star,\,t}} && "
        r"\star = \mathrm{f}, \mathrm{g}, \mathrm{i}, \mathrm{o} \label{lstm:29} \\"
    )
    assert "A star stands for each of the words beside it in turn." in page


@pytest.mark.parametrize("spec", sorted(SPECS))
def test_a_star_stands_for_every_line_and_no_other(spec: str) -> None:
    """With each of its words, a family is the lines that it joins; all others stand as they are."""
    for lines in back(spec):
        waiting = iter(lines)
        for found in families(lines):
            line = next(waiting)
            assert found.number == line.number
            if not isinstance(found, Rewritten) or is_sum(found):
                continue
            for word in found.words:
                assert found.left == _starred(line.left, word)
                assert found.formula == _starred(line.formula, word)
                assert (found.gradient != "") == (line.gradient != "")
                line = next(waiting) if word != found.words[-1] else line
        assert next(waiting, None) is None


def is_sum(found: Rewritten) -> bool:
    """Whether the star is bound by a sum."""
    return any(
        isinstance(p, Big) and p.bound == (Named(Display(STAR)),) for p in walk(found.formula)
    )


def test_a_sum_over_words_has_the_terms_it_joins() -> None:
    (cotangent,) = (
        found
        for lines in back("lstm")
        for found in families(lines)
        if isinstance(found, Rewritten) and is_sum(found)
    )
    assert text_of(cotangent.left) == "H̄[t]"
    assert cotangent.words == ("f", "g", "i", "o")
    line = next(s for lines in back("lstm") for s in lines if s.number == cotangent.number)
    assert isinstance(line.formula, Plus)
    (whole,) = (p for p in walk(cotangent.formula) if isinstance(p, Big))
    joined = {word: False for word in cotangent.words}
    for _, term in line.formula.terms:
        for word in cotangent.words:
            joined[word] |= _starred(term, word) == whole.body
    assert all(joined.values())


def named(letter: str, word: str) -> Named:
    return Named(Display(letter, "", word, 2))


@pytest.mark.parametrize("spec", ["mlp", "drawn", "xor"])
def test_what_is_put_where_it_is_read_keeps_its_value(spec: str) -> None:
    derivation = pipeline.derive(pipeline.load(spec)) if spec == "xor" else derived(spec)
    shown = view(derivation)
    known, lines = shown.known, [line for line in shown.lines() if line.loss]
    left = {line.number: line for line in inlined(lines, readers(lines))}
    gone = [line for line in lines if line.number not in left]
    assert gone and not any(line.gradient for line in gone)
    rng = np.random.default_rng(3)
    every = {t for s in lines for t in tensors(s.line.equation.rhs)}
    arrays = {t.name: array_of(t, rng) for t in sorted(every, key=lambda t: t.name)}
    compared = 0
    for line in lines:
        short = left.get(line.number, line)
        if not isinstance(short, Rewritten) or getattr(line.left, "indices", ()):
            continue
        values: dict = {}
        for each in lines:
            values |= values_of(each.line.equation, known, NO_STEPS, arrays)
        inner = dict(values)
        for each in gone:
            if not getattr(each.left, "indices", ()):
                inner[each.left] = read(each.formula, inner)
        np.testing.assert_allclose(read(short.formula, values), read(line.formula, inner))
        compared += 1
    assert compared


def test_what_is_read_twice_stays() -> None:
    lines = [line for block in back("mlp") for line in block]
    everything = readers(lines)
    assert len(list(inlined(lines, everything))) == len(lines) - 1
    assert len(list(inlined(lines, everything + everything))) == len(lines)


def test_two_lines_are_no_family() -> None:
    (lines,) = [found for found in back("both_ways") if len(found) > 3][:1]
    assert len(list(families(lines[:2]))) == 2


def test_a_star_is_printed() -> None:
    form = Times((named("A", STAR), Named(Display("W", "2", STAR, 2))))
    assert latex_of(form) == r"\mathbf{A}_{\star} \, \mathbf{W}^{2}_{\star}"
    assert latex_of(named("A", f"2,{STAR}")) == r"\mathbf{A}_{2,\star}"
    assert latex_of(named("A", f"q,{STAR}")) == r"\mathbf{A}_{\mathrm{q,}\star}"
