"""The derivation as text for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from symbackprop.report.escape import plain_text
from symbackprop.report.unicode import text_of
from symbackprop.report.view import Shown, View, conventions, one_hot_labels, rules

_WIDEST = 72  # columns; a longer formula does not push the remarks of all others aside


def text_lines(view: View, steps: bool) -> Iterator[str]:
    """Every line of the report."""
    system = view.derivation.system
    title = plain_text(system.title)
    yield f"{system.name}: {title}" if title else system.name
    for section in view.sections:
        yield ""
        yield section.title
        formulas = [f"{text_of(s.left)} = {text_of(s.formula)}" for s in section.lines]
        digits = len(str(section.lines[-1].number)) + 2
        column = max((c for f in formulas if (c := columns(f)) <= _WIDEST), default=0)
        for shown, formula in zip(section.lines, formulas, strict=True):
            number = f"({shown.number})".rjust(digits)
            padding = " " * max(column - columns(formula), 0)
            yield f"  {number}  {formula}{padding}   {_remark(shown)}".rstrip()
            if steps:
                yield from _step_lines(shown, " " * (digits + 6))
    yield from _footnotes(view, steps)


def _remark(shown: Shown) -> str:
    if shown.gradient:
        return f"◀ gradient of {shown.gradient}"
    return plain_text(shown.line.equation.label)


def _step_lines(shown: Shown, indent: str) -> Iterator[str]:
    left = text_of(shown.derivative)
    blank = " " * columns(left)
    for position, row in enumerate(shown.rows()):
        formula = f"{indent}{blank if position else left} = {text_of(row.formula)}"
        yield f"{formula}   [{plain_text(row.rule)}]" if row.rule else formula


def _footnotes(view: View, steps: bool) -> Iterator[str]:
    notes = [
        f"{text_of(matrix)} = onehot({text_of(labels)})"
        for matrix, labels in one_hot_labels(view.lines()).items()
    ]
    notes += conventions(view.derivation)
    if notes:
        yield ""
        yield from notes
    if steps and (used := rules(view)):
        yield ""
        yield "Rules"
        width = max(columns(rule) for rule in used)
        for rule, why in used.items():
            yield f"  {rule}{' ' * (width - columns(rule))}   {plain_text(why)}"


def columns(text: str) -> int:
    """How many columns of a terminal the text takes: combining marks take none."""
    return sum(not unicodedata.combining(c) for c in text)
