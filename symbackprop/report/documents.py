"""What a whole document holds, and the Markdown page. Templates hold text and loops only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from sympy import Expr

from symbackprop.derivation.model import Derivation
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.notation import USUAL, Notation
from symbackprop.report.alignment import TAGS, align, align_line
from symbackprop.report.entries import entry_form
from symbackprop.report.escape import markdown_text
from symbackprop.report.languages import say
from symbackprop.report.latex import latex_of
from symbackprop.report.remarks import (
    conventions,
    draws,
    numbers_in_names,
    one_hot_labels,
    rules,
    steps_heading,
    updates,
    uses_rows,
    uses_slices,
)
from symbackprop.report.view import Block, Section, Shown, View, view
from symbackprop.report.words import Words, markdown_words
from symbackprop.report.worked import Worked
from symbackprop.report.worked.documents import markdown as worked_markdown
from symbackprop.templating import fill

Escape = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table of names; `number` is the equation of what is computed."""

    formula: str
    name: str
    shape: str
    role: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Equations of the derivation, with a word about them. `lead` opens or closes a recurrence."""

    heading: str
    equations: str
    lead: str = ""


def document_markdown(
    derivation: Derivation, notation: Notation = USUAL, worked: Worked | None = None
) -> str:
    """The same as a Markdown page for GitHub."""
    shown = view(derivation, notation)
    return fill(
        "report_document.md.jinja",
        **common(shown, markdown_text, markdown_words),
        sections=[
            (markdown_text(s.title), list(_markdown_paragraphs(s))) for s in shown.all_sections()
        ],
        worked=worked and worked_markdown(worked, notation),
        gradients=[(latex_of(s.known.whole(s.subject)), s.number) for s in shown.gradients()],
    )


def markdown_lines(shown: View, steps: bool) -> Iterator[str]:
    """The derivation without the document around it."""
    for section in shown.all_sections():
        yield f"### {markdown_text(section.title)}\n"
        for block, lead in led(section, markdown_words):
            if lead:
                yield f"{lead}\n"
            for line in block.lines:
                yield math_block(align([line], TAGS, steps))


def math_block(tex: str) -> str:
    """Display mathematics on GitHub."""
    return f"```math\n{tex}\n```\n"


def common(shown: View, escape: Escape, written: Callable[[Words], str]) -> dict[str, object]:
    """What every document says beside its equations."""
    system = shown.derivation.system
    slices = uses_slices(shown)
    return {
        "title": escape(system.title) or escape(system.name),
        "name": escape(system.name),
        "notation": shown.known.notation,
        "say": partial(say, shown.known.notation),
        "numbers": [escape(sentence) for sentence in numbers_in_names(shown)],
        "notes": [escape(part) for part in system.notes.split("\n\n") if part.strip()],
        "entries": entries(shown, escape),
        "extents": [latex_of(shown.known.entry(e)) for e in system.extents],
        "one_hot": [
            (latex_of(matrix), latex_of(labels))
            for matrix, labels in one_hot_labels(shown.lines()).items()
        ],
        "rows": uses_rows(shown.lines()),
        "rules": [(escape(rule), written(why)) for rule, why in rules(shown).items()],
        "conventions": [escape(c) for c in conventions(shown, steps=True)],
        "slices": slices and latex_of(slices),
        "draws": [latex_of(draw) for draw in draws(shown)],
        "updates": [(latex_of(update), number) for update, number in updates(shown)],
    }


def entries(shown: View, escape: Escape) -> list[Entry]:
    """The table of names, escaped for a format."""
    found = table_of_names(shown)
    return [replace(e, name=escape(e.name), role=escape(e.role)) for e in found]


def table_of_names(shown: View) -> Iterator[Entry]:
    """What the names stand for, in the words of the spec."""
    system, said = shown.derivation.system, partial(say, shown.known.notation)
    for given in system.inputs:
        kind = {"integer": "labels", "mask": "mask"}.get(given.symbol.kind, "input")
        kind = said("distribution" if given.distribution else kind)
        drawn = kind if given.draw is None else said("{kind}, drawn", kind=kind)
        yield _entry(shown, given.symbol, drawn)
    for parameter in system.parameters:
        role = "parameter" if parameter.trainable else "fixed parameter"
        yield _entry(shown, parameter.symbol, said(role))
    for state in system.states:
        yield _entry(shown, state.symbol, said("state"))
    for line in shown.derivation.forward:
        role = line.equation.label or said("value")
        yield replace(_entry(shown, line.equation.tensor, role), number=line.number)


def _entry(shown: View, tensor: TensorSymbol, role: str) -> Entry:
    shape = r" \times ".join(_extent(e, shown) for e in shown.known.order(tensor.shape)) or "1"
    return Entry(latex_of(shown.known.whole(tensor)), tensor.name, shape, role)


def _extent(extent: Expr, shown: View) -> str:
    return latex_of(entry_form(extent, shown.known))


def led(section: Section, written: Callable[[Words], str]) -> Iterator[tuple[Block, str]]:
    """Each block with the words before it: the steps of a recurrence, or that they are over."""
    recurs, after = False, say(section.lines[0].known.notation, "When all steps are done:")
    for block in section.blocks():
        lead = steps_heading(block) or ((after,) if recurs else ())
        recurs = block.recurrence is not None
        text = written(lead)
        yield block, text[:1].upper() + text[1:]


def _markdown_paragraphs(section: Section) -> Iterator[Paragraph]:
    for block, lead in led(section, markdown_words):
        for shown in block.lines:
            title = heading(shown, markdown_text(shown.subject.name)) if shown.loss else ""
            yield Paragraph(title, math_block(align_line(shown, TAGS)), lead)
            lead = ""


def heading(shown: Shown, name: str) -> str:
    """What a line of the way back is."""
    symbol = f"${latex_of(shown.known.whole(shown.subject))}$"
    said = partial(say, shown.known.notation, symbol=symbol, name=name)
    if not shown.gradient:
        return said("Cotangent of {symbol} ({name})")
    if not shown.sparse:
        return said("Gradient by {symbol} ({name})")
    return said("Gradient by {symbol} ({name}, as (rows, values))")
