"""The derivation as LaTeX: an article that compiles as it is.

It has every equation with its number first, then how each was derived.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from symbackprop.derivation.model import Derivation
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.notation import USUAL, Notation
from symbackprop.report.alignment import Marks, align, align_line
from symbackprop.report.documents import Paragraph, common, heading, led, table_of_names
from symbackprop.report.escape import UNBROKEN, foreign_letters, latex_names, latex_text
from symbackprop.report.graph import graph
from symbackprop.report.languages import LETTERS, say
from symbackprop.report.latex import latex_of
from symbackprop.report.progression import (
    Repeats,
    again,
    copied,
    printed,
    segments,
    told_repeats,
)
from symbackprop.report.repetition import Repeat, earlier_likes
from symbackprop.report.tikz import tikz
from symbackprop.report.view import Section, Shown, View, view
from symbackprop.report.words import latex_words
from symbackprop.report.worked import Worked
from symbackprop.report.worked.documents import tex as worked_tex
from symbackprop.templating import fill

_EVERY = 48  # equations; of more, those derived alike are derived once
_SHORT = 22  # rows; a table of no more is not parted
_INDENT = 3.2  # em that a left-hand side has at least: the signs of equality stand in a column


def document_tex(
    derivation: Derivation, notation: Notation = USUAL, worked: Worked | None = None
) -> str:
    """An article that pdflatex compiles: names, forward, loss, backward, numbers, every step.

    With worked numbers every equation is there; without, like blocks are said once.
    """
    shown = view(derivation, notation)
    sections = shown.all_sections()
    alike = {s.title: told_repeats(s.lines) for s in sections}
    folded: Repeats = dict.fromkeys(alike, ()) if worked else alike
    seen = printed(shown, folded)
    likes = _likes(seen)
    steps = [(latex_text(s.title), list(_derived(s, likes))) for s in seen.all_sections()]
    body = fill(
        "report_document.tex.jinja",
        **common(seen, latex_text, latex_words) | _named(shown, copied(shown, folded)),
        picture=tikz(graph(shown, alike.get(say(notation, "Forward"), ())), shown),
        ways=_ways(shown),
        sections=[(latex_text(s.title), list(_results(s, folded[s.title]))) for s in sections],
        worked=worked and worked_tex(worked, notation),
        likes=likes,
        derived=[(title, found) for title, found in steps if found],
    )
    return lettered(body, notation)


def _ways(shown: View) -> list[str]:
    """The losses, where there are several ways back."""
    losses = [loss.loss for loss in shown.derivation.losses]
    return [latex_of(shown.known.whole(loss)) for loss in losses] if len(losses) > 1 else []


def _named(shown: View, unseen: Collection[TensorSymbol]) -> dict[str, object]:
    """What has names in it, which may be long: then the table has room for lines of them."""
    system = shown.derivation.system
    skipped = {tensor.name for tensor in unseen}
    rows = [entry for entry in table_of_names(shown) if entry.name not in skipped]
    written = [replace(r, name=latex_names(r.name), role=latex_names(r.role)) for r in rows]
    long = max(len(row.name) for row in rows) > UNBROKEN
    return {
        "title": latex_names(system.title or system.name),
        "name": latex_names(system.name),
        "entries": written,
        "short": len(rows) <= _SHORT,
        "column": r">{\raggedright\arraybackslash}p{9em}" if long else "l",
        "copied": bool(unseen),
    }


def lettered(body: str, notation: Notation, before: str = "") -> str:
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


def _said(shown: Shown) -> str:
    """The word beside an equation."""
    if not shown.gradient:
        return "" if shown.loss else shown.line.equation.label
    said = "gradient by {name}, as (rows, values)" if shown.sparse else "gradient by {name}"
    return say(shown.known.notation, said, name=shown.gradient)


_ARTICLE = Marks(
    lambda remark: rf" && \remark{{{latex_names(remark)}}}",
    lambda number: rf" \tag{{{number}}}\label{{eq:{number}}}",
    about=_said,
    left=lambda left: rf"\lhs{{{left}}}",
    indent=_INDENT,
    environment="flalign*",
    unremarked=" &&",
)
_DERIVED = replace(_ARTICLE, number=lambda number: rf" \tag{{\ref{{eq:{number}}}}}", together=2)


def _results(section: Section, folded: Sequence[Repeat]) -> Iterator[Paragraph]:
    """The equations, those of a recurrence under its steps; copies by number and name alone."""
    for lines, repeat in segments(section.lines, folded):
        for block, lead in led(replace(section, lines=lines), latex_words):
            yield Paragraph("", align(block.lines, _ARTICLE, steps=False), lead)
        if repeat is not None:
            starts = range(repeat.start + repeat.period, repeat.end, repeat.period)
            groups = (section.lines[k : k + repeat.period] for k in starts)
            listed = "\n\n".join("\n".join(map(_copy, group)) for group in groups)
            yield Paragraph("", "", f"\\again{{{again(repeat, section.lines)}}}\n{listed}\n\\done")


def _copy(shown: Shown) -> str:
    """The number and the name of an equation that is not written out."""
    name = latex_of(shown.known.whole(shown.line.equation.tensor))
    name = rf"\boxed{{{name}}}" if shown.gradient else name
    return rf"\copied{{{shown.number}}}{{{name}}}"


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
        title = _title(shown, rf"\texttt{{{latex_names(shown.subject.name)}}}")
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
