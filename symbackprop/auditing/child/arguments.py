"""How each argument of a stranger's function is filled from a point of the network."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from symbackprop.auditing.child.layouts import Array, Layout, laid_out
from symbackprop.auditing.child.names import (
    Known,
    group_meant,
    is_rate,
    meanings,
    weights_and_biases,
)
from symbackprop.auditing.child.source import Container, container, texts

Filler = Callable[["Point"], Any]


class Unbound(Exception):
    """An argument or a tensor of the spec for which there is no place; `fix` says how to say so."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


@dataclass(frozen=True)
class Point:
    """One instance of the network as the stranger lays it out."""

    arrays: Mapping[str, Array]
    extents: Mapping[str, int]
    rate: float

    def fresh(self, name: str) -> Any:
        """A copy of a tensor; of rank 0, a number."""
        array = self.arrays[name].copy()
        return array if array.ndim else array.item()


@dataclass(frozen=True)
class Settings:
    """What the caller says: `binds` are from arguments to names, `returned` what comes back.

    `reading` is returned or change where what comes back could be gradients or new values.
    """

    function: str
    known: tuple[Known, ...]
    layout: Layout
    binds: Mapping[str, str] = field(default_factory=dict)
    returned: tuple[str, ...] = ()
    rate: float | None = None
    constants: Mapping[str, float] = field(default_factory=dict)
    reading: str = ""


@dataclass(frozen=True)
class Bound:
    """How one argument is filled; `names` are the tensors in it, `keys` from key to tensor."""

    fill: Filler
    names: tuple[str, ...] = ()
    keys: Mapping[Any, str] = field(default_factory=dict)
    rate: bool = False


def one(name: str) -> Bound:
    return Bound(lambda point: point.fresh(name), (name,))


def in_list(names: Sequence[str]) -> Bound:
    keys = dict(enumerate(names))
    return Bound(lambda point: [point.fresh(n) for n in names], tuple(names), keys)


def in_dictionary(keys: Mapping[str, str]) -> Bound:
    return Bound(
        lambda point: {key: point.fresh(n) for key, n in keys.items()},
        tuple(keys.values()),
        dict(keys),
    )


def _contained(use: Container, names: Sequence[str], spelled: Mapping[str, str]) -> Bound:
    whole = {**spelled, **{n: n for n in names if n not in spelled.values()}}
    if use.kind == "sequence" and len(spelled) == len(use.names):
        return in_list([spelled[name] for name in use.names])
    if use.kind in ("sequence", "list"):
        return in_list(names)
    if use.kind == "object":
        return Bound(
            lambda point: SimpleNamespace(**{k: point.fresh(n) for k, n in whole.items()}),
            tuple(names),
            dict(whole),
        )
    return in_dictionary(whole)


def _numbered(names: Sequence[str]) -> bool:
    """Whether they are one word with numbers that rise: syn0, syn1."""
    parts = [re.fullmatch(r"(\D+)(\d+)", name) for name in names]
    found = [(p.group(1), int(p.group(2))) for p in parts if p]
    stems = {stem for stem, _ in found}
    return len(found) == len(names) and len(stems) == 1 and found == sorted(found)


def required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind not in (
        parameter.VAR_POSITIONAL,
        parameter.VAR_KEYWORD,
    )


