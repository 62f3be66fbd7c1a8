"""A tiny instance of a spec: the same network with its large fixed extents made small primes.

Whole numbers of 8 and more are replaced where they are extents: in `dims`, shapes, classes, calls
of layers and written ranges. The same number becomes the same prime everywhere, different from
every other extent. What is left may still not be a network (where one extent is another's square
plus three, say); then building it fails, and the check stays at full size.
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

LARGE = 8
# 2 is left to a run-time extent.
_PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71)

Syntax = TypeVar("Syntax")


def shrink(spec: Spec) -> Spec:
    """The spec with every large fixed extent replaced; the spec itself where none is large."""
    extents = sorted(set(_extents(spec)))
    small = _smaller(extents)
    return _rewritten(spec, lambda number: small.get(number, number)) if small else spec


def _smaller(extents: list[int]) -> dict[int, int]:
    """A prime for each large extent; a product of two large extents stays their product."""
    free = iter(prime for prime in _PRIMES if prime not in extents)
    small: dict[int, int] = {}
    for number in (e for e in extents if e >= LARGE):
        factors = [(a, number // a) for a in small if number % a == 0 and number // a in small]
        if factors:
            small[number] = math.prod(small[f] for f in factors[0])
        elif (prime := next(free, None)) is not None:
            small[number] = min(prime, number)
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
            keywords=tuple(_extent(keyword, change) for keyword in node.keywords),
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
