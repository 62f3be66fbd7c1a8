"""What a stranger may have done in place of one line: each hypothesis with its words.

Single mistakes come from `mistakes`. Besides them there are values that are stale: parameters that
were updated too soon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr

from symbackprop.auditing.rewritings import written_otherwise
from symbackprop.auditing.world import Change, World
from symbackprop.derivation.model import Line
from symbackprop.equations.nodes import Access, TensorSymbol, tensors
from symbackprop.mistakes import Mistake, mistakes

_CONDITION = re.compile(r"\b(?:Compare\((\S+), |Delta\()")
UPDATED = "{} updated"  # the name of the new value of a parameter


@dataclass(frozen=True)
class Hypothesis:
    """A change of the derivation, and what to call it; `line` is where it is, `cost` how unlikely.

    What a reader calls transposed, the mistakes call swapped axes.
    """

    kind: str
    words: str
    line: Line
    change: Change
    cost: float


# The kinds in the words of a report, and how unlikely each is beside the others.
KINDS = {
    "opposite sign": ("opposite sign", 1.0),
    "wrong factor": ("wrong factor", 1.0),
    "forgotten derivative": ("forgotten derivative", 1.0),
    "derivative of the wrong value": ("derivative of the wrong value", 1.0),
    "missing term": ("missing term", 1.0),
    "swapped axes": ("transposed", 1.0),
    "wrong tensor": ("wrong tensor", 1.5),
    "wrong power": ("wrong power", 2.0),
    "dropped factor": ("missing factor", 1.5),
    "lost guard": ("lost guard", 1.2),
    "wrong shift": ("wrong shift", 1.2),
    "off by one": ("off by one", 1.2),
    "last term alone": ("missing term", 1.5),
    "wrong stride": ("wrong shift", 2.0),
    "moved delta": ("off by one", 2.0),
    "wrong function": ("wrong function", 2.0),
    "wrong comparison": ("wrong comparison", 1.5),
    "wrong index": ("wrong axis", 1.5),
}


def single(world: World, line: Line) -> Iterator[Hypothesis]:
    """The mistakes that may stand in a line, and stale values in it."""
    tensor = line.equation.tensor.name
    for mistake in mistakes(world.derivation, line):
        kind, cost = named(mistake)
        words = readable(mistake.words)
        if kind == "missing term" and (factor := _lost_factor(line, mistake)) is not None:
            kind, words = (
                "forgotten derivative",
                f"the factor {factor} of the derivative is missing",
            )
        yield Hypothesis(kind, words, line, Change({tensor: mistake.rhs}), cost)
    yield from stale(world, line)
    for kind, words, rhs in written_otherwise(line):
        yield Hypothesis(kind, words, line, Change({tensor: rhs}), 1.2)


def named(mistake: Mistake) -> tuple[str, float]:
    """What a reader calls a mistake, and how unlikely it is."""
    if mistake.kind == "dropped factor" and _CONDITION.search(mistake.words):
        return "lost guard", 1.5
    return KINDS.get(mistake.kind, (mistake.kind, 2.0))


def _lost_factor(line: Line, mistake: Mistake) -> Expr | None:
    """1 - a, where that is what a line loses with its term -a: half of a slope a (1 - a)."""
    if not line.equation.rhs.is_Mul or mistake.rhs == 0:
        return None
    ratio = line.equation.rhs / mistake.rhs
    return ratio if ratio.is_Add and sympy.Integer(1) in ratio.args else None


def readable(words: str) -> str:
    """The words with conditions as they are written: z1[n, j] > 0."""
    while found := _CONDITION.search(words):
        operator, rest = found.group(1) or "==", words[found.end() :]
        parts, end = _arguments(rest)
        if len(parts) != 2:
            return words
        shown = f" {operator} ".join(parts)
        words = f"{words[: found.start()]}[{shown}]{rest[end:]}"
    return words


def _arguments(text: str) -> tuple[list[str], int]:
    """The arguments up to the bracket that closes, and where it does."""
    depth, start = 0, 0
    parts: list[str] = []
    for position, letter in enumerate(text):
        if letter in "([":
            depth += 1
        elif letter in ")]":
            if depth == 0:
                return [*parts, text[start:position].strip()], position + 1
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    return [], 0


def stale(world: World, line: Line) -> Iterator[Hypothesis]:
    """Reads of a parameter that is updated already."""
    for read in tensors(line.equation.rhs):
        name = UPDATED.format(read.name)
        if name in world.extra[-1]:
            change = Change({line.equation.tensor.name: renamed(line.equation.rhs, read, name)})
            words = f"{read.name} is updated before it is read here"
            yield Hypothesis("stale values", words, line, change, 1.1)


def everywhere_updated(world: World) -> Iterator[Hypothesis]:
    """All lines on the way back read updated parameters; or the whole is found anew with some."""
    names = [p.symbol.name for p in world.derivation.system.parameters]
    updated = [n for n in names if UPDATED.format(n) in world.extra[-1]]
    reading: dict[str, Expr] = {}
    first: Line | None = None
    told: list[str] = []
    for line in world.lines:
        own = line.of.name if line.of is not None else ""
        for read in tensors(line.equation.rhs):
            if read.name in updated and read.name != own:
                rhs = reading.get(line.equation.tensor.name, line.equation.rhs)
                reading[line.equation.tensor.name] = renamed(rhs, read, UPDATED.format(read.name))
                first = first or line
                told.append(read.name)
    if first is not None and len(reading) > 1:
        words = f"{_listed(dict.fromkeys(told))} are updated before they are read"
        yield Hypothesis("stale values", words, first, Change(reading), 1.3)
    for size in range(1, len(updated)):
        choices = [tuple(updated[:size]), tuple(updated[-size:]), *_ones(updated, size)]
        for chosen in dict.fromkeys(choices):
            reader = _reader(world, chosen)
            if reader is not None:
                verb = "is" if len(chosen) == 1 else "are"
                words = f"{_listed(chosen)} {verb} updated before the loss is computed anew"
                moved = {n: UPDATED.format(n) for n in chosen}
                change = Change({}, moved, frozenset(chosen))
                yield Hypothesis("stale values", words, reader, change, 1.4 + size / 10)


def _ones(names: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [(n,) for n in names] if size == 1 else []


def _reader(world: World, names: Sequence[str]) -> Line | None:
    lines = (*world.derivation.forward, *world.lines)
    reading = (x for x in lines if {t.name for t in tensors(x.equation.rhs)} & set(names))
    return next(reading, None)


def renamed(expr: Expr, tensor: TensorSymbol, name: str) -> Expr:
    """The expression with one tensor read under another name."""
    other = TensorSymbol(name, tensor.shape, tensor.kind, tensor.classes)
    return expr.xreplace(
        {a: Access(other, *a.indices) for a in expr.atoms(Access) if a.tensor == tensor}
    )


def _listed(names: Sequence[str] | dict[str, None]) -> str:
    *front, last = names
    return f"{', '.join(front)} and {last}" if front else last
