"""The backward sweep: the cotangent of every tensor, from the loss to what it depends on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sympy import Expr, Integer

from symbackprop.derivation.adjoint import Consumer, Cotangent, is_light
from symbackprop.derivation.likeness import Adjoints
from symbackprop.derivation.model import Line, Step
from symbackprop.derivation.occurrences import differentiable_reads
from symbackprop.derivation.statistics import is_compact, subjects
from symbackprop.equations.build.scope import default_indices
from symbackprop.equations.nodes import Access, Digit, Index, TensorSymbol, tensors
from symbackprop.equations.recurrence import Recurrence, components, members
from symbackprop.equations.renaming import fresh_name
from symbackprop.equations.system import Equation, Loss

Steps = tuple[Step, ...]


def sweep(loss: Loss, equations: list[Equation], adjoints: Adjoints, taken: set[str]) -> list[Line]:
    """The lines of the way back from one loss, in the order of computation, not yet numbered.

    A tensor is differentiated once every equation that reads it has its cotangent.
    """
    back = _Sweep(loss, equations, adjoints, taken)
    computed = {e.tensor for e in equations}
    waiting = {x: {e.tensor for e in found} for x, found in back.readers.items()}
    reaching = {loss.symbol, *back.readers}
    active = [e for e in equations if e.tensor in reaching]
    for component in reversed(components(active)):
        group = members(component)[::-1]
        if isinstance(component, Recurrence):
            back.derive_together(group)
        for x in _reading_order(group, computed):
            if x in waiting and x not in back.cotangents:
                waiting[x].difference_update(e.tensor for e in group)
                if not waiting[x]:
                    back.derive(x)
    for x in loss.wrt:
        if x not in back.cotangents:
            back.name(x, default_indices(x.shape))
            back.write(x, Integer(0))
    return back.lines


class _Sweep:
    """What one sweep has found so far: a cotangent for each tensor, and the lines that give it."""

    def __init__(
        self,
        loss: Loss,
        equations: list[Equation],
        adjoints: Adjoints,
        taken: set[str],
    ) -> None:
        self.loss = loss
        self.adjoints = adjoints
        self.readers = _readers(loss, equations)
        self.cotangents = {loss.symbol: Cotangent((), Integer(1))}
        self.lines: list[Line] = []
        self._taken = set(taken)
        self._computed = {e.tensor: e.rhs for e in equations}
        self._subjects = subjects(equations, self.readers)

    def name(self, x: TensorSymbol, at: tuple[Index, ...]) -> None:
        """The cotangent of x is a tensor of its own."""
        symbol = TensorSymbol(fresh_name(f"d{x.name}", self._taken), x.shape)
        self._taken.add(symbol.name)
        self.cotangents[x] = Cotangent(at, Access(symbol, *at))

    def write(self, x: TensorSymbol, rhs: Expr, steps: Steps = (), also: Steps = ()) -> None:
        """The line of a cotangent that has a name."""
        own = self.cotangents[x]
        line = Line(0, Equation(own.value.tensor, own.indices, rhs), steps, x, also)
        self.lines.append(line)

    def derive(self, x: TensorSymbol) -> None:
        """The cotangent of x: a line, or a value that is put in where it is used, or none."""
        found = self._consumers(x)
        at = _indices_for(x, found[0][0] if found else None)
        rhs, steps, also = self.adjoints.of(Access(x, *at), found)
        if rhs == 0:
            return
        held = [s for s, subject in self._subjects.items() if subject == x]
        light = is_light(rhs, self._computed.get(x)) and x not in self.loss.wrt
        if held and not is_compact(rhs, len(held)):
            self._derive_apart(x, held)
        elif x in self._subjects or light:
            self.cotangents[x] = Cotangent(at, rhs)
        else:
            self.name(x, at)
            self.write(x, rhs, steps, also)

    def _derive_apart(self, x: TensorSymbol, statistics: Sequence[TensorSymbol]) -> None:
        """A line for each statistic of x, where x's own would grow too large with them in it."""
        for statistic in statistics:
            del self._subjects[statistic], self.cotangents[statistic]
        for statistic in reversed(statistics):
            self.derive(statistic)
        self.derive(x)

    def derive_together(self, group: Sequence[Equation]) -> None:
        """The cotangents of a recurrence read each other's steps, so each has its name first."""
        for e in group:
            self.name(e.tensor, e.indices)
        for e in group:
            found = self._consumers(e.tensor)
            self.write(e.tensor, *self.adjoints.of(e.lhs, found))

    def _consumers(self, x: TensorSymbol) -> list[Consumer]:
        cotangents = self.cotangents
        return [(e, cotangents[e.tensor]) for e in self.readers[x] if e.tensor in cotangents]


def _readers(loss: Loss, equations: list[Equation]) -> dict[TensorSymbol, list[Equation]]:
    """The equations that read each tensor between the variables and the loss, in order."""
    reads = {e.tensor: differentiable_reads(e.rhs) for e in equations}
    read_by: dict[TensorSymbol, list[TensorSymbol]] = {}
    for reader, found in reads.items():
        for t in found:
            read_by.setdefault(t, []).append(reader)
    moved = _reached(loss.wrt, read_by)
    active = _reached({loss.symbol} & moved, {y: reads[y] & moved for y in reads if y in moved})
    readers: dict[TensorSymbol, list[Equation]] = {}
    for equation in equations:
        if equation.tensor in active:
            for t in sorted(reads[equation.tensor] & active, key=lambda t: t.name):
                readers.setdefault(t, []).append(equation)
    return readers


def _reached(
    start: Iterable[TensorSymbol], edges: Mapping[TensorSymbol, Iterable[TensorSymbol]]
) -> set[TensorSymbol]:
    """Every tensor that edges lead to from the start, and the start."""
    reached: set[TensorSymbol] = set()
    waiting = list(start)
    while waiting:
        tensor = waiting.pop()
        if tensor not in reached:
            reached.add(tensor)
            waiting += edges.get(tensor, ())
    return reached


def _reading_order(
    group: Sequence[Equation], computed: Collection[TensorSymbol]
) -> list[TensorSymbol]:
    """Parameters and inputs before the values that were computed: a layer's own gradients first."""
    read = {t for equation in group for t in tensors(equation.rhs)}
    return sorted(read, key=lambda t: (t in computed, t.name))


def _indices_for(x: TensorSymbol, reader: Equation | None) -> tuple[Index, ...]:
    """The names by which the reader reads x, where they are plain and distinct.

    An axis that it reads at another position, as 2 i + p, has a name that the reader has not.
    """
    if reader is None:
        return default_indices(x.shape)
    of_x = (access for access in reader.rhs.atoms(Access) if access.tensor == x)
    for access in sorted(of_x, key=_by_length):
        if len(set(access.indices)) == x.rank:
            at = list(zip(access.indices, x.shape, strict=True))
            taken = {i.name for i in reader.rhs.atoms(Index)}
            own: list[Index] = []
            for position, size in at:
                if not isinstance(position, Index):
                    if not position.has(Index) or position.has(Access, Digit):
                        break
                    position = Index(fresh_name(next(_unlike(taken)), taken), size)
                    taken.add(position.name)
                elif position.extent != size:
                    break
                own.append(position)
            if len(own) == x.rank:
                return tuple(own)
    return default_indices(x.shape)


def _by_length(access: Access) -> tuple[int, str]:
    return len(str(access)), str(access)


def _unlike(taken: Collection[str]) -> Iterator[str]:
    """Letters for the axes of what others read at several places."""
    yield from (c for c in "abdefghuvw" if c not in taken)
    yield "a"
