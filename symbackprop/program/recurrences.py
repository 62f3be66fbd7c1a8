"""Recurrences: equations that read each other's earlier steps become the body of a loop."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Mul

from symbackprop.equations.masks import Compare, Delta, Where
from symbackprop.equations.nodes import Access, TensorSymbol
from symbackprop.equations.nodes import tensors as reads
from symbackprop.equations.recurrence import Recurrence
from symbackprop.equations.system import Equation
from symbackprop.program.bodies import conditions_of
from symbackprop.program.graph import Graph
from symbackprop.program.invariants import Invariants
from symbackprop.program.model import Loop
from symbackprop.program.operations import Either, View
from symbackprop.program.scope import Axes, Labelled, Rule, Scope
from symbackprop.program.steps import Condition, Step, compares, condition_on, is_shift

Tensors = Mapping[TensorSymbol, tuple[int, tuple[int, ...]]]


@dataclass(frozen=True)
class Lowered:
    """A loop, and what each tensor of the recurrence is: at one step, and once all are done."""

    loop: Loop
    rows: Mapping[TensorSymbol, int]
    tensors: Tensors


def lower_recurrence(
    recurrence: Recurrence,
    lines: Mapping[TensorSymbol, int],
    step: Step,
    graph: Graph,
    tensors: Tensors,
    rules: Mapping[type, Rule],
) -> Lowered:
    """The loop of a recurrence; `lines` numbers its equations.

    What a tensor holds at each step is a row of memory in which the steps are the first axis: rows
    are contiguous, and products over all steps see them as one long matrix.
    """
    own = {equation.tensor for equation in recurrence.equations}
    read = dict.fromkeys(t for equation in recurrence.equations for t in reads(equation.rhs))
    # Looked up here: what is computed anew when it is first read comes before the loop.
    tensors = {tensor: tensors[tensor] for tensor in read if tensor not in own}
    graph.line = 0
    memory: dict[TensorSymbol, int] = {}
    for equation in recurrence.equations:
        tensor, axis = equation.tensor, recurrence.axes[equation.tensor]
        shape = (tensor.shape[axis], *_without(tensor.shape, axis))
        memory[tensor] = graph.memory(step.loop, tensor.name, shape, tensor.kind)
    body = _Body(recurrence, step, memory, {})
    writes: dict[int, int] = {}
    for equation in recurrence.equations:
        tensor = equation.tensor
        graph.line = lines[tensor]
        found = _StepScope(body, equation, graph, tensors, rules).value()
        rest = tuple(k for k in range(tensor.rank) if k != recurrence.axes[tensor])
        body.now[tensor] = (found, rest)
        writes[memory[tensor]] = _kept(graph, found, memory[tensor], step, writes)
    done = {}
    for tensor, value in memory.items():
        axis = recurrence.axes[tensor]
        order = (*range(1, axis + 1), 0, *range(axis + 1, tensor.rank))
        whole = graph.transpose(graph.written(value), order)
        done[tensor] = (whole, tuple(range(tensor.rank)))
    loop = Loop(step, recurrence.extent, recurrence.reverse, writes, len(graph.values))
    return Lowered(loop, {t: writes[m] for t, m in memory.items()}, done)


def _kept(graph: Graph, value: int, memory: int, step: Step, writes: Mapping[int, int]) -> int:
    """The value if an operation of its own can write it into its row; else a copy of it."""
    operation = graph.values[value]
    borrowed = isinstance(operation, (View, Either)) or graph.stands(value)
    if operation.shape and not borrowed and value not in writes.values():
        return value
    return graph.row_copy(value, graph.shape(memory)[1:], graph.kind(memory), step)


class _AllSteps(Scope):
    """The scope of what is computed for all steps at once, and read row by row: the steps lead."""

    def rows(self, axes: Axes) -> Axes:
        return self.sorted(axes)


@dataclass(frozen=True)
class _Body:
    """`memory` is what the loop writes for each of its tensors, `now` what a step has computed."""

    recurrence: Recurrence
    step: Step
    memory: Mapping[TensorSymbol, int]
    now: dict[TensorSymbol, tuple[int, tuple[int, ...]]]


class _StepScope(Scope):
    """The scope of one equation at one step."""

    repeats = True

    def __init__(
        self,
        body: _Body,
        equation: Equation,
        graph: Graph,
        tensors: Tensors,
        rules: Mapping[type, Rule],
    ) -> None:
        index = body.recurrence.step_of(equation)
        self._seen: dict[TensorSymbol, tuple[int, tuple[int, ...]]] = {}
        self._indices = tuple(i for i in equation.indices if i != index)
        super().__init__(graph, ChainMap(self._seen, dict(tensors)), rules, self._indices)
        self._body = body
        self._step = body.step
        self._equation = equation
        invariants = Invariants(index, body.memory, (index, *self._indices))
        self._rhs = invariants.split_off(equation.rhs).xreplace({index: body.step})
        for found in invariants.found.values():
            outer = _AllSteps(graph, tensors, rules, found.indices)
            self._seen[found.tensor] = outer.tensor(found.body, found.indices)

    def value(self) -> int:
        """The tensor at this step, along all of its other indices."""
        labelled = self.lower(self._rhs)
        value = self.expand(labelled, self._indices)
        return self.graph.real(value) if self._equation.tensor.kind == "real" else value

    def lower(self, expr: Expr) -> Labelled:
        """As in any scope, but what the step decides is decided when running."""
        if expr.has(self._step):
            if isinstance(expr, Access):
                return super().lower(self._row(expr))
            if isinstance(expr, Where):
                condition = condition_on(self._step, expr.args[0])
                if condition is not None:
                    return self._choice(expr)
                if compares(self._step, expr.args[0]):
                    return self._where_it_exists(expr)
            if isinstance(expr, Mul):
                for factor in expr.args:
                    if not isinstance(factor, (Compare, Delta)):
                        continue
                    rest = Mul(*(f for f in expr.args if f is not factor))
                    if condition_on(self._step, factor):
                        return self.lower(Where(factor, rest, 0))
                    if compares(self._step, factor) and self._demands(rest):
                        return self.lower(Where(factor, rest, 0))
        return super().lower(expr)

    def _demands(self, expr: Expr) -> tuple[Condition, ...]:
        """What must hold of the step for an expression to have a value."""
        extent = self._body.recurrence.extent
        return conditions_of(self.graph, self.lower(expr).value, extent)

    def _where_it_exists(self, expr: Where) -> Labelled:
        """A choice entry by entry: at steps where one side is no value, no entry chooses that."""
        _, a, b = expr.args
        found = super().lower(expr)
        for side, other in ((a, b), (b, a)):
            for condition in self._demands(side):
                found = self._chosen(condition, found, self.lower(other))
        return found

    def _choice(self, expr: Where) -> Labelled:
        """One of two values, as the step has it."""
        condition = condition_on(self._step, expr.args[0])
        assert condition is not None
        return self._chosen(condition, *(self.lower(part) for part in expr.args[1:]))

    def _chosen(self, condition: Condition, *parts: Labelled) -> Labelled:
        axes = self.joint(*parts)
        shape = tuple(i.extent for i in axes)
        graph = self.graph
        if all(graph.stands(part.value) for part in parts):
            a, b = (self.expand(part, axes) for part in parts)
        else:
            a, b = (self.align(part, axes) for part in parts)
        return Labelled(graph.choose(self._step, condition, shape, a, b), axes)

    def _row(self, access: Access) -> Access:
        """x[…, t - d, …] as an access of what x holds at that step; itself where it is no row."""
        inner = {a: self._row(a) for p in access.indices for a in p.atoms(Access)}
        tensor, indices = access.tensor, tuple(p.xreplace(inner) for p in access.indices)
        moving = [k for k, position in enumerate(indices) if position.has(self._step)]
        if len(moving) != 1 or not is_shift(indices[moving[0]], self._step):
            return Access(tensor, *indices)
        axis = moving[0]
        position = indices[axis]
        name = f"{tensor.name}[{':, ' * axis}{position}]"  # a square has rows and columns
        seen = TensorSymbol(name, _without(tensor.shape, axis), tensor.kind, tensor.classes)
        if seen not in self._seen:
            self._seen[seen] = self._value_at(tensor, axis, position)
        return Access(seen, *_without(indices, axis))

    def _value_at(
        self, tensor: TensorSymbol, axis: int, position: Expr
    ) -> tuple[int, tuple[int, ...]]:
        if tensor in self._body.memory and position == self._step:
            value, present = self._body.now[tensor]
        elif tensor in self._body.memory:
            present = tuple(k for k in range(tensor.rank) if k != axis)
            value = self.graph.row(self._body.memory[tensor], 0, self._step, position)
        else:
            value, present = self.tensors[tensor]
            if axis in present:
                value = self.graph.row(value, present.index(axis), self._step, position)
        return value, tuple(k - (k > axis) for k in present if k != axis)


def _without(items: tuple[Expr, ...], axis: int) -> tuple[Expr, ...]:
    return (*items[:axis], *items[axis + 1 :])
