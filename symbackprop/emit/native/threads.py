"""Loops whose positions are shared among threads: whether they may be, and by which directive.

Each thread takes a stretch of the outermost loop. It may where no position touches what another one
writes; what all of them add up, each adds up for itself first.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from sympy import Expr

from symbackprop.emit.native.accesses import ROWS, Access, span
from symbackprop.emit.native.expressions import is_quick
from symbackprop.emit.native.numbers import integer
from symbackprop.emit.native.pieces import Loop, Statement, aligned
from symbackprop.emit.native.variables import Variables
from symbackprop.emit.native.writer import REDUCTIONS
from symbackprop.equations.ranges import nonnegative
from symbackprop.program.shapes import ONE, ZERO, nominal, product

WORTH = 1 << 16  # operations, fewer than which are over before a second thread has begun
FEWEST = 4  # positions of a loop that is shared
SLOW = 8  # operations that a function such as exp stands for
MOST_COLLECTED = 2048  # entries that each thread adds up on its own stack


@dataclass
class Sharing:
    """What is done at each position of a shared loop, and what is collected over all of them."""

    extent: Expr
    operations: Expr
    collected: dict[str, list[str]] = field(default_factory=dict)

    def directive(self, vectorised: bool = False, loops: int = 1) -> str:
        """`#pragma omp parallel for`, with as many threads as the work is worth.

        `loops` is how many loops, each alone in the one before, are shared as if they were one.
        """
        clauses = [f"{sign} : {', '.join(names)}" for sign, names in self.collected.items()]
        # The sum of two is the same in either order, so results do not depend on who is first.
        threads = "two_threads" if self.collected.keys() & {"+", "*"} else "threads_for"
        words = [
            "#pragma omp parallel for" + (" simd" if vectorised else ""),
            *([f"collapse({loops})"] if loops > 1 else []),
            f"num_threads({threads}({integer(self.extent * self.operations)}))",
            *(f"reduction({clause})" for clause in clauses),
        ]
        return " ".join(words)


def shared(loop: Loop, variables: Variables) -> Sharing | None:
    """How an outermost loop is shared; None where it may not be, or is not worth it."""
    if loop.extent.has(ROWS):  # of a thread that has rows of its own
        return None
    statements = loop.statements()
    found = Sharing(loop.extent, sum((_operations(s, loop.level) for s in statements), ZERO))
    if not is_worth(found):
        return None
    together = {one for one in statements if _is_collected(one, loop.level)}
    for one in statements:
        if one not in together:
            if any(_reaches_out(a, loop.level) for a, writes in one.accesses if writes):
                return None
            continue
        name = _collected(one, loop, variables)
        if name is None:
            return None
        names = found.collected.setdefault(REDUCTIONS[one.combine], [])
        names += [] if name in names else [name]
    pairs = itertools.product(statements, repeat=2)
    apart = all(
        a.writes.isdisjoint(b.reads)
        if {a, b} <= together
        else a.writes.isdisjoint(b.reads | b.writes) or aligned(a, b, loop.level)
        for a, b in pairs
    )
    return found if apart else None


def is_worth(sharing: Sharing) -> bool:
    """Whether so many operations keep a second thread busy."""
    enough = nominal(sharing.extent * sharing.operations) >= WORTH
    return enough and nominal(sharing.extent) >= FEWEST


def _operations(one: Statement, level: int) -> Expr:
    """About how much a statement does at a position of the loop."""
    return product(one.shape[level + 1 :]) * effort(one.function)


def effort(function: str) -> int:
    """About how many operations it takes to compute an entry."""
    return 1 if is_quick(function) else SLOW


def _is_collected(one: Statement, level: int) -> bool:
    """Whether every position of the loop adds to the same entries, or may."""
    return bool(one.combine and one.target.strides[level] == ZERO)


def _collected(one: Statement, loop: Loop, variables: Variables) -> str | None:
    """What is collected: a variable, or the first entries of an array; None for neither."""
    if one.combine not in REDUCTIONS or one.target.gathered:
        return None
    if one.suffix <= loop.level:
        return variables.accumulator(one)
    # In a loop over several rows at once, a strip has a place for each of them.
    entries = (span(one.target, range(len(one.shape))) + ONE) * loop.step
    few = entries.is_Integer and entries <= MOST_COLLECTED
    whole = one.target.form == "memory" and one.target.offset == ZERO
    return f"{one.target.pointer}[:{entries}]" if few and whole else None


def _reaches_out(access: Access, level: int) -> bool:
    """Whether what integers tell may lie in the stretch of another position."""
    room = access.strides[level] - span(access, range(level + 1, len(access.shape))) - ONE
    for told in access.gathered:
        room -= (told.extent - 1) * told.stride
    return bool(access.gathered) and not nonnegative(room)
