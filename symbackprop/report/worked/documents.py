"""A worked example as a part of a LaTeX article or of a Markdown page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from symbackprop.notation import USUAL, Notation
from symbackprop.report.alignment import PAGE, environment
from symbackprop.report.escape import latex_names, markdown_text
from symbackprop.report.formula import Formula, Relation
from symbackprop.report.languages import say
from symbackprop.report.latex import box, latex_of
from symbackprop.report.worked.equations import Example, example
from symbackprop.report.worked.remarks import AFTERWARDS, remarks
from symbackprop.report.worked.typeset import equations, row, updates
from symbackprop.report.worked.values import Worked
from symbackprop.templating import fill

Escape = Callable[[str], str]


@dataclass(frozen=True)
class Step:
    """What a step of training on one loss makes of its parameters."""

    title: str
    equations: str
    closing: str


@dataclass(frozen=True)
class _Medium:
    """How a kind of document is written. `sizes` are sizes of type, each with its scale."""

    template: str
    escape: Escape
    displayed: Callable[[list[list[str]]], str]
    sizes: tuple[tuple[str, float], ...] = (("", 1.0),)


def tex(worked: Worked, notation: Notation = USUAL) -> str:
    """A section of an article; its equations have the numbers of the report."""
    return _filled(_ARTICLE, worked, notation)


def markdown(worked: Worked, notation: Notation = USUAL) -> str:
    """The same for a Markdown page as GitHub renders it."""
    return _filled(_PAGE, worked, notation)


def latex(worked: Worked, notation: Notation = USUAL) -> str:
    """The equations alone, for a paper that has amsmath: one align* environment a section."""
    shown = example(worked, notation)
    parts = [f"${row(one)}$" for one in shown.given]
    parts += [_together([equations([one]) for one in found]) for _, found in shown.sections]
    parts += [_together([updates([one]) for one in found]) for found in shown.updates.values()]
    return "\n\n".join(parts) + "\n"


def _filled(medium: _Medium, worked: Worked, notation: Notation) -> str:
    shown = example(worked, notation)
    size, room = _size(shown, medium)
    return fill(
        medium.template,
        say=partial(say, notation),
        size=size,
        remarks=[medium.escape(remark) for remark in remarks(worked, shown)],
        given=[row(one) for one in shown.given],
        sections=[
            (medium.escape(title), medium.displayed([equations([one], room) for one in found]))
            for title, found in shown.sections
        ],
        steps=list(_steps(shown, medium, room)),
        states=[row(one) for one in shown.states],
    )


def _size(shown: Example, medium: _Medium) -> tuple[str, float]:
    """The largest type in which every matrix fits, and the em that a line of it has."""
    found = [one for _, section in shown.sections for one in section]
    rows = [*shown.given, *shown.states, *(r for one in found for r in one.rows)]
    widest = max(box(one.left).width + box(one.result).width for one in rows) + 6
    for size, scale in medium.sizes:
        if widest <= PAGE.alone / scale:
            return size, PAGE.alone / scale
    size, scale = medium.sizes[-1]
    return size, PAGE.alone / scale


def _steps(shown: Example, medium: _Medium, room: float) -> Iterator[Step]:
    said = partial(say, shown.view.known.notation)
    title = "Update by {loss}, {rate}" if len(shown.updates) > 1 else "Update, {rate}"
    rate = latex_of(Relation("==", shown.rate_name, shown.rate))
    for (loss, found), (name, before, now) in zip(shown.updates.items(), shown.after, strict=True):
        if found:
            symbols = dict(zip(("name", "before", "now"), _dollars(name, before, now), strict=True))
            displayed = medium.displayed([updates([one], room) for one in found])
            heading = said(title, loss=medium.escape(loss), rate=f"${rate}$")
            yield Step(heading, displayed, said(AFTERWARDS, **symbols))


def _dollars(*formulas: Formula) -> Iterator[str]:
    return (f"${latex_of(formula)}$" for formula in formulas)


def _together(rows: list[list[str]]) -> str:
    """All in one environment, so that their signs stand below one another; a page may end between
    two of them.
    """
    return environment(" \\\\*\n".join(lines) for lines in rows)


def _apart(rows: list[list[str]]) -> str:
    """A display each: a page that scrolls sets them one by one."""
    return "\n".join(f"```math\n{environment(lines)}\n```\n" for lines in rows)


_SIZES = (("", 1.0), (r"\footnotesize", 0.82), (r"\scriptsize", 0.73), (r"\tiny", 0.55))
_ARTICLE = _Medium("report_worked.tex.jinja", latex_names, _together, _SIZES)
_PAGE = _Medium("report_worked.md.jinja", markdown_text, _apart)