@dataclass(frozen=True)
class Arguments:
    """Fills the arguments of the functions in one file."""

    tree: ast.Module
    settings: Settings

    def fillers(
        self, wanted: Sequence[inspect.Parameter], function: str, strict: bool = True
    ) -> dict[str, Bound]:
        """How each argument is filled. Raises Unbound for one that cannot be, if strict."""
        known, binds = self.settings.known, self.settings.binds
        found: dict[str, Bound] = {}
        for parameter in wanted:
            if parameter.name in binds:
                found[parameter.name] = self._as_said(parameter.name, binds[parameter.name])
        plain = [p for p in wanted if p.name not in found and not p.name.startswith("_")]
        taken = {name for bound in found.values() for name in bound.names}
        free = [k for k in known if k.name not in taken and k.role != "tensor"]
        meant = meanings([p.name for p in plain], free)
        for parameter in plain:
            name = parameter.name
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if name in meant:
                found[name] = one(meant[name])
            elif is_rate(name):
                found[name] = Bound(lambda point: point.rate, rate=True)
        taken = {name for bound in found.values() for name in bound.names}
        left = [p for p in plain if p.name not in found]
        for parameter in left:
            bound = self._group(parameter, taken) or self._value(parameter)
            if bound is not None:
                found[parameter.name] = bound
                taken |= set(bound.names)
        left = [p for p in left if p.name not in found and required(p)]
        rest = [k for k in known if k.name not in taken and k.role in ("input", "parameter")]
        in_order = _numbered([p.name for p in left]) and len({k.role for k in rest}) == 1
        if len(left) == len(rest) and (len(left) == 1 or in_order):
            found |= {p.name: one(k.name) for p, k in zip(left, rest, strict=True)}
        elif left and strict:
            raise self._unbound(left, function, [k.name for k in rest])
        return found

    def _as_said(self, argument: str, text: str) -> Bound:
        """What `--bind ARG=…` says: a tensor, several in a list, a number, or the rate."""
        names = [k.name for k in self.settings.known]
        parts = [part.strip() for part in text.split(",")]
        if len(parts) > 1 and all(p in names for p in parts):
            use = container(self.tree, argument)
            if use.kind == "dict":
                return in_dictionary({p: p for p in parts})
            return in_list(parts)
        if text in names:
            return one(text)
        if text in ("rate", "lr"):
            return Bound(lambda point: point.rate, rate=True)
        try:
            number = float(text)
        except ValueError:
            pass
        else:
            return Bound(lambda _: int(number) if number == int(number) else number)
        raise Unbound(
            f"--bind {argument}={text}: the spec has no '{text}'",
            f"there are {', '.join(names)}; or a number, or rate",
        )

    def _group(self, parameter: inspect.Parameter, taken: set[str]) -> Bound | None:
        """All parameters, all weights or all biases, in the container that the source expects."""
        groups = weights_and_biases(self.settings.known)
        name = parameter.name
        kind = group_meant(name)
        if parameter.kind is parameter.VAR_KEYWORD:
            return in_dictionary({n: n for n in groups["all"] if n not in taken})
        if parameter.kind is parameter.VAR_POSITIONAL:
            return in_list([n for n in groups["all"] if n not in taken])
        use = container(self.tree, name)
        if kind is None and use.kind == "array":
            return None
        free = [k for k in self.settings.known if k.name not in taken]
        inside = meanings(use.names, free)
        if kind is None and not (use.names and set(inside) == set(use.names)):
            return None
        if use.kind in ("array", "dict"):
            # Keys may be read under another name of the same dictionary.
            inside = {**meanings(texts(self.tree), free), **inside}
            inside = {k: n for k, n in inside.items() if list(inside.values()).count(n) == 1}
        own = [n for n in groups[kind or "all"] if n not in taken]
        if not own:
            return None
        spelled = {key: tensor for key, tensor in inside.items() if tensor in own}
        if kind in ("weights", "biases") and use.kind == "array" and not spelled:
            return in_list(own)
        return _contained(use, own, spelled)

    def _value(self, parameter: inspect.Parameter) -> Bound | None:
        """An extent, or a forward value that the function wants handed in."""
        if not required(parameter):
            return None
        name = parameter.name
        tensors = [k for k in self.settings.known if k.role == "tensor"]
        meant = meanings([name], tensors).get(name)
        if meant is not None:
            return one(meant)
        numbers = [Known(c, "constant", "real", 0) for c in self.settings.constants]
        constant = meanings([name], numbers).get(name)
        if constant is not None:
            return Bound(lambda _: self.settings.constants[constant])
        return Bound(lambda point: point.extents[name]) if name in self._extents() else None

    def _extents(self) -> set[str]:
        return {k.name for k in self.settings.known if k.role == "extent"}

    def _unbound(
        self, left: Sequence[inspect.Parameter], function: str, rest: Sequence[str]
    ) -> Unbound:
        names = ", ".join(f"'{p.name}'" for p in left)
        inputs = ", ".join(k.name for k in self.settings.known if k.role == "input")
        parameters = ", ".join(k.name for k in self.settings.known if k.role == "parameter")
        one = left[0].name
        return Unbound(
            f"'{function}' takes {names}, which no name in the spec is like: "
            f"its inputs are {inputs or 'none'}, its parameters {parameters or 'none'}",
            f"say what it is: --bind {one}={rest[0] if rest else 'NAME'}, "
            f"several as a list: --bind {one}={parameters.replace(' ', '')}, "
            f"or a number: --bind {one}=0.1",
        )


def prepared(
    arrays: Mapping[str, Array], known: Sequence[Known], layout: Layout
) -> dict[str, Array]:
    """The arrays of a point as the stranger lays them out."""
    by_name = {k.name: k for k in known}
    return {n: laid_out(a, by_name[n], layout) for n, a in arrays.items() if n in by_name}
