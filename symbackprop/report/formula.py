"""What stands on the page, before it is LaTeX or Unicode: a small tree of notation.

`entries` and `matrix` turn SymPy expressions into these nodes; `latex` and `unicode` print them.
No node knows what a layer is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Union

from sympy import Rational

from symbackprop.report.display import Display, Mark


@dataclass(frozen=True, slots=True)
class Named:
    """A scalar, vector or matrix; with `indices`, one entry of it. `mark` tells a cotangent."""

    display: Display
    indices: tuple[Formula, ...] = ()
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A rational number that is not negative."""

    value: Rational


@dataclass(frozen=True, slots=True)
class Decimal:
    """A number as it is rounded in print, ± mantissa · 10^exponent."""

    mantissa: str
    exponent: int = 0
    minus: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix of numbers, row by row."""

    rows: tuple[tuple[Decimal, ...], ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A fixed sign: ones (the vector of ones), identity, pi, e, all (in place of an index)."""

    kind: str


@dataclass(frozen=True, slots=True)
class Plus:
    """A sum of terms, each with whether it is subtracted."""

    terms: tuple[tuple[bool, Formula], ...]


@dataclass(frozen=True, slots=True)
class Times:
    """Factors side by side: products of numbers, and of matrices."""

    factors: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Hadamard:
    """Entry by entry products, and quotients where the flag is set."""

    factors: tuple[tuple[bool, Formula], ...]


@dataclass(frozen=True, slots=True)
class Fraction:
    """numerator / denominator; the denominator is one number."""

    numerator: Formula
    denominator: Formula


@dataclass(frozen=True, slots=True)
class Power:
    """base ** exponent; of an array, entry by entry where `entrywise`."""

    base: Formula
    exponent: Formula
    entrywise: bool = False


@dataclass(frozen=True, slots=True)
class Root:
    """The square root."""

    radicand: Formula


@dataclass(frozen=True, slots=True)
class Apply:
    """function(arguments)."""

    function: str
    arguments: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Big:
    """A sign with its indices below and its body behind: sum, prod, max, min, argmax, argmin.

    `given` are conditions on the indices, written below them.
    """

    operator: str
    bound: tuple[Formula, ...]
    body: Formula
    given: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Transpose:
    """The transpose."""

    of: Formula


@dataclass(frozen=True, slots=True)
class Norm:
    """The squared norm, Frobenius' for a matrix."""

    of: Formula
    frobenius: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """a op b; op is one of < <= > >= == != and or ~ (is drawn from) <- (becomes).

    A relation on the left of another makes a chain: 0 <= i < T.
    """

    operator: str
    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Negation:
    """not a."""

    of: Formula


@dataclass(frozen=True, slots=True)
class Indicator:
    """1 where the relation holds, else 0."""

    of: Formula


@dataclass(frozen=True, slots=True)
class Kronecker:
    """Kronecker's delta of two index expressions."""

    left: Formula
    right: Formula


@dataclass(frozen=True, slots=True)
class Cases:
    """`then` where the mask holds, `otherwise` elsewhere.

    `words` stand before the mask, in place of its opposite, and, with {then}, {mask} and {other},
    for the whole on one line.
    """

    mask: Formula
    then: Formula
    otherwise: Formula
    words: tuple[str, str, str] = ("if", "otherwise", "{then} if {mask} else {other}")


@dataclass(frozen=True, slots=True)
class Listing:
    """(a, b): a position along several axes."""

    items: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Counting:
    """t = 0, 1, …, last, or the other way round: the values that an index takes in turn.

    Without a `last`, the first are all.
    """

    index: Formula
    first: tuple[Formula, ...]
    last: Formula | None


@dataclass(frozen=True, slots=True)
class Derivative:
    """The partial derivative of one entry by another."""

    of: Formula
    by: Formula


Formula = Union[  # noqa: UP007
    Named, Number, Decimal, Grid, Constant, Plus, Times, Hadamard, Fraction, Power, Root, Apply,
    Big, Transpose, Norm, Relation, Negation, Indicator, Kronecker, Cases, Listing, Counting,
    Derivative,
]  # fmt: skip

ONES = Constant("ones")
ALL = Constant("all")
ZERO = Number(Rational(0))
ONE = Number(Rational(1))


def times(factors: Iterable[Formula]) -> Formula:
    """A product without nested products and without factors 1."""
    flat: list[Formula] = []
    for factor in factors:
        flat.extend(factor.factors if isinstance(factor, Times) else (factor,))
    flat = [f for f in flat if f != ONE]
    if not flat:
        return ONE
    return flat[0] if len(flat) == 1 else Times(tuple(flat))


def negative(formula: Formula) -> Formula:
    """-a."""
    return Plus(((True, formula),))


def spread(fraction: Fraction) -> tuple[Formula, Formula] | None:
    """(a Σ b) / c as a/c and Σ b: what ends in a large sign reads better behind the fraction."""
    factors = (
        fraction.numerator.factors
        if isinstance(fraction.numerator, Times)
        else (fraction.numerator,)
    )
    if not isinstance(factors[-1], Big):
        return None
    return Fraction(times(factors[:-1]), fraction.denominator), factors[-1]


def is_scalar(formula: Formula) -> bool:
    """Whether a factor is plainly a number."""
    if isinstance(formula, Fraction):
        return is_scalar(formula.numerator) and is_scalar(formula.denominator)
    if isinstance(formula, Times):
        return all(is_scalar(f) for f in formula.factors)
    return isinstance(formula, (Number, Decimal, Norm)) or (
        isinstance(formula, Named) and not formula.display.array and not formula.indices
    )


def mixes(outer: Relation, inner: Formula) -> bool:
    """Whether `or` stands inside `and`, or the other way round: brackets tell which."""
    joins = {"and", "or"}
    return isinstance(inner, Relation) and joins == {outer.operator, inner.operator}


class Level:
    """How tightly a piece of notation holds together, from loose to tight."""

    SUM, OPEN, ENTRYWISE, PRODUCT, POSTFIX, ATOM = range(6)


def walk(formula: Formula) -> Iterator[Formula]:
    """The formula and every part of it."""
    yield formula
    for field in fields(formula):
        yield from _walk_value(getattr(formula, field.name))


def _walk_value(value: object) -> Iterator[Formula]:
    if isinstance(value, tuple):
        for item in value:
            yield from _walk_value(item)
    elif isinstance(value, Formula.__args__):  # type: ignore[attr-defined]
        yield from walk(value)
