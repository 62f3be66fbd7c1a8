"""Functions cut from a graph: what the results need, in order, each with its name and place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from symbackprop.derivation.model import Derivation
from symbackprop.program.descent import in_order
from symbackprop.program.early import moved_forward
from symbackprop.program.gathers import gathered_first
from symbackprop.program.graph import Graph
from symbackprop.program.model import Function, Loop
from symbackprop.program.names import Namer
from symbackprop.program.operations import Read, Row, Scalar, Steps, View, Written
from symbackprop.program.storage import Pool, place

_NONE: Mapping[str, int] = MappingProxyType({})


class Cutter:
    """Cuts functions from the graph of a system; `names` are those of its tensors, by value.

    `constants` gives the values that depend on extents alone their names; `origins` the values in
    whose places others stand that were made of them later.
    """

    def __init__(
        self,
        graph: Graph,
        loops: list[Loop],
        derivation: Derivation,
        names: Mapping[int, str],
        namer: Namer,
        pool: Pool,
    ) -> None:
        self.constants: dict[int, str] = {}
        self.origins: dict[int, int] = {}
        self._graph = graph
        self._loops = loops
        self._system = derivation.system
        self._forward = {line.number for line in derivation.forward}
        self._names = names
        self._namer = namer
        self._pool = pool

    def function(
        self,
        name: str,
        results: Mapping[str, int],
        equations: Mapping[int, int],
        rows: Mapping[str, int] = _NONE,
        updates: Mapping[str, int] = _NONE,
        steps: Mapping[str, int] = _NONE,
    ) -> Function:
        """The operations that the results need, and the steps of parameters."""
        graph, system = self._graph, self._system
        values = graph.values
        handed_out = [*results.values(), *rows.values(), *updates.values()]
        reached = self.reach([*handed_out, *steps.values()])
        reads = {op.name for op in (values[v] for v in reached) if isinstance(op, Read)}
        computed = [
            v
            for v in sorted(reached, key=self._turn)
            if not isinstance(values[v], (Read, Scalar, View, Row, Written))
            and v not in self.constants
        ]
        computed, early = moved_forward(graph, computed, self._forward, handed_out)
        computed = gathered_first(graph, computed, handed_out)
        order = in_order(computed, graph, steps.values())
        reads |= self._bearers(reached, reads)
        taken = reads | set(results)  # a gradient has the shape and the dtype of what it is by
        names, places = place(graph, self._loops, order, handed_out, self._names, self._pool)
        return Function(
            name=name,
            inputs=tuple(i.symbol.name for i in system.inputs if i.symbol.name in taken),
            parameters=tuple(p.symbol.name for p in system.parameters if p.symbol.name in reads),
            order=order,
            early=early,
            equations=equations,
            results=results,
            names=names,
            places=places,
            rows=rows,
            states=tuple(s.symbol.name for s in system.states if s.symbol.name in reads),
            updates=updates,
            steps=steps,
        )

    def _turn(self, value: int) -> tuple[int, int, int]:
        """Where a value stands: the body of a loop after all that was made for it, memory first."""
        operation, loop = self._graph.values[value], self._graph.loop_of[value]
        if isinstance(operation, Steps):
            return self._loops[operation.loop].end, 0, value
        if loop is not None:
            return self._loops[loop].end, 1, value
        return self.origins.get(value, value), 2, value

    def _bearers(self, reached: set[int], reads: set[str]) -> set[str]:
        """Further inputs that a function needs to know the run-time extents that it uses."""
        system = self._system
        operations = [self._graph.values[v] for v in reached]
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

    def reach(self, results: Iterable[int]) -> set[int]:
        """Every value that the results are computed from; constants among them get their names."""
        values = self._graph.values
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
                waiting.append(self._loops[operation.loop].writes[value])
        for value in sorted(reached):
            operation = values[value]
            array = operation.shape and not isinstance(operation, (Scalar, View))
            if array and self._graph.is_constant(value) and value not in self.constants:
                self.constants[value] = self._namer.constant(operation)
        return reached
