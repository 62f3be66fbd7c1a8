"""What is defined so far while a spec is being built, and the faults found."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

import sympy
from sympy import Expr, Integer, Tuple

from symbackprop.equations.build.hoist import name_contractions
from symbackprop.equations.build.wellformed import in_grammar, not_real
from symbackprop.equations.masks import Mask
from symbackprop.equations.nodes import Access, Index, TensorSymbol, extent, tensors
from symbackprop.equations.renaming import fresh_bound, fresh_name, numbered
from symbackprop.equations.system import Draw, Equation, Input, Parameter, State
from symbackprop.spec.errors import Fault
from symbackprop.spec.syntax import Init, Place, Spec

LETTERS = ("i", "j", "k", "m", "p", "q", "r", "s", "u", "v", "w")


class BuildFault(Exception):
    """Carries one fault of the spec up to the statement that it stands in."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class DependsOnFault(Exception):
    """The statement reads a tensor whose own statement is at fault; one message is enough."""


@dataclass(frozen=True)
class ArrayValue:
    """A tensor-valued expression: `body` for every value of the indices.

    No bound index of the body has the name of one of the indices. `name` is what the value is
    called where it must have a name; `label` says where it comes from.
    """

    indices: tuple[Index, ...]
    body: Expr
    name: str = ""
    label: str = ""

    @property
    def classes(self) -> Expr | None:
        """The number of classes where the entries are labels."""
        return self.body.tensor.classes if isinstance(self.body, Access) else None

    @property
    def shape(self) -> tuple[Expr, ...]:
        return tuple(i.extent for i in self.indices)

    @property
    def rank(self) -> int:
        return len(self.indices)

    @property
    def is_labels(self) -> bool:
        return self.classes is not None

    @property
    def is_mask(self) -> bool:
        """Whether the entries are 0 or 1."""
        return _kind(self.body) == "mask"

    @property
    def is_tensor(self) -> bool:
        """Whether the value is a tensor as it stands."""
        return isinstance(self.body, Access) and self.body.indices == self.indices

    def at(self, *positions: Expr) -> Expr:
        """The entry at the positions; bound indices step out of the way of theirs."""
        taken = {s.name for p in positions for s in sympy.sympify(p).free_symbols}
        body = fresh_bound(self.body, taken) if taken else self.body
        return body.xreplace(dict(zip(self.indices, positions, strict=True)))


def scalar(value: object) -> ArrayValue:
    """A number, extent or rank-0 expression as an array."""
    return ArrayValue((), sympy.sympify(value))


