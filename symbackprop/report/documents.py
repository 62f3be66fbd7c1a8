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
from symbackprop.report.typeset import TAGS, Marks, align, align_line
from symbackprop.report.view import (
    Section,
    Shown,
    View,
    conventions,
    one_hot_labels,
    rules,
    uses_rows,
    view,
)
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
    """A line of the derivation: a word about it, and its equations."""

    heading: str
    equations: str


ROWS = 40  # of a table, so that it fits on a page


def document_tex(derivation: Derivation) -> str:
    """An article that pdflatex compiles: names, forward, loss, backward with every rule named."""
    shown = view(derivation)
    body = fill(
        "report_document.tex.jinja",
        **_common(shown, latex_text),
        sections=[(latex_text(s.title), list(_tex_paragraphs(s))) for s in shown.sections],
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
        sections=[(markdown_text(s.title), list(_markdown_paragraphs(s))) for s in shown.sections],
        gradients=[(latex_of(s.known.whole(s.subject)), s.number) for s in shown.gradients()],
    )


def markdown_lines(shown: View, steps: bool) -> Iterator[str]:
    """The derivation without the document around it."""
    for section in shown.sections:
        yield f"### {markdown_text(section.title)}\n"
        for line in section.lines:
            yield math_block(align(Section("", (line,)), TAGS, steps))


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
    return {
        "title": escape(system.title) or escape(system.name),
        "name": escape(system.name),
        "notes": [escape(part) for part in system.notes.split("\n\n") if part.strip()],
        "entries": entries,
        "tables": [entries[k : k + ROWS] for k in range(0, len(entries), ROWS)],
        "extents": [latex_of(shown.known.entry(e)) for e in system.extents],
        "one_hot": [
            (latex_of(matrix), latex_of(labels))
            for matrix, labels in one_hot_labels(shown.lines()).items()
        ],
        "rows": uses_rows(shown.lines()),
        "rules": [(escape(rule), escape(why)) for rule, why in rules(shown).items()],
        "conventions": [escape(c) for c in conventions(shown.derivation)],
    }


def _escaped(entry: Entry, escape: Escape) -> Entry:
    return Entry(entry.formula, escape(entry.name), entry.shape, escape(entry.role))


def _entries(shown: View) -> Iterator[Entry]:
    system = shown.derivation.system
    for given in system.inputs:
        kind = {"integer": "labels", "mask": "mask"}.get(given.symbol.kind, "input")
        yield _entry(shown, given.symbol, "distribution" if given.distribution else kind)
    for parameter in system.parameters:
        role = "parameter" if parameter.trainable else "fixed parameter"
        yield _entry(shown, parameter.symbol, role)
    for line in shown.derivation.forward:
        yield _entry(shown, line.equation.tensor, line.equation.label or "value")


def _entry(shown: View, tensor: TensorSymbol, role: str) -> Entry:
    shape = r" \times ".join(_extent(e, shown) for e in tensor.shape) or "1"
    return Entry(latex_of(shown.known.whole(tensor)), tensor.name, shape, role)


def _extent(extent: Expr, shown: View) -> str:
    return latex_of(entry_form(extent, shown.known))


def _tex_paragraphs(section: Section) -> Iterator[Paragraph]:
    """Forward equations together; on the way back each line on its own, with its steps."""
    if section.lines[0].loss is None:
        yield Paragraph("", align(section, _DOCUMENT, steps=True))
        return
    for shown in section.lines:
        yield Paragraph(
            _heading(shown, rf"\texttt{{{latex_text(shown.subject.name)}}}"),
            align_line(shown, _DOCUMENT),
        )


def _markdown_paragraphs(section: Section) -> Iterator[Paragraph]:
    for shown in section.lines:
        equations = align_line(shown, TAGS)
        heading = _heading(shown, markdown_text(shown.subject.name)) if shown.loss else ""
        yield Paragraph(heading, math_block(equations))


def _heading(shown: Shown, name: str) -> str:
    symbol = f"${latex_of(shown.known.whole(shown.subject))}$"
    return f"Gradient by {symbol} ({name})" if shown.gradient else f"Cotangent of {symbol} ({name})"
