"""All that the page's template prints, collected."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial

from symbackprop.equations.nodes import TensorSymbol
from symbackprop.report.boxes import Box
from symbackprop.report.escape import html_text
from symbackprop.report.graph import graph
from symbackprop.report.languages import say
from symbackprop.report.latex import box
from symbackprop.report.page.example import example, numbers_of
from symbackprop.report.page.front import crowded, names, notation, widest
from symbackprop.report.page.listing import functions
from symbackprop.report.page.mathematics import Mathematics
from symbackprop.report.page.picture import picture
from symbackprop.report.page.prose import html_words
from symbackprop.report.page.sections import Sections
from symbackprop.report.progression import copied, printed, told_repeats
from symbackprop.report.remarks import rules, updates
from symbackprop.report.view import View
from symbackprop.report.worked import Worked
from symbackprop.templating import fill

_HALF = 11.5  # em: the room of an update beside another
_STEP = r"\theta \;\gets\; \theta - \eta\, \frac{\partial L}{\partial \theta}"


def page(view: View, module: str, worked: Worked | None = None) -> str:
    """The page of a derivation, and of the module that was generated from it.

    With worked numbers they stand below every equation, and nothing is folded. Raises CallError
    where KaTeX cannot be run.
    """
    mathematics = Mathematics()
    title = html_text(view.derivation.system.title) or html_text(view.derivation.system.name)
    body = _body(view, module, worked, mathematics, title)
    return fill(
        "page.html.jinja",
        say=partial(say, view.known.notation),
        language=view.known.notation.language,
        title=title,
        body=body,
        mathematics=mathematics.style(),
    )


def _body(
    view: View, module: str, worked: Worked | None, mathematics: Mathematics, title: str
) -> str:
    system = view.derivation.system
    said = partial(say, view.known.notation)
    folded = {
        section.title: [] if worked else told_repeats(section.lines)
        for section in view.all_sections()
    }
    listed = functions(module)
    numbers = numbers_of(worked, view.known.notation) if worked else None
    sections = Sections(view, folded, mathematics, numbers.equations if numbers else {})
    seen, unseen = printed(view, folded), copied(view, folded)
    return fill(
        "page_body.html.jinja",
        say=said,
        title=title,
        name=html_text(system.name),
        notes=[html_text(part) for part in system.notes.split("\n\n") if part.strip()],
        picture=picture(graph(view, folded.get(said("Forward"), [])), view, mathematics),
        names=names(view, unseen, mathematics),
        widest=widest(view, unseen),
        crowded=crowded(view, unseen),
        copied=bool(unseen),
        notation=notation(seen, mathematics),
        sections=[(html_text(s.title), list(sections.groups(s))) for s in view.all_sections()],
        rule=mathematics.display(_STEP),
        steps=[_update(formula, number, mathematics) for formula, number in _steps(view, unseen)],
        states=[_update(box(update), number, mathematics) for update, number in updates(view)],
        example=numbers and example(numbers, mathematics),
        rules=[
            (html_text(rule), html_words(why, mathematics)) for rule, why in rules(seen).items()
        ],
        functions=listed,
    )


@dataclass(frozen=True)
class Update:
    """What a parameter or a state becomes, by which equation; `wide`: it has a line of its own."""

    formula: str
    number: int
    wide: bool


def _update(formula: Box, number: int, mathematics: Mathematics) -> Update:
    return Update(mathematics.inline(formula.tex), number, formula.width > _HALF)


def _steps(view: View, unseen: Collection[TensorSymbol]) -> Iterator[tuple[Box, int]]:
    """W ← W − η W̄ for every parameter that is seen, with the number of its gradient."""
    trained = {p.symbol for p in view.derivation.system.parameters if p.trainable}
    for shown in view.gradients():
        if shown.subject in trained and shown.subject not in unseen:
            name = box(view.known.whole(shown.subject))
            gradient = box(shown.known.whole(shown.line.equation.tensor))
            tex = rf"{name.tex} \gets {name.tex} - \eta\, {gradient.tex}"
            yield Box(tex, 2 * name.width + gradient.width + 3.4), shown.number
