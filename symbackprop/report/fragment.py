r"""The derivation for one's own paper, taken in by \input: its equations, which the paper numbers.

It says everything as briefly as it can: what is read once stands where it is read, equations of one
form are one with a star, and like blocks are said once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from symbackprop.derivation.model import Derivation
from symbackprop.notation import USUAL, Notation
from symbackprop.report.alignment import Marks, align
from symbackprop.report.article import lettered
from symbackprop.report.boxes import upright
from symbackprop.report.documents import Paragraph, common, led
from symbackprop.report.escape import latex_text
from symbackprop.report.families import Rewritten, families
from symbackprop.report.inlining import inlined, readers
from symbackprop.report.latex import latex_of
from symbackprop.report.progression import again, segments, told_repeats
from symbackprop.report.remarks import conventions, updates
from symbackprop.report.view import Section, Shown, view
from symbackprop.report.words import latex_words
from symbackprop.report.worked import Worked
from symbackprop.report.worked.documents import tex as worked_tex
from symbackprop.templating import fill

_TAG = re.compile(r"\\tag\{(\d+)\}")


def fragment_tex(
    derivation: Derivation, notation: Notation = USUAL, worked: Worked | None = None
) -> str:
    r"""What a paper takes in by \input: the equations of every section, without a preamble.

    Each has a label, the spec's name before its number here; the paper numbers them. With worked
    numbers every equation is there.
    """
    shown = view(derivation, notation)
    prefix = re.sub(r"[^A-Za-z0-9_]+", "-", derivation.system.name)
    marks = _marks(prefix)
    written = _whole if worked else _short
    sections = [(latex_text(s.title), list(written(s, marks))) for s in shown.all_sections()]
    equations = "\n".join(part.equations for _, found in sections for part in found)
    labels = set(re.findall(rf"\\label\{{{prefix}:(\d+)\}}", equations))
    changed = [(latex_of(update), n if str(n) in labels else 0) for update, n in updates(shown)]
    said = common(shown, latex_text, latex_words) | {
        "conventions": map(latex_text, conventions(shown, False)),
        "updates": changed,
    }
    body = fill(
        "report_fragment.tex.jinja",
        **said,
        prefix=prefix,
        worked=worked and _TAG.sub(rf"\\tag{{\\ref{{{prefix}:\1}}}}", worked_tex(worked, notation)),
        sections=sections,
        starred=r"\star" in equations,
    )
    return lettered(body, notation, "%   ")


def _marks(prefix: str) -> Marks:
    return Marks(
        lambda stands: rf" && {stands}" if stands else "",
        lambda n: rf" \label{{{prefix}:{n}}}",
        about=_stands,
        unnumbered=r" \notag",
        environment="align",
    )


def _stands(shown: Shown) -> str:
    """What a star stands for."""
    if not isinstance(shown, Rewritten) or not shown.words:
        return ""
    return rf"\star = {', '.join(upright(word) for word in shown.words)}"


def _whole(section: Section, marks: Marks) -> Iterator[Paragraph]:
    """All equations, those of a recurrence under its steps."""
    for block, lead in led(section, latex_words):
        yield Paragraph("", align(block.lines, marks, steps=False), lead)


def _short(section: Section, marks: Marks) -> Iterator[Paragraph]:
    """The equations as one writes them by hand: like blocks once, the way back without detours."""
    read = readers(section.lines)
    for lines, repeat in segments(section.lines, told_repeats(section.lines)):
        for block, lead in led(replace(section, lines=lines), latex_words):
            back = block.lines[0].loss is not None
            brief = list(families(list(inlined(block.lines, read)))) if back else block.lines
            yield Paragraph("", align(brief, marks, steps=False), lead)
        if repeat is not None:
            yield Paragraph("", again(repeat, section.lines))
