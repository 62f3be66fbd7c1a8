"""Numbers of the lines outside training: an equation that training has as well keeps its number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count

from sympy import Expr

from symbackprop.derivation.model import Derivation, Line, LossDerivation
from symbackprop.equations.nodes import Index, TensorSymbol

Content = tuple[TensorSymbol, tuple[Index, ...], Expr]


def going_on(later: Derivation, first: Derivation) -> Derivation:
    """`later` with the numbers of `first` for the equations of both, and the next for all others.

    Both are derivations of the same losses; the way back from a loss is held against the way back
    from the same loss.
    """
    unused = count(1 + sum(1 for _ in first.lines()))
    forward = _numbered(later.forward, first.forward, unused)
    losses = []
    for own, known in zip(later.losses, first.losses, strict=True):
        lines = _numbered(own.cotangents, known.cotangents, unused)
        by_tensor = {line.of: line for line in lines}
        gradients = {name: by_tensor[line.of] for name, line in own.gradients.items()}
        losses.append(LossDerivation(own.loss, lines, gradients, own.wrt))
    return replace(later, forward=forward, losses=tuple(losses))


def _numbered(
    lines: Iterable[Line], known: Iterable[Line], unused: Iterator[int]
) -> tuple[Line, ...]:
    numbers = {_content(line): line.number for line in known}
    found = ((line, numbers.get(_content(line))) for line in lines)
    return tuple(replace(line, number=next(unused) if k is None else k) for line, k in found)


def _content(line: Line) -> Content:
    return (line.equation.tensor, line.equation.indices, line.equation.rhs)
