"""Repetition is found where there is some, and is what it is said to be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import symbackprop as sb
from symbackprop.derivation import Derivation, differentiate
from symbackprop.derivation.model import Line
from symbackprop.equations.build import build
from symbackprop.equations.renaming import positional
from symbackprop.notation import CHOICES, Notation
from symbackprop.report import document_tex
from symbackprop.report.display import Display
from symbackprop.report.formula import Named
from symbackprop.report.latex import latex_of
from symbackprop.report.progression import general_names, told_repeats
from symbackprop.report.repetition import LEAST_SAVED, Repeat, earlier_likes, repeats
from symbackprop.report.view import view
from symbackprop.spec import parse
from tests.report.test_pdf import log_of


def tower(depth: int, odd: int = -1, block: int = 0) -> Derivation:
    """Blocks with a shortcut; one may have another function."""
    lines = ["  h0 = x"]
    for k in range(depth):
        function = "sin" if k == odd else "tanh"
        lines.append(f"  h{k + 1} = h{k} + {function}(dense(rms_norm(h{k}), 5))")
    text = "\n".join(lines)
    return differentiate(
        build(
            parse(
                f"name: tower\ninputs: {{x: [N, 5], y: [N, 5]}}\nnetwork: |\n{text}\n"
                f"loss: mse(h{depth}, y)\n"
            )
        )
    )


def lines_of(derivation: Derivation) -> list[tuple[Line, ...]]:
    return [derivation.forward, derivation.losses[0].cotangents]


def alike(line: Line, copy: Line, repeat: Repeat, number: int) -> bool:
    """Whether the renaming makes one of the other, by SymPy's own order of terms."""
    names = repeat.renamed[number]
    own, other = line.equation, copy.equation
    return (
        own.tensor.xreplace(names) == other.tensor
        and positional(own.rhs.xreplace(names))[0] == positional(other.rhs)[0]
    )


@pytest.mark.parametrize("depth", [9, 13])
def test_every_copy_is_the_first_group_with_other_names(depth: int) -> None:
    for lines in lines_of(tower(depth)):
        (repeat,) = repeats(lines)
        assert len(repeat.renamed) >= depth - 3
        for number in range(len(repeat.renamed)):
            for k in range(repeat.period):
                first = lines[repeat.start + k]
                copy = lines[repeat.start + (number + 1) * repeat.period + k]
                assert alike(first, copy, repeat, number)


def test_names_are_not_sorted_as_words() -> None:
    """h9 and h10 are neighbours, though "h10" < "h9"."""
    (repeat,) = repeats(tower(13).forward)
    assert len(repeat.renamed) == 12


def test_a_block_that_differs_ends_a_repetition() -> None:
    whole = repeats(tower(17).forward)
    parts = repeats(tower(17, odd=8).forward)
    assert len(whole) == 1 and len(parts) == 2
    first, second = parts
    period = whole[0].period
    assert {first.period, second.period} == {period}
    middle = 8 * period
    assert first.end <= middle + period <= second.start + period


def test_short_repetitions_are_printed() -> None:
    assert repeats(tower(3).forward) == []
    for repeat in repeats(tower(9).forward):
        assert repeat.period * len(repeat.renamed) >= LEAST_SAVED


def test_lines_that_read_other_places_are_no_copies() -> None:
    """A renaming that would map two tensors to one, or one to two, is none."""
    network = "\n".join(f"  h{k + 1} = tanh(h{k} * h{k // 2})" for k in range(30))
    text = f"name: net\ninputs: {{x: [N]}}\nnetwork: |\n  h0 = x\n{network}\nloss: mean(h30)\n"
    for lines in lines_of(differentiate(build(parse(text)))):
        for repeat in repeats(lines):
            for number in range(len(repeat.renamed)):
                for k in range(repeat.period):
                    copy = lines[repeat.start + (number + 1) * repeat.period + k]
                    assert alike(lines[repeat.start + k], copy, repeat, number)


def test_like_steps_are_those_of_an_earlier_line_renamed() -> None:
    cotangents = tower(3).losses[0].cotangents
    by_number = {line.number: line for line in cotangents}
    found = earlier_likes(cotangents)
    assert found
    for number, (earlier, names) in found.items():
        assert earlier < number
        own, other = by_number[earlier], by_number[number]
        assert own.rules == other.rules
        for step, copy in zip(own.steps, other.steps, strict=True):
            assert positional(step.after.xreplace(names))[0] == positional(copy.after)[0]


