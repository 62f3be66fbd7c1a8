"""Index expressions to SymPy: every index named, extents found from the axes they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import sympy
from sympy import Expr, Rational

from symbackprop.equations import nodes
from symbackprop.equations.build.functions import (
    apply_pointwise,
    combine,
    compare,
    require_mask,
)
from symbackprop.equations.build.scope import ArrayValue, Scope, shape_text
from symbackprop.equations.nodes import Access, Index
from symbackprop.equations.ranges import digit
from symbackprop.equations.renaming import fresh_name
from symbackprop.layers import LAYERS
from symbackprop.layers.pointwise import POINTWISE, REDUCTIONS
from symbackprop.spec.syntax import (
    Binary,
    Call,
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

REDUCTION_NODES = {
    "sum": nodes.Sum,
    "max": nodes.Max,
    "min": nodes.Min,
    "prod": nodes.Prod,
    "logsumexp": nodes.LogSumExp,
}


@dataclass(frozen=True)
class Stand:
    """An axis that an index stands on alone: where its extent comes from."""

    extent: Expr
    where: str


@dataclass
class Indexed:
    """Translates one statement. `operands` come before the names of the scope."""

    scope: Scope
    operands: Mapping[str, ArrayValue] = field(default_factory=dict)
    numbers: Mapping[str, Expr] = field(default_factory=dict)
    at_call: Place | None = None
    shifted: dict[str, str] = field(default_factory=dict)

    def statement(
        self, left: tuple[Expression, ...], value: Expression, given: Mapping[str, Expr]
    ) -> tuple[tuple[Index, ...], Expr]:
        """The indices of the left-hand side and the body."""
        names: list[str] = []
        for position in left:
            if not isinstance(position, Name):
                self._fail(
                    position.place,
                    "an index of the left-hand side is no plain name",
                    "write name[n, i] = …; this version has no recurrences, so no initial states",
                )
            names.append(position.id)
        stands: dict[str, list[Stand]] = {n: [] for n in names if n not in given}
        self._collect(value, stands)
        stands |= {n: [Stand(size, "the statement")] for n, size in given.items()}
        env = {
            n: Index(n, self._agreed(n, stands[n], p.place))
            for n, p in zip(names, left, strict=True)
        }
        return tuple(env[n] for n in names), self.value(value, env)

    def value(self, node: Expression, env: Mapping[str, Index]) -> Expr:
        """A real-valued expression."""
        match node:
            case Number(value=number):
                return Rational(number.numerator, number.denominator)
            case Name(id=name):
                return self._name(name, node.place, env)
            case Element():
                return self._element(node, env)
            case Reduction():
                return self._reduction(node, env)
            case Unary(op=op, of=of):
                inner = self.value(of, env)
                if op == "-":
                    return -inner
                return nodes.Not(require_mask(self.scope, inner, of.place, "~"))
            case Binary(op="@"):
                self._fail(
                    node.place, "'@' in an index statement", "write sum[k](a[…, k] * b[k, …])"
                )
            case Binary(op=op, left=left, right=right):
                a, b = self.value(left, env), self.value(right, env)
                return combine(self.scope, op, a, b, (left.place, right.place))
            case Compare(op=op, left=left, right=right):
                return compare(op, self.value(left, env), self.value(right, env))
            case Call():
                return self._call(node, env)
        self._fail(node.place, "this does not stand for a number", "see the language page")

    def _name(self, name: str, place: Place, env: Mapping[str, Index]) -> Expr:
        if name in env:
            return env[name]
        if name in self.numbers:
            return self.numbers[name]
        array = self.operands[name] if name in self.operands else self.scope.look_up(name, place)
        if array.rank:
            self._fail(
                place,
                f"'{name}' has shape {shape_text(array.shape)} and stands here without indices",
                f"write {name}[{', '.join(i.name for i in array.indices)}]",
            )
        return array.body

    def _element(self, node: Element, env: Mapping[str, Index]) -> Expr:
        array = self._array(node)
        positions = []
        for axis, position in enumerate(node.indices):
            chosen = self._position(position, env)
            size = array.shape[axis]
            if isinstance(chosen, Access) and chosen.tensor.classes != size:
                self._fail(
                    position.place,
                    f"{chosen.tensor.name} has {chosen.tensor.classes} classes, "
                    f"but indexes an axis of {node.tensor} of extent {size}",
                    "let both be the same number",
                )
            if chosen.is_Integer and not int(chosen) >= 0:
                self._fail(position.place, f"index {chosen} of {node.tensor}", "count from 0")
            if chosen.is_Integer and size.is_Integer and int(chosen) >= int(size):
                self._fail(
                    position.place,
                    f"index {chosen} of an axis of {node.tensor} that has extent {size}",
                    f"use 0 to {int(size) - 1}",
                )
            positions.append(chosen)
        return array.at(*positions)

    def _array(self, node: Element) -> ArrayValue:
        if node.tensor in self.operands:
            array = self.operands[node.tensor]
        else:
            array = self.scope.look_up(node.tensor, node.place)
        if array.rank != len(node.indices):
            self._fail(
                node.place,
                f"'{node.tensor}' has rank {array.rank} {shape_text(array.shape)}, "
                f"but stands here with {len(node.indices)} indices",
                "write one index for each axis",
            )
        return array

    def _position(self, node: Expression, env: Mapping[str, Index]) -> Expr:
        """An index expression: an index, a number, a gather; shifts only in layers' equations."""
        if isinstance(node, Name) and node.id in env:
            return env[node.id]
        if isinstance(node, Element):
            access = self._element(node, env)
            if not (isinstance(access, Access) and access.tensor.kind == "integer"):
                self._fail(
                    node.place,
                    f"'{node.tensor}' indexes an axis but holds real numbers",
                    f"declare it as labels: {node.tensor}: {{shape: …, classes: …}}",
                )
            return access
        if isinstance(node, Call) and node.function == "digit":
            return digit(*(self.value(a, env) for a in node.args))
        position = self.value(node, env)
        indices = nodes.free_indices(position)
        if indices and self.at_call is None:
            self._fail(
                node.place,
                f"'{_shown(node)}' shifts or strides an index",
                "use a plain index, a number, or labels; this version reads no others",
            )
        if not position.is_integer:
            self._fail(node.place, f"{position} is no whole number", "an index is a whole number")
        return position

    def _reduction(self, node: Reduction, env: Mapping[str, Index]) -> Expr:
        stands: dict[str, list[Stand]] = {}
        for binder in node.binders:
            stands[binder.index] = []
            if binder.extent is not None:
                written = self._position(binder.extent, {})
                stands[binder.index].append(Stand(written, f"{binder.index}:{written}"))
        self._collect(node.body, stands)
        bound = []
        inner = dict(env)
        taken = {i.name for i in env.values()}
        for binder in node.binders:
            size = self._agreed(binder.index, stands[binder.index], binder.place)
            name = fresh_name(binder.index, taken)
            taken.add(name)
            inner[binder.index] = Index(name, size)
            bound.append(inner[binder.index])
        body = self.value(node.body, inner)
        if node.op == "mean":
            return nodes.Sum(body, *bound) / sympy.prod(i.extent for i in bound)
        return REDUCTION_NODES[node.op](body, *bound)

    def _call(self, node: Call, env: Mapping[str, Index]) -> Expr:
        if node.function == "where":
            mask, a, b = (self.value(x, env) for x in node.args)
            return nodes.Where(require_mask(self.scope, mask, node.args[0].place, "where"), a, b)
        if node.function == "stop_gradient":
            return nodes.Stop(self.value(node.args[0], env))
        if node.function in POINTWISE:
            inner = [self.value(a, env) for a in node.args]
            named = {k.name: self.value(k.value, env) for k in node.keywords}
            return apply_pointwise(node.function, inner, named)
        assert node.function in LAYERS or node.function in REDUCTIONS
        from symbackprop.equations.build.arraywise import Arraywise

        result = Arraywise(self.scope, "t").value(node)
        if result.rank:
            self._fail(
                node.place,
                f"{node.function}(…) has shape {shape_text(result.shape)} in an index statement",
                "give it a name in a statement of its own, then use its entries",
            )
        return result.body

    def _collect(self, node: Expression, stands: dict[str, list[Stand]]) -> None:
        """Notes each axis that one of the named indices stands on alone."""
        if isinstance(node, Element):
            array = self._array(node)
            shown = f"{node.tensor}[{', '.join(map(_shown, node.indices))}]"
            for position, size in zip(node.indices, array.shape, strict=True):
                if isinstance(position, Name) and position.id in stands:
                    stands[position.id].append(Stand(size, shown))
                elif isinstance(position, Binary):
                    self.shifted |= {n: shown for n in _names_in(position)}
        if isinstance(node, Compare) and node.op == "==":
            self._collect_labels(node, stands)
        if isinstance(node, Reduction):
            hidden = {b.index for b in node.binders}
            stands = {n: s for n, s in stands.items() if n not in hidden}
        for child in children(node):
            self._collect(child, stands)

    def _collect_labels(self, node: Compare, stands: dict[str, list[Stand]]) -> None:
        """`y[n] == k`: k runs over the classes of y."""
        for index, labels in ((node.left, node.right), (node.right, node.left)):
            if isinstance(index, Name) and index.id in stands and isinstance(labels, Element):
                classes = self._array(labels).classes
                if classes is not None:
                    stands[index.id].append(Stand(classes, f"{_shown(labels)} == {index.id}"))

    def _agreed(self, index: str, stands: list[Stand], place: Place) -> Expr:
        """The one extent of an index."""
        if not stands and index in self.shifted:
            self._fail(
                place,
                f"index {index} stands only inside {self.shifted[index]}",
                "use it alone on an axis; this version has no shifted or strided reads",
            )
        if not stands:
            self._fail(
                place,
                f"index {index} stands on no axis alone, so it has no extent",
                f"write its extent where it is bound, sum[{index}:3](…), or use it as an index",
            )
        first = stands[0]
        for other in stands[1:]:
            if other.extent != first.extent:
                self._fail(
                    place,
                    f"index {index} has extent {first.extent} in {first.where} "
                    f"but {other.extent} in {other.where}",
                    "use an index of its own for each extent",
                )
        return first.extent

    def _fail(self, place: Place, message: str, fix: str) -> NoReturn:
        self.scope.fail(self.at_call or place, message, fix)


def _names_in(node: Expression) -> set[str]:
    own = {node.id} if isinstance(node, Name) else set()
    return own.union(*map(_names_in, children(node)))


def _shown(node: Expression) -> str:
    match node:
        case Name(id=name):
            return name
        case Number(text=text):
            return text
        case Element(tensor=tensor, indices=indices):
            return f"{tensor}[{', '.join(map(_shown, indices))}]"
        case Binary(op=op, left=left, right=right):
            return f"{_shown(left)} {op} {_shown(right)}"
    return "…"
