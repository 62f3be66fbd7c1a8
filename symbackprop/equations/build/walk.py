"""What an expression names: its words and its entries of tensors."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.spec.syntax import Element, Expression, Name, Reduction, Statement
from symbackprop.spec.syntax import children as parts


def elements(node: Expression) -> Iterator[Element]:
    """Every tensor[…] in an expression."""
    if isinstance(node, Element):
        yield node
    for part in parts(node):
        yield from elements(part)


def named(node: Expression) -> Iterator[str]:
    """Every word in an expression: indices, tensors, numbers by name."""
    if isinstance(node, Name):
        yield node.id
    if isinstance(node, Element):
        yield node.tensor
    for part in parts(node):
        yield from named(part)


def read(statement: Statement) -> set[str]:
    """The tensors and numbers by name that a statement reads: words that are no index there."""
    left = {i.id for i in statement.indices or () if isinstance(i, Name)}
    return set(_read(statement.value, frozenset(left)))


def _read(node: Expression, indices: frozenset[str]) -> Iterator[str]:
    if isinstance(node, Reduction):
        indices = indices.union(binder.index for binder in node.binders)
    if isinstance(node, Name) and node.id not in indices:
        yield node.id
    if isinstance(node, Element):
        yield node.tensor
    for part in parts(node):
        yield from _read(part, indices)
