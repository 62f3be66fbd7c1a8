"""A fault that is found, and the state of the search for the others."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symbackprop.auditing.compare import Compared
from symbackprop.auditing.points import Array
from symbackprop.auditing.world import Change, World
from symbackprop.derivation.model import Line


@dataclass(frozen=True)
class Fault:
    """One mistake that is found, and the gradients that it spoils and explains.

    `factor` names a wrong factor. `change` is what it makes of the derivation's lines. `left` are
    wrong gradients that it leads to and does not explain. `world` is the derivation that it is a
    mistake of, where that is not the first.
    """

    kind: str
    words: str
    line: Line
    gradients: tuple[str, ...]
    change: Change
    factor: str = ""
    left: int = 0
    cost: float = 1.0
    world: World | None = None

    @property
    def rank(self) -> tuple[float, ...]:
        """The best comes first."""
        return (-len(self.gradients), self.left, self.cost, self.line.number)


@dataclass
class Search:
    """The state of a search: `base` is what the faults found so far make of the derivation."""

    world: World
    found: Mapping[str, Sequence[Compared]]
    rates: Sequence[float | None]
    base: Change
    now: list[dict[str, Array]]
    end: float

    @property
    def late(self) -> bool:
        return time.process_time() > self.end

    def value(self, number: int, name: str) -> Array:
        return self.now[number][name]

    def wrong(self) -> list[str]:
        return [n for n in self.found if not self._agrees(n)]

    def _agrees(self, name: str) -> bool:
        return all(
            c.agrees_with(now[name]) for c, now in zip(self.found[name], self.now, strict=True)
        )

    def explained(self, change: Change, wanted: Sequence[str], whole: bool) -> frozenset[str]:
        """Which of the wanted gradients come out as the stranger's under a change, everywhere.

        With `whole`, all or none: the first that does not ends it.
        """
        left = list(wanted)
        for number in range(len(self.world.points)):
            for some in [left[:1], left[1:]] if whole and not number else [left]:
                if not some:
                    continue
                values = self.world.gradients(number, self.base | change, some)
                if values is None:
                    return frozenset()
                held = [n for n in some if self.found[n][number].agrees_with(values[n])]
                if whole and len(held) < len(some):
                    return frozenset()
                left = [n for n in left if n in held or n not in some]
            if not left:
                break
        return frozenset(left)

    def take(self, change: Change) -> None:
        self.base = self.base | change
        names = sorted(self.found)
        for number in range(len(self.world.points)):
            values = self.world.gradients(number, self.base, names)
            assert values is not None
            self.now[number] = values


def as_it_stands(search: Search, line: Line) -> Line:
    """The line as the faults found so far have made it."""
    rhs = search.base.rhs.get(line.equation.tensor.name)
    if rhs is None:
        return line
    return replace(line, equation=replace(line.equation, rhs=rhs))
