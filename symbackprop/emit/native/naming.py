"""Names in C: those of the NumPy module, where C does not mean something else by them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from symbackprop.program.model import Function, Program
from symbackprop.program.names import local

_KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void
volatile while asm typeof _Bool bool true false NULL INFINITY NAN
real at extents numbers product matvec int64_t uint64_t int32_t uint32_t REAL REAL_IS_DOUBLE unix linux
"""
_FUNCTIONS = """
abs fabs exp expm1 log log1p sin cos tan sinh cosh tanh atan erf erfc pow sqrt isnan copysign floor
fmod sign maximum minimum floor_divide modulo remainder memcpy memset clipped
"""
RESERVED = frozenset([*_KEYWORDS.split(), *_FUNCTIONS.split()])
COUNTERS = ("i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "u", "v", "w")


class Names:
    """The names of one function: of values, of what is handed in, and new ones."""

    def __init__(self, program: Program, function: Function) -> None:
        system = program.derivation.system
        self._values = function.names
        self._taken: set[str] = {str(e) for e in system.extents}
        self._taken |= {loop.step.name for loop in program.loops}
        self._known: dict[str, str] = {}
        given = (*system.inputs, *system.parameters, *system.states)
        for name in (
            *(local(s.symbol.name) for s in given),
            *program.constants.values(),
            *dict.fromkeys(function.names.values()),
        ):
            self._known.setdefault(name, self.new(name))

    def of(self, value: int) -> str:
        """What a value is called."""
        return self._known[self._values[value]]

    def source(self, name: str) -> str:
        """What an array is called that is handed in, or a constant."""
        return self._known[name if name in self._known else local(name)]

    def new(self, *wished: str) -> str:
        """The first of the names that is free; else the first one with a number."""
        numbered = (f"{wished[0]}_{k}" for k in itertools.count(2))
        found = next(n for n in itertools.chain(wished, numbered) if self._is_free(n))
        self._taken.add(found)
        return found

    def _is_free(self, name: str) -> bool:
        return name not in self._taken and name not in RESERVED

    def counters(self, depth: int, taken: Iterable[str] = ()) -> tuple[str, ...]:
        """Names for so many loops, one inside the other; other loops may have the same."""
        free = (n for n in COUNTERS if self._is_free(n))
        spare = (f"{n}{k}" for k in itertools.count(2) for n in COUNTERS)
        names = (n for n in itertools.chain(free, spare) if self._is_free(n) and n not in taken)
        return tuple(itertools.islice(names, depth))
