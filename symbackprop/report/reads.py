"""How a matrix form reads tensors: whole, or at fixed indices the matrix of the others."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

import sympy
from sympy import Expr

from symbackprop.equations.masks import Delta
from symbackprop.equations.nodes import Access, Index, TensorSymbol, free_indices
from symbackprop.equations.reductions import Reduction, Sum
from symbackprop.report.contraction import Axes, Factor, NoMatrixForm
from symbackprop.report.entries import entry_form
from symbackprop.report.formula import ALL, Apply, Formula, Transpose
from symbackprop.report.naming import Names

_MOST = 3  # indices that stay


@dataclass(frozen=True)
class Reads:
    """Tensors read at `fixed` indices, which stay below their names.

    `result` are the indices of the left-hand side. `steps` is the axis of the steps of tensors that
    have one: H[n, T - 1, k] is H_{T-1} there.
    """

    names: Names
    result: Axes
    fixed: frozenset[Index]
    steps: Mapping[TensorSymbol, int]

    @property
    def most(self) -> int:
        """How many axes a formula may have: where no index stays, those of an entrywise one."""
        return 2 if self.fixed else max(2, len(self.result))

    def are_steps(self, indices: Iterable[Index], body: Expr) -> bool:
        """Whether these indices are those of steps, by what the body reads."""
        return set(indices) <= {i for a in body.atoms(Access) for i in _step_indices(a, self.steps)}

    def free(self, expr: Expr) -> frozenset[Index]:
        """The indices that are rows and columns."""
        return free_indices(expr) - self.fixed

    def access(self, expr: Access) -> tuple[list[Factor], list[Index]]:
        """A tensor, and for each axis read through labels their one-hot matrix and a sum.

        A matrix of one column, read there, is a vector; of one row, the transpose of one.
        """
        tensor = expr.tensor
        axes: list[Index] = []
        below: list[Formula] = []
        labels: list[Factor] = []
        summed: list[Index] = []
        plain = True  # whether it is clear which axes the indices below belong to
        for axis, (index, extent) in enumerate(zip(expr.indices, tensor.shape, strict=True)):
            if isinstance(index, Index) and index not in self.fixed:
                if index.extent != extent:  # a part of the tensor, as concat's gradient reads it
                    raise NoMatrixForm
                axes.append(index)
                below.append(ALL)
            elif self._stays(index):
                if extent != 1 or index != 0:
                    plain = plain and bool(free_indices(index) or self.steps.get(tensor) == axis)
                    below.append(entry_form(index, self.names))
            else:
                label, rows = self.labels(index)
                read = Index(f"_{tensor.name}_{axis}_{label.name}", extent)
                axes.append(read)
                below.append(ALL)
                summed.append(read)
                labels.append(Factor(rows, self.names.order((label, read))))
        if len(set(axes)) < len(axes) or len(axes) > self.most:
            raise NoMatrixForm
        whole: Formula = self.names.part(tensor, below, plain)
        if tensor.rank == 2 and len(axes) == 1 and self.names.order(expr.indices)[0] == 0:
            whole = Transpose(whole)
        return [Factor(whole, self.names.order(tuple(axes))), *labels], summed

    def _stays(self, position: Expr) -> bool:
        """Whether a position is one, for fixed indices."""
        return not position.has(Access) and free_indices(position) <= self.fixed

    def labels(self, expr: Expr) -> tuple[Index, Formula]:
        """The index n of the entry y[n] of an integer vector, and the vector's one-hot matrix."""
        if isinstance(expr, Access) and expr.tensor.kind == "integer" and expr.tensor.rank == 1:
            index = expr.indices[0]
            if isinstance(index, Index) and index not in self.fixed:
                return index, self.names.one_hot(expr.tensor)
        raise NoMatrixForm

    def one_hot(self, expr: Delta) -> tuple[Axes, Formula]:
        """The one-hot matrix that δ(k, y[n]) is; of y[n, t], where n stays, that of the row y_n."""
        labels, column = sorted(expr.args, key=lambda i: isinstance(i, Index))
        if not isinstance(column, Index) or not isinstance(labels, Access):
            raise NoMatrixForm
        if labels.tensor.rank == 1:
            row, matrix = self.labels(labels)
            return self.names.order((row, column)), matrix
        (row_of,), _ = self.access(labels)
        if len(row_of.axes) != 1 or not free_indices(labels) <= set(self.result):
            raise NoMatrixForm
        return self.names.order((row_of.axes[0], column)), Apply("onehot", (row_of.formula,))

    def natural(self, expr: Expr) -> Axes:
        """The order of axes in which the tensors inside `expr` have them."""
        free = self.free(expr)
        if len(free) > self.most:
            raise NoMatrixForm
        for access in sorted(expr.atoms(Access), key=sympy.default_sort_key):
            order = tuple(dict.fromkeys(i for i in access.indices if i in free))
            if len(order) == len(free):
                return self.names.order(order)
        if isinstance(expr, Delta) and len(free) == 2:
            return self.delta_axes(expr)
        return tuple(sorted(free, key=lambda i: (i.name.startswith("_"), i.name)))

    def delta_axes(self, expr: Delta) -> Axes:
        """The row and the column of a Kronecker delta."""
        if all(isinstance(i, Index) for i in expr.args):
            return tuple(expr.args)
        return self.one_hot(expr)[0]


