"""Shapes: how many entries they have, how they broadcast, how row-major memory holds them."""

from __future__ import annotations

import functools
import itertools

from sympy import Expr, Integer

from symbackprop.program.operations import Shape

ONE = Integer(1)
ZERO = Integer(0)
Strides = tuple[Expr | None, ...]

ALIGNED = 1024
"""From about so many entries a buffer begins with a line of the cache."""


def product(extents: Shape) -> Expr:
    """The product of extents; 1 for none."""
    return functools.reduce(lambda a, b: a * b, extents, ONE)


@functools.lru_cache(maxsize=65536)
def written(extent: Expr) -> str:
    """An extent as text, by which indices of one name are told apart."""
    return str(extent)


@functools.lru_cache(maxsize=65536)
def row_major(shape: Shape) -> Shape:
    """How many entries apart neighbours lie along each axis of an array without gaps."""
    strides = [ONE] * len(shape)
    for k in range(len(shape) - 2, -1, -1):
        strides[k] = strides[k + 1] * shape[k + 1]
    return tuple(strides)


@functools.lru_cache(maxsize=65536)
def nominal(extent: Expr) -> int:
    """About how large an extent is, to weigh one order of operations against another."""
    return int(extent.subs({s: 64 for s in extent.free_symbols}))


def size(shape: Shape) -> int:
    """About how many entries an array has."""
    return functools.reduce(lambda a, b: a * nominal(b), shape, 1)


def merged_stride(span: range, shape: Shape, strides: Strides) -> Expr | None:
    """The stride of adjacent axes seen as one; None where they cannot be."""
    axes = [k for k in span if shape[k] != 1]
    if not axes:
        return ONE
    for a, b in itertools.pairwise(axes):
        stride = strides[b]
        if stride is None or strides[a] != stride * shape[b]:
            return None
    return strides[axes[-1]]


def broadcast(shapes: list[Shape]) -> Shape:
    """The shape of an operation entry by entry on arrays of these shapes."""
    longest = max(shapes, key=len)
    if all(s in ((), longest) for s in shapes):
        return longest
    result = list(longest)
    for shape in shapes:
        for k in range(1, len(shape) + 1):
            if result[-k] == 1:
                result[-k] = shape[-k]
            assert shape[-k] in (1, result[-k]), f"shapes {shapes} do not broadcast"
    return tuple(result)
