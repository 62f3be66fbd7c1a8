"""The derivation as text for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import partial

from symbackprop.report.escape import plain_text
from symbackprop.report.languages import say
from symbackprop.report.remarks import (
    conventions,
    draws,
    numbers_in_names,
    one_hot_labels,
    rules,
    steps_heading,
    updates,
)
from symbackprop.report.unicode import text_of
from symbackprop.report.view import Section, Shown, View
from symbackprop.report.words import text_words

_WIDEST = 72  # columns; a longer formula does not push the remarks of all others aside


def text_lines(view: View, steps: bool) -> Iterator[str]:
    """Every line of the report."""
    system = view.derivation.system
    title = plain_text(system.title)
    yield f"{system.name}: {title}" if title else system.name
    for section in view.all_sections():
        yield ""
        yield section.title
        yield from _section_lines(section, steps)
    yield from _footnotes(view, steps)


def _section_lines(section: Section, steps: bool) -> Iterator[str]:
    """The equations with their numbers and remarks; those of a recurrence stand set in."""
    digits = len(str(section.lines[-1].number)) + 2
    blocks = [(block, "  " if block.recurrence else "") for block in section.blocks()]
    formulas = {
        shown.number: f"{inset}{text_of(shown.left)} = {text_of(shown.formula)}"
        for block, inset in blocks
        for shown in block.lines
    }
    widths = map(columns, formulas.values())
    column = max((c for c in widths if c <= _WIDEST), default=0)
    for block, inset in blocks:
        if block.recurrence:
            yield f"  {' ' * digits}  {text_words(steps_heading(block))}"
        for shown in block.lines:
            number = f"({shown.number})".rjust(digits)
            formula = formulas[shown.number]
            padding = " " * max(column - columns(formula), 0)
            yield f"  {number}  {formula}{padding}   {_remark(shown)}".rstrip()
            indent = f"{' ' * (digits + 4)}{inset}"
            before = " " * columns(text_of(shown.left))
            for row in shown.other_forms():
                yield f"{indent}{before} = {text_of(row.formula)}   [{plain_text(row.rule)}]"
            if steps:
                yield from _step_lines(shown, indent + "  ")


def _remark(shown: Shown) -> str:
    if shown.gradient:
        said = "gradient of {name}, as (rows, values)" if shown.sparse else "gradient of {name}"
        return f"◀ {say(shown.known.notation, said, name=shown.gradient)}"
    return plain_text(shown.line.equation.label)


def _step_lines(shown: Shown, indent: str) -> Iterator[str]:
    left = text_of(shown.derivative)
    blank = " " * columns(left)
    for position, row in enumerate(shown.rows()):
        formula = f"{indent}{blank if position else left} = {text_of(row.formula)}"
        yield f"{formula}   [{plain_text(row.rule)}]" if row.rule else formula


def _footnotes(view: View, steps: bool) -> Iterator[str]:
    said = partial(say, view.known.notation)
    notes = [
        f"{text_of(matrix)} = onehot({text_of(labels)})"
        for matrix, labels in one_hot_labels(view.lines()).items()
    ]
    notes += [*numbers_in_names(view), *conventions(view, steps)]
    notes += [said("{draw}, where it is not given", draw=text_of(d)) for d in draws(view)]
    after = "after a step of training {update}, by ({number})"
    notes += [said(after, update=text_of(u), number=n) for u, n in updates(view)]
    if notes:
        yield ""
        yield from notes
    if steps and (used := rules(view)):
        yield ""
        yield said("Rules")
        width = max(columns(rule) for rule in used)
        for rule, why in used.items():
            yield f"  {rule}{' ' * (width - columns(rule))}   {text_words(why)}"


def columns(text: str) -> int:
    """How many columns of a terminal the text takes: combining marks none, Han two."""
    wide = sum(unicodedata.east_asian_width(c) in "FW" for c in text)
    return wide + sum(not unicodedata.combining(c) for c in text)
