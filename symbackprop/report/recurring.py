"""What a reader is told once about a recurrence: its steps, and what stands beyond their ends.

Where(t >= 1, h[n, t - 1, k], 0) is then h[n, t - 1, k], with h[n, -1, k] = 0 said beside the
group; a term Where(t < T - 1, Σ_j dz[n, t + 1, j] U[k, j], 0) of the way back is its sum, with
dz[n, T, j] = 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Integer

from symbackprop.derivation.model import Derivation
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Access, Index, TensorSymbol, free_indices
from symbackprop.equations.recurrence import NoRecurrence, Recurrence, components
from symbackprop.equations.system import Equation


@dataclass(frozen=True)
class End:
    """What tensor[indices] is for `shift` steps before the first step, or after the last."""

    tensor: TensorSymbol
    indices: tuple[Index, ...]
    axis: int
    shift: int
    value: Expr

    def places(self) -> Iterator[Expr]:
        """The steps beyond the end: -1, -2, … or T, T + 1, …."""
        last = self.indices[self.axis].extent
        for distance in range(abs(self.shift)):
            yield Integer(-1 - distance) if self.shift < 0 else last + distance


@dataclass(frozen=True)
class Steps:
    """The recurrences of a derivation.

    `groups` maps each tensor of one to it, `ends` to what it is beyond its ends. `axes` is the axis
    of the steps of these tensors, and of those that stand with them in equations.
    """

    groups: Mapping[TensorSymbol, Recurrence] = field(default_factory=dict)
    ends: Mapping[TensorSymbol, End] = field(default_factory=dict)
    axes: Mapping[TensorSymbol, int] = field(default_factory=dict)

    def bare(self, expr: Expr) -> Expr:
        """The expression without the guards that `ends` make superfluous."""
        if not self.ends or not expr.has(Where):
            return expr
        if isinstance(expr, Where):
            found = self._unguarded(expr)
            if found is not None:
                return self.bare(found)
        return expr.func(*(self.bare(a) for a in expr.args))

    def _unguarded(self, guarded: Where) -> Expr | None:
        ends = _ends(guarded, {t: self.groups[t] for t in self.ends})
        known = [(self.ends[end.tensor], end) for end in ends]
        alike = all(k.value == e.value and (k.shift < 0) == (e.shift < 0) for k, e in known)
        return guarded.args[1] if ends and alike else None


NO_STEPS = Steps()


def steps_of(derivation: Derivation) -> Steps:
    """The recurrences forward and on each way back."""
    runs = [
        [line.equation for line in derivation.forward],
        *([line.equation for line in loss.cotangents] for loss in derivation.losses),
    ]
    groups = {t: g for run in runs for g in _recurrences(run) for t in g.axes}
    if not groups:
        return Steps()
    axes = {t: g.axes[t] for t, g in groups.items()}
    equations = [e for run in runs for e in run]
    for _ in range(2):
        for equation in (*equations, *reversed(equations)):
            _spread(equation, axes)
    return Steps(groups, _all_ends(groups), axes)


def _recurrences(equations: Sequence[Equation]) -> list[Recurrence]:
    try:
        return [c for c in components(equations) if isinstance(c, Recurrence)]
    except NoRecurrence:  # as in a derivation that a test wrote: it is printed as it stands
        return []


def _all_ends(groups: Mapping[TensorSymbol, Recurrence]) -> dict[TensorSymbol, End]:
    """The ends that a group's own equations speak of, each tensor's widest."""
    found: dict[TensorSymbol, End] = {}
    for tensor, group in groups.items():
        equation = next(e for e in group.equations if e.tensor == tensor)
        members = dict.fromkeys(group.axes, group)
        for guarded in sorted(equation.rhs.atoms(Where), key=str):
            for end in _ends(guarded, members):
                other = found.get(end.tensor)
                if other is None or abs(end.shift) > abs(other.shift):
                    found[end.tensor] = end
    return found


def _ends(guarded: Where, members: Mapping[TensorSymbol, Recurrence]) -> tuple[End, ...]:
    """What a guard says of these tensors beyond their ends; nothing where it says something else.

    A guarded product is zero there if one factor is; a guarded sum if all its terms are.
    """
    mask, then, otherwise = guarded.args
    guard = _guard(mask)
    if guard is None:
        return ()
    index, shift = guard
    shifted = [
        a
        for a in sorted(then.atoms(Access), key=str)
        if a.tensor in members and a.indices[members[a.tensor].axes[a.tensor]] == index + shift
    ]
    if otherwise == 0 and _zero(then, shifted):
        return tuple(_end(a, members[a.tensor], shift, otherwise) for a in shifted)
    if shifted == [then] and index not in free_indices(otherwise):
        return (_end(then, members[then.tensor], shift, otherwise),)
    return ()


def _guard(mask: Expr) -> tuple[Index, int] | None:
    """t and -d where the mask says t >= d, t and d where it says t < T - d."""
    if not isinstance(mask, Compare) or mask.op not in ("<", "<=", ">", ">="):
        return None
    left, right = mask.args[1:]
    greater, lesser = (left, right) if mask.op in (">", ">=") else (right, left)
    strict = 1 if mask.op in ("<", ">") else 0
    margin = sympy.expand(greater - lesser - strict)  # the mask says that it is not negative
    found = sorted(free_indices(margin), key=str)
    if len(found) != 1:
        return None
    index = found[0]
    behind, ahead = index - margin, sympy.expand(index.extent - 1 - index - margin)
    if behind.is_Integer and behind > 0:
        return index, -int(behind)
    return (index, int(ahead)) if ahead.is_Integer and ahead > 0 else None


def _zero(expr: Expr, accesses: Iterable[Access]) -> bool:
    """Whether the expression is zero where these are."""
    return bool(expr.xreplace(dict.fromkeys(accesses, Integer(0))) == 0)


def _end(access: Access, group: Recurrence, shift: int, value: Expr) -> End:
    """The end in terms of the indices of the tensor's own equation."""
    own = next(e for e in group.equations if e.tensor == access.tensor).indices
    plain = {p: i for p, i in zip(access.indices, own, strict=True) if isinstance(p, Index)}
    return End(access.tensor, own, group.axes[access.tensor], shift, value.xreplace(plain))


def _spread(equation: Equation, axes: dict[TensorSymbol, int]) -> None:
    """Tensors that stand with one whose steps are known, under the same index, have steps too."""
    accesses = [equation.lhs, *sorted(equation.rhs.atoms(Access), key=str)]
    steps = {i for a in accesses if (i := _step(a, axes)) is not None}
    for access in accesses:
        for axis, position in enumerate(access.indices):
            if position in steps:
                axes.setdefault(access.tensor, axis)


def _step(access: Access, axes: Mapping[TensorSymbol, int]) -> Index | None:
    """The index on the axis of steps, if it is known."""
    if access.tensor not in axes:
        return None
    found = [i for i in access.indices[axes[access.tensor]].free_symbols if isinstance(i, Index)]
    return found[0] if len(found) == 1 else None
