"""Where tensors stand that no argument takes: in the object, or among the module's globals."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from symbackprop.auditing.child.arguments import Point, Settings, Unbound
from symbackprop.auditing.child.holders import Cell, cells
from symbackprop.auditing.child.layouts import bare
from symbackprop.auditing.child.names import Known, is_rate, meanings

Path = tuple[str | int, ...]


@dataclass
class Standing:
    """Finds and sets them; where each stands is decided at the first point."""

    module: ModuleType
    tree: ast.Module
    settings: Settings
    found: dict[str, dict[str, Path]] = field(default_factory=dict)
    odd: dict[str, tuple[Path, tuple[int, ...]]] = field(default_factory=dict)

    def put(
        self, owner: Any, handed: set[str], places: dict[str, list[Cell]], point: Point
    ) -> tuple[dict[str, list[Cell]], bool]:
        """Set what no argument takes in the object and in the module; where parameters stand."""
        known = [k for k in self.settings.known if k.role in ("input", "parameter", "state")]
        set_rate = False
        missing = [k for k in known if k.name not in handed]
        for holder in (owner, self.module):
            if holder is None:
                continue
            self._ensure(holder, missing if holder is owner else [])
            here = cells(holder) if holder is owner else self._globals()
            # Where parameters stand is decided at the first point, before anything is kept there.
            kept = self.found.get("object" if holder is owner else "module")
            if kept is None:
                found = self._meant(here, missing)
                paths = {name: cell.path for name, cell in found}
                self.found["object" if holder is owner else "module"] = paths
            else:
                at = {cell.path: cell for cell in here}
                found = [(name, at[path]) for name, path in kept.items() if path in at]
            for name, cell in found:
                for one in [cell, *_twins(here, cell)]:
                    value = point.fresh(name)
                    own = one.get()
                    made = kept is None and isinstance(own, np.ndarray)
                    if made and bare(own.shape) != bare(np.shape(value)):
                        self.odd[name] = (one.path, own.shape)
                    one.put(value.tolist() if isinstance(one.get(), list) else value)
                    places.setdefault(name, []).append(one)
            missing = [k for k in missing if k.name not in dict(found)]
            for cell in here:
                if is_rate(str(cell.path[-1])) and isinstance(cell.get(), (int, float)):
                    cell.put(point.rate)
                    set_rate = True
        unused = [k.name for k in missing if k.role == "parameter"]
        if unused:
            have = ", ".join(k.name for k in self.settings.known if k.role == "parameter")
            raise Unbound(
                f"nothing in '{self.settings.function}' takes {', '.join(unused)} of the spec, "
                f"whose parameters are {have}",
                f"say what does: --bind NAME={unused[0]}, with the name of an argument, "
                "of an attribute as self.NAME, or of a global",
            )
        return {n: c for n, c in places.items() if n in {k.name for k in known}}, set_rate

    def _ensure(self, owner: Any, missing: Sequence[Known]) -> None:
        """Give an object that was made without its constructor the attributes its source names."""
        if not hasattr(owner, "__dict__"):
            return
        named = _attributes(self.tree, type(owner).__name__)
        meant = {**meanings(named, missing), **self._said("self.", named)}
        for attribute in meant:
            if not hasattr(owner, attribute):
                setattr(owner, attribute, None)
        for attribute in named:
            if is_rate(attribute):
                setattr(owner, attribute, getattr(owner, attribute, 0.0))

    def _meant(self, here: Sequence[Cell], missing: Sequence[Known]) -> list[tuple[str, Cell]]:
        """Which of the cells hold which of the tensors: by what was said, by value, by name."""
        wanted = {k.name for k in missing}
        found: dict[str, Cell] = {}
        for argument, text in self.settings.binds.items():
            bare = argument.removeprefix("self.")
            for cell in here:
                if ".".join(map(str, cell.path)) == bare and text in wanted:
                    found[text] = cell
        for wording in ("last", "joined"):
            left = [k for k in missing if k.name not in found]
            words = [getattr(c, wording) for c in here]
            meant = meanings([w for w in words if words.count(w) == 1], left)
            for cell, word in zip(here, words, strict=True):
                if word in meant and words.count(word) == 1:
                    found.setdefault(meant[word], cell)
        return list(found.items())

    def _said(self, prefix: str, names: Sequence[str]) -> dict[str, str]:
        binds = self.settings.binds
        return {n: binds[prefix + n] for n in names if prefix + n in binds}

    def _globals(self) -> list[Cell]:
        """The places in what the module's own statements assign."""
        targets = [t for s in self.tree.body if isinstance(s, ast.Assign) for t in s.targets]
        names = [n for g in ast.walk(self.tree) if isinstance(g, ast.Global) for n in g.names]
        names += [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
        return cells(vars(self.module), only=set(names))


def _twins(here: Sequence[Cell], cell: Cell) -> list[Cell]:
    """Other cells that hold the very same array."""
    value = cell.get()
    if not isinstance(value, np.ndarray):
        return []
    return [c for c in here if c is not cell and c.get() is value]


def _attributes(tree: ast.Module, name: str) -> list[str]:
    """The attributes of self that a class names, without its methods."""
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == name]
    methods = {f.name for n in nodes for f in n.body if isinstance(f, ast.FunctionDef)}
    found = [
        a.attr
        for n in nodes
        for a in ast.walk(n)
        if isinstance(a, ast.Attribute) and isinstance(a.value, ast.Name) and a.value.id == "self"
    ]
    return [a for a in dict.fromkeys(found) if a not in methods]