@dataclass
class Scope:
    """Names, equations and parameters of one build; it lives no longer than the build."""

    spec: Spec
    arrays: dict[str, ArrayValue] = field(default_factory=dict)
    numbers: dict[str, Expr] = field(default_factory=dict)
    equations: list[Equation] = field(default_factory=list)
    inputs: dict[str, Input] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    held: dict[Expr, ArrayValue] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    layer_count: int = 0

    def fail(self, place: Place, message: str, fix: str) -> NoReturn:
        raise BuildFault(Fault(place, message, fix))

    def extent_of(self, size: int | str) -> Expr:
        """What a shape names: an integer, a dimension of the spec, or a run-time extent."""
        if isinstance(size, int):
            return Integer(size)
        return Integer(self.spec.dims[size]) if size in self.spec.dims else extent(size)

    def declare(self, symbol: TensorSymbol) -> ArrayValue:
        """An input or parameter enters the scope, its indices named after its extents."""
        indices = default_indices(symbol.shape)
        value = ArrayValue(indices, Access(symbol, *indices), symbol.name)
        self.arrays[symbol.name] = value
        self.taken.add(symbol.name)
        return value

    def parameter(
        self, name: str, shape: Sequence[Expr], init: Init, place: Place, trainable: bool = True
    ) -> ArrayValue:
        """A parameter, new or shared by its name."""
        symbol = TensorSymbol(name, shape)
        known = self.parameters.get(name)
        if known is None:
            if name in self.arrays:
                self.fail(place, f"'{name}' is defined twice", "give the layer a name: name=…")
            self.parameters[name] = Parameter(symbol, init, trainable)
            return self.declare(symbol)
        if known.symbol.shape != symbol.shape:
            self.fail(
                place,
                f"parameter {name} has shape {shape_text(known.symbol.shape)}, "
                f"but here {shape_text(symbol.shape)}",
                "layers that share a name have the same shapes; use another name=",
            )
        return self.arrays[name]

    def drawn(self, base: str, like: ArrayValue, draw: Draw) -> ArrayValue:
        """An input of that shape, drawn where it is not handed in: `keep1`, `keep2`, …"""
        name = next(n for k in itertools.count(1) if (n := f"{base}{k}") not in self.taken)
        kind = "mask" if draw.law == "bernoulli" else "real"
        symbol = TensorSymbol(name, like.shape, kind)
        self.inputs[name] = Input(symbol, draw=draw)
        self.declare(symbol)
        self.arrays[name] = ArrayValue(like.indices, Access(symbol, *like.indices), name)
        return self.arrays[name]

    def state(self, name: str, shape: Sequence[Expr], init: Init, place: Place) -> ArrayValue:
        """A state, new or shared by its name; `update` says what it becomes."""
        if name not in self.states:
            if name in self.arrays:
                self.fail(place, f"'{name}' is defined twice", "give the layer a name: name=…")
            symbol = TensorSymbol(name, shape)
            self.states[name] = State(symbol, init, symbol)
            self.declare(symbol)
        return self.arrays[name]

    def update(self, state: ArrayValue, value: ArrayValue, place: Place) -> None:
        """After a step the state takes the value; a second update starts from the first."""
        held = self.states[state.name]
        body = value.body.xreplace({held.symbol: held.update})
        name = fresh_name(f"new_{state.name}", self.taken)
        defined = self.define(name, replace(value, body=body), place)
        self.states[state.name] = replace(held, update=defined.body.tensor)

    def define_twice(self, value: ArrayValue, in_use: Expr, place: Place) -> ArrayValue:
        """The value under its own name, with the right-hand side that it has outside training."""
        name = fresh_name(value.name, self.taken)
        defined = self.define(name, value, place)
        rhs = fresh_bound(in_grammar(in_use), {i.name for i in value.indices})
        self.equations[-1] = replace(self.equations[-1], in_use=rhs)
        self.held = {form: v for form, v in self.held.items() if v.name != name}
        self.made.add(name)
        return defined

    def define(self, name: str, value: ArrayValue, place: Place) -> ArrayValue:
        """name[indices] = body becomes an equation, contractions under functions their own."""
        assert len({i.name for i in value.indices}) == value.rank, (name, value.indices)
        if value.is_tensor and value.body.tensor.name in self.made:
            return self._rename(value, name)
        symbol = TensorSymbol(name, value.shape, _kind(value.body), value.classes)
        self.taken.add(name)
        fault = not_real(value.body)
        if fault:
            self.fail(place, f"'{name}' cannot be computed: {fault}", "use real, finite numbers")
        rhs = fresh_bound(in_grammar(value.body), {i.name for i in value.indices})
        equation = Equation(symbol, value.indices, rhs, value.label, place)
        self.equations += name_contractions(equation, self.taken)
        defined = ArrayValue(value.indices, Access(symbol, *value.indices), name, value.label)
        self.arrays[name] = defined
        self.held.setdefault(_form(value), defined)
        return defined

    def _rename(self, value: ArrayValue, name: str) -> ArrayValue:
        """A tensor that a layer named takes the name that the statement gives it."""
        old = value.body.tensor
        self.made.discard(old.name)
        self.taken.add(name)
        symbol = TensorSymbol(name, old.shape, old.kind, old.classes)
        for k, equation in enumerate(self.equations):
            read = (*tensors(equation.rhs), *tensors(equation.in_use or Integer(0)))
            if equation.tensor == old or old in read:
                tensor = symbol if equation.tensor == old else equation.tensor
                rhs = equation.rhs.xreplace({old: symbol})
                in_use = equation.in_use and equation.in_use.xreplace({old: symbol})
                self.equations[k] = replace(equation, tensor=tensor, rhs=rhs, in_use=in_use)
        self.held = {form: v for form, v in self.held.items() if v.name != old.name}
        del self.arrays[old.name]
        at = default_indices(symbol.shape)
        self.arrays[name] = ArrayValue(at, Access(symbol, *at), name, value.label)
        return self.arrays[name]

    def materialise(self, value: ArrayValue, place: Place) -> ArrayValue:
        """The value as a tensor with a name of its own."""
        if value.is_tensor:
            return value
        known = self.held.get(_form(value))
        return known or self.define(fresh_name(value.name or "t", self.taken), value, place)

    def look_up(self, name: str, place: Place) -> ArrayValue:
        """The array, or scalar number, of that name."""
        if name in self.broken:
            raise DependsOnFault
        if name in self.arrays:
            return self.arrays[name]
        if name in self.numbers:
            return scalar(self.numbers[name])
        self.fail(place, f"'{name}' is not defined here", "define it before it is used")


def _form(value: ArrayValue) -> Expr:
    """What two arrays share that hold the same numbers: the body, its indices by position."""
    return Tuple(numbered(value.body, value.indices), *value.shape)


def default_indices(shape: Iterable[Expr]) -> tuple[Index, ...]:
    """One index an axis: n for N, t for T, then i, j, k, …"""
    chosen: list[Index] = []
    taken: set[str] = set()
    for size in shape:
        own = size.name[0].lower() if size.is_Symbol else None
        if own is None or own in taken:
            own = next((c for c in LETTERS if c not in taken), "i")
        name = fresh_name(own, taken)
        taken.add(name)
        chosen.append(Index(name, size))
    return tuple(chosen)


def shape_text(shape: Iterable[object]) -> str:
    """A shape as a spec writes it: [N, 64]."""
    return f"[{', '.join(map(str, shape))}]"


def _kind(body: Expr) -> str:
    if isinstance(body, Mask):
        return "mask"
    return body.tensor.kind if isinstance(body, Access) else "real"
