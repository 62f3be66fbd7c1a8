"""Damage to generated modules: single edits of the syntax tree of what computes.

What checks the arguments, what draws inputs or parameters and what makes buffers is left alone: no
derivation says anything about it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.mutation.edits import KINDS, Shapes

_GATES = ("_prepare", "_draw")  # what follows from here looks at arguments, or draws inputs


@dataclass(frozen=True)
class DamagedModule:
    """A module with one node of its syntax tree exchanged for another."""

    kind: str
    words: str
    tree: ast.Module
    function: ast.FunctionDef
    old: ast.AST
    new: ast.AST

    def where(self) -> str:
        return f"{self.function.name}, line {getattr(self._statement(), 'lineno', 0)}"

    def before(self) -> str:
        return ast.unparse(self._statement())

    def after(self) -> str:
        return ast.unparse(_replaced(self._statement(), self.old, self.new))

    def make(self) -> str:
        """The source of the module."""
        return ast.unparse(_replaced(self.tree, self.old, self.new))

    def _statement(self) -> ast.AST:
        """The innermost statement around the node."""
        found: ast.AST = self.function
        for statement in ast.walk(self.function):
            if isinstance(statement, ast.stmt) and any(x is self.old for x in ast.walk(statement)):
                found = statement
        return found


def edits(source: str, shapes: Mapping[str, Shapes]) -> Iterator[DamagedModule]:
    """Every edit of every function that computes; `shapes` are those of its arrays, by name."""
    tree = ast.parse(source)
    for function in _computing(tree):
        known = shapes.get(function.name, {})
        for statement in function.body:
            for node in ast.walk(statement):
                for kind, find in KINDS.items():
                    for new, words in find(node, known):
                        if ast.dump(new) != ast.dump(node):
                            kind_ = f"module: {kind}"
                            yield DamagedModule(kind_, words, tree, function, node, new)


def _computing(tree: ast.Module) -> list[ast.FunctionDef]:
    """The public functions that take parameters, and what they call but the gate."""
    functions = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef)}
    public = [f for f in functions.values() if f.args.args and f.args.args[0].arg == "params"]
    found: dict[str, ast.FunctionDef] = {}
    waiting = [f for f in public if not f.name.startswith("_")]
    while waiting:
        function = waiting.pop()
        if function.name not in found and function.name not in _GATES:
            found[function.name] = function
            names = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
            waiting += [functions[n] for n in sorted(names) if n in functions]
    return [f for f in functions.values() if f.name in found]


def _replaced(tree: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    """A copy of the tree with another node in that place."""
    return ast.fix_missing_locations(copy.deepcopy(tree, {id(old): copy.deepcopy(new)}))
