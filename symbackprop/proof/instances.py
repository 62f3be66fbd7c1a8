"""Values for the names in a statement, drawn at random: each entry when it is first read.

They are drawn generically, so that none is 0 and no two are tied; or at kinks: each 0, a number
that the statement itself names, or one of a few, so that zeros and ties are common. Cotangents are
never 0, so that what they are multiplied with shows.
"""

from __future__ import annotations

import ast
import functools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import sympy

from symbackprop.equations.evaluate_compile import compile_expression
from symbackprop.equations.evaluate_environment import Entries, Environment, extent_of
from symbackprop.equations.evaluate_numbers import Undefined, Value
from symbackprop.equations.masks import Compare
from symbackprop.equations.nodes import Access, PointwiseFunction, TensorSymbol
from symbackprop.equations.reductions import ArgMax, ArgMin, LogSumExp, Max, Min
from symbackprop.equations.system import Equation
from symbackprop.layers.pointwise import POINTWISE
from symbackprop.proof.duals import DUALS
from symbackprop.proof.remembered import Extra, remembered
from symbackprop.proof.statements import Statement

_DENOMINATOR = 97
_CHOICES = (Max, Min, ArgMax, ArgMin, sympy.Abs, sympy.sign)
RANGES = ((-96, 96), (5, 96), (100, 190))

Point = tuple[int, ...]


@dataclass(frozen=True)
class Draw:
    """How an instance is drawn: its shape, by number, and whether at kinks and ties.

    `operations` is about what each side may cost; at least one of its entries is looked at. At
    kinks, `zeros` of the numbers drawn from are 0, beside a few others. Fixed extents keep their
    own lengths if `own`. Unless `smooth`, a statement without kinks is not looked at.
    """

    shape: int
    kinks: bool = False
    operations: int = 5_000
    zeros: int = 2
    own: bool = False
    smooth: bool = True


class Lazy(dict[int, Any]):
    """A tensor's entries in row-major order, each computed when it is first read."""

    def __init__(self, entry: Callable[[int], Value]) -> None:
        super().__init__()
        self._entry = entry

    def __missing__(self, place: int) -> Value:
        self[place] = value = self._entry(place)
        return value


def lazily(shape: Point, entry: Callable[[int], Value]) -> Entries:
    """A tensor, each entry computed by its place when it is first read."""
    return Entries(shape, Lazy(entry))  # type: ignore[arg-type]


def instance(
    statement: Statement, draw: Draw, extents: Mapping[Any, int], attempt: int
) -> Environment:
    """Entries of all tensors; a later attempt draws from other ranges.

    Entries of tensors that the statement defines have the values that it says.
    """
    chance = random.Random(1000 * draw.shape + 10 * attempt + draw.kinks)
    generic = _generic(statement, attempt)
    real = _kinked(statement, attempt, draw.zeros) if draw.kinks else generic
    return drawn_by(
        statement, extents, lambda t: generic if t in statement.cotangents else real, chance
    )


Real = Callable[[random.Random], Value]


def drawn_by(
    statement: Statement,
    extents: Mapping[Any, int],
    real_of: Callable[[TensorSymbol], Real],
    chance: random.Random,
    read: list[tuple[str, int]] | None = None,
) -> Environment:
    """Entries drawn by what `real_of` says for their tensor; in `read`, in the order of drawing."""
    tensors: dict[str, Any] = {}
    environment = Environment(tensors, extents, DUALS)
    sums = remembered()
    for tensor in statement.tensors:
        shape = tuple(extent_of(size, extents) for size in tensor.shape)
        if tensor in statement.defined:
            entry = _defined(statement.defined[tensor], shape, environment, sums)
        elif tensor in statement.distributions:
            entry = _row(shape[-1], chance)
        else:
            entry = _drawn(tensor, extents, real_of(tensor), chance, read)
        tensors[tensor.name] = lazily(shape, entry)
    return environment


def again(statement: Statement, environment: Environment) -> Environment:
    """The same entries, but those of tensors that the statement defines are computed anew."""
    tensors = dict(environment.tensors)
    anew = replace(environment, tensors=tensors)
    sums = remembered()
    for tensor, equation in statement.defined.items():
        shape = tensors[tensor.name].shape
        tensors[tensor.name] = lazily(shape, _defined(equation, shape, anew, sums))
    return anew


def _drawn(
    tensor: TensorSymbol,
    extents: Mapping[Any, int],
    real: Real,
    chance: random.Random,
    read: list[tuple[str, int]] | None,
) -> Callable[[int], Value]:
    below = 2 if tensor.classes is None else extent_of(tensor.classes, extents)

    def entry(place: int) -> Value:
        if read is not None:
            read.append((tensor.name, place))
        return real(chance) if tensor.kind == "real" else chance.randrange(below)

    return entry


def _row(length: int, chance: random.Random) -> Callable[[int], Value]:
    """Entries of rows along the last axis that are positive and sum to 1."""
    rows: dict[int, list[int]] = {}

    def entry(place: int) -> Value:
        row, place = divmod(place, length)
        weights = rows.setdefault(row, [chance.randrange(1, 97) for _ in range(length)])
        return Fraction(weights[place], sum(weights))

    return entry


