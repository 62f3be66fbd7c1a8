"""Names in C: those of the NumPy module, where C does not mean something else by them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from symbackprop.program.model import Function, Program
from symbackprop.program.names import local

_KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void
volatile while asm typeof _Bool bool true false int64_t uint64_t int32_t uint32_t ptrdiff_t size_t
unix linux NULL INFINITY NAN HUGE_VAL INT64_MAX INT64_MIN REAL REAL_IS_DOUBLE TURN LOG2_E LN2_HIGH
LN2_LOW ROOT_HALF LEAST_NORMAL EXP_LOW EXP_HIGH EXPM1_LOW TANH_HIGH real at extents numbers rate
bits whole INLINED
"""
_FUNCTIONS = """
fabs exp expm1 log log1p sin cos tan sinh cosh tanh atan erf erfc pow sqrt sign maximum minimum
floor_divide modulo clipped product matvec own_rows threads_for_rows
"""
_TYPED = """
real_fabs real_copysign real_sqrt real_pow real_exp real_expm1 real_log real_log1p real_tanh
real_erf real_erfc real_sin real_cos real_tan real_sinh real_cosh real_atan real_larger real_smaller
double_larger double_smaller whole_larger whole_smaller
"""
_OF_PARTS = ("start", "count", "end", "rows", *(f"visit{k}" for k in range(8)))
RESERVED = frozenset([*_KEYWORDS.split(), *_FUNCTIONS.split(), *_TYPED.split(), *_OF_PARTS])
COUNTERS = ("i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "u", "v", "w")


def spelled(name: str) -> str:
    """An extent or a step in C."""
    return f"{name}_" if _has_meaning(name) else name


def _has_meaning(name: str) -> bool:
    return name in RESERVED


class Names:
    """The names of one function: of values, of what is handed in, and new ones."""

    def __init__(self, program: Program, function: Function) -> None:
        system = program.derivation.system
        self._values = function.names
        self._taken: set[str] = {spelled(e.name) for e in system.extents}
        self._taken |= {spelled(loop.step.name) for loop in program.loops}
        self._known: dict[str, str] = {}
        self._counted: set[str] = set()
        symbols = [
            *(i.symbol for i in system.inputs),
            *(p.symbol for p in system.parameters),
            *(s.symbol for s in system.states),
        ]
        for name in (
            *(local(symbol.name) for symbol in symbols),
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
        names = (n for n in itertools.chain(wished, numbered) if n not in self._counted)
        found = next(n for n in names if self._is_free(n))
        self._taken.add(found)
        return found

    def _is_free(self, name: str) -> bool:
        return name not in self._taken and not _has_meaning(name)

    def counts(self, name: str) -> bool:
        """Whether a loop may have this counter; no variable is called so from now on."""
        free = self._is_free(name) and name.isascii() and name.isidentifier()
        if free:
            self._counted.add(name)
        return free

    def counters(self, depth: int, taken: Iterable[str] = ()) -> tuple[str, ...]:
        """Names for so many loops, one inside the other; other loops may have the same."""
        free = (n for n in COUNTERS if self._is_free(n))
        spare = (f"{n}{k}" for k in itertools.count(2) for n in COUNTERS)
        names = (n for n in itertools.chain(free, spare) if self._is_free(n) and n not in taken)
        return tuple(itertools.islice(names, depth))