def test_what_no_rule_of_names_tells_is_not_folded() -> None:
    """Blocks 3 and 4 read each other's side input; W̄ of side layers tell it by cotangents alone."""
    sides = "\n".join(f"  s{k} = dense(x, 5)" for k in range(1, 13))
    order = [1, 2, 4, 3, *range(5, 13)]
    blocks = [
        f"  h{k} = h{k - 1} + tanh(dense(h{k - 1} * s{s}, 5))" for k, s in enumerate(order, 1)
    ]
    network = "\n".join([sides, "  h0 = dense(x, 5)", *blocks])
    text = (
        f"name: crossed\ninputs: {{x: [N, 5], y: [N, 5]}}\nnetwork: |\n{network}\n"
        "loss: mse(h12, y)\n"
    )
    for derivation, told in ((differentiate(build(parse(text))), False), (tower(12), True)):
        (lines,) = (s.lines for s in view(derivation).sections if s.title == "Backward")
        assert repeats([shown.line for shown in lines])
        assert bool(told_repeats(lines)) == told


@pytest.mark.parametrize("layers", CHOICES["layers"])
def test_blocks_are_told_wherever_their_numbers_stand(layers: str) -> None:
    written = {"superscript": "^{2\\ell}", "brackets": "^{(2\\ell)}", "subscript": "_{2\\ell}"}
    for section in view(tower(12), Notation(layers=layers)).sections:
        if section.title == "Loss":
            continue
        (repeat,) = told_repeats(section.lines)
        if section.title == "Forward":
            assert (
                rf"\mathbf{{W}}{written[layers]}"
                in general_names(repeat, section.lines[0].known)[0]
            )


def test_a_number_among_words_is_told() -> None:
    shown = Named(Display("W", subscript="2ℓ-1,q", array=2))
    assert latex_of(shown) == r"\mathbf{W}_{2\ell-1\mathrm{,q}}"


@pytest.mark.parametrize("layers", CHOICES["layers"])
def test_the_article_says_like_blocks_once(layers: str) -> None:
    derivation = tower(12)
    article = document_tex(derivation, Notation(layers=layers))
    assert r"\again{The same for $\ell = 2, \ldots, 12$, of" in article
    copied = re.findall(r"\\copied\{(\d+)\}\{(.*)\}", article)
    labels = re.findall(r"\\label\{eq:(\d+)\}", article)
    numbers = [str(line.number) for line in derivation.lines()]
    assert sorted([*labels, *(n for n, _ in copied)], key=int) == numbers
    assert len(labels) < 40 < len(copied)
    assert set(re.findall(r"\\(?:eq)?ref\{eq:(\d+)\}", article)) <= set(numbers)
    names = {str(s.number): s for s in view(derivation, Notation(layers=layers)).lines()}
    for number, name in copied:
        whole = latex_of(names[number].known.whole(names[number].line.equation.tensor))
        assert name == (rf"\boxed{{{whole}}}" if names[number].gradient else whole)
    assert r"\texttt{W2}" in article and r"\texttt{W4}" not in article
    stepped = re.findall(r"equation~\\eqref\{eq:(\d+)\}|\\ref\{eq:(\d+)\}", article)
    assert {number for pair in stepped for number in pair if number} <= set(labels)


def test_the_article_of_worked_numbers_has_every_equation() -> None:
    network = "\n".join(f"  h{k + 1} = sin(h{k})" for k in range(32))
    text = f"name: sines\ninputs: {{h0: [2]}}\nnetwork: |\n{network}\nloss: mean(h32)\nwrt: [h0]\n"
    derivation = sb.derive(sb.parse(text))
    assert r"\copied{" in document_tex(derivation)
    article = document_tex(derivation, worked=sb.numbers(derivation))
    assert r"\copied{" not in article.split(r"\begin{document}")[1]
    labels = set(re.findall(r"\\label\{eq:(\d+)\}", article))
    assert labels == {str(line.number) for line in derivation.lines()}


@pytest.mark.latex
def test_a_folded_article_compiles(tmp_path: Path) -> None:
    for look in (Notation(layers="subscript"), Notation(language="zh")):
        assert log_of(tmp_path, document_tex(tower(12), look)) == ""
