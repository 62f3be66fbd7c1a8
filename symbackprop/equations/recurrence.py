"""Recurrences: equations that read each other's earlier steps.

A read of the step before is Where(t >= 1, h[n, t - 1, k], initial), of the step after
Where(t < T - 1, h[n, t + 1, k], initial): so no entry outside the tensor is ever read, and every
rule and evaluator that knows `Where` knows what happens at the ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr

from symbackprop.equations.nodes import Access, Index, TensorSymbol, tensors
from symbackprop.equations.system import Equation


@dataclass(frozen=True)
class Recurrence:
    """Equations computed together, step by step, in this order within a step.

    `axes` is the axis of each tensor along which the steps go. `reverse`: from the last step to
    the first.
    """

    equations: tuple[Equation, ...]
    axes: Mapping[TensorSymbol, int]
    reverse: bool

    @property
    def extent(self) -> Expr:
        """The number of steps."""
        first = self.equations[0].tensor
        return first.shape[self.axes[first]]

    def step_of(self, equation: Equation) -> Index:
        """The index of the equation that counts the steps."""
        return equation.indices[self.axes[equation.tensor]]


class NoRecurrence(ValueError):
    """Equations read each other, but not as a recurrence; `read` is where it fails."""

    def __init__(self, reason: str, reader: Equation, read: Access) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reader = reader
        self.read = read


def components(equations: Iterable[Equation]) -> list[Equation | Recurrence]:
    """Single equations, and groups that read each other, each after all that it reads.

    Raises NoRecurrence for a group that is none.
    """
    ordered = list(equations)
    groups = _in_groups(ordered)
    found: list[Equation | Recurrence] = []
    for group in groups:
        alone = len(group) == 1 and group[0].tensor not in tensors(group[0].rhs)
        found.append(group[0] if alone else recurrence(group))
    return found


def members(component: Equation | Recurrence) -> list[Equation]:
    """The equations of a component, in the order in which they are computed."""
    return [component] if isinstance(component, Equation) else list(component.equations)


def recurrence(group: Sequence[Equation]) -> Recurrence:
    """The equations of a group as a recurrence. Raises NoRecurrence."""
    members = {e.tensor: e for e in group}
    reads = [(e, a) for e in group for a in _reads(e.rhs) if a.tensor in members]
    axes = _step_axes(members, reads)
    shifts = [(e, a, _shift(e, a, axes)) for e, a in reads]
    ahead = [(e, a) for e, a, shift in shifts if shift > 0]
    behind = [(e, a) for e, a, shift in shifts if shift < 0]
    if ahead and behind:
        raise NoRecurrence("it reads the steps before and the steps after", *ahead[0])
    now: dict[TensorSymbol, list[TensorSymbol]] = {t: [] for t in members}
    for e, a, shift in shifts:
        if shift == 0:
            now[e.tensor].append(a.tensor)
    order = _within_a_step(members, now, [(e, a) for e, a, shift in shifts if shift == 0])
    return Recurrence(tuple(members[t] for t in order), axes, bool(ahead))


def _reads(rhs: Expr) -> list[Access]:
    return sorted(rhs.atoms(Access), key=str)


def _step_axes(
    members: Mapping[TensorSymbol, Equation], reads: Sequence[tuple[Equation, Access]]
) -> dict[TensorSymbol, int]:
    """The axis of each tensor along which it is read shifted; found from one tensor to the next."""
    axes: dict[TensorSymbol, int] = {}
    for reader, read in reads:
        shifted = [k for k, p in enumerate(read.indices) if _shifts(p, reader) not in (None, 0)]
        if len(shifted) > 1:
            raise NoRecurrence("it reads other steps along two indices", reader, read)
        for k in shifted:
            if axes.setdefault(read.tensor, k) != k:
                raise NoRecurrence("it reads other steps along two indices", reader, read)
    if not axes:
        raise NoRecurrence("it reads itself at the same step", *reads[0])
    while len(axes) < len(members):
        known = len(axes)
        for reader, read in reads:
            _carry_over(reader, read, axes)
        if len(axes) == known:
            missing = next((e, a) for e, a in reads if e.tensor not in axes)
            raise NoRecurrence("it reads other steps along no index of its own", *missing)
    return axes


def _carry_over(reader: Equation, read: Access, axes: dict[TensorSymbol, int]) -> None:
    """The step axis of the reader from that of what it reads, and the other way round."""
    if read.tensor in axes and reader.tensor not in axes:
        own = _index_of(read.indices[axes[read.tensor]])
        if own in reader.indices:
            axes[reader.tensor] = reader.indices.index(own)
    elif reader.tensor in axes and read.tensor not in axes:
        step = reader.indices[axes[reader.tensor]]
        places = [k for k, p in enumerate(read.indices) if p == step]
        if len(places) == 1:
            axes[read.tensor] = places[0]


def _shift(reader: Equation, read: Access, axes: Mapping[TensorSymbol, int]) -> int:
    step = reader.indices[axes[reader.tensor]]
    position = read.indices[axes[read.tensor]]
    difference = position - step
    if not difference.is_Integer:
        raise NoRecurrence(
            f"it reads step {position}, which is not a constant shift of {step}", reader, read
        )
    return int(difference)


def _shifts(position: Expr, reader: Equation) -> int | None:
    """c where the position is an index of the reader plus c, else None."""
    index = _index_of(position)
    if index is None or index not in reader.indices:
        return None
    difference = position - index
    return int(difference) if difference.is_Integer else None


def _index_of(position: Expr) -> Index | None:
    found = [s for s in position.free_symbols if isinstance(s, Index)]
    return found[0] if len(found) == 1 else None


def _within_a_step(
    members: Mapping[TensorSymbol, Equation],
    now: Mapping[TensorSymbol, Sequence[TensorSymbol]],
    same: Sequence[tuple[Equation, Access]],
) -> list[TensorSymbol]:
    """An order in which each reads only what the step has computed; the given one where it can."""
    order: dict[TensorSymbol, None] = {}
    while len(order) < len(members):
        ready = [t for t in members if t not in order and all(r in order for r in now[t])]
        if not ready:
            stuck = next((e, a) for e, a in same if e.tensor not in order)
            raise NoRecurrence("it reads itself at the same step", *stuck)
        order[ready[0]] = None
    return list(order)


def _in_groups(equations: Sequence[Equation]) -> list[list[Equation]]:
    """Groups that read each other, in an order in which each comes after what it reads.

    Equations stay in the given order as far as they can: a group stands where its last member
    stood (Tarjan 1972 finds the groups; here over a graph that is nearly in order).
    """
    defined = {e.tensor: k for k, e in enumerate(equations)}
    reads = [sorted({defined[t] for t in tensors(e.rhs) if t in defined}) for e in equations]
    if all(r < k for k, own in enumerate(reads) for r in own):
        return [[e] for e in equations]
    groups = strongly_connected(reads)
    return [[equations[k] for k in sorted(group)] for group in groups]


def strongly_connected(reads: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Strongly connected groups of a graph, each after those that it reads; without recursion."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    waiting: set[int] = set()
    for root in range(len(reads)):
        if root in number:
            continue
        work: list[tuple[int, int]] = [(root, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                number[node] = low[node] = len(number)
                stack.append(node)
                waiting.add(node)
            for k in range(position, len(reads[node])):
                other = reads[node][k]
                if other not in number:
                    work += [(node, k + 1), (other, 0)]
                    break
                if other in waiting:
                    low[node] = min(low[node], number[other])
            else:
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == number[node]:
                    at = stack.index(node)
                    group, stack = stack[at:], stack[:at]
                    waiting.difference_update(group)
                    yield group
