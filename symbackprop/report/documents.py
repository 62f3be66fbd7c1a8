"""Whole documents: a LaTeX article and a Markdown page. The templates hold text and loops only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sympy import Expr

from symbackprop.derivation.model import Derivation
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.report.entries import entry_form
from symbackprop.report.escape import foreign_letters, latex_text, markdown_text
from symbackprop.report.latex import latex_of
from symbackprop.report.remarks import (
    conventions,
    draws,
    one_hot_labels,
    rules,
    steps_heading,
    updates,
    uses_rows,
    uses_slices,
)
from symbackprop.report.typeset import TAGS, Marks, align, align_line
from symbackprop.report.view import Block, Section, Shown, View, view
from symbackprop.report.words import Words, latex_words, markdown_words
from symbackprop.templating import fill

Escape = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table of names."""

    formula: str
    name: str
    shape: str
    role: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Equations of the derivation, with a word about them. `lead` opens or closes a recurrence."""

    heading: str
    equations: str
    lead: str = ""


FIRST, ROWS = 24, 40  # of a table: on the first page, and on every other


def document_tex(derivation: Derivation) -> str:
    """An article that pdflatex compiles: names, forward, loss, backward with every rule named."""
    shown = view(derivation)
    body = fill(
        "report_document.tex.jinja",
        **_common(shown, latex_text),
        sections=[(latex_text(s.title), list(_tex_paragraphs(s))) for s in shown.all_sections()],
        gradients=[(latex_of(s.known.whole(s.subject)), s.number) for s in shown.gradients()],
    )
    declared = "".join(
        rf"\DeclareUnicodeCharacter{{{ord(c):04X}}}{{\texttt{{U+{ord(c):04X}}}}}" + "\n"
        for c in foreign_letters(body)
    )
    return body.replace("%%LETTERS%%\n", declared)


def document_markdown(derivation: Derivation) -> str:
    """The same as a Markdown page for GitHub."""
    shown = view(derivation)
    return fill(
        "report_document.md.jinja",
        **_common(shown, markdown_text),
        sections=[
            (markdown_text(s.title), list(_markdown_paragraphs(s))) for s in shown.all_sections()
        ],
        gradients=[(latex_of(s.known.whole(s.subject)), s.number) for s in shown.gradients()],
    )


def markdown_lines(shown: View, steps: bool) -> Iterator[str]:
    """The derivation without the document around it."""
    for section in shown.all_sections():
        yield f"### {markdown_text(section.title)}\n"
        for block, lead in _led(section, markdown_words):
            if lead:
                yield f"{lead}\n"
            for line in block.lines:
                yield math_block(align([line], TAGS, steps))


def math_block(tex: str) -> str:
    """Display mathematics on GitHub."""
    return f"```math\n{tex}\n```\n"


_DOCUMENT = Marks(
    lambda remark: rf" && \rulename{{{latex_text(remark)}}}" if remark else "",
    lambda number: rf" \tag{{{number}}}\label{{eq:{number}}}",
)


def _common(shown: View, escape: Escape) -> dict[str, object]:
    system = shown.derivation.system
    entries = [_escaped(e, escape) for e in _entries(shown)]
    slices = uses_slices(shown)
    return {
        "title": escape(system.title) or escape(system.name),
        "name": escape(system.name),
        "notes": [escape(part) for part in system.notes.split("\n\n") if part.strip()],
        "entries": entries,
        "tables": _tables(entries),
        "extents": [latex_of(shown.known.entry(e)) for e in system.extents],
        "one_hot": [
            (latex_of(matrix), latex_of(labels))
            for matrix, labels in one_hot_labels(shown.lines()).items()
        ],
        "rows": uses_rows(shown.lines()),
        "rules": [(escape(rule), escape(why)) for rule, why in rules(shown).items()],
        "conventions": [escape(c) for c in conventions(shown, steps=True)],
        "slices": slices and latex_of(slices),
        "draws": [latex_of(draw) for draw in draws(shown)],
        "updates": [(latex_of(update), number) for update, number in updates(shown)],
    }


def _tables(entries: list[Entry]) -> list[list[Entry]]:
    """The entries in tables that fit on their pages."""
    if len(entries) <= FIRST + 6:
        return [entries]
    rest = entries[FIRST:]
    return [entries[:FIRST], *(rest[k : k + ROWS] for k in range(0, len(rest), ROWS))]


def _escaped(entry: Entry, escape: Escape) -> Entry:
    return Entry(entry.formula, escape(entry.name), entry.shape, escape(entry.role))


def _entries(shown: View) -> Iterator[Entry]:
    system = shown.derivation.system
    for given in system.inputs:
        kind = {"integer": "labels", "mask": "mask"}.get(given.symbol.kind, "input")
        kind = "distribution" if given.distribution else kind
        yield _entry(shown, given.symbol, kind if given.draw is None else f"{kind}, drawn")
    for parameter in system.parameters:
        role = "parameter" if parameter.trainable else "fixed parameter"
        yield _entry(shown, parameter.symbol, role)
    for state in system.states:
        yield _entry(shown, state.symbol, "state")
    for line in shown.derivation.forward:
        yield _entry(shown, line.equation.tensor, line.equation.label or "value")


def _entry(shown: View, tensor: TensorSymbol, role: str) -> Entry:
    shape = r" \times ".join(_extent(e, shown) for e in tensor.shape) or "1"
    return Entry(latex_of(shown.known.whole(tensor)), tensor.name, shape, role)


def _extent(extent: Expr, shown: View) -> str:
    return latex_of(entry_form(extent, shown.known))


def _led(section: Section, written: Callable[[Words], str]) -> Iterator[tuple[Block, str]]:
    """Each block with the words before it: the steps of a recurrence, or that they are over."""
    recurs = False
    for block in section.blocks():
        lead = steps_heading(block) or (("When all steps are done:",) if recurs else ())
        recurs = block.recurrence is not None
        text = written(lead)
        yield block, text[:1].upper() + text[1:]


def _tex_paragraphs(section: Section) -> Iterator[Paragraph]:
    """Forward equations together; on the way back each line on its own, with its steps."""
    for block, lead in _led(section, latex_words):
        if section.lines[0].loss is None:
            yield Paragraph("", align(block.lines, _DOCUMENT, steps=True), lead)
            continue
        for shown in block.lines:
            name = rf"\texttt{{{latex_text(shown.subject.name)}}}"
            yield Paragraph(_heading(shown, name), align_line(shown, _DOCUMENT), lead)
            lead = ""


def _markdown_paragraphs(section: Section) -> Iterator[Paragraph]:
    for block, lead in _led(section, markdown_words):
        for shown in block.lines:
            heading = _heading(shown, markdown_text(shown.subject.name)) if shown.loss else ""
            yield Paragraph(heading, math_block(align_line(shown, TAGS)), lead)
            lead = ""


def _heading(shown: Shown, name: str) -> str:
    symbol = f"${latex_of(shown.known.whole(shown.subject))}$"
    if not shown.gradient:
        return f"Cotangent of {symbol} ({name})"
    return f"Gradient by {symbol} ({name}{', as (rows, values)' if shown.sparse else ''})"
