"""Index expressions to SymPy: every index named, extents found from the axes they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import sympy
from sympy import Expr, Rational

from symbackprop.equations import masks, nodes, reductions
from symbackprop.equations.build.extents import IndexExtents, Stand
from symbackprop.equations.build.functions import (
    apply_pointwise,
    combine,
    compare,
    require_mask,
)
from symbackprop.equations.build.inside import PAD_FIRST, leaving, outside
from symbackprop.equations.build.scope import shape_text
from symbackprop.equations.nodes import Access, Index
from symbackprop.equations.ranges import digit
from symbackprop.equations.renaming import fresh_name
from symbackprop.layers import LAYERS
from symbackprop.layers.pointwise import POINTWISE, REDUCTIONS
from symbackprop.spec.syntax import (
    Binary,
    Binder,
    Call,
    Compare,
    Element,
    Expression,
    Name,
    Number,
    Place,
    Reduction,
    Unary,
)

REDUCTION_NODES = {
    "sum": reductions.Sum,
    "max": reductions.Max,
    "min": reductions.Min,
    "prod": reductions.Prod,
    "logsumexp": reductions.LogSumExp,
}


@dataclass
class Indexed(IndexExtents):
    """Translates one statement. Scalar operands stand by name in `numbers`.

    `target` is the tensor that it defines, where that is one of the `members` of a circle.
    """

    numbers: Mapping[str, Expr] = field(default_factory=dict)
    read_at: dict[Expr, Place] = field(default_factory=dict)
    target: str = ""

    def statement(
        self, left: tuple[Expression, ...], value: Expression, given: Mapping[str, Expr]
    ) -> tuple[tuple[Index, ...], Expr]:
        """The indices of the left-hand side and the body."""
        names = [position.id for position in left if isinstance(position, Name)]
        assert len(names) == len(left), left
        stands: dict[str, list[Stand]] = {n: [] for n in names if n not in given}
        self.collect(value, stands)
        self.collect_ahead(value, stands)
        stands |= {n: [Stand(size, "the statement")] for n, size in given.items()}
        places = {n: p.place for n, p in zip(names, left, strict=True)}
        env = {n: Index(n, self.agreed(n, stands[n], places[n])) for n in names if stands[n]}
        env |= self._running(value, env, {n: p for n, p in places.items() if n not in env})
        indices = tuple(env[n] for n in names)
        if self.members is not None:
            self.members.open(self.target, indices)
        body = self.value(value, env)
        self._require_inside(body)
        return indices, body

    def _running(
        self, value: Expression, env: Mapping[str, Index], places: Mapping[str, Place]
    ) -> dict[str, Index]:
        """The indices that stand inside accesses only: as far as these let them run."""
        found: dict[str, list[Stand]] = {n: [] for n in places}
        for name, stand in self.reach(value, {**env, **{n: Index(n, 1) for n in places}}, places):
            found[name].append(stand)
        on_left = partial(self.agreed, written="y[{}:3] = …")
        extents = {n: self.least if found[n] else on_left for n in places}
        return {n: Index(n, extents[n](n, found[n], place)) for n, place in places.items()}

    def _require_inside(self, body: Expr) -> None:
        """A statement reads no entry that a tensor does not have; layers see to it themselves."""
        if self.at_call is not None:
            return
        for access, axis in leaving(body):
            if access not in self.read_at:  # an earlier step, which `Members` looks at
                continue
            self.fail(self.read_at[access], outside(access, axis), PAD_FIRST)

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
                return masks.Not(require_mask(self.scope, inner, of.place, "~"))
            case Binary(op="@"):
                self.fail(
                    node.place, "'@' in an index statement", "write sum[k](a[…, k] * b[k, …])"
                )
            case Binary(op=op, left=left, right=right):
                a, b = self.value(left, env), self.value(right, env)
                return combine(self.scope, op, a, b, (left.place, right.place))
            case Compare(op=op, left=left, right=right):
                return compare(op, self.value(left, env), self.value(right, env))
            case Call():
                return self._call(node, env)
        self.fail(node.place, "this does not stand for a number", "see the language page")

    def _name(self, name: str, place: Place, env: Mapping[str, Index]) -> Expr:
        if name in env:
            return env[name]
        if name in self.numbers:
            return self.numbers[name]
        array = self.operands[name] if name in self.operands else self.scope.look_up(name, place)
        if array.rank:
            self.fail(
                place,
                f"'{name}' has shape {shape_text(array.shape)} and stands here without indices",
                f"write {name}[{', '.join(i.name for i in array.indices)}]",
            )
        return array.body

    def _element(self, node: Element, env: Mapping[str, Index]) -> Expr:
        if self.members is not None and node.tensor in self.members.names:
            read, place = partial(self.value, env=env), partial(self.position, env=env)
            earlier = self.members.earlier(node, env, read, place)
            if earlier is not None:
                return earlier
        array = self.array(node)
        positions = []
        for axis, position in enumerate(node.indices):
            chosen = self.position(position, env)
            size = array.shape[axis]
            if isinstance(chosen, Access) and chosen.tensor.classes != size:
                self.fail(
                    position.place,
                    f"{chosen.tensor.name} has {chosen.tensor.classes} classes, "
                    f"but indexes an axis of {node.tensor} of extent {size}",
                    "let both be the same number",
                )
            if chosen.is_Integer and not int(chosen) >= 0:
                self.fail(position.place, f"index {chosen} of {node.tensor}", "count from 0")
            if chosen.is_Integer and size.is_Integer and int(chosen) >= int(size):
                self.fail(
                    position.place,
                    f"index {chosen} of an axis of {node.tensor} that has extent {size}",
                    f"use 0 to {int(size) - 1}",
                )
            positions.append(chosen)
        entry = array.at(*positions)
        self.read_at.setdefault(entry, node.place)
        return entry

    def position(self, node: Expression, env: Mapping[str, Index]) -> Expr:
        """An index expression: an index, a number, a gather, or sums and multiples of these."""
        if isinstance(node, Name) and node.id in env:
            return env[node.id]
        if isinstance(node, Element):
            access = self._element(node, env)
            if not (isinstance(access, Access) and access.tensor.kind == "integer"):
                self.fail(
                    node.place,
                    f"'{node.tensor}' indexes an axis but holds real numbers",
                    f"declare it as labels: {node.tensor}: {{shape: …, classes: …}}",
                )
            return access
        position = self.value(node, env)
        if not position.is_integer:
            self.fail(node.place, f"{position} is no whole number", "an index is a whole number")
        return position

    def extent(self, binder: Binder) -> Expr:
        """The extent that is written behind an index, as in p:2."""
        assert binder.extent is not None
        written = self.position(binder.extent, {})
        if not written.is_positive:
            self.fail(
                binder.place,
                f"the extent of {binder.index} is {written}, which is not at least 1",
                "write an extent that is 1 or more",
            )
        return written

    def _reduction(self, node: Reduction, env: Mapping[str, Index]) -> Expr:
        inner = self.bind(node, env)
        bound = [inner[b.index] for b in node.binders]
        body = self.value(node.body, inner)
        if node.op == "mean":
            return reductions.Sum(body, *bound) / sympy.prod(i.extent for i in bound)
        return REDUCTION_NODES[node.op](body, *bound)

    def bind(self, node: Reduction, env: Mapping[str, Index]) -> dict[str, Index]:
        """What names stand for inside a reduction."""
        stands: dict[str, list[Stand]] = {}
        for binder in node.binders:
            stands[binder.index] = []
            if binder.extent is not None:
                written = self.extent(binder)
                stands[binder.index].append(Stand(written, f"{binder.index}:{written}"))
        self.collect(node.body, stands)
        self.collect_ahead(node.body, stands)
        inner = dict(env)
        taken = {i.name for i in env.values()}
        for binder in node.binders:
            size = self.agreed(binder.index, stands[binder.index], binder.place)
            name = fresh_name(binder.index, taken)
            taken.add(name)
            inner[binder.index] = Index(name, size)
        return inner

    def _call(self, node: Call, env: Mapping[str, Index]) -> Expr:
        if node.function == "where":
            mask, a, b = (self.value(x, env) for x in node.args)
            return masks.Where(require_mask(self.scope, mask, node.args[0].place, "where"), a, b)
        if node.function == "digit":
            return digit(*(self.value(a, env) for a in node.args))
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
            self.fail(
                node.place,
                f"{node.function}(…) has shape {shape_text(result.shape)} in an index statement",
                "give it a name in a statement of its own, then use its entries",
            )
        return result.body
