"""The fewest mistakes that make the derivation give what the stranger gave.

The way back is gone from the loss. A line can be where a mistake is if all gradients that it leads
to are wrong. Of all that may stand there, what explains the most wrong gradients at every point is
taken, and the rest is held against the derivation with that mistake in it. Nothing is guessed:
what no mistake gives exactly stays unexplained.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from symbackprop.auditing.compare import Compared
from symbackprop.auditing.hypotheses import Hypothesis, everywhere_updated, single
from symbackprop.auditing.others import (
    anew,
    other_networks,
    slope_too_many,
    through_activations,
)
from symbackprop.auditing.scaled import factor_faults
from symbackprop.auditing.search import Fault, Search, as_it_stands
from symbackprop.auditing.world import Change, World
from symbackprop.derivation.model import Line

_MOST = 6  # mistakes in one function
SECONDS = 20.0  # of search, of processor time
LIKELY = 1.1  # the cost of hypotheses that are tried at all lines before others are at any
ANY = 9.0


def explain(
    world: World, found: Mapping[str, Sequence[Compared]], rates: Sequence[float | None]
) -> tuple[list[Fault], list[str]]:
    """The faults, those nearest the loss first, and the gradients that none explains."""
    start = [
        {n: p.values[world.loss.gradients[n].equation.tensor.name] for n in found}
        for p in world.points
    ]
    search = Search(world, found, rates, Change(), start, time.process_time() + SECONDS)
    faults: list[Fault] = []
    while len(faults) < _MOST and (wrong := search.wrong()) and not search.late:
        best = _best(search, wrong)
        if best is None:
            break
        faults.append(best)
        if not best.change:
            return faults, []
        search.world = best.world or search.world
        search.take(best.change)
    return sorted(faults, key=lambda fault: fault.line.number), search.wrong()


def _best(search: Search, wrong: Sequence[str]) -> Fault | None:
    """The best fault of the first kind of search that finds one."""
    ways: list[Callable[[], Iterator[Fault]]] = [
        lambda: _at_lines(search, wrong, whole=True, harmless=True, below=LIKELY),
        lambda: _at_lines(search, wrong, whole=True, harmless=True),
        lambda: _stale(search, wrong),
        lambda: _at_lines(search, wrong, whole=False, harmless=True),
        lambda: _otherwise(search, wrong),
        lambda: _at_lines(search, wrong, whole=True, harmless=False),
        lambda: _other_networks(search, wrong),
    ]
    for way in ways:
        found = list(way())
        if found:
            return min(found, key=lambda fault: fault.rank)
    return None


def _at_lines(
    search: Search, wrong: Sequence[str], whole: bool, harmless: bool, below: float = ANY
) -> Iterator[Fault]:
    """Faults of single lines; with `harmless`, of those that lead to wrong gradients alone.

    A fault that explains all that is wrong ends the search after its line.
    """
    world = search.world
    for line in world.lines:
        of = world.spoils(line.equation.tensor.name, search.base) & set(search.found)
        right = of - set(wrong)
        if not of - right or harmless == bool(right) or search.late:
            continue
        order = sorted(of - right, key=lambda n: world.distance(line.equation.tensor.name, n))
        done = False
        for fault in _at_line(search, line, order, right, whole, below):
            yield fault
            done = done or len(fault.gradients) == len(wrong)
        if done:
            return


def _at_line(
    search: Search,
    line: Line,
    of: Sequence[str],
    right: AbstractSet[str],
    whole: bool,
    below: float = ANY,
) -> Iterator[Fault]:
    if not right:
        yield from factor_faults(search, line, of, whole)
    for hypothesis in single(search.world, as_it_stands(search, line)):
        if search.late:
            return
        if hypothesis.cost <= below:
            yield from _tried(search, hypothesis, of, right, whole)


def _tried(
    search: Search,
    hypothesis: Hypothesis,
    of: Sequence[str],
    right: AbstractSet[str],
    whole: bool,
) -> Iterator[Fault]:
    change = hypothesis.change
    explained = search.explained(change, of, whole)
    unharmed = sorted(right - change.before)
    if not explained or (unharmed and not search.explained(change, unharmed, whole=True)):
        return
    names = tuple(n for n in search.found if n in explained)
    yield Fault(
        hypothesis.kind,
        hypothesis.words,
        hypothesis.line,
        names,
        change,
        left=len(of) - len(names),
        cost=hypothesis.cost,
    )


def _stale(search: Search, wrong: Sequence[str]) -> Iterator[Fault]:
    right = set(search.found) - set(wrong)
    for hypothesis in everywhere_updated(search.world):
        yield from _tried(search, hypothesis, wrong, right, whole=False)


def _otherwise(search: Search, wrong: Sequence[str]) -> Iterator[Fault]:
    """Faults on the way through an activation that the derivation has simplified away."""
    if search.base:
        return
    right = set(search.found) - set(wrong)
    for line in search.world.lines:
        of = search.world.spoils(line.equation.tensor.name, search.base) & set(search.found)
        if of and not of & right:
            for hypothesis in slope_too_many(search.world, line):
                yield from _tried(search, hypothesis, sorted(of), set(), whole=True)
    for way in through_activations(search.world):
        within = replace(search, world=way.world)
        for line in way.lines:
            of = way.world.spoils(line.equation.tensor.name, search.base) & set(search.found)
            if of and not of & right:
                for fault in _at_line(within, line, sorted(of), set(), whole=True):
                    yield replace(fault, world=way.world)


def _other_networks(search: Search, wrong: Sequence[str]) -> Iterator[Fault]:
    """The right gradients of a network with a mistake on its way forward."""
    if search.base:
        return
    names = [*wrong, *sorted(set(search.found) - set(wrong))]
    for world, hypothesis in other_networks(search.world, search.world.derivation.forward):
        if search.late:
            return
        for number in range(len(world.points)):
            values = anew(world, number, names)
            if values is None or not all(
                search.found[n][number].agrees_with(values[n]) for n in names
            ):
                break
        else:
            yield Fault(
                hypothesis.kind, hypothesis.words, hypothesis.line, tuple(wrong), Change(),
                cost=hypothesis.cost,
            )  # fmt: skip
            return
