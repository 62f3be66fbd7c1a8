"""What all gradients would be if lines of the derivation said something else."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sympy import Expr

from symbackprop.auditing.points import Array, Right
from symbackprop.derivation.model import Derivation, Line, LossDerivation
from symbackprop.equations.evaluate import Undefined
from symbackprop.equations.evaluate_arrays import evaluate_arrays
from symbackprop.equations.nodes import tensors
from symbackprop.equations.recurrence import NoRecurrence
from symbackprop.equations.system import Equation


@dataclass(frozen=True)
class Change:
    """Other right-hand sides, by tensor, and tensors that have the values of others, by name.

    The gradients by what is in `before` were found before anything was moved.
    """

    rhs: Mapping[str, Expr] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    before: frozenset[str] = frozenset()

    def __or__(self, other: Change) -> Change:
        moved = {**self.moved, **other.moved}
        return Change({**self.rhs, **other.rhs}, moved, self.before | other.before)

    def __bool__(self) -> bool:
        return bool(self.rhs or self.moved)


@dataclass(frozen=True)
class World:
    """One loss's derivation at all points; `extra` are values under names of their own."""

    derivation: Derivation
    loss: LossDerivation
    points: Sequence[Right]
    extra: Sequence[Mapping[str, Array]]

    @property
    def lines(self) -> list[Line]:
        """The lines on the way back, in order of computation."""
        return list(self.loss.cotangents)

    def equations(self, change: Change) -> list[Equation]:
        """All equations, changed, in order."""
        lines = (*self.derivation.forward, *self.loss.cotangents)
        return [_replaced(line.equation, change) for line in lines]

    def spoils(self, tensor: str, change: Change) -> frozenset[str]:
        """The gradients that a tensor leads to."""
        later = self._after({tensor}, change)
        found = {n: line.equation.tensor.name for n, line in self.loss.gradients.items()}
        return frozenset(n for n, t in found.items() if t in later)

    def _after(self, changed: set[str], change: Change) -> set[str]:
        later = set(changed)
        equations = self.equations(change)
        growing = True
        while growing:
            growing = False
            for equation in equations:
                name = equation.tensor.name
                if name not in later and _reads(equation.rhs) & later:
                    later.add(name)
                    growing = True
        return later

    def gradients(
        self, number: int, change: Change, wanted: Sequence[str]
    ) -> dict[str, Array] | None:
        """Those gradients at one point under a change; None where it has no values there."""
        tensor = {n: self.loss.gradients[n].equation.tensor.name for n in wanted}
        early = {n: t for n, t in tensor.items() if n in change.before}
        found: dict[str, Array] = {}
        for part, by in ((early, Change(change.rhs)), (tensor, change)):
            some = self.values(number, by, {n: t for n, t in part.items() if n not in found})
            if some is None:
                return None
            found |= some
        return found

    def distance(self, tensor: str, name: str) -> int:
        """How many equations lead from a tensor to the gradient by a name."""
        after = self._after({tensor}, _NONE)
        before = self._before({self.loss.gradients[name].equation.tensor.name}, _NONE)
        return len(after & before)

    def values(
        self, number: int, change: Change, wanted: Mapping[str, str]
    ) -> dict[str, Array] | None:
        """Tensors at one point under a change, `wanted` by the names they are to have."""
        point = self.points[number]
        known = {**point.values, **self.extra[number]}
        moved = {}
        for tensor, other in change.moved.items():
            if other not in known or known[other].shape != known[tensor].shape:
                return None
            moved[tensor] = known[other]
        if not wanted:
            return {}
        # A tensor under another name has these values everywhere; what reads it is found anew.
        later = self._after({*change.rhs, *change.moved}, change) - set(change.moved)
        needed = self._before(set(wanted.values()), change)
        equations = [e for e in self.equations(change) if e.tensor.name in later & needed]
        read = {n for e in equations for n in _reads(e.rhs)}
        given = {**known, **moved}
        defined = {e.tensor.name for e in equations}
        if not read - defined <= set(given):
            return None
        kept = {n: given[n] for n in read - defined}
        try:
            found = evaluate_arrays(equations, kept, point.extents)
        except (AssertionError, NoRecurrence, Undefined, ValueError, IndexError, KeyError):
            return None
        return {n: np.asarray(found.get(t, given[t])) for n, t in wanted.items()}

    def _before(self, wanted: set[str], change: Change) -> set[str]:
        equations = {e.tensor.name: e for e in self.equations(change)}
        found: set[str] = set()
        waiting = list(wanted)
        while waiting:
            name = waiting.pop()
            if name not in found and name in equations:
                found.add(name)
                waiting += sorted(_reads(equations[name].rhs))
        return found


_NONE = Change()


@functools.lru_cache(maxsize=65536)
def _reads(expr: Expr) -> frozenset[str]:
    return frozenset(t.name for t in tensors(expr))


def _replaced(equation: Equation, change: Change) -> Equation:
    rhs = change.rhs.get(equation.tensor.name)
    if rhs is None:
        return equation
    return Equation(equation.tensor, equation.indices, rhs, equation.label, equation.place)
