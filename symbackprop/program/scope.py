"""Values whose axes bear indices, and the scope in which a right-hand side becomes one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from sympy import Expr, sympify

from symbackprop.equations.nodes import Access, Index, TensorSymbol
from symbackprop.program.graph import Graph
from symbackprop.program.operations import View
from symbackprop.program.shapes import product, size, written
from symbackprop.program.sweeps import reduced

Axes = tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value with the index that each of its axes stands for, all different.

    It is the function of those indices; an index that is missing is one that it does not depend on.
    """

    value: int
    axes: Axes


Rule = Callable[[Expr, "Scope"], Labelled]


class Scope:
    """What lowering one right-hand side can see.

    `tensors` gives the value of each tensor and the positions of the axes that the value has;
    `order` ranks the indices of the equation, for the axes of what is made from several values.
    """

    repeats = False
    """Whether what is lowered is computed many times, from parts that are computed once."""

    def __init__(
        self,
        graph: Graph,
        tensors: Mapping[TensorSymbol, tuple[int, tuple[int, ...]]],
        rules: Mapping[type, Rule],
        indices: Axes,
    ) -> None:
        self.graph = graph
        self.tensors = tensors
        self._rules = rules
        self._order = {index: rank for rank, index in enumerate(indices)}
        self._lowered: dict[Expr, Labelled] = {}

    def lower(self, expr: Expr) -> Labelled:
        """The value of an expression, by the rule for its type; equal ones are lowered once."""
        found = self._lowered.get(expr)
        if found is None:
            rule = next(self._rules[t] for t in type(expr).__mro__ if t in self._rules)
            found = self._lowered[expr] = self._as_in_memory(rule(expr, self))
        return found

    def _as_in_memory(self, labelled: Labelled) -> Labelled:
        """The same value, its axes in the order of the memory that it looks at."""
        operation = self.graph.values[labelled.value]
        if not isinstance(operation, View) or operation.how != "transpose":
            return labelled
        axes = operation.detail
        return Labelled(operation.of, tuple(labelled.axes[axes.index(a)] for a in range(len(axes))))

    def tensor(self, expr: Expr, indices: Axes) -> tuple[int, tuple[int, ...]]:
        """The value of a right-hand side along those of the indices that it has, and which."""
        labelled = self.lower(expr)
        present = tuple(k for k, i in enumerate(indices) if i in labelled.axes)
        order = tuple(labelled.axes.index(indices[k]) for k in present)
        return self.graph.transpose(labelled.value, order), present

    def scalar(self, number: Expr | int) -> Labelled:
        return Labelled(self.graph.scalar(sympify(number)), ())

    def number(self, expr: Expr) -> Expr | None:
        """The number that an expression is; None for what has to be computed when running."""
        if expr.has(Access, Index):
            return None
        return self.graph.number(self.lower(expr).value)

    def rank_as(self, new: Index, old: Index) -> None:
        """A new index takes the place of an old one in the order."""
        if old in self._order:
            self._order[new] = self._order[old]

    def sorted(self, indices: Axes | set[Index]) -> Axes:
        """The indices in the equation's order, those bound inside it after, by name."""
        last = len(self._order)

        def rank(index: Index) -> tuple[int, str, str]:
            return self._order.get(index, last), index.name, written(index.extent)

        return tuple(sorted(set(indices), key=rank))

    def align(self, labelled: Labelled, axes: Axes) -> int:
        """The value seen along `axes`, with an axis of extent 1 for each index that it lacks.

        Leading ones are left out: NumPy's broadcasting adds them.
        """
        if labelled.axes == axes:
            return labelled.value
        own = [i for i in axes if i in labelled.axes]
        assert len(own) == len(labelled.axes), (labelled.axes, axes)
        value = self.graph.transpose(labelled.value, tuple(labelled.axes.index(i) for i in own))
        if not own:
            return value
        items = iter(self.graph.whole(value))
        trailing = axes[axes.index(own[0]) :]
        return self.graph.select(
            value, tuple(next(items) if i in labelled.axes else None for i in trailing)
        )

    def expand(self, labelled: Labelled, axes: Axes) -> int:
        """A value that has every one of `axes` in full: copied where something is missing."""
        value = self.align(labelled, axes)
        shape = tuple(i.extent for i in axes)
        return value if self.graph.shape(value) == shape else self.graph.copy(value, shape)

    def joint(self, *parts: Labelled) -> Axes:
        """The axes of a pointwise result: those of the part that has them all, where one does.

        Rather in the order of what was computed than in that of an input; else in the equation's.
        """
        union = {i for part in parts for i in part.axes}
        full = [part for part in parts if len(part.axes) == len(union)]
        computed = [part.axes for part in full if not self.graph.is_given(part.value)]
        orders = computed or [part.axes for part in full]
        ordered = self.sorted(union)
        return ordered if ordered in orders or not orders else orders[0]

    def rows(self, axes: Axes) -> Axes:
        """The order in which a product runs over the indices of one operand: that of its memory."""
        return axes

    def apply(self, function: str, *parts: Labelled) -> Labelled:
        """A pointwise function of values, each broadcast along the indices that it lacks."""
        axes = self.joint(*parts)
        value = self.graph.apply(function, *(self.align(part, axes) for part in parts))
        return Labelled(value, axes if self.graph.shape(value) else ())

    def scale(self, labelled: Labelled, number: Expr) -> Labelled:
        """A number times a value: divided where the number is 1/n for an extent or integer n."""
        if number == 1:
            return labelled
        denominator = 1 / number
        if denominator.is_integer and abs(denominator) != 1:
            return self.apply("divide", labelled, self.scalar(denominator))
        return self.apply("multiply", labelled, self.scalar(number))

    def reduce(self, function: str, labelled: Labelled, bound: Axes) -> Labelled:
        """sum, prod, max or min over those of the bound indices that the value has."""
        axes = tuple(k for k, i in enumerate(labelled.axes) if i in bound)
        value = reduced(self.graph, function, labelled.value, axes)
        return Labelled(value, tuple(i for i in labelled.axes if i not in bound))

    def weight(self, axes: Collection[Index]) -> int:
        """About how many entries a value along these indices has."""
        return size(tuple(i.extent for i in axes))

    def missing(self, axes: Axes, bound: Axes) -> Expr:
        """The number of terms of a reduction over the bound indices that are not among `axes`."""
        return product(tuple(i.extent for i in bound if i not in axes))
