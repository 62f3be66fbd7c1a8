"""Tiny instances of a spec: the same network with its large fixed extents made small.

Whole numbers of 4 and more are replaced where they are extents: in `dims`, shapes, classes, calls
of layers and written ranges. The same number becomes the same small number everywhere, different
from every other extent. What is left may not be a network any more (an image too small for its
kernel, a width that its heads do not divide); so there are several, the smallest first.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, TypeVar

from symbackprop.layers.pointwise import POINTWISE
from symbackprop.spec.syntax import (
    Binder,
    Call,
    Init,
    InputDeclaration,
    Keyword,
    Number,
    ParameterDeclaration,
    Sequence,
    Spec,
)

_KEPT = 3  # an extent up to this is small enough
_LARGE = 8  # from here on an extent becomes one of at least some least number
_LEAST = (3, 7, 13, 23)
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71)
# Numbers that layers are called with by these names are no extents.
_NO_EXTENTS = frozenset({"axis", "axes", "stride", "strides", "padding", "dilation", "steps"})

Syntax = TypeVar("Syntax")
Choice = Callable[[list[int]], int]


def shrinks(spec: Spec) -> Iterator[Spec]:
    """The spec with its large fixed extents replaced, in several ways; the spec itself at last."""
    extents = sorted(set(_extents(spec)))
    tried: list[dict[int, int]] = []
    for least in _LEAST:
        for divisor in (None, min, max):
            small = _smaller(extents, least, divisor)
            if small not in tried and any(small[e] != e for e in extents):
                tried.append(small)
                yield _rewritten(spec, lambda number, small=small: small[number])  # type: ignore[misc]
    yield spec


def _smaller(extents: list[int], least: int, divisor: Choice | None) -> dict[int, int]:
    """A small number for each extent, a prime of at least `least` for a large one.

    A product of two extents stays their product. With `divisor`, a multiple of an extent stays a
    multiple of it; which one of several, `divisor` chooses.
    """
    small = {e: e for e in extents if e <= _KEPT}
    for number in (e for e in extents if e > _KEPT):
        factors = [(a, number // a) for a in small if a > 1 and number // a in small]
        factors = [(a, b) for a, b in factors if a * b == number]
        divisors = [a for a in small if a > 1 and number % a == 0] if divisor else []
        if factors:
            small[number] = math.prod(small[f] for f in factors[0])
            continue
        unit = small[divisor(divisors)] if divisor and divisors else 1
        lowest = 2 if unit > 1 else least if number >= _LARGE else 3
        free = (p for p in _PRIMES if p >= lowest and p * unit not in small.values())
        small[number] = min(number, unit * next(free, number))
    return small


def _extents(spec: Spec) -> Iterator[int]:
    """Every fixed extent that the spec states, small ones too."""
    found: list[int] = []

    def note(number: int) -> int:
        found.append(number)
        return number

    _rewritten(spec, note)
    return iter(found)


def _rewritten(spec: Spec, change: Callable[[int], int]) -> Spec:
    """The spec with `change` applied to each number that states an extent."""
    return dataclasses.replace(
        spec,
        dims={name: change(size) for name, size in spec.dims.items()},
        inputs=tuple(_input(declared, change) for declared in spec.inputs),
        params=tuple(_parameter(declared, change) for declared in spec.params),
        network=tuple(_inside(statement, change) for statement in spec.network),
        losses=tuple(_inside(loss, change) for loss in spec.losses),
    )


def _shape(shape: tuple[int | str, ...], change: Callable[[int], int]) -> tuple[int | str, ...]:
    return tuple(size if isinstance(size, str) else change(size) for size in shape)


def _input(declared: InputDeclaration, change: Callable[[int], int]) -> InputDeclaration:
    classes = declared.classes
    return dataclasses.replace(
        declared,
        shape=_shape(declared.shape, change),
        classes=change(classes) if isinstance(classes, int) else classes,
    )


def _parameter(
    declared: ParameterDeclaration, change: Callable[[int], int]
) -> ParameterDeclaration:
    """Written values have the old shape, so they give way to zeros; checks draw their own."""
    shape = _shape(declared.shape, change)
    kept = shape == declared.shape or declared.init.values is None
    return dataclasses.replace(declared, shape=shape, init=declared.init if kept else Init("zeros"))


def _inside(node: Syntax, change: Callable[[int], int]) -> Syntax:
    """A syntax tree with the numbers changed that layers are called with or that binders state."""
    if isinstance(node, Call) and node.function not in POINTWISE:
        node = dataclasses.replace(
            node,
            args=tuple(_extent(argument, change) for argument in node.args),
            keywords=tuple(
                k if k.name in _NO_EXTENTS else _extent(k, change) for k in node.keywords
            ),
        )
    if isinstance(node, Binder) and node.extent is not None:
        node = dataclasses.replace(node, extent=_extent(node.extent, change))
    if isinstance(node, tuple):
        return tuple(_inside(item, change) for item in node)  # type: ignore[return-value]
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    changed: dict[str, Any] = {
        f.name: _inside(getattr(node, f.name), change) for f in dataclasses.fields(node)
    }
    return dataclasses.replace(node, **changed)


def _extent(node: Any, change: Callable[[int], int]) -> Any:
    """A number, a sequence of numbers or a keyword with one, changed; anything else as it is."""
    if isinstance(node, Number) and node.value.denominator == 1 and node.value > 0:
        number = change(int(node.value))
        return dataclasses.replace(node, value=Fraction(number), text=str(number))
    if isinstance(node, Sequence):
        return dataclasses.replace(node, items=tuple(_extent(i, change) for i in node.items))
    if isinstance(node, Keyword):
        return dataclasses.replace(node, value=_extent(node.value, change))
    return node