def _defined(
    equation: Equation, shape: Point, environment: Environment, sums: Extra
) -> Callable[[int], Value]:
    """Entries by the equation; it may read others that are defined, and its own earlier steps."""
    compiled: list[Callable[..., Value]] = []
    waiting: set[int] = set()

    def entry(place: int) -> Value:
        if place in waiting:
            raise Undefined(f"{equation.tensor.name} reads itself at the same place")
        if not compiled:
            name = equation.tensor.name
            of = compile_expression(equation.rhs, environment, equation.indices, name, sums)
            compiled.append(of)
        waiting.add(place)
        try:
            return compiled[0](point_at(place, shape))
        finally:
            waiting.remove(place)

    return entry


def point_at(place: int, shape: Point) -> Point:
    """The position of an entry from its place in row-major order."""
    point = []
    for size in reversed(shape):
        place, position = divmod(place, size)
        point.append(position)
    return tuple(reversed(point))


def place_of(point: Point, shape: Point) -> int:
    """The place in row-major order of an entry from its position."""
    place = 0
    for position, size in zip(point, shape, strict=True):
        place = place * size + position
    return place


def ends_and_others(size: int, number: int, draw: Draw) -> list[int]:
    """So many of the numbers below `size`, all different: the first, the last, others at random.

    A range that is one too short misses an end.
    """
    ends = sorted({0, size - 1})[: max(1, number)] if size else []
    others = random.Random(draw.shape).sample(range(size), min(size, max(1, number)))
    return list(dict.fromkeys([*ends, *others]))[: max(1, number)]


def _generic(statement: Statement, attempt: int) -> Callable[[random.Random], Value]:
    """Whole numbers where all is rational, for speed; small ones where it is not, since exp grows.

    None is 0.
    """
    low, high = RANGES[attempt]
    numbers = [n for n in range(low, high + 1) if n]
    if _is_rational(statement):
        return lambda chance: chance.choice(numbers)
    return lambda chance: Fraction(chance.choice(numbers), _DENOMINATOR)


def has_kinks(statement: Statement) -> bool:
    """Whether something in it depends on which of several values is the larger."""
    return any(
        isinstance(node, _CHOICES)
        or (isinstance(node, Compare) and node.has(Access))
        or (isinstance(node, PointwiseFunction) and _has_kink(node.table_name))
        for expr in statement.exprs
        for node in sympy.preorder_traversal(expr)
    )


def _is_rational(statement: Statement) -> bool:
    return not any(
        isinstance(node, LogSumExp)
        or (isinstance(node, sympy.Function) and not _stays_rational(node.func.__name__))
        or (isinstance(node, sympy.Pow) and not node.exp.is_Integer)
        for expr in statement.exprs
        for node in sympy.preorder_traversal(expr)
    )


@functools.cache
def _has_kink(function: str) -> bool:
    """Whether a row of the pointwise table chooses by its arguments."""
    calls = (
        n.func.id
        for n in _nodes(function)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    )
    return any(isinstance(n, ast.Compare) for n in _nodes(function)) or any(
        name in POINTWISE and _has_kink(name) for name in calls
    )


@functools.cache
def _stays_rational(function: str) -> bool:
    """Whether a row of the pointwise table has rational values at rational numbers."""
    if function not in POINTWISE or POINTWISE[function].definition is None:
        return function == "where"
    calls = (n.func for n in _nodes(function) if isinstance(n, ast.Call))
    return all(isinstance(f, ast.Name) and _stays_rational(f.id) for f in calls)


def _nodes(function: str) -> Iterator[ast.AST]:
    """The syntax tree of a row's definition."""
    return ast.walk(ast.parse(POINTWISE[function].definition or "0", mode="eval"))


def _kinked(statement: Statement, attempt: int, zeros: int) -> Callable[[random.Random], Value]:
    """0 and what the statement compares with, first; then positive numbers only, still tied."""
    small = sorted(n for n in named(statement) if abs(n) <= 10 and n.denominator <= 10)
    signed: list[Any] = [*[0] * zeros, 1, 1, -1, -1, *small, *(-n for n in small)]
    numbers: list[Any] = signed if attempt == 0 else [n for n in (1, 2, *signed) if n > 0]
    whole = [int(n) if n == int(n) else n for n in numbers]
    return lambda chance: chance.choice(whole)


def named(statement: Statement) -> set[Fraction]:
    """The numbers that stand in it, and in the rows of the pointwise table that it uses."""
    found = {Fraction(n.p, n.q) for expr in statement.exprs for n in expr.atoms(sympy.Rational)}
    for expr in statement.exprs:
        for function in expr.atoms(PointwiseFunction):
            constants = (n for n in _nodes(function.table_name) if isinstance(n, ast.Constant))
            found |= {Fraction(str(n.value)) for n in constants}
    return found
