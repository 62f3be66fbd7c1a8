"""Equations as the page prints them: the result, and what unfolds below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from symbackprop.derivation.model import Line
from symbackprop.equations.nodes import Partial, TensorSymbol
from symbackprop.report.escape import html_text
from symbackprop.report.languages import say
from symbackprop.report.latex import box, latex_of
from symbackprop.report.lines import loose
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.page.prose import html_words
from symbackprop.report.repetition import Names
from symbackprop.report.view import Row, Shown
from symbackprop.report.words import Words, text_words

_ALONE, _STEP = 31.0, 27.0  # em of an equation, and of a step


@dataclass(frozen=True)
class Detail:
    """One row of what unfolds: a formula in lines of HTML, the rule that led to it, and why.

    `hint` is that as text; `why` is empty where the page has said it before.
    """

    left: str
    lines: tuple[str, ...]
    rule: str
    hint: str
    why: str


@dataclass(frozen=True)
class Like:
    """The number of an equation with the same steps, and what stands for what in them."""

    number: int
    renamed: tuple[str, ...]


@dataclass(frozen=True)
class Equation:
    """A numbered equation in HTML. `tex` is the LaTeX of it, `by` its layer or its rules.

    `gradient` names the result that it is. Where `like` is set, of its steps only the last is in
    `details`. `numbers` is what stands below in a worked example.
    """

    number: int
    lines: tuple[str, ...]
    tex: str
    by: str
    gradient: str
    details: tuple[Detail, ...]
    like: Like | None
    numbers: str


def equation(
    shown: Shown,
    mathematics: Mathematics,
    like: tuple[int, Names] | None,
    told: set[tuple[str, Words]],
    numbers: str,
) -> Equation:
    """A line of the derivation; `like`: one with its steps.

    `told` are the rules that the page has explained, and grows.
    """
    head = box(shown.left)
    lines = loose(shown.formula, _ALONE - head.width)
    whole = [f"{head.tex} = {lines[0]}", *lines[1:]]
    label = shown.line.equation.label if shown.loss is None else ""
    said = partial(say, shown.known.notation)
    ruled = [*shown.line.rules, *(["as (rows, values)"] * shown.sparse)]
    words = [label] if label else map(said, ruled)
    return Equation(
        shown.number,
        tuple(map(mathematics.display, whole)),
        html_text(f"{head.tex} = {box(shown.formula).tex}"),
        html_text(said(", ").join(words)),
        html_text(shown.gradient),
        tuple(_details(shown, mathematics, like is not None, told)),
        _like(shown, mathematics, like) if like and shown.line.steps else None,
        numbers,
    )


def _like(shown: Shown, mathematics: Mathematics, like: tuple[int, Names]) -> Like:
    number, names = like
    known = shown.known
    pairs = [(known.whole(a), known.whole(b)) for a, b in names.items() if a != b]
    plain = [(a, b) for a, b in pairs if not a.mark]
    arrows = (rf"{latex_of(a)} \to {latex_of(b)}" for a, b in dict.fromkeys(plain))
    return Like(number, tuple(map(mathematics.inline, arrows)))


def _details(
    shown: Shown, mathematics: Mathematics, last: bool, told: set[tuple[str, Words]]
) -> Iterator[Detail]:
    """The steps from the chain rule to the index form, or the last; what else the result equals."""
    rows = shown.rows()[-1:] if last else shown.rows()
    if not rows and shown.matrix is not None:
        rows = [Row(shown.index, say(shown.known.notation, "entry by entry"))]
    head = f"{box(shown.derivative).tex} ="
    for row in (*rows, *shown.other_forms()):
        yield Detail(
            mathematics.display(head),
            tuple(map(mathematics.display, loose(row.formula, _STEP))),
            html_text(row.rule),
            html_text(text_words(row.why)),
            "" if (row.rule, row.why) in told else html_words(row.why, mathematics),
        )
        told.add((row.rule, row.why))
        head = "="


def consumers(line: Line, forward: Mapping[TensorSymbol, Line]) -> tuple[Line, ...]:
    """The forward equations that the chain rule went through, in order."""
    if not line.steps:
        return ()
    through = {partial.args[0].tensor for partial in line.steps[0].before.atoms(Partial)}
    found = {forward[t].number: forward[t] for t in through if t in forward}
    return tuple(found[number] for number in sorted(found))
