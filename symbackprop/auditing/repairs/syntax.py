"""What statements and definitions are made of: targets, heads, parameters, the names they bind."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symbackprop.auditing.repairs.code import Code

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


CALLED = ("__init__", "__call__")


def definition(tree: ast.Module, function: str) -> ast.AST | None:
    """The definition of `name` or `Class.method`; of a class, the class; of a lone method, it."""
    bodies: list[ast.AST] = [tree]
    for name in function.split("."):
        bodies = [d for body in bodies for d in _members(body) if name in _names(d)]
    alone = bodies or definitions(tree).get(function, [])
    return alone[-1] if alone else None


def definitions(tree: ast.Module) -> dict[str, list[ast.AST]]:
    """What the file defines, by name: functions, classes, their methods, constants."""
    found: dict[str, list[ast.AST]] = {}
    for node in _members(tree):
        for inner in [node, *(_members(node) if isinstance(node, ast.ClassDef) else [])]:
            for name in _names(inner):
                found.setdefault(name, []).append(inner)
    return found


def _members(body: ast.AST) -> Iterator[ast.AST]:
    """The definitions of a module or class, also those under an `if` or a `try`."""
    for node in ast.iter_child_nodes(body):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Assign, ast.AnnAssign)):
            yield node
        elif isinstance(node, (ast.If, ast.Try)) and "__name__" not in ast.dump(node)[:200]:
            yield from _members(node)


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return [n.id for t in targets(node) for n in ast.walk(t) if isinstance(n, ast.Name)]
    return [node.name] if isinstance(node, (*FUNCTIONS, ast.ClassDef)) else []


def statements(owner: ast.AST) -> Iterator[ast.stmt]:
    """Every statement within, also those of functions within; definitions themselves are none."""
    for node in ast.walk(owner):
        if isinstance(node, ast.stmt) and not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield node


def heads(node: ast.stmt) -> list[ast.AST]:
    """The expressions that a statement evaluates itself, not those of its blocks."""
    return [c for c in ast.iter_child_nodes(node) if isinstance(c, (ast.expr, ast.withitem))]


def targets(node: ast.AST) -> list[ast.expr]:
    """The single places that a statement assigns."""
    outer: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        outer = list(node.targets)
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For)):
        outer = [node.target]
    elif isinstance(node, ast.With):
        outer = [item.optional_vars for item in node.items if item.optional_vars]
    single: list[ast.expr] = []
    for target in outer:  # which grows meanwhile
        inner = target.value if isinstance(target, ast.Starred) else target
        if isinstance(inner, (ast.Tuple, ast.List)):
            outer += inner.elts
        else:
            single.append(inner)
    return single


def parameters(function: ast.AST | None) -> list[str]:
    """The names of a function's parameters."""
    given = getattr(function, "args", None)
    if not isinstance(given, ast.arguments):
        return []
    every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [a.arg for a in every if a is not None]


def bindings(scope: ast.AST) -> dict[str, int]:
    """The names that a function or a module binds, each with the line where it first does."""
    found = {name: getattr(scope, "lineno", 0) for name in parameters(scope)}
    queue = list(ast.iter_child_nodes(scope))
    elsewhere = {"_"}
    for node in queue:  # which grows meanwhile
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            found.setdefault(node.name, node.lineno)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere |= set(node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = min(node.lineno, found.get(node.id, node.lineno))
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            queue += ast.iter_child_nodes(node)
    return {name: line for name, line in found.items() if name not in elsewhere}


def around(code: Code, node: ast.AST) -> list[ast.AST]:
    """The nodes around a statement, innermost first, up to its function or the module."""
    found = []
    parent = code.parents.get(node)
    while parent is not None:
        found.append(parent)
        if isinstance(parent, (*FUNCTIONS, ast.Module)):
            break
        parent = code.parents.get(parent)
    return found
