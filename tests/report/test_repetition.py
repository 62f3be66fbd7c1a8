"""Repetition is found where there is some, and is what it is said to be."""

from __future__ import annotations

import pytest

from symbackprop.derivation import Derivation, differentiate
from symbackprop.derivation.model import Line
from symbackprop.equations.build import build
from symbackprop.equations.renaming import positional
from symbackprop.report.progression import told_repeats
from symbackprop.report.repetition import LEAST_SAVED, Repeat, earlier_likes, repeats
from symbackprop.report.view import view
from symbackprop.spec import parse


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
