"""The circles among the statements of a network: which names they hold, where they begin, end."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from symbackprop.equations.build.indexed import Indexed
from symbackprop.equations.build.members import Initial, Members
from symbackprop.equations.build.scope import ArrayValue, DependsOnFault, Scope
from symbackprop.equations.build.walk import elements, named, read
from symbackprop.equations.recurrence import strongly_connected
from symbackprop.spec.syntax import Name, Statement


def groups(defining: Sequence[Statement]) -> dict[str, frozenset[str]]:
    """For each name that stands in a circle of statements, all the names of its circle."""
    place = {s.target: k for k, s in enumerate(defining)}
    reads = [sorted({place[n] for n in read(s) if n in place}) for s in defining]
    found: dict[str, frozenset[str]] = {}
    for group in strongly_connected(reads):
        names = frozenset(defining[k].target for k in group)
        if len(group) > 1 or group[0] in reads[group[0]]:
            found |= dict.fromkeys(names, names)
    return found


class Circles:
    """The circles of a network, each built as its statements come by."""

    def __init__(self, scope: Scope, network: Sequence[Statement]) -> None:
        self.scope = scope
        self._defining = [s for s in network if self.first_step(s) is None]
        self._groups = groups(self._defining)
        self._last = {self._groups[s.target]: s for s in self._defining if s.target in self._groups}
        self._initial: dict[str, Initial] = {}
        self._open: dict[frozenset[str], Members] = {}

    def first_step(self, statement: Statement) -> int | None:
        """The axis at which `h[n, -1, i] = …` states what stands before the first step, if so.

        For a pass from the end that is `h[n, T, i] = …`, T the number of steps.
        """
        for axis, index in enumerate(statement.indices or ()):
            if not isinstance(index, Name) or index.id in self.scope.numbers:
                return axis
        return None

    def of(self, statement: Statement) -> Members | None:
        """The circle that the statement is of, None for most."""
        group = self._groups.get(statement.target)
        if group is None:
            return None
        if not group.isdisjoint(self.scope.broken):
            raise DependsOnFault
        if group not in self._open:
            names = {n: n for n in sorted(group)}
            hints = {s.target: self._hints(s) for s in self._defining if s.target in group}
            self._open[group] = Members(self.scope, names, self._initial, hints=hints)
        return self._open[group]

    def _hints(self, statement: Statement) -> list[Expr | None]:
        """The extents of a statement's indices, as far as what is defined already tells them."""
        known: dict[str, Expr] = {}
        for element in elements(statement.value):
            array = self.scope.arrays.get(element.tensor)
            for position, size in zip(element.indices, array.shape if array else (), strict=False):
                if isinstance(position, Name):
                    known.setdefault(position.id, size)
        initial = self._initial.get(statement.target)
        left = [i.id for i in statement.indices or () if isinstance(i, Name)]
        if initial is not None:
            own = dict(enumerate(statement.indices or ()))
            named_axes = [own[k] for k in initial.axes if k in own]
            names = [i.id for i in named_axes if isinstance(i, Name)]
            known |= dict(zip(names, initial.value.shape, strict=False))
        for binder in statement.extents:
            known[binder.index] = Indexed(self.scope).extent(binder)
        return [known.get(name) for name in left]

    def begin(self, statement: Statement) -> None:
        """`h[n, -1, i] = h0[n, i]`: what stands before the first step."""
        axis = self.first_step(statement)
        assert axis is not None and statement.indices is not None
        if statement.target not in self._groups:
            self.scope.fail(
                statement.place,
                f"a first step of '{statement.target}', which reads no earlier step of its own",
                "delete it, or read an earlier step, such as t - 1",
            )
        if statement.target in self.scope.arrays or self._groups[statement.target] in self._open:
            self.scope.fail(
                statement.place,
                f"a first step of '{statement.target}', whose steps stand above",
                "state it before the statements that read it",
            )
        left = {k: p for k, p in enumerate(statement.indices) if k != axis}
        if not all(isinstance(p, Name) for p in left.values()):
            self.scope.fail(
                statement.place, "more than one step on the left", "write one number, -1"
            )
        indexed = Indexed(self.scope)
        position = indexed.value(statement.indices[axis], {})
        # what the value does not depend on is the same for every index of that axis
        words = set(named(statement.value))
        axes = tuple(k for k, p in left.items() if isinstance(p, Name) and p.id in words)
        indices, body = indexed.statement(tuple(left[k] for k in axes), statement.value, {})
        value = ArrayValue(indices, body, f"{statement.target}_first")
        if not body.is_number:
            value = self.scope.materialise(value, statement.place)
        initial = Initial(axis, position, axes, value, statement.place)
        self._initial[statement.target] = initial

    def end(self, statement: Statement) -> None:
        """The statement has been built; after its last one a circle is whole."""
        group = self._groups.get(statement.target)
        if group is not None:
            circle = self._open[group]
            circle.define(statement.target, self.scope.arrays[statement.target])
            if self._last[group] is statement:
                circle.end()