def choices(
    lhs: Access, rhs: Expr, steps: Mapping[TensorSymbol, int], needed: frozenset[Index]
) -> Iterator[frozenset[Index]]:
    """Indices that could stay so that all else has at most two axes: few, and steps, first.

    `needed` stay in any case. A scalar has no form but the one in which none does.
    """
    indices = lhs.indices
    accesses = [lhs, *sorted(rhs.atoms(Access), key=str)]
    if not indices or (not needed and _entrywise(lhs, rhs)):
        yield frozenset()
        return
    bound = dict.fromkeys(i for s in sorted(rhs.atoms(Sum), key=str) for i in s.bound)
    stepping = {p for a in accesses for p in _step_indices(a, steps)}
    shifted = {i for a in accesses for p in a.indices for i in _inside(p)} & {*indices, *bound}
    if not shifted <= stepping:
        return
    must = needed | shifted
    free = min(2, len(set(indices) - must))
    for size in range(len(must), _MOST + 1):
        found = [
            frozenset(choice)
            for choice in itertools.combinations([*indices, *bound], size)
            if must <= set(choice)
            and len(set(choice) - set(indices)) <= 1
            and _fits(accesses, indices, set(choice), free)
        ]
        yield from sorted(found, key=lambda choice: -len(choice & stepping))


def _entrywise(lhs: Access, rhs: Expr) -> bool:
    """Whether an array of more than two axes is made entry by entry of arrays like it."""
    alike = all(not a.indices or a.indices == lhs.indices for a in rhs.atoms(Access))
    bare = rhs.xreplace({a: sympy.Integer(1) for a in rhs.atoms(Access)})
    return len(lhs.indices) > 2 and alike and not rhs.has(Reduction) and not free_indices(bare)


def _inside(position: Expr) -> Set[Index]:
    """The indices of a position that is more than an index, such as t - 1."""
    return set() if isinstance(position, Index) or position.has(Access) else free_indices(position)


def _step_indices(access: Access, steps: Mapping[TensorSymbol, int]) -> Set[Index]:
    if access.tensor not in steps:
        return set()
    return free_indices(access.indices[steps[access.tensor]])


def _fits(accesses: Iterable[Access], indices: Axes, fixed: set[Index], free: int) -> bool:
    """Whether `free` axes are left of the result, and at most two everywhere."""
    return (
        len(set(indices) - fixed) == free > 0
        and all(len({i for i in a.indices if isinstance(i, Index)} - fixed) <= 2 for a in accesses)
        and _unambiguous(accesses, fixed)
    )


def _unambiguous(accesses: Iterable[Access], fixed: set[Index]) -> bool:
    """Whether each fixed index stands on one axis of a tensor, wherever that is read."""
    places: dict[tuple[TensorSymbol, Index], int] = {}
    for access in accesses:
        for axis, position in enumerate(access.indices):
            for index in sorted(free_indices(position) & fixed, key=str):
                if places.setdefault((access.tensor, index), axis) != axis:
                    return False
    return True
