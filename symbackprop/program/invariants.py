"""What leaves a loop: parts of an equation that read nothing of its recurrence."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Mul

from symbackprop.equations.masks import Where
from symbackprop.equations.nodes import Access, Index, TensorSymbol, free_indices
from symbackprop.equations.reductions import Reduction, Sum
from symbackprop.equations.renaming import substituted
from symbackprop.program.scatters import stays_below
from symbackprop.program.scope import Axes
from symbackprop.program.shapes import ZERO, size
from symbackprop.program.steps import Condition, condition_on, is_shift

Span = tuple[Expr, Expr]


@dataclass(frozen=True)
class Invariant:
    """tensor[indices] = body; the index that counts the steps, if the body has it, stands first."""

    tensor: TensorSymbol
    indices: Axes
    body: Expr


class Invariants:
    """Takes out of right-hand sides what a loop over `step` need not compute.

    Products, reductions and gathers are computed for all steps at once, with whatever is added to
    them; a pointwise value only where it does not depend on the step, since for all steps it would
    need memory that it does not need for one.
    """

    def __init__(self, step: Index, members: Collection[TensorSymbol], indices: Axes) -> None:
        self.step = step
        self.found: dict[tuple[Expr, Expr], Invariant] = {}
        self._members = frozenset(members)
        self._rank: Mapping[Index, int] = {index: rank for rank, index in enumerate(indices)}

    def split_off(self, rhs: Expr) -> Expr:
        """The right-hand side, in which an access of a new tensor stands for what has left."""
        return self._rewritten(rhs, (ZERO, self.step.extent))

    def _rewritten(self, expr: Expr, span: Span | None) -> Expr:
        """The same at steps within the span; None where its bounds are not known to be in order."""
        if not isinstance(expr, Expr) or not expr.args or isinstance(expr, Index):
            return expr
        if self._is_invariant(expr):
            left = self._left(expr, span)
            if left is not None:
                return left
        if isinstance(expr, Access):
            return expr
        if isinstance(expr, (Add, Mul)):
            return self._grouped(expr, span)
        if isinstance(expr, Where):
            mask, a, b = expr.args
            condition = condition_on(self.step, mask)
            if condition is not None:
                inside, outside = _within(span, condition), _within(span, condition.negation)
                return Where(mask, self._rewritten(a, inside), self._rewritten(b, outside))
        if isinstance(expr, Reduction):
            return expr.func(self._rewritten(expr.body, span), *expr.bound)
        return expr.func(*(self._rewritten(a, span) for a in expr.args))

    def _grouped(self, expr: Expr, span: Span | None) -> Expr:
        """A sum or product, of which the invariant parts leave together where they can."""
        same = [a for a in expr.args if self._is_invariant(a)]
        together = self._left(expr.func(*same), span) if len(same) > 1 else None
        if together is None:
            return expr.func(*(self._rewritten(a, span) for a in expr.args))
        rest = (self._rewritten(a, span) for a in expr.args if a not in same)
        return expr.func(together, *rest)

    def _is_invariant(self, expr: Expr) -> bool:
        return self._members.isdisjoint(expr.atoms(TensorSymbol))

    def _left(self, expr: Expr, span: Span | None) -> Expr | None:
        """What stands for an invariant expression that leaves; None where it does not."""
        moves = expr.has(self.step)
        if not (self._is_work(expr) if moves else _is_compound(expr)) or _grows(expr):
            return None
        if not moves or self._exists_everywhere(expr):
            return self._read(expr, self.step, ZERO)
        if span is None:
            return None
        start, stop = span
        part = Index(f"{self.step.name}:{start}", stop - start)
        return self._read(substituted(expr, {self.step: part + start}), part, start)

    def _read(self, body: Expr, counter: Index, start: Expr) -> Expr:
        invariant = self.found.get((body, start))
        if invariant is None:
            last = len(self._rank)
            rest = free_indices(body) - {counter}
            order = sorted(rest, key=lambda i: (self._rank.get(i, last), i.name, str(i.extent)))
            indices = (counter, *order) if body.has(counter) else tuple(order)
            symbol = TensorSymbol(f"~{len(self.found)}", tuple(i.extent for i in indices))
            invariant = self.found[body, start] = Invariant(symbol, indices, body)
        where = {counter: self.step - start}
        return Access(invariant.tensor, *(where.get(i, i) for i in invariant.indices))

    def _is_work(self, expr: Expr) -> bool:
        """Whether it holds a reduction, or an access that is no row of a tensor."""
        return expr.has(Reduction) or any(self._is_gather(a) for a in expr.atoms(Access))

    def _is_gather(self, access: Access) -> bool:
        moving = [p for p in access.indices if p.has(self.step)]
        plain = len(moving) == 1 and is_shift(moving[0], self.step)
        return bool(moving) and not (plain and not any(p.has(Access) for p in access.indices))

    def _exists_everywhere(self, expr: Expr) -> bool:
        """Whether every access lies inside its tensor at all steps."""
        return all(
            stays_below(position, extent)
            for access in expr.atoms(Access)
            for position, extent in zip(access.indices, access.tensor.shape, strict=True)
            if position.has(self.step)
        )


def _within(span: Span | None, condition: Condition) -> Span | None:
    """The part of the span in which the condition holds; None where that is not known."""
    if span is None:
        return None
    low, high = span
    bound = condition.bound
    if condition.op == "!=":
        if bound == low:
            low = low + 1
        elif bound == high - 1:
            high = bound
    if condition.op in (">=", "=="):
        if not (bound - low).is_nonnegative:
            return span if (low - bound).is_nonnegative and condition.op == ">=" else None
        low = bound
    if condition.op in ("<", "=="):
        stop = bound if condition.op == "<" else bound + 1
        if not (high - stop).is_nonnegative:
            return (low, high) if (stop - high).is_nonnegative else None
        high = stop
    return (low, high) if (high - low).is_nonnegative else None


def _is_compound(expr: Expr) -> bool:
    """Whether it is computed from tensors, or picked from one by positions of another."""
    if isinstance(expr, Access):
        return any(p.has(Access) for p in expr.indices)
    return bool(expr.has(Access)) and bool(expr.args)


def _grows(expr: Expr) -> bool:
    """Whether it needs an array larger than all that it is made of: an outer product or sum."""
    if isinstance(expr, Access) or not expr.args:
        return False
    if isinstance(expr, Sum):
        terms = Add.make_args(expr.body)
        return any(_grows(f) for term in terms for f in Mul.make_args(term))
    if isinstance(expr, Reduction):
        return _grows(expr.body)
    sources = _sources(expr)
    largest = max((_weight(e) for e in sources), default=1)
    return _weight(expr) > largest or any(_grows(e) for e in sources)


def _sources(expr: Expr) -> list[Expr]:
    """The outermost accesses and reductions."""
    if isinstance(expr, (Access, Reduction)):
        return [expr]
    return [e for a in expr.args if isinstance(a, Expr) for e in _sources(a)]


def _weight(expr: Expr) -> int:
    return size(tuple(i.extent for i in free_indices(expr)))
