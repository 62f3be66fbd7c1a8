"""What a stranger's function is called with: every argument filled from a point of the network.

An argument is bound by name to an input or a parameter, to all parameters in a dictionary or a
list, to a forward value, an extent or the learning rate. A class is made first, its attributes set.
What is not handed in as an argument is looked for in the object, then among the module's globals.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from symbackprop.auditing.child.arguments import (
    Arguments,
    Bound,
    Point,
    Settings,
    Unbound,
    required,
)
from symbackprop.auditing.child.holders import Cell, cells
from symbackprop.auditing.child.layouts import Array
from symbackprop.auditing.child.names import (
    weights_and_biases,
)
from symbackprop.auditing.child.source import fixed_rate
from symbackprop.auditing.child.standing import Standing


@dataclass(frozen=True)
class Call:
    """A call that is ready: `cells` hold parameters afterwards, `owner` is the object or module."""

    function: Callable[..., Any]
    given: tuple[Any, ...]
    named: Mapping[str, Any]
    cells: Mapping[str, Sequence[Cell]]
    before: Mapping[str, Array]
    rate: float | None
    owner: Any
    order: tuple[str, ...]


@dataclass
class Caller:
    """Binds one function of a loaded module; an object is made once and used at every point."""

    module: ModuleType
    tree: ast.Module
    settings: Settings
    owner: Any = None

    def __post_init__(self) -> None:
        self.arguments = Arguments(self.tree, self.settings)
        self.standing = Standing(self.module, self.tree, self.settings)

    def call(self, point: Point) -> Call:
        """The call at one point. Raises Unbound; what the stranger's constructor raises, too."""
        scope, _, name = self.settings.function.rpartition(".")
        if not scope:
            return self._bound(getattr(self.module, name), None, point)
        made = getattr(self.module, scope)
        static = inspect.getattr_static(made, name, None)
        if isinstance(static, (staticmethod, classmethod)):
            return self._bound(getattr(made, name), None, point)
        self._make(made, point)
        return self._bound(getattr(self.owner, name), self.owner, point)

    def _make(self, made: type, point: Point) -> None:
        """The object: constructed where its arguments can be bound, else empty."""
        plain = inspect.getattr_static(made, "__init__") is object.__init__
        signature = None if plain else inspect.signature(made)
        wanted = [] if signature is None else list(signature.parameters.values())
        filled = self.arguments.fillers(wanted, made.__name__, strict=False)
        inputs = {k.name for k in self.settings.known if k.role == "input"}
        if self.owner is not None and not inputs & {n for b in filled.values() for n in b.names}:
            return
        missing = [p.name for p in wanted if required(p) and p.name not in filled]
        if missing:
            sizes = self._sizes(missing, point)
            filled |= sizes
            missing = [name for name in missing if name not in sizes]
        if missing:
            self.owner = object.__new__(made)
            return
        self.owner = made(**{name: b.fill(point) for name, b in filled.items()})

    def _sizes(self, missing: Sequence[str], point: Point) -> dict[str, Bound]:
        """Layer sizes, where a constructor asks for them: n_in, hidden, [2, 3, 1]."""
        known = {k.name: k for k in self.settings.known}
        weights = [point.arrays[n] for n in weights_and_biases(self.settings.known)["weights"]]
        if not weights or any(w.ndim != 2 for w in weights) or not known:
            return {}
        turned = self.settings.layout.transposed
        sizes = [weights[0].shape[turned], *(w.shape[not turned] for w in weights)]
        found: dict[str, Bound] = {}
        for name in missing:
            word = name.lower()
            if any(w in word for w in ("sizes", "layers", "dims", "shape", "architecture")):
                found[name] = Bound(lambda _: list(sizes))
            elif "hid" in word:
                found[name] = Bound(lambda _: sizes[1])
            elif "out" in word or "class" in word:
                found[name] = Bound(lambda _: sizes[-1])
            elif "in" in word or "feature" in word:
                found[name] = Bound(lambda _: sizes[0])
        return found

    def _bound(self, function: Callable[..., Any], owner: Any, point: Point) -> Call:
        if not callable(function):
            fix = "name a function, or a method as Class.method"
            raise Unbound(f"'{self.settings.function}' is no function", fix)
        wanted = list(inspect.signature(function).parameters.values())
        filled = self.arguments.fillers(wanted, self.settings.function)
        given: list[Any] = []
        named: dict[str, Any] = {}
        for parameter in wanted:
            bound = filled.get(parameter.name)
            if bound is None:
                continue
            value = bound.fill(point)
            if parameter.kind is parameter.POSITIONAL_ONLY:
                given.append(value)
            elif parameter.kind is parameter.VAR_POSITIONAL:
                given += value
            elif parameter.kind is parameter.VAR_KEYWORD:
                named |= value
            else:
                named[parameter.name] = value
        if any(p.kind is p.VAR_POSITIONAL and p.name in filled for p in wanted):
            plain = [
                p.name for p in wanted if p.kind is p.POSITIONAL_OR_KEYWORD and p.name in named
            ]
            given = [named.pop(name) for name in plain] + given
        handed = {name for bound in filled.values() for name in bound.names}
        places = self._argument_cells(filled, {**named, **_by_name(wanted, given)})
        rates = [b.rate for b in filled.values() if b.rate]
        places, set_rate = self.standing.put(owner, handed, places, point)
        before = {n: point.arrays[n] for n in places}
        rate = point.rate if rates or set_rate else self._own_rate(owner)
        order = tuple(n for b in filled.values() for n in b.names)
        return Call(
            function, tuple(given), named, places, before, rate, owner or self.module, order
        )

    def _own_rate(self, owner: Any) -> float | None:
        """The rate that the user says, else the one written in the function."""
        if self.settings.rate is not None:
            return self.settings.rate
        name = self.settings.function.rpartition(".")[2]
        nodes = [
            n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef) and n.name == name
        ]
        own = fixed_rate(nodes[-1]) if nodes else None
        return own if own is not None else fixed_rate(self.tree)

    def _argument_cells(
        self, filled: Mapping[str, Bound], values: Mapping[str, Any]
    ) -> dict[str, list[Cell]]:
        """Where the parameters that were handed in can be read back."""
        parameters = {k.name for k in self.settings.known if k.role == "parameter"}
        found: dict[str, list[Cell]] = {}
        for name, bound in filled.items():
            if name not in values:
                continue
            if bound.keys:
                inside = {c.path: c for c in cells(values[name])}
                for key, tensor in bound.keys.items():
                    if tensor in parameters and (key,) in inside:
                        found.setdefault(tensor, []).append(inside[(key,)])
            elif len(bound.names) == 1 and bound.names[0] in parameters:
                found.setdefault(bound.names[0], []).append(_holding(name, values[name]))
        return found


def _holding(name: str, value: Any) -> Cell:
    """A place that has always the same value: an array that may be changed in itself."""
    return Cell((name,), lambda: value, lambda _: None)


def _by_name(wanted: Sequence[inspect.Parameter], given: Sequence[Any]) -> dict[str, Any]:
    names = [p.name for p in wanted if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return dict(zip(names, given, strict=False))
