"""The extent of an index: that of every axis that it stands on alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from sympy import Expr

from symbackprop.equations.build.inside import greatest_extent
from symbackprop.equations.build.scope import ArrayValue, Scope, shape_text
from symbackprop.equations.build.walk import elements
from symbackprop.equations.nodes import Access, Index
from symbackprop.equations.ranges import nonnegative
from symbackprop.spec.syntax import (
    Binary,
    Compare,
    Element,
    Expression,
    Name,
    Number,
    Place,
    Reduction,
    Unary,
    children,
)

if TYPE_CHECKING:
    from symbackprop.equations.build.members import Members


@dataclass(frozen=True)
class Stand:
    """An axis that an index stands on alone: where its extent comes from."""

    extent: Expr
    where: str


@dataclass
class IndexExtents:
    """Finds extents in one statement. `operands` come before the names of the scope.

    Faults stand `at_call`, if the statement is an equation of what is called there. `shifted` are
    the indices that were met inside a shift or a stride, each with where it stands.
    """

    scope: Scope
    operands: Mapping[str, ArrayValue] = field(default_factory=dict)
    at_call: Place | None = None
    shifted: dict[str, str] = field(default_factory=dict)
    members: Members | None = None

    def _is_ahead(self, name: str) -> bool:
        """Whether the name stands for a tensor of the circle whose shape is not known yet."""
        members = self.members
        return members is not None and name in members.names and name not in members.arrays

    def fail(self, place: Place, message: str, fix: str) -> NoReturn:
        """Raises SpecError, at the call where there is one."""
        self.scope.fail(self.at_call or place, message, fix)

    def array(self, node: Element) -> ArrayValue:
        """The array that is read, which has to have an axis for each index."""
        if self.members is not None and node.tensor in self.members.arrays:
            array = self.members.arrays[node.tensor]
        elif node.tensor in self.operands:
            array = self.operands[node.tensor]
        else:
            array = self.scope.look_up(node.tensor, node.place)
        if array.rank != len(node.indices):
            self.fail(
                node.place,
                f"'{node.tensor}' has rank {array.rank} {shape_text(array.shape)}, "
                f"but stands here with {len(node.indices)} indices",
                "write one index for each axis",
            )
        return array

    def collect(self, node: Expression, stands: dict[str, list[Stand]]) -> None:
        """Notes each axis that one of the named indices stands on alone."""
        if isinstance(node, Element) and not self._is_ahead(node.tensor):
            array = self.array(node)
            text = shown(node)
            for position, size in zip(node.indices, array.shape, strict=True):
                if isinstance(position, Name) and position.id in stands:
                    stands[position.id].append(Stand(size, text))
                elif isinstance(position, Binary | Unary):
                    self.shifted |= {n: text for n in _names_in(position)}
        if isinstance(node, Compare) and node.op == "==":
            self._collect_labels(node, stands)
        if isinstance(node, Reduction):
            hidden = {b.index for b in node.binders}
            stands = {n: s for n, s in stands.items() if n not in hidden}
        for child in children(node):
            self.collect(child, stands)

    def collect_ahead(self, node: Expression, stands: dict[str, list[Stand]]) -> None:
        """For indices with no stand: what tensors whose statements come later are known to be."""
        missing = {n: found for n, found in stands.items() if not found}
        if self.members is None or not missing:
            return
        for element in elements(node):
            if self._is_ahead(element.tensor):
                sizes = self.members.hints.get(element.tensor, ())
                for position, size in zip(element.indices, sizes, strict=False):
                    names = _names_in(position) & missing.keys()
                    if size is not None and len(names) == 1:
                        missing[names.pop()].append(Stand(size, shown(element)))

    def _collect_labels(self, node: Compare, stands: dict[str, list[Stand]]) -> None:
        """`y[n] == k`: k runs over the classes of y."""
        for index, labels in ((node.left, node.right), (node.right, node.left)):
            if isinstance(index, Name) and index.id in stands and isinstance(labels, Element):
                classes = self.array(labels).classes
                if classes is not None:
                    stands[index.id].append(Stand(classes, f"{shown(labels)} == {index.id}"))

    def position(self, node: Expression, env: Mapping[str, Index]) -> Expr:
        """An index expression."""
        raise NotImplementedError

    def bind(self, node: Reduction, env: Mapping[str, Index]) -> dict[str, Index]:
        """What names stand for inside a reduction."""
        raise NotImplementedError

    def reach(
        self, node: Expression, env: Mapping[str, Index], names: Collection[str]
    ) -> Iterator[tuple[str, Stand]]:
        """How far each access lets one of the named indices run, which stand on no axis alone.

        What `env` says of their extents is not read.
        """
        if not names:
            return
        if isinstance(node, Reduction):
            env = self.bind(node, env)
            names = [n for n in names if all(n != b.index for b in node.binders)]
        if isinstance(node, Element) and not self._is_ahead(node.tensor):
            for position, size in zip(node.indices, self.array(node).shape, strict=True):
                inside = [n for n in names if n in _names_in(position)]
                if len(inside) == 1 and not isinstance(position, Element):
                    index = env[inside[0]]
                    extent = greatest_extent(self.position(position, env), index, size)
                    if extent is not None:
                        yield inside[0], Stand(self._at_least_one(extent, node, size), shown(node))
        for child in children(node):
            yield from self.reach(child, env, names)

    def _at_least_one(self, extent: Expr, node: Element, size: Expr) -> Expr:
        if extent.is_Integer and extent < 1:
            self.fail(
                node.place,
                f"{shown(node)} leaves its axis of extent {size} whatever its index is",
                "let the window be no larger than the axis, or pad first",
            )
        return extent

    def least(self, index: str, stands: list[Stand], place: Place) -> Expr:
        """The smallest of the extents that an index may have. Raises SpecError if none is that."""
        sizes = [s.extent for s in stands]
        for size in sizes:
            if all(nonnegative(other - size, sizes) for other in sizes):
                return size
        first, other = stands[0], next(s for s in stands if s.extent != stands[0].extent)
        self.fail(
            place,
            f"index {index} may run to {first.extent} in {first.where} "
            f"but to {other.extent} in {other.where}",
            "which is less depends on the run-time extents: give them numbers under dims",
        )

    def agreed(
        self, index: str, stands: list[Stand], place: Place, written: str = "sum[{}:3](…)"
    ) -> Expr:
        """The one extent of an index. Raises SpecError where there is none, or more than one.

        `written` is how its extent could be written.
        """
        written = written.format(index)
        if not stands and index in self.shifted:
            self.fail(
                place,
                f"index {index} stands only inside {self.shifted[index]}, so it has no extent",
                f"write its extent where it is bound, as in {written}",
            )
        if not stands:
            self.fail(
                place,
                f"index {index} stands on no axis alone, so it has no extent",
                f"write its extent where it is bound, {written}, or use it as an index",
            )
        first = stands[0]
        for other in stands[1:]:
            if other.extent != first.extent:
                self.fail(
                    place,
                    f"index {index} has extent {first.extent} in {first.where} "
                    f"but {other.extent} in {other.where}",
                    "use an index of its own for each extent",
                )
        return first.extent


def fit(positions: Sequence[Expr], shape: Sequence[Expr]) -> bool:
    """Whether indices that stand alone, or shifted, have the extents of their axes."""
    sizes = list(map(extent_at, positions))
    pairs = zip(sizes, shape, strict=False)
    return len(sizes) == len(shape) and all(a is None or a == b for a, b in pairs)


def extent_at(position: Expr) -> Expr | None:
    """The extent of the one index that a position is, or is a constant away from.

    Labels stand for an index over their classes.
    """
    if isinstance(position, Access):
        return position.tensor.classes
    found = list(position.atoms(Index))
    if len(found) == 1 and (position - found[0]).is_Integer:
        return found[0].extent
    return None


def _names_in(node: Expression) -> set[str]:
    own = {node.id} if isinstance(node, Name) else set()
    return own.union(*map(_names_in, children(node)))


def shown(node: Expression) -> str:
    """An index expression as it is written, for messages."""
    match node:
        case Name(id=name):
            return name
        case Number(text=text):
            return text
        case Element(tensor=tensor, indices=indices):
            return f"{tensor}[{', '.join(map(shown, indices))}]"
        case Binary(op="*", left=left, right=right):
            return "*".join(f"({shown(x)})" if _is_sum(x) else shown(x) for x in (left, right))
        case Binary(op=op, left=left, right=right):
            return f"{shown(left)} {op} {shown(right)}"
        case Unary(op=op, of=of):
            return f"{op}{shown(of)}"
    return "…"


def _is_sum(node: Expression) -> bool:
    return isinstance(node, Binary) and node.op != "*"
