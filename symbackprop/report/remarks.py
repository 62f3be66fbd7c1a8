"""What is said in words beside the equations: conventions, rules, what is drawn, what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sympy import Integer

from symbackprop.equations.nodes import Index, pointwise_function
from symbackprop.equations.reductions import ArgMax, ArgMin, LogSumExp
from symbackprop.equations.system import Draw
from symbackprop.report.conditions import is_masked
from symbackprop.report.entries import entry_form
from symbackprop.report.formula import (
    Apply,
    Big,
    Counting,
    Formula,
    Named,
    Number,
    Relation,
    walk,
)
from symbackprop.report.languages import say
from symbackprop.report.naming import layer_of
from symbackprop.report.reasons import reason
from symbackprop.report.recurring import End
from symbackprop.report.view import Block, Shown, View
from symbackprop.report.words import Words, phrased

REVERSED = (
    "Every array is written with its axes in the opposite order of those that the code has: the "
    "samples of a batch are the columns of a matrix."
)
_OWN = "A number in brackets above a name is its own in the spec, not a layer."
# What a layer's number is, and one that is no layer's.
_NUMBERS = {
    "superscript": ("A number above a name is its layer, not a power.", _OWN),
    "brackets": (
        "A number in brackets above a name is its layer.",
        "A number without brackets above a name is its own in the spec, not a power.",
    ),
    "subscript": ("A number below a name is its layer.", _OWN),
}
FEW = 3  # steps that are named one by one
_KINKED = tuple(map(pointwise_function, ("relu", "abs")))


def one_hot_labels(shown: Iterable[Shown]) -> dict[Named, Named]:
    """The one-hot matrices that formulas use, each with its labels."""
    used: dict[Named, Named] = {}
    for line in shown:
        if line.matrix is None:
            continue
        matrices = {known: t for t, known in line.known.onehot.items()}
        for part in walk(line.matrix.right):
            if isinstance(part, Named) and part.display in matrices:
                used[part] = line.known.whole(matrices[part.display])
    return used


def rules(view: View) -> dict[str, Words]:
    """Every rule used, in order of first use, with what it says."""
    used: dict[str, Words] = {}
    notation = view.known.notation
    for shown in view.lines():
        for step in (*shown.line.steps, *shown.line.also):
            used.setdefault(say(notation, step.rule), reason(step.why, notation))
    return used


def numbers_in_names(view: View) -> list[str]:
    """What numbers above or below names are, where there are such."""
    known, system = view.known, view.derivation.system
    layers, aside = _NUMBERS[known.notation.layers]
    seen = {*system.given, *(shown.subject for shown in view.lines())}
    found = [layers] if any(layer_of(t) for t in seen - known.aside) else []
    found += [aside] if seen & known.aside else []
    return [say(known.notation, sentence) for sentence in found]


def conventions(view: View, steps: bool) -> list[str]:
    """The choices that the derivatives of this derivation rest on, and its notation, in words.

    `steps`: every rule is shown, too.
    """
    derivation = view.derivation
    found = []
    cotangents = [line for loss in derivation.losses for line in loss.cotangents]
    if view.known.notation.reverses:
        found.append(REVERSED)
    if any(line.equation.rhs.has(*_KINKED) for line in derivation.forward):
        found.append("relu and abs have derivative 0 at 0.")
    if any(line.equation.rhs.has(ArgMax, ArgMin) for line in cotangents):
        found.append("max and min pass the derivative to the first place that attains them.")
    if any(isinstance(part, Big) and part.given for part in _parts(view, steps)):
        found.append("A sum with a condition below it runs over the indices that satisfy it.")
    sums = (e for line in derivation.forward for e in line.equation.rhs.atoms(LogSumExp))
    if any(is_masked(total.body) for total in sums):
        found.append("The exponential of a masked score counts as 0.")
    return [say(view.known.notation, sentence) for sentence in found]


def uses_rows(shown: Iterable[Shown]) -> bool:
    """Whether a function along the rows of a matrix occurs."""
    rows = ("softmax", "logsoftmax", "logsumexp")
    return any(
        isinstance(part, Apply) and part.function in rows
        for line in shown
        if line.matrix is not None
        for part in walk(line.matrix.right)
    )


def uses_slices(view: View) -> Formula | None:
    """The first left-hand side that is one matrix of several, as S_nh."""
    lefts = (line.matrix.left for line in view.lines() if line.matrix is not None)
    return next((a for a in lefts if isinstance(a, Named) and a.indices), None)


def _parts(view: View, steps: bool) -> Iterator[Formula]:
    for line in view.lines():
        rows = [*line.other_forms(), *(line.rows() if steps else [])]
        for formula in (line.formula, *(row.formula for row in rows)):
            yield from walk(formula)


def steps_heading(block: Block) -> Words:
    """for t = 0, 1, …, T - 1, with what stands beyond the ends; nothing where nothing recurs."""
    group = block.recurrence
    if group is None:
        return ()
    first = block.lines[0]
    step = group.step_of(first.line.equation)
    notation, ends = first.known.notation, _beyond(block)
    steps = (_counting(first, step, group.reverse),)
    if not ends:
        return phrased(notation, "for {steps}:", steps=steps)
    return phrased(notation, "for {steps}, with {ends}:", steps=steps, ends=ends)


def _counting(shown: Shown, step: Index, reverse: bool) -> Formula:
    last = entry_form(step.extent - 1, shown.known)
    zero, one = Number(Integer(0)), Number(Integer(1))
    index = shown.known.entry(step)
    if step.extent.is_Integer and step.extent <= FEW:
        values = tuple(Number(Integer(t)) for t in range(int(step.extent)))
        return Counting(index, values[::-1] if reverse else values, None)
    return Counting(index, (last,), zero) if reverse else Counting(index, (zero, one), last)


def _beyond(block: Block) -> Words:
    """H_{-1} = C_{-1} = 0: tensors that are alike beyond their ends in one chain."""
    matrices = all(shown.matrix is not None for shown in block.lines)
    chains: dict[Formula, Formula] = {}
    for shown in block.lines:
        end = shown.steps.ends.get(shown.line.equation.tensor)
        if end is None:
            continue
        value = entry_form(end.value, shown.known)
        for left in _lefts(shown, end, matrices and end.value == 0):
            chains[value] = Relation("==", chains[value], left) if value in chains else left
    and_ = say(block.lines[0].known.notation, " and ")
    words: list[str | Formula] = []
    for value, chain in chains.items():
        words += [and_] * bool(words) + [Relation("==", chain, value)]
    return tuple(words)


def _lefts(shown: Shown, end: End, matrices: bool) -> Iterator[Formula]:
    for place in end.places():
        position = entry_form(place, shown.known)
        yield shown.at_step(end.axis, position, matrices)


def draws(view: View) -> list[Formula]:
    """The inputs that are drawn where they are not given, each with its distribution."""
    found: list[Formula] = []
    for given in view.derivation.system.inputs:
        if given.draw is not None:
            name = view.known.whole(given.symbol)
            found.append(Relation("~", name, _distribution(given.draw, view)))
    return found


def _distribution(draw: Draw, view: View) -> Formula:
    """The law with its numbers: of the normal one, mean and variance."""
    first, *rest = draw.parameters
    if draw.law == "normal":
        rest = [rest[0] ** 2]
    return Apply(draw.law, tuple(entry_form(p, view.known) for p in (first, *rest)))


def updates(view: View) -> list[tuple[Formula, int]]:
    """state ← its new value, with the number of the equation that gives that."""
    numbers = {line.equation.tensor: line.number for line in view.derivation.forward}
    known = view.known
    return [
        (Relation("<-", known.whole(s.symbol), known.whole(s.update)), numbers[s.update])
        for s in view.derivation.system.states
    ]
