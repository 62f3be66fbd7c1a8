"""`...` in a layer's equation becomes the leading axes of the call at hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from fractions import Fraction

from symbackprop.equations.build.scope import ArrayValue
from symbackprop.equations.nodes import Index
from symbackprop.equations.renaming import fresh_name
from symbackprop.spec.syntax import (
    Binder,
    Element,
    Expression,
    Name,
    Number,
    Place,
    Reduction,
    Rest,
    Statement,
    children,
    rebuilt,
)

Operands = Mapping[str, ArrayValue]


def expand_statement(statement: Statement, operands: Operands) -> Statement:
    """The statement with its `...` written out."""
    assert statement.indices is not None
    taken = _names(statement.value) | {i.id for i in statement.indices if isinstance(i, Name)}
    rest = _rest_names(statement.value, operands, taken)
    value = _expand(statement.value, operands, rest, taken)
    left: list[Expression] = []
    for index in statement.indices:
        left += [Name(n, index.place) for n, _ in rest] if isinstance(index, Rest) else [index]
    return dataclasses.replace(statement, indices=tuple(left), value=value)


def expand_expression(value: Expression, operands: Operands) -> Expression:
    """A scalar expression with the `...` of its reductions written out."""
    return _expand(value, operands, [], _names(value))


def _expand(
    node: Expression, operands: Operands, rest: list[tuple[str, object]], taken: set[str]
) -> Expression:
    if isinstance(node, Element):
        return _expand_element(node, operands, rest, taken)
    if isinstance(node, Reduction) and any(b.index == "..." for b in node.binders):
        rest = _rest_names(node.body, operands, taken)
        taken = taken | {n for n, _ in rest}
        binders: list[Binder] = []
        for b in node.binders:
            binders += [Binder(n, None, b.place) for n, _ in rest] if b.index == "..." else [b]
        body = _expand(node.body, operands, rest, taken)
        return dataclasses.replace(node, binders=tuple(binders), body=body)
    return rebuilt(node, lambda child: _expand(child, operands, rest, taken))


def _expand_element(
    node: Element, operands: Operands, rest: list[tuple[str, object]], taken: set[str]
) -> Element:
    positions: list[Expression] = []
    for k, index in enumerate(node.indices):
        if isinstance(index, Rest):
            sizes = _leading(node, operands, k, rest)
            count = len(sizes)
            for (name, size), own in zip(rest[len(rest) - count :], sizes, strict=True):
                positions.append(_broadcast(name, size, own, index.place))
        else:
            positions.append(_expand(index, operands, rest, taken))
    return dataclasses.replace(node, indices=tuple(positions))


def _leading(
    node: Element, operands: Operands, at: int, rest: list[tuple[str, object]]
) -> tuple[object, ...]:
    """The extents that `...` at that position stands for; a tensor yet to be defined has all."""
    operand = operands.get(node.tensor)
    if operand is None:
        return tuple(size for _, size in rest)
    return operand.shape[at : at + operand.rank - (len(node.indices) - 1)]


def _broadcast(name: str, size: object, own: object, place: Place) -> Expression:
    return Number(Fraction(0), "0", place) if own == 1 and size != 1 else Name(name, place)


def _rest_names(value: Expression, operands: Operands, taken: set[str]) -> list[tuple[str, object]]:
    """Names and extents of the leading axes, broadcast: an extent 1 gives way to another."""
    leading: list[tuple[Index, ...]] = []
    for element in _elements(value):
        if not any(isinstance(i, Rest) for i in element.indices):
            continue
        at = next(k for k, i in enumerate(element.indices) if isinstance(i, Rest))
        operand = operands.get(element.tensor)
        if operand is None:
            continue
        count = operand.rank - (len(element.indices) - 1)
        leading.append(operand.indices[at : at + count])
    most: tuple[Index, ...] = max(leading, key=len) if leading else ()
    longest = list(most)
    for axes in leading:
        for k, axis in enumerate(axes, len(longest) - len(axes)):
            if longest[k].extent == 1:
                longest[k] = axis
    used = set(taken)
    rest: list[tuple[str, object]] = []
    for axis in longest:
        rest.append((fresh_name(axis.name, used), axis.extent))
        used.add(rest[-1][0])
    return rest


def _elements(node: Expression) -> Iterator[Element]:
    """The elements whose `...` belongs to this level: not those under a reduction over `...`."""
    if isinstance(node, Element):
        yield node
        for index in node.indices:
            yield from _elements(index)
    elif not (isinstance(node, Reduction) and any(b.index == "..." for b in node.binders)):
        for child in children(node):
            yield from _elements(child)


def _names(node: Expression) -> set[str]:
    """Every index name that the text uses."""
    own: set[str] = set()
    if isinstance(node, Name):
        own = {node.id}
    elif isinstance(node, Reduction):
        own = {b.index for b in node.binders}
    return own.union(*map(_names, children(node)))
