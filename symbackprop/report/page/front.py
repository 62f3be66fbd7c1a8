"""What stands before the equations: names with their shapes, and what is said of the notation."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial

from symbackprop.equations.nodes import TensorSymbol
from symbackprop.report.documents import table_of_names
from symbackprop.report.escape import html_text
from symbackprop.report.formula import Formula
from symbackprop.report.languages import say
from symbackprop.report.latex import box, latex_of
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.page.prose import prose, spaced
from symbackprop.report.remarks import (
    conventions,
    draws,
    numbers_in_names,
    one_hot_labels,
    uses_rows,
    uses_slices,
)
from symbackprop.report.view import View
from symbackprop.templating import fill

# Em of a symbol, and letters of a name, that a line has room for: of a narrow window, of any.
_ROOMS = {"crowded": (4.5, 10), "wide": (8.0, 24)}


@dataclass(frozen=True)
class Name:
    """A row of the table of names."""

    formula: str
    name: str
    shape: str
    role: str


def names(view: View, unseen: Collection[TensorSymbol], mathematics: Mathematics) -> list[Name]:
    """Every name but the unseen."""
    skipped = {tensor.name for tensor in unseen}
    return [
        Name(
            mathematics.inline(entry.formula),
            html_text(entry.name).replace("_", "_<wbr>"),
            mathematics.inline(entry.shape),
            html_text(entry.role).replace("_", "_<wbr>"),
        )
        for entry in table_of_names(view)
        if entry.name not in skipped
    ]


def widest(view: View, unseen: Collection[TensorSymbol]) -> float:
    """The width in em of the widest name but the unseen."""
    forward = (line.equation.tensor for line in view.derivation.forward)
    seen = (t for t in (*view.derivation.system.given, *forward) if t not in unseen)
    return round(max(box(view.known.whole(tensor)).width for tensor in seen), 1)


def crowded(view: View, unseen: Collection[TensorSymbol]) -> list[str]:
    """Where a row of the table of names needs two lines: in a narrow window, or in a wide one."""
    skipped = {tensor.name for tensor in unseen}
    seen = (entry.name for entry in table_of_names(view) if entry.name not in skipped)
    symbol, letters = widest(view, unseen), max(map(len, seen))
    return [where for where, (em, most) in _ROOMS.items() if symbol > em or letters > most]


def notation(view: View, mathematics: Mathematics) -> list[str]:
    """What is said of the notation of these lines, a sentence or a few at a time."""
    found = [prose(text, mathematics) for text in _sentences(view)]
    return [*found, *map(spaced, conventions(view, steps=True))]


def _sentences(view: View) -> Iterator[str]:
    known = view.known
    said = partial(say, known.notation)
    numbers = numbers_in_names(view)
    yield fill("report_notation.jinja", notation=known.notation, say=said, numbers=numbers)
    for matrix, labels in one_hot_labels(view.lines()).items():
        yield said(
            "{matrix} is the one-hot matrix of {labels}.", matrix=_tex(matrix), labels=_tex(labels)
        )
    slices = uses_slices(view)
    if slices:
        yield said(
            "A name with fewer indices than axes, as {slices}, is the array of its entries there, "
            "one for each\nvalue of the indices; where it matters which axes they belong to, "
            "colons stand for the others.",
            slices=_tex(slices),
        )
    if uses_rows(view.lines()):
        along = "columns" if known.notation.reverses else "rows"
        yield said("softmax and logsumexp go along the {along} of a matrix.", along=said(along))
    drawn = said(", ").join(map(_tex, draws(view)))
    if drawn:
        yield said("Drawn anew at every call, where it is not given: {draws}.", draws=drawn)
    extents = said(", ").join(_tex(known.entry(e)) for e in view.derivation.system.extents)
    if extents:
        yield said("Fixed only when the program runs: {extents}.", extents=extents)


def _tex(formula: Formula) -> str:
    return f"${latex_of(formula)}$"
