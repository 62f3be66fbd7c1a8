"""What an expression names: its words and its entries of tensors."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.spec.syntax import Element, Expression, Name
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
