"""Choices of a generator: by chance, and again from the list of those that were made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

Option = TypeVar("Option")


class Draws:
    """Numbers 0 <= k < n, one after another; `made` keeps them.

    The first come from `given`, the others from `random`, or are 0 without it. What is simplest
    stands first among the options, so smaller choices make smaller specs.
    """

    def __init__(self, random: Random | None = None, given: Sequence[int] = ()) -> None:
        self.random = random
        self.given = given
        self.made: list[int] = []

    def below(self, n: int) -> int:
        place = len(self.made)
        if place < len(self.given):
            chosen = min(self.given[place], n - 1)
        else:
            chosen = self.random.randrange(n) if self.random else 0
        self.made.append(chosen)
        return chosen

    def pick(self, options: Sequence[Option]) -> Option:
        return options[self.below(len(options))]

    def once_in(self, n: int) -> bool:
        """True once in n draws."""
        return self.below(n) == n - 1


def shrunk(made: Sequence[int], fails: Callable[[list[int]], bool], tries: int = 400) -> list[int]:
    """Fewer and smaller choices that fail still: runs left out, then numbers made smaller."""
    best = list(made)

    def shorter(tried: list[int]) -> bool:
        nonlocal best, tries
        if tried == best or tries <= 0:
            return False
        tries -= 1
        if fails(tried):
            best = tried
            return True
        return False

    length = len(best) // 2
    while length and tries > 0:
        start = 0
        while start < len(best):
            if not shorter(best[:start] + best[start + length :]):
                start += length
        length //= 2
    for place in range(len(best)):
        for smaller in (0, 1):
            if place < len(best) and smaller < best[place]:
                shorter([*best[:place], smaller, *best[place + 1 :]])
    return best
