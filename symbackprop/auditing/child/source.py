"""What a stranger's source says of its names, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

from symbackprop.auditing.child.names import is_rate

Names = Union[str, tuple["Names", ...]]  # noqa: UP007
_OF_A_DICTIONARY = frozenset(
    ["items", "keys", "values", "get", "copy", "pop", "update", "setdefault"]
)


def defined(tree: ast.Module) -> list[str]:
    """Everything that can be audited: functions, and methods as Class.method."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found += [f"{node.name}.{f.name}" for f in node.body if isinstance(f, _FUNCTIONS)]
    inside = {id(f) for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for f in c.body}
    for statement in tree.body:
        if isinstance(statement, _FUNCTIONS) and id(statement) not in inside:
            found.append(statement.name)
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Lambda):
            found += [t.id for t in statement.targets if isinstance(t, ast.Name)]
    return found


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def definition(tree: ast.Module, function: str) -> ast.FunctionDef | None:
    """The node of a function, or of a method given as Class.method."""
    scope, _, name = function.rpartition(".")
    body = tree.body
    if scope:
        classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == scope]
        body = classes[0].body if classes else []
    found = [n for n in body if isinstance(n, ast.FunctionDef) and n.name == name]
    return found[-1] if found else None


def returned_names(node: ast.AST) -> Names:
    """The names in the last return statement: (loss, (dW1, db1)); an empty text for no name."""
    returns = [n for n in _own(node) if isinstance(n, ast.Return) and n.value is not None]
    return _names(returns[-1].value) if returns and returns[-1].value else ""


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside it, in order."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (*_FUNCTIONS, ast.Lambda)):
            yield from _own(child)


def _names(node: ast.expr) -> Names:
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(_names(e) for e in node.elts)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return ""


@dataclass(frozen=True)
class Container:
    """How a name is used: as a dict with these keys, a sequence of these, an object with these.

    kind is array where nothing says otherwise.
    """

    kind: str
    names: tuple[str, ...] = ()


def container(tree: ast.AST, name: str) -> Container:
    """What the uses of a name in the source say it holds."""
    found = [c for node in ast.walk(tree) if (c := _use(node, name)) is not None]
    for kind in ("sequence", "dict", "object", "list"):
        names = [n for c in found if c.kind == kind for n in c.names]
        if any(c.kind == kind for c in found):
            return Container(kind, tuple(dict.fromkeys(names)))
    return Container("array")


def _use(node: ast.AST, name: str) -> Container | None:
    if isinstance(node, ast.Assign) and _is(node.value, name):
        for target in node.targets:
            if isinstance(target, (ast.Tuple, ast.List)):
                return Container("sequence", tuple(str(_names(e)) for e in target.elts))
    if isinstance(node, ast.Subscript) and _is(node.value, name):
        key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return Container("dict", (key.value,))
        if isinstance(key, ast.JoinedStr) or (
            isinstance(key, ast.BinOp) and _starts_with_text(key)
        ):
            return Container("dict")
        if isinstance(key, ast.Name) and key.id in ("k", "key", "name", "n"):
            return Container("dict")
        return Container("list")
    if isinstance(node, ast.Attribute) and _is(node.value, name):
        if node.attr in _OF_A_DICTIONARY:
            return Container("dict")
        return Container("object", (node.attr,)) if not hasattr(list, node.attr) else None
    if isinstance(node, (ast.For, ast.comprehension)) and _is(node.iter, name):
        return Container("list")
    return None


def _starts_with_text(node: ast.BinOp) -> bool:
    left = node.left
    while isinstance(left, ast.BinOp):
        left = left.left
    return isinstance(left, ast.Constant) and isinstance(left.value, str)


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def texts(tree: ast.AST) -> list[str]:
    """Every short text constant in the source that could be a key."""
    found = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    return list(dict.fromkeys(t for t in found if isinstance(t, str) and t.isidentifier()))


def fixed_rate(node: ast.AST) -> float | None:
    """The learning rate that the source sets for itself, `lr = 0.1`, if it is one."""
    found = {
        float(value.value)
        for name, value in _assigned(node)
        if is_rate(name)
        and isinstance(value, ast.Constant)
        and isinstance(value.value, (int, float))
    }
    return found.pop() if len(found) == 1 else None


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names with the expressions that they are set to, by assignments and as defaults."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assign):
            for target in inner.targets:
                pairs = [(target, inner.value)]
                if isinstance(target, ast.Tuple) and isinstance(inner.value, ast.Tuple):
                    pairs = list(zip(target.elts, inner.value.elts, strict=False))
                yield from ((t.id, v) for t, v in pairs if isinstance(t, ast.Name))
        elif isinstance(inner, ast.arguments):
            given = [*inner.posonlyargs, *inner.args]
            first = len(given) - len(inner.defaults)
            yield from ((a.arg, v) for a, v in zip(given[first:], inner.defaults, strict=True))


def numbers(node: ast.AST) -> set[float]:
    """Every number that stands in the source."""
    found = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    return {float(v) for v in found if isinstance(v, (int, float)) and not isinstance(v, bool)}
