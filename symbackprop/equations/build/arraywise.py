"""Array expressions to SymPy: NumPy's broadcasting, products, reductions and the layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy
from sympy import Expr, Rational

from symbackprop.equations import masks, nodes, reductions
from symbackprop.equations.build.functions import (
    apply_pointwise,
    combine,
    compare,
    pointwise_signature,
    require_mask,
)
from symbackprop.equations.build.hoist import contains_contraction, signed_part
from symbackprop.equations.build.indexed import REDUCTION_NODES, Indexed
from symbackprop.equations.build.scope import ArrayValue, Scope, scalar, shape_text
from symbackprop.equations.nodes import Index
from symbackprop.equations.renaming import fresh_bound, fresh_name
from symbackprop.layers import LAYERS
from symbackprop.layers.pointwise import POINTWISE
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
    Sequence,
    Transpose,
    Truth,
    Unary,
)


@dataclass(frozen=True)
class Arraywise:
    """Translates one array statement; `target` is the name it defines."""

    scope: Scope
    target: str

    def value(self, node: Expression) -> ArrayValue:
        """The array that the expression stands for."""
        match node:
            case Number(value=number):
                return scalar(Rational(number.numerator, number.denominator))
            case Name(id=name):
                return self.scope.look_up(name, node.place)
            case Transpose(of=of):
                array = self.value(of)
                return ArrayValue(tuple(reversed(array.indices)), array.body)
            case Unary(op=op, of=of):
                array = self.value(of)
                if op == "-":
                    return ArrayValue(array.indices, -array.body)
                mask = require_mask(self.scope, array.body, of.place, "~")
                return ArrayValue(array.indices, masks.Not(mask))
            case Binary(op="@", left=left, right=right):
                return self._product(self.value(left), self.value(right), node.place)
            case Binary(op=op, left=left, right=right):
                places = (left.place, right.place)
                return self._broadcast(
                    lambda a, b: combine(self.scope, op, a, b, places),
                    [self.value(left), self.value(right)],
                    node.place,
                    f"'{op}'",
                )
            case Compare(op=op, left=left, right=right):
                return self._broadcast(
                    lambda a, b: compare(op, a, b),
                    [self.value(left), self.value(right)],
                    node.place,
                    f"'{op}'",
                )
            case Reduction():
                return scalar(Indexed(self.scope).value(node, {}))
            case Call():
                return self._call(node)
            case Element(tensor=tensor, indices=positions):
                if all(isinstance(p, Number) for p in positions):
                    return scalar(Indexed(self.scope).value(node, {}))
                self.scope.fail(
                    node.place,
                    f"'{tensor}[…]' stands in an array statement",
                    f"name every index: {self.target}[n, …] = …, or bind it: sum[n](…)",
                )
        self.scope.fail(node.place, "this does not stand for an array", "see the language page")

    def _call(self, node: Call) -> ArrayValue:
        name = node.function
        if name in LAYERS:
            from symbackprop.equations.build.calls import call_layer

            return call_layer(self, node)
        if name in REDUCTION_NODES or name == "mean":
            return self._reduce(node)
        arrays = [self.value(a) for a in node.args]
        if name == "where":
            return self._broadcast(
                lambda m, a, b: masks.Where(
                    require_mask(self.scope, m, node.args[0].place, "where"), a, b
                ),
                arrays,
                node.place,
                "where",
            )
        if name == "stop_gradient":
            return ArrayValue(arrays[0].indices, nodes.Stop(arrays[0].body))
        assert name in POINTWISE, name
        arrays = [self._activation_input(a, node.place) for a in arrays]
        named = {k.name: self.value(k.value) for k in node.keywords}
        bound = pointwise_signature(name).bind(*arrays, **named)
        bound.apply_defaults()
        filled = [a if isinstance(a, ArrayValue) else scalar(a) for a in bound.arguments.values()]
        result = self._broadcast(
            lambda *bodies: apply_pointwise(name, bodies, {}), filled, node.place, name
        )
        return ArrayValue(result.indices, result.body, "", name)

    def _activation_input(self, array: ArrayValue, place: Place) -> ArrayValue:
        """What a function is applied to: a tensor where a layer or a contraction made it."""
        layer = LAYERS.get(array.label)
        made = layer is not None and layer.owns_parameters and not array.is_tensor
        if not made and not contains_contraction(array.body):
            return array
        number, body = signed_part(array.body)
        named = array.name or f"z_{self.target}"
        tensor = self.scope.materialise(ArrayValue(array.indices, body, named, array.label), place)
        return ArrayValue(tensor.indices, number * tensor.body)

    def _broadcast(
        self, combined: Callable[..., Expr], arrays: list[ArrayValue], place: Place, what: str
    ) -> ArrayValue:
        """Entry by entry, axes aligned from the right, extent 1 repeated."""
        longest = max(arrays, key=lambda a: a.rank)
        indices = list(longest.indices)
        for array in arrays:
            offset = longest.rank - array.rank
            for axis, own in enumerate(array.indices):
                if indices[offset + axis].extent == 1 and own.extent != 1:
                    taken = {i.name for i in indices}
                    indices[offset + axis] = Index(fresh_name(own.name, taken), own.extent)
                elif own.extent not in (1, indices[offset + axis].extent):
                    shapes = " and ".join(shape_text(a.shape) for a in arrays)
                    self.scope.fail(
                        place,
                        f"{what} of shapes {shapes}, which do not broadcast",
                        "axes are aligned from the right; extents are equal or 1",
                    )
        return ArrayValue(tuple(indices), combined(*(_aligned(a, indices) for a in arrays)))

    def _product(self, a: ArrayValue, b: ArrayValue, place: Place) -> ArrayValue:
        """a @ b as NumPy has it: over a's last axis and b's last but one, others broadcast."""
        if not a.rank or not b.rank:
            self.scope.fail(place, "'@' of a number", "use * to scale an array")
        axis = max(b.rank - 2, 0)
        if a.shape[-1] != b.shape[axis]:
            self.scope.fail(
                place,
                f"'@' of shapes {shape_text(a.shape)} and {shape_text(b.shape)}: "
                f"{a.shape[-1]} is not {b.shape[axis]}",
                "the last axis of the left and the last but one of the right have one extent",
            )
        b = _away_from(b, a.indices)
        k = a.indices[-1]
        rows, columns = a.indices[-2:-1], b.indices[-1:] if b.rank > 1 else ()
        outer = b.indices[:-2]
        left = ArrayValue(a.indices[:-2], a.body)
        right = ArrayValue(outer, b.at(*outer, k, *columns))
        batch = self._broadcast(lambda x, y: x * y, [left, right], place, "'@'")
        free = (*batch.indices, *rows, *columns)
        inside = fresh_bound(batch.body, {i.name for i in (*free, k)})
        return ArrayValue(free, reductions.Sum(inside, k))

    def _reduce(self, node: Call) -> ArrayValue:
        """sum(x, axis=…, keepdims=…) and its kin; without an axis, over all."""
        array = self.value(node.args[0])
        if node.function in ("max", "min", "logsumexp", "prod"):
            array = self._activation_input(array, node.place)
        options = {k.name: k.value for k in node.keywords}
        for name, given in zip(("axis", "keepdims"), node.args[1:], strict=False):
            options[name] = given
        axes = self._axes(options.get("axis"), array)
        keep = options.get("keepdims")
        bound = [array.indices[k] for k in axes]
        left: list[Index] = []
        for k, index in enumerate(array.indices):
            if k not in axes:
                left.append(index)
            elif isinstance(keep, Truth) and keep.value:
                left.append(Index(fresh_name("o", {i.name for i in (*array.indices, *left)}), 1))
        body = fresh_bound(array.body, {i.name for i in (*array.indices, *left)})
        if node.function == "mean":
            total = reductions.Sum(body, *bound) / sympy.prod(i.extent for i in bound)
            return ArrayValue(tuple(left), total)
        return ArrayValue(tuple(left), REDUCTION_NODES[node.function](body, *bound))

    def _axes(self, written: Expression | None, array: ArrayValue) -> tuple[int, ...]:
        if written is None:
            return tuple(range(array.rank))
        listed = written.items if isinstance(written, Sequence) else (written,)
        axes = []
        for one in listed:
            axis = self.value(one).body
            if not axis.is_Integer or not -array.rank <= int(axis) < array.rank:
                self.scope.fail(
                    one.place,
                    f"axis {axis} of an array of shape {shape_text(array.shape)}",
                    f"use {-array.rank} to {array.rank - 1}" if array.rank else "it has no axes",
                )
            axes.append(int(axis) % array.rank)
        return tuple(sorted(set(axes)))


def _away_from(array: ArrayValue, others: tuple[Index, ...]) -> ArrayValue:
    """The same array, its indices named unlike the others."""
    taken = {i.name for i in others}
    own = []
    for index in array.indices:
        own.append(Index(fresh_name(index.name, taken), index.extent))
        taken.add(own[-1].name)
    return ArrayValue(tuple(own), array.at(*own))


def _aligned(array: ArrayValue, indices: list[Index]) -> Expr:
    """The entry of the array at the broadcast indices."""
    own = indices[len(indices) - array.rank :]
    positions = [
        sympy.S.Zero if a.extent == 1 and i.extent != 1 else i
        for a, i in zip(array.indices, own, strict=True)
    ]
    if tuple(positions) == array.indices:
        return fresh_bound(array.body, {i.name for i in indices})
    return array.at(*positions)
