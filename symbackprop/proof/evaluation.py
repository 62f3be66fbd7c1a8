"""Whether a statement holds on an instance: both sides, exactly where they are rational.

What is not rational is compared to 30 digits of 50. All entries of a derivative are compared at
once, summed with random weights below 2²⁰; each counts as one equality.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from symbackprop.equations.evaluate_environment import Environment
from symbackprop.equations.evaluate_numbers import Undefined, Value
from symbackprop.equations.nodes import Partial
from symbackprop.proof.comparison import Difference, Outcome, compare, entry, show
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
from symbackprop.proof.sides import DerivativeSides, Sides, thin_tensors, thinned
from symbackprop.proof.statements import Statement
from symbackprop.proof.sums import operations

_FEW = 4  # entries of a cotangent that are not 0, and places to look at, where all cost too much
_WEIGHTS = 2**20
_DEAREST = 100_000_000  # operations at one place; a dearer statement is not looked at


@dataclass(frozen=True)
class _Looked:
    """What came of looking at the sides at these places."""

    outcome: Outcome
    sides: Sides | None = None
    places: Sequence[int] = ()


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
    look = _at_once if statement.before.expr.has(Partial) else _one_by_one
    extents = sizes(statement, draw.shape, smaller=not draw.own)
    found = _Looked(Outcome())
    for attempt in range(len(RANGES)):
        try:
            found = look(statement, draw, instance(statement, draw, extents, attempt))
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
    derivative = statement.before.expr.has(Partial)
    return derivative and found.difference.narrower and not (draw.kinks and has_kinks(statement))


def _one_by_one(statement: Statement, draw: Draw, environment: Environment) -> _Looked:
    """Both sides at every value of the indices, or at sampled ones, up to where they part.

    Raises Undefined where the side before has no value at any.
    """
    sides, found = Sides(statement, environment), Outcome()
    both = (statement.before.expr, statement.after.expr)
    cost = sum(operations(expr, environment.extents) for expr in both)
    if cost > _DEAREST:
        return _Looked(Outcome())
    places = _sample(sides.shape, draw.operations // cost, draw)
    for place in places:
        with suppress(Undefined):
            found += _at(sides, place)
        if found.difference:
            return _Looked(found, sides, places)
    if not found.held:
        raise Undefined("the side before has no value at any place")
    return _Looked(found, sides, places)


def _at_once(statement: Statement, draw: Draw, environment: Environment) -> _Looked:
    """All places, or sampled ones, summed with random weights; each counts as one equality."""
    extents = environment.extents
    derivatives = (*statement.differentiated.values(), *statement.through.values())
    each = max((operations(e.rhs, extents) for e in derivatives), default=1)
    cost = operations(statement.before.expr, extents, each)
    if cost > _DEAREST:
        return _Looked(Outcome())
    thin = thin_tensors(statement) if cost > draw.operations else []
    sides = DerivativeSides(statement, thinned(environment, thin, _FEW, draw), thin)
    number = max(_FEW, draw.operations // operations(statement.after.expr, extents))
    places = _sample(sides.shape, number, draw)
    if thin and len(places) < math.prod(sides.shape):
        reached = sides.reached()
        some = ends_and_others(len(reached), number, draw)
        places = sorted({*(reached[k] for k in some), *places[:_FEW]})
    chance = random.Random(draw.shape)
    weights = {place: chance.randrange(1, _WEIGHTS) for place in places}
    before = sides.along(weights)
    try:
        terms = (w * sides.after(point_at(place, sides.shape)) for place, w in weights.items())
        found = compare((), before, sum(terms))
    except (Undefined, AssertionError) as wrong:
        found = _no_value((), before, wrong)
    if not found.difference:
        exactly, digits = (count * len(places) for count in (found.exactly, found.digits))
        found = replace(found, exactly=exactly, digits=digits)
    return _Looked(found, sides, places)


def _sample(shape: Point, number: int, draw: Draw) -> Sequence[int]:
    """All places, or so many of them: the first and the last, and others at random."""
    size = math.prod(shape)
    return range(size) if size <= number else ends_and_others(size, number, draw)


def _at(sides: Sides, place: int) -> Outcome:
    """The sides at one place. Raises Undefined where the side before has no value."""
    point = point_at(place, sides.shape)
    before = sides.before(point)
    try:
        return compare(point, before, sides.after(point))
    except (Undefined, AssertionError) as wrong:
        return _no_value(point, before, wrong)


def _no_value(point: Point, before: Value, wrong: Exception) -> Outcome:
    narrower = isinstance(wrong, Undefined)
    return Outcome(difference=Difference(point, show(before), str(wrong), narrower=narrower))


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
