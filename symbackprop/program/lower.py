"""From a derivation to a program: every equation lowered once, then a function for each purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from symbackprop.derivation.model import Derivation, Line, LossDerivation
from symbackprop.equations.nodes import TensorSymbol, tensors
from symbackprop.equations.recurrence import Recurrence, components
from symbackprop.equations.system import Equation
from symbackprop.program.bodies import conditions
from symbackprop.program.expressions import RULES
from symbackprop.program.graph import Graph
from symbackprop.program.model import Function, Loop, Loss, Program
from symbackprop.program.names import Namer
from symbackprop.program.operations import Copy, Read, Row, Scalar, Steps, View, Written
from symbackprop.program.recurrences import lower_recurrence
from symbackprop.program.scope import Scope
from symbackprop.program.shapes import row_major
from symbackprop.program.sparse import rows_and_values
from symbackprop.program.steps import Step
from symbackprop.program.stops import without_stops
from symbackprop.program.storage import Pool, place, root


def lower(derivation: Derivation) -> Program:
    """The program of a derivation: forward, and each loss alone and with its gradients."""
    namer = Namer(derivation)
    pool = Pool(namer)
    training = _lowered(derivation, namer, pool)
    in_use = None
    if derivation.in_use is not None:
        in_use = _lowered(derivation.in_use, namer, pool)
    return replace(training, in_use=in_use, buffers=pool.buffers())


def _lowered(derivation: Derivation, namer: Namer, pool: Pool) -> Program:
    lowering = _Lowering(derivation, namer, pool)
    gradients = [lowering.gradients(loss) for loss in derivation.losses]
    losses = [lowering.loss(loss) for loss in derivation.losses]
    forward = lowering.forward()
    return Program(
        derivation=derivation,
        values=tuple(lowering.graph.values),
        serves=tuple(lowering.graph.serves),
        lines={line.number: line for line in derivation.lines()},
        constants=lowering.constants,
        buffers=(),
        forward=forward,
        losses=tuple(
            Loss(loss.loss.name, value, both)
            for loss, value, both in zip(derivation.losses, losses, gradients, strict=True)
        ),
        loops=tuple(lowering.loops),
        loop_of=tuple(lowering.graph.loop_of),
        when=conditions(lowering.graph, lowering.loops),
    )


class _Lowering:
    """The graph of all equations, and the functions cut from it."""

    def __init__(self, derivation: Derivation, namer: Namer, pool: Pool) -> None:
        system = derivation.system
        self.derivation = derivation
        self.graph = Graph()
        self.tensors: dict[TensorSymbol, tuple[int, tuple[int, ...]]] = {}
        self.names: dict[int, str] = {}
        self.numbers: dict[TensorSymbol, int] = {}
        self.constants: dict[int, str] = {}
        self.loops: list[Loop] = []
        self.sparse: dict[TensorSymbol, tuple[int, int]] = {}
        self.namer = namer
        self.pool = pool
        for symbol in system.given:
            value = self.graph.read(symbol.name, symbol.shape, symbol.kind)
            self.tensors[symbol] = (value, tuple(range(symbol.rank)))
        self._lines(derivation.forward)

    def _lines(self, lines: Iterable[Line]) -> None:
        """Lower the equations of lines, each after all that it reads."""
        found = {line.equation.tensor: line for line in lines}
        by_rows = {tensor for tensor, line in found.items() if self._is_sparse(line)}
        self.numbers.update((tensor, line.number) for tensor, line in found.items())
        for component in components(without_stops(line.equation) for line in found.values()):
            if isinstance(component, Recurrence):
                self._recurrence(component)
            elif component.tensor in by_rows:
                self._rows(component)
            else:
                self._equation(component)

    def _equation(self, equation: Equation) -> None:
        """Lower one equation, and let its tensor be known by its name."""
        self.graph.line = self.numbers[equation.tensor]
        scope = Scope(self.graph, self.tensors, RULES, equation.indices)
        value, present = scope.tensor(equation.rhs, equation.indices)
        self.tensors[equation.tensor] = (value, present)
        self.names.setdefault(value, equation.tensor.name)

    def _is_sparse(self, line: Line) -> bool:
        """Whether the line is the gradient by a parameter that `sparse` names."""
        return line.of in self.derivation.system.sparse

    def _rows(self, equation: Equation) -> None:
        """Lower the gradient of a table to rows and their values."""
        self.graph.line = self.numbers[equation.tensor]
        scope = Scope(self.graph, self.tensors, RULES, equation.indices)
        self.sparse[equation.tensor] = rows_and_values(equation, scope)

    def _recurrence(self, recurrence: Recurrence) -> None:
        """Lower equations that are computed step by step, and let their tensors be known."""
        index = recurrence.step_of(recurrence.equations[0])
        step = Step(self.namer.step(index.name), len(self.loops))
        lowered = lower_recurrence(recurrence, self.numbers, step, self.graph, self.tensors, RULES)
        self.loops.append(lowered.loop)
        self.tensors.update(lowered.tensors)
        for tensor, value in lowered.rows.items():
            self.names[value] = self.namer.new(f"{tensor.name}_{step.name}", ())
            self.names[self.tensors[tensor][0]] = tensor.name

    def gradients(self, loss: LossDerivation) -> Function:
        """The loss and its gradients; lowers the way back from this loss."""
        self._lines(loss.cotangents)
        known = {*self.tensors, *self.sparse}
        self._lines(g for g in loss.gradients.values() if g.equation.tensor not in known)
        wanted = {name: line.equation.tensor for name, line in loss.gradients.items()}
        results = {loss.loss.name: self._value(loss.loss)}
        results.update(self._results(wanted.items()))
        rows = {name: self.sparse[t][0] for name, t in wanted.items() if t in self.sparse}
        updates = self._updates([*results.values(), *rows.values()])
        return self._function(f"{loss.loss.name}_and_grads", results, rows, updates)

    def loss(self, loss: LossDerivation) -> Function:
        return self._function(loss.loss.name, {loss.loss.name: self._value(loss.loss)})

    def forward(self) -> Function:
        outputs = self.derivation.system.outputs
        return self._function("forward", self._results((t.name, t) for t in outputs))

    def _value(self, tensor: TensorSymbol) -> int:
        return self.graph.real(self.tensors[tensor][0])

    def _results(self, wanted: Iterable[tuple[str, TensorSymbol]]) -> dict[str, int]:
        """Values to hand out: whole, in row-major order, each in memory of its own."""
        results: dict[str, int] = {}
        roots: set[int] = set()
        for name, tensor in wanted:
            if tensor in self.sparse:
                self.sparse[tensor] = self._by_rows(tensor, roots)
                results[name] = self.sparse[tensor][1]
            else:
                results[name] = self._own(tensor, roots)
            roots.add(root(self.graph.values, results[name]))
        return results

    def _is_own(self, value: int, kind: str, roots: set[int]) -> bool:
        """Whether a value is computed in its kind, in row-major memory that no other result has."""
        graph = self.graph
        shape, below = graph.shape(value), root(graph.values, value)
        computed = not graph.is_constant(below) and not isinstance(graph.values[below], Read)
        own = computed and below not in roots and graph.strides(value) == row_major(shape)
        return own and bool(shape) and graph.kind(value) == kind

    def _by_rows(self, tensor: TensorSymbol, roots: set[int]) -> tuple[int, int]:
        """The rows and the values of a sparse gradient, each in memory of its own."""
        graph = self.graph
        graph.line = self.numbers[tensor]
        own = [
            v if self._is_own(v, kind, roots) else graph.append(Copy(graph.shape(v), kind, v))
            for v, kind in zip(self.sparse[tensor], ("integer", tensor.kind), strict=True)
        ]
        self.names |= {own[0]: f"{tensor.name}_rows", own[1]: tensor.name}
        return own[0], own[1]

    def _own(self, tensor: TensorSymbol, roots: set[int]) -> int:
        """The tensor's value in its own kind; copied where it is missing axes or others see it."""
        graph = self.graph
        value, present = self.tensors[tensor]
        if tensor.rank == len(present) and self._is_own(value, tensor.kind, roots):
            return value
        if present:
            items = iter(graph.whole(value))
            value = graph.select(
                value, tuple(next(items) if k in present else None for k in range(tensor.rank))
            )
        graph.line = self.numbers.get(tensor, 0)
        own_copy = graph.append(Copy(tensor.shape, tensor.kind, value))
        below = graph.values[root(graph.values, value)]
        if not (isinstance(below, Read) and below.name == tensor.name):  # which has the name
            self.names[own_copy] = tensor.name
        return own_copy

    def _updates(self, results: Iterable[int]) -> dict[str, int]:
        """The new values of the states whose batch values the results are computed from anyway."""
        values, serves = self.graph.values, self.graph.serves
        states = self.derivation.system.states
        moved = {state.symbol for state in states}
        lines = {0}
        for line in self.derivation.forward:
            if not moved.isdisjoint(tensors(line.equation.rhs)):
                moved.add(line.equation.tensor)
                lines.add(line.number)
        reached = self._reach(results)
        found: dict[str, int] = {}
        for state in states:
            if state.update in self.tensors:
                value = self.tensors[state.update][0]
                more = self._reach([value]) - reached
                if all(serves[v] in lines or isinstance(values[v], Read) for v in more):
                    found[state.symbol.name] = value
        return found

    def _function(
        self,
        name: str,
        results: Mapping[str, int],
        rows: Mapping[str, int] = MappingProxyType({}),
        updates: Mapping[str, int] = MappingProxyType({}),
    ) -> Function:
        """The operations that the results need, in order, each with its name and place."""
        values = self.graph.values
        handed_out = [*results.values(), *rows.values(), *updates.values()]
        reached = self._reach(handed_out)
        reads = {op.name for op in (values[v] for v in reached) if isinstance(op, Read)}
        order = tuple(
            v
            for v in sorted(reached, key=self._turn)
            if not isinstance(values[v], (Read, Scalar, View, Row, Written))
            and v not in self.constants
        )
        system = self.derivation.system
        reads |= self._bearers(reached, reads)
        taken = reads | set(results)  # a gradient has the shape and the dtype of what it is by
        names, places = place(self.graph, self.loops, order, handed_out, self.names, self.pool)
        return Function(
            name=name,
            inputs=tuple(i.symbol.name for i in system.inputs if i.symbol.name in taken),
            parameters=tuple(p.symbol.name for p in system.parameters if p.symbol.name in reads),
            order=order,
            results=results,
            names=names,
            places=places,
            rows=rows,
            states=tuple(s.symbol.name for s in system.states if s.symbol.name in reads),
            updates=updates,
        )

    def _turn(self, value: int) -> tuple[int, int, int]:
        """Where a value stands: the body of a loop after all that was made for it, memory first."""
        operation, loop = self.graph.values[value], self.graph.loop_of[value]
        if isinstance(operation, Steps):
            return self.loops[operation.loop].end, 0, value
        return (value, 2, value) if loop is None else (self.loops[loop].end, 1, value)

    def _bearers(self, reached: set[int], reads: set[str]) -> set[str]:
        """Further inputs that a function needs to know the run-time extents that it uses."""
        system = self.derivation.system
        operations = [self.graph.values[v] for v in reached]
        exprs = {e for op in operations for e in op.shape}
        exprs |= {op.number for op in operations if isinstance(op, Scalar)}
        used = {symbol for e in exprs for symbol in e.free_symbols}
        known = {e for p in system.parameters for e in p.symbol.shape}
        known |= {e for i in system.inputs if i.symbol.name in reads for e in i.symbol.shape}
        found: set[str] = set()
        for extent in system.extents:
            bearer = next((i.symbol for i in system.inputs if extent in i.symbol.shape), None)
            if extent in used and extent not in known and bearer is not None:
                found.add(bearer.name)
                known |= set(bearer.shape)
        return found

    def _reach(self, results: Iterable[int]) -> set[int]:
        """Every value that the results are computed from; constants among them get their names."""
        values = self.graph.values
        reached: set[int] = set()
        waiting = list(results)
        while waiting:
            value = waiting.pop()
            if value in reached:
                continue
            reached.add(value)
            waiting += values[value].operands
            operation = values[value]
            if isinstance(operation, Steps):
                waiting.append(self.loops[operation.loop].writes[value])
        for value in sorted(reached):
            operation = values[value]
            array = operation.shape and not isinstance(operation, (Scalar, View))
            if array and self.graph.is_constant(value) and value not in self.constants:
                self.constants[value] = self.namer.constant(operation)
        return reached
