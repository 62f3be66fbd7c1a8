"""From a derivation to a program: every equation lowered once, then a function for each purpose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from symbackprop.derivation.model import Derivation, Line, LossDerivation
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.equations.recurrence import Recurrence, components
from symbackprop.equations.system import Equation
from symbackprop.program.bodies import conditions
from symbackprop.program.computed import computed
from symbackprop.program.descent import Gradient, steps
from symbackprop.program.expressions import RULES
from symbackprop.program.functions import Cutter
from symbackprop.program.graph import Graph
from symbackprop.program.model import Function, Loop, Loss, Program
from symbackprop.program.names import Namer
from symbackprop.program.needed import moving, needed
from symbackprop.program.operations import Copy, Read
from symbackprop.program.recomputing import Known, Recomputed, has_memory, recomputable
from symbackprop.program.recurrences import lower_recurrence
from symbackprop.program.scope import Scope
from symbackprop.program.shapes import row_major
from symbackprop.program.sparse import rows_and_values
from symbackprop.program.steps import Step
from symbackprop.program.storage import Pool, root

_NONE: Mapping[int, int] = MappingProxyType({})


def lower(derivation: Derivation, recompute: bool = False) -> Program:
    """The program of a derivation: forward, and each loss alone and with its gradients.

    With `recompute`, the way back computes cheap values again, for which there is then no buffer.
    """
    namer = Namer(derivation)
    pool = Pool(namer)
    training = _lowered(derivation, namer, pool, recompute)
    in_use = None
    if derivation.in_use is not None:
        in_use = _lowered(derivation.in_use, namer, pool, recompute)
    return replace(training, in_use=in_use, buffers=pool.buffers())


def _lowered(derivation: Derivation, namer: Namer, pool: Pool, recompute: bool) -> Program:
    lowering = _Lowering(derivation, namer, pool)
    gradients = [lowering.gradients(loss, recompute) for loss in derivation.losses]
    losses = [lowering.loss(loss) for loss in derivation.losses]
    forward = lowering.forward()
    descents = [lowering.descent(loss) for loss in derivation.losses]
    return Program(
        derivation=derivation,
        values=tuple(lowering.graph.values),
        serves=tuple(lowering.graph.serves),
        lines={line.number: line for line in derivation.lines()},
        constants=lowering.cutter.constants,
        buffers=(),
        forward=forward,
        losses=tuple(
            Loss(value.name, value, both, descent)
            for value, both, descent in zip(losses, gradients, descents, strict=True)
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
        self.tensors: dict[TensorSymbol, Known] = {}
        self.names: dict[int, str] = {}
        self.numbers: dict[TensorSymbol, int] = {}
        self.defined: dict[int, int] = {}
        self.loops: list[Loop] = []
        self.sparse: dict[TensorSymbol, tuple[int, int]] = {}
        self.steps: dict[TensorSymbol, dict[str, int]] = {}
        self.rated: dict[TensorSymbol, Mapping[int, int]] = {}
        self.namer = namer
        self.cutter = Cutter(self.graph, self.loops, derivation, self.names, namer, pool)
        for symbol in system.given:
            value = self.graph.read(symbol.name, symbol.shape, symbol.kind)
            self.tensors[symbol] = (value, tuple(range(symbol.rank)))
        self.computed = computed(derivation)
        self._lines(derivation.forward)

    def _lines(self, lines: Iterable[Line]) -> None:
        """Lower the equations of lines, each after all that it reads."""
        found = {line.equation.tensor: line for line in lines}
        by_rows = {tensor for tensor, line in found.items() if self._is_sparse(line)}
        self.numbers.update((tensor, line.number) for tensor, line in found.items())
        for component in components(map(self.computed, found.values())):
            if isinstance(component, Recurrence):
                self._recurrence(component)
            elif component.tensor in by_rows:
                self._rows(component)
            else:
                self._equation(component)
        for tensor, line in found.items():
            at = self.sparse[tensor][1] if tensor in by_rows else self.tensors[tensor][0]
            self.defined[line.number] = at

    def _equation(self, equation: Equation) -> None:
        """Lower one equation, and let its tensor be known by its name."""
        self.tensors[equation.tensor] = self._value_of(equation, self.tensors)

    def _value_of(self, equation: Equation, tensors: Mapping[TensorSymbol, Known]) -> Known:
        """Lower a right-hand side; its value bears the tensor's name."""
        self.graph.line = self.numbers[equation.tensor]
        scope = Scope(self.graph, tensors, RULES, equation.indices)
        value, present = scope.tensor(equation.rhs, equation.indices)
        self.names.setdefault(value, equation.tensor.name)
        return value, present

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

    def gradients(self, loss: LossDerivation, recompute: bool) -> Function:
        """The loss and its gradients; lowers the way back from this loss."""
        kept = self.tensors
        if recompute:
            self.tensors = self._recomputed(loss)
        self._lines(loss.cotangents)
        known = {*self.tensors, *self.sparse}
        self._lines(g for g in loss.gradients.values() if g.equation.tensor not in known)
        self.steps[loss.loss] = self._steps(loss)
        wanted = {name: line.equation.tensor for name, line in loss.gradients.items()}
        results = {loss.loss.name: self._value(loss.loss)}
        results.update(self._results(wanted.items()))
        rows = {name: self.sparse[t][0] for name, t in wanted.items() if t in self.sparse}
        self.tensors = {**self.tensors, **kept}
        updates = self._updates([*results.values(), *rows.values()])
        equations = self._equations([loss.loss, *wanted.values()], updates, loss.cotangents)
        name = f"{loss.loss.name}_and_grads"
        return self.cutter.function(name, results, equations, rows, updates)

    def _recomputed(self, loss: LossDerivation) -> Recomputed:
        """The tensors as the way back sees them: cheap ones are lowered again when read."""
        backward = (*loss.cotangents, *loss.gradients.values())
        given = self.derivation.system.given
        again = recomputable(self.derivation.forward, backward, given)
        values = {t: self.graph.values[self.tensors[t][0]] for t in again}
        again = {t: e for t, e in again.items() if has_memory(values[t])}

        def anew(equation: Equation, tensors: Recomputed) -> Known:
            line = self.graph.line
            self.graph.forget(self.numbers[equation.tensor])
            found = self._value_of(equation, tensors)
            self.graph.line = line
            return found

        return Recomputed(self.tensors, again, anew)

    def loss(self, loss: LossDerivation) -> Function:
        results = {loss.loss.name: self._value(loss.loss)}
        return self.cutter.function(loss.loss.name, results, self._equations([loss.loss]))

    def descent(self, loss: LossDerivation) -> Function | None:
        """The loss and a step of the parameters that it is differentiated by, if there are any."""
        parameters = {p.symbol.name for p in self.derivation.system.parameters}
        if parameters.isdisjoint(loss.gradients):
            return None
        steps = self.steps[loss.loss]
        several = len(self.derivation.losses) > 1
        value = self._value(loss.loss)
        updates = self._updates([value, *steps.values()])
        tensors = [loss.loss, *(loss.gradients[name].equation.tensor for name in steps)]
        return self.cutter.function(
            f"{loss.loss.name}_sgd_step" if several else "sgd_step",
            {loss.loss.name: value},
            self._equations(tensors, updates, loss.cotangents, self.rated[loss.loss]),
            updates=updates,
            steps=steps,
        )

    def _steps(self, loss: LossDerivation) -> dict[str, int]:
        """The step of each parameter that the loss depends on."""
        known = {
            p.symbol.name: self.tensors[p.symbol][0] for p in self.derivation.system.parameters
        }
        lines = {name: loss.gradients[name] for name in known if name in loss.gradients}
        gradients = {
            name: Gradient(known[name], *self._gradient(line.equation.tensor), line.number)
            for name, line in lines.items()
        }
        tensors = [line.equation.tensor for line in loss.cotangents]
        cotangents = [self.tensors[t][0] for t in tensors if t in self.tensors]
        forward = {line.number for line in self.derivation.forward}
        found, scaled = steps(self.graph, gradients, cotangents, forward)
        self.rated[loss.loss] = _NONE if scaled is None else scaled.made
        if scaled is not None:
            self.cutter.origins.update(scaled.origins)
            names = {root(self.graph.values, v): name for v, name in self.names.items()}
            names |= self.names
            named = {new: names[v] for v, new in scaled.made.items() if v in names}
            self.names.update((v, name) for v, name in named.items() if v not in self.names)
        return found

    def _gradient(self, tensor: TensorSymbol) -> tuple[int, int | None]:
        """A gradient that broadcasts to what it is by; the values and rows of a sparse one."""
        if tensor in self.sparse:
            rows, values = self.sparse[tensor]
            return values, rows
        return self.graph.aligned(*self.tensors[tensor], tensor.rank), None

    def forward(self) -> Function:
        outputs = self.derivation.system.outputs
        results = self._results((t.name, t) for t in outputs)
        return self.cutter.function("forward", results, self._equations(outputs))

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
        graph.line = self.numbers.get(tensor, 0)
        aligned = graph.aligned(value, present, tensor.rank)
        own_copy = graph.append(Copy(tensor.shape, tensor.kind, aligned))
        below = graph.values[root(graph.values, value)]
        if not (isinstance(below, Read) and below.name == tensor.name):  # which has the name
            self.names[own_copy] = tensor.name
        return own_copy

    def _updates(self, results: Iterable[int]) -> dict[str, int]:
        return moving(self.derivation, self.graph, self.tensors, self.cutter.reach, results)

    def _equations(
        self,
        wanted: Iterable[TensorSymbol],
        moved: Collection[str] = (),
        back: Iterable[Line] = (),
        made: Mapping[int, int] = _NONE,
    ) -> dict[int, int]:
        """The equations behind tensors and states, each with its value, or what is made of it."""
        updated = [s.update for s in self.derivation.system.states if s.symbol.name in moved]
        numbers = needed([*self.derivation.forward, *back], [*wanted, *updated])
        return {n: made.get(self.defined[n], self.defined[n]) for n in numbers}
