"""Statements that read each other's earlier steps: h[n, t, i] = tanh(a[n, t, i] + h[n, t - 1, i]).

A read of a member at t - d becomes Where(t >= d, h[n, t - d, k], initial), at t + d
Where(t < T - d, h[n, t + d, k], initial). A member that is defined further down stands as a
placeholder of its rank until its shape is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

import sympy
from sympy import Expr, Integer

from symbackprop.equations.build.extents import extent_at, fit, shown
from symbackprop.equations.build.inside import PAD_FIRST, leaving, outside
from symbackprop.equations.build.scope import ArrayValue, Scope, shape_text
from symbackprop.equations.build.walk import named
from symbackprop.equations.masks import Compare, Where
from symbackprop.equations.nodes import Access, Index, TensorSymbol
from symbackprop.equations.recurrence import (
    NoRecurrence,
    components,
    members,
)
from symbackprop.equations.system import Equation
from symbackprop.spec.syntax import Element, Expression, Name, Number, Place

Read = Callable[[Expression], Expr]


@dataclass(frozen=True)
class Initial:
    """What stands before the first step, at `position` of `axis`.

    `axes` are those whose indices the value depends on.
    """

    axis: int
    position: Expr
    axes: tuple[int, ...]
    value: ArrayValue
    place: Place


@dataclass
class Members:
    """The tensors of one circle while it is being built, by the names that its statements use.

    `names` maps those to the names that the tensors get, `hints` to the extents that are known of
    them before they are built. `reads` notes every shifted read with the
    axis and the shift, `placeholders` what stands for a tensor that is not yet defined.
    """

    scope: Scope
    names: Mapping[str, str]
    initial: Mapping[str, Initial] = field(default_factory=dict)
    at_call: Place | None = None
    arrays: dict[str, ArrayValue] = field(default_factory=dict)
    hints: Mapping[str, Sequence[Expr | None]] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)
    placeholders: dict[str, TensorSymbol] = field(default_factory=dict)
    axes: dict[str, int] = field(default_factory=dict)
    reads: list[tuple[str, int, Place]] = field(default_factory=list)
    target: str = ""
    own: tuple[Index, ...] = ()
    first: int = -1

    def __post_init__(self) -> None:
        self.first = len(self.scope.equations)

    def fail(self, place: Place, message: str, fix: str) -> NoReturn:
        self.scope.fail(self.at_call or place, message, fix)

    def open(self, name: str, indices: tuple[Index, ...]) -> None:
        """The shape of a member is known from now on."""
        symbol = TensorSymbol(self.names[name], [i.extent for i in indices])
        self.arrays[name] = ArrayValue(indices, Access(symbol, *indices), self.names[name])
        self.target, self.own = name, indices

    def define(self, name: str, array: ArrayValue) -> None:
        """A member has its equation."""
        self.arrays[name] = array
        self.defined.add(name)

    def earlier(
        self, node: Element, env: Mapping[str, Index], value: Read, position: Read
    ) -> Expr | None:
        """A member at an earlier step; None for one of this step that has been computed.

        `value` reads an expression as a number, `position` as a place on an axis.
        """
        shifts = self._shifts(node, env, value)
        if not shifts and node.tensor in self.defined:
            return None
        if not shifts and node.tensor not in self.arrays:
            return Access(self._symbol(node), *map(position, node.indices))
        if len(shifts) != 1:
            self._refuse_shifts(node, shifts)
        ((axis, step, shift),) = shifts
        if step not in self.own:
            self.fail(
                node.place,
                f"'{shown(node)}' reads earlier steps of {step.name}, which is reduced over",
                "let the step be an index on the left",
            )
        self._note(node, axis, step, shift)
        symbol = self._symbol(node)
        at = [position(p) if k != axis else step + shift for k, p in enumerate(node.indices)]
        if node.tensor in self.arrays:
            self._require_fit(at, symbol, node.place)
        if shift < 0:
            inside = Compare(">=", step, Integer(-shift))
        else:
            inside = Compare("<", step, step.extent - shift)
        return Where(inside, Access(symbol, *at), self._before(node, axis, at, shift))

    def _shifts(
        self, node: Element, env: Mapping[str, Index], value: Read
    ) -> list[tuple[int, Index, int]]:
        """The axes at which an index stands with a constant added: axis, index, constant."""
        found = []
        for axis, position in enumerate(node.indices):
            own = sorted({n for n in named(position) if n in env})
            if len(own) != 1 or isinstance(position, Name):
                continue
            index = env[own[0]]
            shift = value(position) - index
            if shift.is_Integer and shift != 0:
                found.append((axis, index, int(shift)))
        return found

    def _refuse_shifts(self, node: Element, shifts: Sequence[tuple[int, Index, int]]) -> NoReturn:
        windows = [p for p in node.indices if not isinstance(p, Name | Number)]
        if windows and not shifts:
            self.fail(
                windows[0].place,
                f"'{node.tensor}' reads its own step '{shown(windows[0])}', "
                "which is no step at a constant distance",
                "read a constant shift, such as t - 1",
            )
        if shifts:
            names = " and ".join(index.name for _, index, _ in shifts)
            self.fail(
                node.place,
                f"'{shown(node)}' reads earlier steps along two indices, {names}",
                "a recurrence goes along one index: keep the others as they are",
            )
        self.fail(
            node.place,
            f"'{shown(node)}' reads the step that it is part of",
            "read an earlier step, such as t - 1, or define it above",
        )

    def _note(self, node: Element, axis: int, step: Index, shift: int) -> None:
        """Every read of the circle goes the same way along the same axis."""
        for name, along in ((self.target, self.own.index(step)), (node.tensor, axis)):
            known = self.axes.setdefault(name, along)
            if known != along:
                self.fail(
                    node.place,
                    f"'{shown(node)}' reads earlier steps along axis {along} of '{name}', "
                    f"whose steps go along axis {known}",
                    "a recurrence goes along one index: keep the others as they are",
                )
        for other, way, _ in self.reads:
            if (way > 0) != (shift > 0):
                self.fail(
                    node.place,
                    f"'{shown(node)}' reads a step {'after' if shift > 0 else 'before'}, "
                    f"but '{other}' is read a step {'after' if way > 0 else 'before'}",
                    "a recurrence goes one way: write two, one for each direction",
                )
        self.reads.append((node.tensor, shift, node.place))

    def _symbol(self, node: Element) -> TensorSymbol:
        if node.tensor in self.arrays:
            symbol: TensorSymbol = self.arrays[node.tensor].body.tensor
        else:
            unknown = [sympy.Symbol(f"?{k}", positive=True) for k in range(len(node.indices))]
            symbol = TensorSymbol(f"?{self.names[node.tensor]}", unknown)
            symbol = self.placeholders.setdefault(node.tensor, symbol)
        if symbol.rank != len(node.indices):
            self.fail(
                node.place,
                f"'{node.tensor}' has rank {symbol.rank}, "
                f"but stands here with {len(node.indices)} indices",
                "write one index for each axis",
            )
        return symbol

    def _before(self, node: Element, axis: int, at: Sequence[Expr], shift: int) -> Expr:
        """What is read before the first step: zero, or what a statement says."""
        initial = self.initial.get(node.tensor)
        if initial is None:
            return Integer(0)
        if initial.axis != axis:
            self.fail(
                initial.place,
                f"the first step of '{node.tensor}' stands at axis {initial.axis}, "
                f"but its steps go along axis {axis}",
                "let -1 stand where t - 1 does",
            )
        if abs(shift) > 1:
            self.fail(
                node.place,
                f"'{shown(node)}' reads {abs(shift)} steps away, "
                f"but a start is stated for '{node.tensor}', as only recurrences of one step have",
                "read one step away, or leave the first states zero",
            )
        first = Integer(-1) if shift < 0 else extent_at(at[axis])
        if initial.position != first:
            self.fail(
                initial.place,
                f"the first step of '{node.tensor}' stands at {initial.position}, "
                f"but its first read is at {first}",
                f"write {first} there",
            )
        others = [at[k] for k in initial.axes]
        if not fit(others, initial.value.shape):
            self.fail(
                initial.place,
                f"the first step has shape {shape_text(initial.value.shape)}, "
                f"but a step of '{node.tensor}' {shape_text(map(extent_at, others))}",
                "let both have the same extents",
            )
        return initial.value.at(*others)

    def end(self) -> None:
        """Every member is defined: placeholders become the tensors that they stood for.

        A fault where the equations read each other in another way than step by step.
        """
        real: dict[Expr, Expr] = {}
        for name, placeholder in self.placeholders.items():
            symbol = next(
                e.tensor for e in self.scope.equations if e.tensor.name == self.names[name]
            )
            real[placeholder] = symbol
        equations = self.scope.equations
        for k in range(self.first, len(equations)):
            if equations[k].rhs.has(*real):
                self._require_fits(equations[k], real)
                equations[k] = replace(equations[k], rhs=equations[k].rhs.xreplace(real))
        self.scope.held = {f: v for f, v in self.scope.held.items() if not f.has(*real)}
        try:
            ordered = components(equations[self.first :])
        except NoRecurrence as found:
            self._refuse_order(found)
        if self.at_call is None:
            self._require_inside(equations[self.first :])
        equations[self.first :] = [e for c in ordered for e in members(c)]

    def _require_fits(self, equation: Equation, real: Mapping[Expr, Expr]) -> None:
        assert equation.place is not None
        for access in sorted(equation.rhs.atoms(Access), key=str):
            if access.tensor in real:
                self._require_fit(access.indices, real[access.tensor], equation.place)

    def _require_fit(self, at: Sequence[Expr], symbol: TensorSymbol, place: Place) -> None:
        """Indices that stand alone, or shifted, have the extents of the axes that they stand on."""
        if not fit(at, symbol.shape):
            sizes = shape_text("…" if s is None else s for s in map(extent_at, at))
            self.fail(
                place,
                f"'{symbol.name}' has shape {shape_text(symbol.shape)}, "
                f"but is read at [{', '.join(map(str, at))}] with extents {sizes}",
                "use an index of its own for each extent",
            )

    def _require_inside(self, equations: Sequence[Equation]) -> None:
        """No member is read where it has no entry; layers see to it themselves."""
        own = {e.tensor for e in equations}
        for equation in equations:
            for access, axis in leaving(equation.rhs):
                if access.tensor in own:
                    assert equation.place is not None
                    self.fail(equation.place, outside(access, axis), PAD_FIRST)

    def _refuse_order(self, found: NoRecurrence) -> NoReturn:
        place = found.reader.place
        assert place is not None
        reader, read = found.reader.tensor.name, found.read.tensor.name
        what = f"'{reader}' and '{read}' read each other"
        if reader == read:
            what = f"'{reader}' reads itself"
        fix = "a recurrence reads earlier steps along one index, such as t - 1"
        self.fail(place, f"{what}, but {found.reason}", fix)
