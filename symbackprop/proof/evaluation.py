"""Whether a statement holds on an instance: both sides, exactly where they are rational.

What is not rational is compared to 30 digits of 50, and in finer numbers where that leaves it open
whether two sides vanish or part. All entries of a derivative are compared at
once, summed with random weights below 2²⁰; each counts as one equality.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from symbackprop.equations.evaluate_environment import Environment
from symbackprop.equations.evaluate_numbers import Undefined, Value, finer
from symbackprop.equations.nodes import Partial
from symbackprop.proof.comparison import (
    NO_VALUES,
    TOO_DEAR,
    Difference,
    Outcome,
    compare,
    entry,
    show,
)
from symbackprop.proof.extents import sizes
from symbackprop.proof.instances import (
    RANGES,
    Draw,
    Point,
    ends_and_others,
    has_kinks,
    instance,
    lazily,
    point_at,
)
from symbackprop.proof.nets import cast
from symbackprop.proof.sides import AnySides, DerivativeSides, Sides, thin_tensors, thinned
from symbackprop.proof.statements import Statement
from symbackprop.proof.sums import operations

_FEW = 4  # entries of a cotangent that are not 0, and places to look at, where all cost too much
_WEIGHTS = 2**20
_DEAREST = 100_000_000  # operations at one place; a dearer statement is not looked at
_SEARCH = 2_000_000  # operations at points of the wider net, until one has values


@dataclass(frozen=True)
class _Looked:
    """What came of looking at the sides at these places."""

    outcome: Outcome
    sides: Sides | None = None
    places: Sequence[int] = ()


Look = Callable[[Statement, Draw, Environment], _Looked]


@functools.lru_cache(maxsize=4096)
def outcome(statement: Statement, draw: Draw) -> Outcome:
    """The statement on the first instance on which it has values; of all that say the same, once.

    Nothing is compared where it has none.
    """
    return _looked(statement, draw).outcome


def told(statement: Statement, draw: Draw) -> Difference:
    """The first place where the sides of a statement that fails part, and what they read there."""
    looked = _looked(statement, draw)
    assert looked.outcome.difference is not None
    for place in looked.places:
        assert looked.sides is not None
        with suppress(Undefined):
            difference = _at(looked.sides, place).difference
            if difference:
                return _with_reads(difference, looked.sides)
    return looked.outcome.difference


def _looked(statement: Statement, draw: Draw) -> _Looked:
    if not (draw.smooth or has_kinks(statement)):
        return _Looked(Outcome())
    extents = sizes(statement, draw.shape, smaller=not draw.own)
    cost = _cost(statement, extents)
    if cost > _DEAREST:
        return _Looked(Outcome(nothing=TOO_DEAR))
    drawn = (instance(statement, draw, extents, attempt) for attempt in range(len(RANGES)))
    found = _first(statement, draw, drawn, _look)
    if found is None and not draw.kinks:
        wider = islice(cast(statement, draw), max(1, _SEARCH // cost))
        look = functools.partial(_look_at_one, random.Random(draw.shape))
        found = _first(statement, draw, wider, look)
    return found or _Looked(Outcome(nothing="" if draw.kinks else NO_VALUES))


def _first(
    statement: Statement, draw: Draw, instances: Iterable[Environment], look: Look
) -> _Looked | None:
    """What came of the first instance on which the statement has values, if there is one."""
    found = None
    for environment in instances:
        try:
            found = look(statement, draw, environment)
        except Undefined:
            continue
        except AssertionError as wrong:  # outside of a tensor, or an index that nothing binds
            return _Looked(Outcome(difference=Difference((), str(wrong), "not looked at")))
        if not (found.outcome.difference and _may_be_drawn_amiss(found.outcome, statement, draw)):
            break
    return found


def _may_be_drawn_amiss(found: Outcome, statement: Statement, draw: Draw) -> bool:
    """Whether an equation may lack values only where the tensors cannot be what is drawn.

    A cotangent may read z where its network, a derivative, does not: z over the root of a running
    variance, which is never negative. Steps keep the domain, and a lost guard shows at kinks.
    """
    assert found.difference is not None
    narrower = _is_derivative(statement) and found.difference.narrower
    return narrower and not (draw.kinks and has_kinks(statement))


def _is_derivative(statement: Statement) -> bool:
    return bool(statement.before.expr.has(Partial))


def _look(statement: Statement, draw: Draw, environment: Environment) -> _Looked:
    """Both sides on an instance. Raises Undefined where the side before has no value."""
    if _is_derivative(statement):
        return _at_once(statement, draw, environment)
    return _one_by_one(statement, draw, environment)


def _look_at_one(
    chance: random.Random, statement: Statement, draw: Draw, environment: Environment
) -> _Looked:
    """The same; a derivative at one place at least, and at others too if they have values."""
    if not _is_derivative(statement):
        return _one_by_one(statement, draw, environment)
    found = _at_once(statement, draw, environment, chance)
    with suppress(Undefined):
        found = _at_once(statement, draw, environment)
    return found


def _cost(statement: Statement, extents: Mapping[Any, int]) -> int:
    """About how many numbers one entry of the sides touches; of a derivative, all together."""
    before, after = statement.before.expr, statement.after.expr
    if not _is_derivative(statement):
        return operations(before, extents) + operations(after, extents)
    derivatives = (*statement.differentiated.values(), *statement.through.values())
    each = max((operations(e.rhs, extents) for e in derivatives), default=1)
    return operations(before, extents, each)


def _one_by_one(statement: Statement, draw: Draw, environment: Environment) -> _Looked:
    """Both sides at every value of the indices, or at sampled ones, up to where they part.

    Raises Undefined where the side before has no value at any.
    """
    sides, found = Sides(statement, environment), Outcome()
    number = draw.operations // _cost(statement, environment.extents)
    places = _sample(sides.shape, number, draw)
    for place in places:
        with suppress(Undefined):
            found += _at(sides, place)
        if found.difference:
            return _Looked(found, sides, places)
    if not found.held:
        raise Undefined("the side before has no value at any place")
    return _Looked(found, sides, places)


def _at_once(
    statement: Statement,
    draw: Draw,
    environment: Environment,
    alone: random.Random | None = None,
) -> _Looked:
    """All places, or sampled ones, summed with random weights; each counts as one equality.

    Where all cost too much, only some entries of the cotangents are not 0; with `alone`, only one
    is, and one place is looked at.
    """
    dear = _cost(statement, environment.extents) > draw.operations
    thin = thin_tensors(statement) if alone or dear else []

    def some(size: int, number: int) -> list[int]:
        return [alone.randrange(size)] if alone else ends_and_others(size, number, draw)

    few = thinned(environment, thin, lambda size: some(size, _FEW))
    sides = DerivativeSides(statement, few, thin)
    number = max(_FEW, draw.operations // operations(statement.after.expr, environment.extents))
    places = _sample(sides.shape, number, draw)
    if alone or (thin and len(places) < math.prod(sides.shape)):
        reached = sides.reached()
        if alone and not reached:
            raise Undefined("the side before reads nothing")
        ends = [] if alone else places[:_FEW]
        places = sorted({*(reached[k] for k in some(len(reached), number)), *ends})
    chance = random.Random(draw.shape)
    weights = {place: chance.randrange(1, _WEIGHTS) for place in places}

    def after(sides: DerivativeSides) -> Value:
        return sum(w * sides.after(point_at(place, sides.shape)) for place, w in weights.items())

    found = _compared(sides, (), lambda sides: sides.along(weights), after)
    if not found.difference:
        exactly, digits = (count * len(places) for count in (found.exactly, found.digits))
        found = replace(found, exactly=exactly, digits=digits)
    return _Looked(found, sides, places)


def _sample(shape: Point, number: int, draw: Draw) -> Sequence[int]:
    """All places, or so many of them: the first and the last, and others at random."""
    size = math.prod(shape)
    return range(size) if size <= number else ends_and_others(size, number, draw)


def _at(sides: AnySides, place: int) -> Outcome:
    """The sides at one place. Raises Undefined where the side before has no value."""
    point = point_at(place, sides.shape)
    return _compared(sides, point, lambda sides: sides.before(point), lambda s: s.after(point))


def _compared(
    sides: AnySides,
    point: Point,
    before: Callable[[AnySides], Value],
    after: Callable[[AnySides], Value],
    fine: bool = False,
) -> Outcome:
    """Both values, in finer numbers where they part by so little that it may be rounding."""
    value = before(sides)
    try:
        found = compare(point, value, after(sides), fine)
    except (Undefined, AssertionError) as wrong:
        narrower = isinstance(wrong, Undefined)
        return Outcome(difference=Difference(point, show(value), str(wrong), narrower=narrower))
    if found.difference and found.difference.close:
        with finer():
            return _compared(sides.again(), point, before, after, fine=True)
    return found


def _with_reads(difference: Difference, sides: Sides) -> Difference:
    """The difference, with the entries that are read for both sides."""
    flat = {name: known.flat for name, known in sides.environment.tensors.items()}
    recorded = {
        name: lazily(known.shape, flat[name].__getitem__)
        for name, known in sides.environment.tensors.items()
    }
    again = type(sides)(sides.statement, replace(sides.environment, tensors=recorded))
    for side in ("before", "after"):
        with suppress(Undefined, AssertionError):
            getattr(again, side)(difference.point)
    read = [
        f"{entry(name, point_at(place, known.shape))} = {show(known.flat[place])}"
        for name, known in sorted(recorded.items())
        for place in sorted(known.flat)
    ]
    return replace(difference, read=tuple(read))
