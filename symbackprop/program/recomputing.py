"""Cheap forward values computed again on the way back, where keeping them takes memory.

A tensor whose equation is pointwise, out of tensors that the way back reads anyway, need not be
kept: its equation is lowered a second time, where the way back first reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from symbackprop.derivation.model import Line
from symbackprop.equations.masks import Mask, Where
from symbackprop.equations.nodes import Access, Node, TensorSymbol, tensors
from symbackprop.equations.system import Equation
from symbackprop.program.operations import Apply, Operation

ENTRYWISE = (Access, Where, Mask)
Known = tuple[int, tuple[int, ...]]


def recomputable(
    forward: Sequence[Line], backward: Iterable[Line], given: Iterable[TensorSymbol]
) -> dict[TensorSymbol, Equation]:
    """The equations that the way back can compute again from what it keeps for other reasons."""
    read = {t for line in backward for t in tensors(line.equation.rhs)}
    kept = read | set(given)
    equations = [line.equation for line in forward if line.equation.tensor in read]
    return {e.tensor: e for e in equations if is_pointwise(e) and kept.issuperset(_read(e))}


def is_pointwise(equation: Equation) -> bool:
    """Whether every entry is a function of single entries at its own indices."""
    entries = equation.rhs.atoms(Access)
    plain = all(set(entry.indices) <= set(equation.indices) for entry in entries)
    nodes = equation.rhs.atoms(Node)
    own = equation.tensor in _read(equation)
    return bool(entries) and plain and not own and all(isinstance(n, ENTRYWISE) for n in nodes)


def has_memory(operation: Operation) -> bool:
    """Whether a value needs memory of its own; max(z, 0), read where z > 0, does not."""
    return isinstance(operation, Apply) and operation.function != "maximum"


def _read(equation: Equation) -> list[TensorSymbol]:
    return tensors(equation.rhs)


class Recomputed(dict[TensorSymbol, Known]):
    """The values of tensors on the way back: some are computed anew when they are first read."""

    def __init__(
        self,
        known: dict[TensorSymbol, Known],
        again: dict[TensorSymbol, Equation],
        lower: Callable[[Equation, Recomputed], Known],
    ) -> None:
        super().__init__({t: value for t, value in known.items() if t not in again})
        self._again = again
        self._lower = lower

    def __missing__(self, tensor: TensorSymbol) -> Known:
        self[tensor] = found = self._lower(self._again[tensor], self)
        return found
