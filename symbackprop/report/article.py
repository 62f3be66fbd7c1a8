"""The derivation as LaTeX: an article that compiles as it is, and a fragment for one's own paper.

The article has every equation with its number first, then how each was derived. The fragment has
the equations alone, numbered by the paper they are put in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from symbackprop.derivation.model import Derivation
from symbackprop.notation import USUAL, Notation
from symbackprop.report.boxes import upright
from symbackprop.report.documents import Entry, Paragraph, common, entries, heading, led
from symbackprop.report.escape import foreign_letters, latex_text
from symbackprop.report.families import Rewritten, families
from symbackprop.report.graph import graph
from symbackprop.report.inlining import inlined, readers
from symbackprop.report.languages import LETTERS, say
from symbackprop.report.latex import latex_of
from symbackprop.report.progression import told_repeats
from symbackprop.report.remarks import conventions
from symbackprop.report.repetition import earlier_likes
from symbackprop.report.tikz import Drawing, tikz
from symbackprop.report.typeset import Marks, align, align_line
from symbackprop.report.view import Section, Shown, View, view
from symbackprop.report.words import latex_words
from symbackprop.report.worked import Worked
from symbackprop.report.worked.documents import tex as worked_tex
from symbackprop.templating import fill

_TAG = re.compile(r"\\tag\{(\d+)\}")
FIRST, ROWS = 24, 40  # rows of a table: on the first page, and on every other
_EVERY = 48  # equations; of more, those derived alike are derived once
_INDENT = 3.2  # em that a left-hand side has at least: the signs of equality stand in a column


def document_tex(
    derivation: Derivation, notation: Notation = USUAL, worked: Worked | None = None
) -> str:
    """An article that pdflatex compiles: names, forward, loss, backward, numbers, every step."""
    shown = view(derivation, notation)
    sections = shown.all_sections()
    likes = _likes(shown)
    derived = partial(_derived, likes=likes)
    body = fill(
        "report_document.tex.jinja",
        **common(shown, latex_text),
        tables=_tables(entries(shown, latex_text)),
        picture=_picture(shown),
        sections=[(latex_text(s.title), list(_results(s, _ARTICLE))) for s in sections],
        worked=worked and worked_tex(worked, notation),
        likes=likes,
        derived=[(latex_text(s.title), found) for s in sections if (found := list(derived(s)))],
    )
    return _lettered(body, notation)


def fragment_tex(
    derivation: Derivation, notation: Notation = USUAL, worked: Worked | None = None
) -> str:
    r"""What a paper takes in by \input: the equations of every section, without a preamble.

    Each has a label, the spec's name before its number here; the paper numbers them.
    """
    shown = view(derivation, notation)
    prefix = re.sub(r"[^A-Za-z0-9_]+", "-", derivation.system.name)
    marks = Marks(
        lambda stands: rf" && {stands}" if stands else "",
        lambda n: rf" \label{{{prefix}:{n}}}",
        about=_stands,
        unnumbered=r" \notag",
        environment="align",
    )
    sections = [
        (latex_text(s.title), list(_results(s, marks, short=worked is None)))
        for s in shown.all_sections()
    ]
    said = common(shown, latex_text) | {"conventions": map(latex_text, conventions(shown, False))}
    body = fill(
        "report_fragment.tex.jinja",
        **said,
        prefix=prefix,
        worked=worked and _TAG.sub(rf"\\tag{{\\ref{{{prefix}:\1}}}}", worked_tex(worked, notation)),
        sections=sections,
        starred=any(r"\star" in part.equations for _, found in sections for part in found),
    )
    return _lettered(body, notation, "%   ")


def _picture(shown: View) -> Drawing | None:
    """The graph of the forward equations, like blocks drawn once."""
    forward = say(shown.known.notation, "Forward")
    ahead = next((s.lines for s in shown.sections if s.title == forward), ())
    return tikz(graph(shown, told_repeats(ahead)), shown)


def _lettered(body: str, notation: Notation, before: str = "") -> str:
    """The body with what its preamble says of characters that LaTeX's fonts lack.

    Where another language's font is asked for what LaTeX lacks, it cannot be said in the preamble.
    """
    letters = foreign_letters(body, LETTERS[notation.language])
    codes = {c: rf"\texttt{{U+{ord(c):04X}}}" for c in letters}
    if notation.language != "en":
        for c, code in codes.items():
            body = body.replace(c, code)
        codes = {}
    declared = (rf"\DeclareUnicodeCharacter{{{ord(c):04X}}}{{{code}}}" for c, code in codes.items())
    return body.replace("%%LETTERS%%\n", "".join(f"{before}{line}\n" for line in declared))


def _stands(shown: Shown) -> str:
    """What a star stands for."""
    if not isinstance(shown, Rewritten) or not shown.words:
        return ""
    return rf"\star = {', '.join(upright(word) for word in shown.words)}"


def _said(shown: Shown) -> str:
    """The word beside an equation."""
    if not shown.gradient:
        return "" if shown.loss else shown.line.equation.label
    said = "gradient by {name}, as (rows, values)" if shown.sparse else "gradient by {name}"
    return say(shown.known.notation, said, name=shown.gradient)


_ARTICLE = Marks(
    lambda remark: rf" && \remark{{{latex_text(remark)}}}",
    lambda number: rf" \tag{{{number}}}\label{{eq:{number}}}",
    about=_said,
    left=lambda left: rf"\lhs{{{left}}}",
    indent=_INDENT,
    environment="flalign*",
    unremarked=" &&",
)
_DERIVED = replace(_ARTICLE, number=lambda number: rf" \tag{{\ref{{eq:{number}}}}}")


def _tables(entries: Sequence[Entry]) -> list[Sequence[Entry]]:
    """The entries in tables that fit on their pages."""
    if len(entries) <= FIRST + 6:
        return [entries]
    rest = entries[FIRST:]
    return [entries[:FIRST], *(rest[k : k + ROWS] for k in range(0, len(rest), ROWS))]


def _results(section: Section, marks: Marks, short: bool = False) -> Iterator[Paragraph]:
    """The equations, those of a recurrence under its steps; if `short`, the way back as by hand."""
    short = short and section.lines[0].loss is not None
    read = readers(section.lines)
    for block, lead in led(section, latex_words):
        lines = families(list(inlined(block.lines, read))) if short else block.lines
        yield Paragraph("", align(lines, marks, steps=False), lead)


def _likes(shown: View) -> Mapping[int, int]:
    """Of many equations those that are derived as an earlier one is, with that one."""
    lines = [line.line for line in shown.lines()]
    if len(lines) <= _EVERY:
        return {}
    return {number: like for number, (like, _) in earlier_likes(lines).items()}


def _derived(section: Section, likes: Mapping[int, int]) -> Iterator[Paragraph]:
    """How each equation was found, where there is more to say than itself."""
    for shown in section.lines:
        if not shown.line.steps:
            continue
        title = _title(shown, rf"\texttt{{{latex_text(shown.subject.name)}}}")
        like = likes.get(shown.number)
        if like is None:
            yield Paragraph(title, align_line(shown, _DERIVED))
        else:
            number = rf"\eqref{{eq:{shown.number}}}"
            as_ = rf"\eqref{{eq:{like}}}"
            said = "{title}, equation~{number}: as {like}"
            words = say(shown.known.notation, said, title=title, number=number, like=as_)
            yield Paragraph(words, "")


def _title(shown: Shown, name: str) -> str:
    if shown.loss:
        return heading(shown, name)
    symbol = f"${latex_of(shown.known.whole(shown.subject))}$"
    return say(shown.known.notation, "Value of {symbol} ({name})", symbol=symbol, name=name)
