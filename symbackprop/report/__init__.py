"""Derivations in print: text, LaTeX, Markdown, JSON, and whole documents.

    Derivation ─view─▶ lines ─matrix, entries─▶ formulas ─unicode, latex─▶ text, align, documents

`view` decides what is shown, `naming` how names are written, `recurring` what is said once about a
recurrence, `remarks` what is said in words. `entries` writes an equation with its indices, `matrix`
without, by way of `reads` and `contraction`; they take expressions apart by `structure` and
`conditions`. `formula` is the notation between; `unicode` and `latex` print it, `lines` breaks what
is too long. `plain`, `alignment`, `records`, `documents` and `article` lay out whole derivations,
`fragment` one for a paper, which `inlining` and `families` make shorter, and `page` one for
browsers. `graph` is the picture of a network, which `layering` places; `repetition` finds what need
not be printed again, `progression` the names that tell it. `languages` has the words of them all.
`detail` is "result" for the equations, "steps" for every rule as well; a `Notation` says how things
are written.
"""

from __future__ import annotations

from symbackprop.derivation.model import Derivation, Line
from symbackprop.notation import USUAL, Notation
from symbackprop.report.alignment import TAGS, align
from symbackprop.report.article import document_tex
from symbackprop.report.documents import document_markdown, markdown_lines
from symbackprop.report.fragment import fragment_tex
from symbackprop.report.latex import latex_of
from symbackprop.report.naming import line_names
from symbackprop.report.page.page import page
from symbackprop.report.pdflatex import pdf
from symbackprop.report.plain import text_lines
from symbackprop.report.records import json_text
from symbackprop.report.remarks import steps_heading
from symbackprop.report.unicode import text_of
from symbackprop.report.view import Shown, view
from symbackprop.report.words import latex_words
from symbackprop.report.worked import Worked

__all__ = [
    "document_html",
    "document_markdown",
    "document_pdf",
    "document_tex",
    "fragment_tex",
    "json",
    "latex",
    "line_latex",
    "line_text",
    "markdown",
    "text",
]

DETAILS = ("result", "steps")


def text(derivation: Derivation, detail: str = "result", notation: Notation = USUAL) -> str:
    """Unicode for a terminal, gradients marked."""
    return "\n".join(text_lines(view(derivation, notation), _steps(detail))) + "\n"


def latex(derivation: Derivation, detail: str = "result", notation: Notation = USUAL) -> str:
    """One align* environment a section, a recurrence or, with steps, an equation; needs amsmath.

    Gradients are boxed.
    """
    steps = _steps(detail)
    parts: list[str] = []
    for section in view(derivation, notation).all_sections():
        for block in section.blocks():
            parts.append(latex_words(steps_heading(block)))
            together = [[line] for line in block.lines] if steps else [list(block.lines)]
            parts += [align(lines, TAGS, steps) for lines in together]
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown(derivation: Derivation, detail: str = "result", notation: Notation = USUAL) -> str:
    """Headings and ```math blocks, as GitHub renders them."""
    return "\n".join(markdown_lines(view(derivation, notation), _steps(detail)))


def json(derivation: Derivation, detail: str = "result", notation: Notation = USUAL) -> str:
    """The record that `records.json_text` documents; with "result", `steps` are empty."""
    return json_text(view(derivation, notation), _steps(detail))


def document_pdf(
    derivation: Derivation, notation: Notation = USUAL, worked: Worked | None = None
) -> bytes:
    """The article as PDF. Raises CallError where there is no TeX, or it finds a fault."""
    return pdf(document_tex(derivation, notation, worked))


def document_html(
    derivation: Derivation, notation: Notation, worked: Worked | None, module: str
) -> str:
    """One page with the text of the generated module. Raises CallError without QuickJS."""
    return page(view(derivation, notation), module, worked)


def line_latex(line: Line, notation: Notation = USUAL, derivation: Derivation | None = None) -> str:
    """One equation, in matrix form where there is one; as the derivation writes it, or alone."""
    shown = _shown(line, notation, derivation)
    return f"{latex_of(shown.left)} = {latex_of(shown.formula)}"


def line_text(line: Line, notation: Notation = USUAL, derivation: Derivation | None = None) -> str:
    """The same in Unicode for a terminal."""
    shown = _shown(line, notation, derivation)
    return f"{text_of(shown.left)} = {text_of(shown.formula)}"


def _shown(line: Line, notation: Notation, derivation: Derivation | None) -> Shown:
    if derivation is None:
        return Shown(line, line_names(line, notation))
    return next(s for s in view(derivation, notation).lines() if s.number == line.number)


def _steps(detail: str) -> bool:
    assert detail in DETAILS, detail
    return detail == "steps"
