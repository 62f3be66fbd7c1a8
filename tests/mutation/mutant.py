"""What a mutant is, and a fair sample of many."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Protocol, TypeVar


class Mutant(Protocol):
    """One damage: of which kind, where, in words, and what stood and what stands there."""

    @property
    def kind(self) -> str: ...

    @property
    def words(self) -> str: ...

    def where(self) -> str: ...

    def before(self) -> str: ...

    def after(self) -> str: ...


M = TypeVar("M", bound=Mutant)


def sample(mutants: Iterable[M], most: int, seed: int) -> list[M]:
    """At most so many, of each kind in turn: what is rare is not lost among what is frequent."""
    kinds: dict[str, list[M]] = {}
    for mutant in mutants:
        kinds.setdefault(mutant.kind, []).append(mutant)
    rng = random.Random(seed)
    for those in kinds.values():
        rng.shuffle(those)
    rounds = range(max(map(len, kinds.values()), default=0))
    in_turn = [those[k] for k in rounds for those in kinds.values() if k < len(those)]
    return in_turn[:most]
