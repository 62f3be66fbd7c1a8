"""A wider net: more points to try for a statement that has no values where it is drawn first.

Every tensor has a range of its own, between two numbers that the statement names or of some scale,
so that 6 < x < 8 is met. Where something has no value, what was drawn last is drawn again, so that
x[n] < x[n + 1] is met step by step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise

from symbackprop.equations.evaluate_environment import Environment
from symbackprop.equations.evaluate_numbers import Value
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.proof.extents import sizes
from symbackprop.proof.instances import Draw, Real, again, drawn_by, named
from symbackprop.proof.statements import Statement

_NETS = 96
_REDRAWN = 12  # times, of one net
_LAST = 3  # entries at most that are drawn again
_LEAST = (0, 0, 0, 20)  # run-time extents from here on, net after net
_NAMED = 8  # numbers of a statement that ranges lie between
_PARTS = 98  # of a range, of which no draw is the middle of two others
_SCALES = [Fraction(5, 4) ** k for k in range(-40, 32)]

Range = tuple[Fraction, Fraction]


def cast(statement: Statement, draw: Draw) -> Iterator[Environment]:
    """Instances to be tried one after the other; the next is made where the last had no values."""
    gaps = _gaps(statement)
    for net in range(_NETS):
        chance = random.Random(1000 * draw.shape + net)
        extents = sizes(statement, draw.shape, not draw.own, _LEAST[net % len(_LEAST)])
        read: list[tuple[str, int]] = []
        environment = drawn_by(statement, extents, _in_ranges(gaps), chance, read)
        for _ in range(_REDRAWN):
            yield environment
            for _ in range(chance.randint(1, _LAST)):
                if read:
                    name, place = read.pop()
                    environment.tensors[name].flat.pop(place, None)
            environment = again(statement, environment)


def _in_ranges(gaps: list[list[Range]]) -> Callable[[TensorSymbol], Real]:
    """How entries of each tensor are drawn: its range is chosen when the first of them is."""
    ranges: dict[TensorSymbol, Range] = {}

    def real_of(tensor: TensorSymbol) -> Real:
        def real(chance: random.Random) -> Value:
            low, high = ranges.get(tensor) or ranges.setdefault(tensor, _range(gaps, chance))
            return low + (high - low) * Fraction(chance.randrange(1, _PARTS), _PARTS)

        return real

    return real_of


def _gaps(statement: Statement) -> list[list[Range]]:
    """The ranges between numbers that the statement names, of both signs; and their quotients."""
    known = sorted(named(statement), key=lambda n: (-abs(n), n))[:_NAMED]
    return [_between(known), _between([a / b for a in known for b in known if b])]


def _between(numbers: list[Fraction]) -> list[Range]:
    ends = sorted({Fraction(0), *numbers, *(-n for n in numbers)})
    return [(ends[0] - 1, ends[0]), *pairwise(ends), (ends[-1], ends[-1] + 1)]


def _range(gaps: list[list[Range]], chance: random.Random) -> Range:
    """Between two numbers; of a scale, and all of one sign; or up to a scale, of both signs."""
    kind, scale = chance.randrange(4), chance.choice(_SCALES)
    if kind == 0:
        return -scale, scale
    if kind == 1:
        sign = chance.choice((-1, 1))
        return sign * scale, sign * scale * Fraction(5, 4)
    return chance.choice(gaps[kind - 2])
