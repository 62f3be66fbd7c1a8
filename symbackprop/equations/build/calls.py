"""A layer's definition meets a call of it: arguments, parameters, equations."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import sympy
from sympy import Expr

from symbackprop.equations.build.arraywise import Arraywise
from symbackprop.equations.build.indexed import Indexed
from symbackprop.equations.build.members import Members
from symbackprop.equations.build.rest import expand_expression, expand_statement
from symbackprop.equations.build.scope import ArrayValue, shape_text
from symbackprop.equations.renaming import fresh_name
from symbackprop.layers import LAYERS
from symbackprop.spec import expression, statement, syntax
from symbackprop.spec.calls import usage
from symbackprop.spec.syntax import (
    Call,
    Expression,
    Init,
    Name,
    Number,
    Place,
    Text,
    Truth,
    Unary,
)

_STATEMENT = re.compile(r"\s*(\w+)\[[^=]*\]\s*=[^=]")


def call_layer(caller: Arraywise, node: Call) -> ArrayValue:
    """Evaluates the arguments, then states the layer's equations over them."""
    layer = LAYERS[node.function]
    keywords = {k.name: k.value for k in node.keywords}
    name = keywords.pop("name", None) if layer.owns_parameters else None
    bound = layer.signature.bind(*node.args, **keywords)
    call = LayerCall(caller, node, bound.arguments)
    filled: dict[str, Any] = {}
    for parameter in layer.signature.parameters.values():
        if parameter.name not in bound.arguments or parameter.name == "name":
            continue
        given = bound.arguments[parameter.name]
        convert = call.converter(str(parameter.annotation), parameter.name)
        many = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        filled[parameter.name] = tuple(map(convert, given)) if many else convert(given)
    if layer.owns_parameters:
        call.suffix = call.own_suffix(name)
    passed = inspect.BoundArguments(layer.signature, filled)
    result = layer.define(call, *passed.args, **passed.kwargs)
    assert isinstance(result, ArrayValue)
    return result


@dataclass
class LayerCall:
    """What a definition asks for, answered for one call in one network."""

    caller: Arraywise
    node: Call
    given: Mapping[str, Any]
    suffix: str = ""

    def own_suffix(self, name: Expression | None) -> str:
        """`1` for the first unnamed layer with parameters, `_enc` with name=enc."""
        if name is None:
            self.caller.scope.layer_count += 1
            return str(self.caller.scope.layer_count)
        assert isinstance(name, Name | Text)
        return f"_{name.id if isinstance(name, Name) else name.value}"

    def parameter(
        self, base: str, shape: Sequence[Any], init: str = "glorot_uniform"
    ) -> ArrayValue:
        extents = [sympy.sympify(s) for s in shape]
        return self.caller.scope.parameter(
            self._own_name(base), extents, parse_init(init), self.node.place
        )

    def _own_name(self, base: str) -> str:
        """`W` of the third call is `W3`, or `W_enc` of enc; its `W_q` is `W3_q`, or `W_enc_q`."""
        stem, of, part = base.partition("_")
        return f"{stem}{self.suffix}{of}{part}"

    def equation(
        self, text: str, extents: Mapping[str, Any] | None = None, /, **operands: Any
    ) -> ArrayValue:
        scope = self.caller.scope
        arrays, numbers = self._operands(operands)
        indexed = Indexed(scope, arrays, self.node.place, numbers=numbers)
        label = self.node.function
        if not _STATEMENT.match(text):
            body = indexed.value(expand_expression(expression(text, layer=True), arrays), {})
            return ArrayValue((), body, label, label)
        stated = expand_statement(statement(text, layer=True), arrays)
        assert stated.indices is not None
        given = {n: sympy.sympify(e) for n, e in (extents or {}).items()}
        indices, body = indexed.statement(stated.indices, stated.value, given)
        return ArrayValue(indices, body, f"{stated.target}{self.suffix}", label)

    def recurrence(
        self, text: str, extents: Mapping[str, Any] | None = None, /, **operands: Any
    ) -> dict[str, ArrayValue]:
        scope, place = self.caller.scope, self.node.place
        arrays, numbers = self._operands(operands)
        stated = [statement(line.strip(), layer=True) for line in text.split("\n") if line.strip()]
        names = {s.target: fresh_name(self._own_name(s.target), scope.taken) for s in stated}
        scope.taken |= set(names.values())
        scope.made |= set(names.values())
        given = {n: sympy.sympify(e) for n, e in (extents or {}).items()}
        circle = Members(scope, names, at_call=place)
        for one in stated:
            whole = expand_statement(one, {**arrays, **circle.arrays})
            assert whole.indices is not None
            indexed = Indexed(
                scope, arrays, place, members=circle, numbers=numbers, target=one.target
            )
            indices, body = indexed.statement(whole.indices, whole.value, given)
            value = ArrayValue(indices, body, label=self.node.function)
            circle.define(one.target, scope.define(names[one.target], value, place))
        circle.end()
        return {local: scope.arrays[name] for local, name in names.items()}

    def _operands(
        self, operands: Mapping[str, Any]
    ) -> tuple[dict[str, ArrayValue], dict[str, Expr]]:
        """The arrays among the operands as tensors with names, and the numbers."""
        arrays = {
            n: self.caller.scope.materialise(self._named(v), self.node.place)
            for n, v in operands.items()
            if isinstance(v, ArrayValue)
        }
        return arrays, {n: _exact(v) for n, v in operands.items() if n not in arrays}

    def matrices(self) -> tuple[ArrayValue, ...]:
        scope = self.caller.scope
        return tuple(scope.arrays[n] for n, p in scope.parameters.items() if p.symbol.rank >= 2)

    def refuse(self, argument: str, message: str, fix: str) -> NoReturn:
        given = self.given.get(argument)
        place = getattr(given, "place", self.node.place)
        self.caller.scope.fail(place, f"{self.node.function}: {message}", fix)

    def converter(self, annotation: str, argument: str) -> Any:
        """How an argument of that annotation is read."""
        read = {
            "Array": self._array,
            "int": self._int,
            "Extent": self._extent,
            "float": self._number,
            "bool": self._truth,
            "str": self._text,
            "Pair": self._pair,
            "Padding": self._padding,
        }[annotation.removesuffix(" | None")]
        return lambda given: read(given, argument)

    def _named(self, value: ArrayValue) -> ArrayValue:
        """An operand that must become a tensor, with the name it will have."""
        if value.name or not value.body.args:
            return value
        return ArrayValue(value.indices, value.body, f"z_{self.caller.target}", value.label)

    def _array(self, given: Expression, argument: str) -> ArrayValue:
        value = self.caller.value(given)
        if not value.rank:
            self._wrong(given.place, argument, f"takes an array, but {_shown(given)} is a number")
        return value

    def _number(self, given: Expression, argument: str) -> Expr:
        value = self.caller.value(given)
        if value.rank or not value.body.is_number:
            self._wrong(given.place, argument, f"takes a number, but got {_shown(given)}")
        return value.body

    def _int(self, given: Expression, argument: str) -> int:
        value = self._extent(given, argument)
        if not value.is_Integer:
            self._wrong(
                given.place,
                argument,
                f"takes a whole number known in the spec, but got {_shown(given)}",
            )
        return int(value)

    def _pair(self, given: Expression, argument: str) -> tuple[int, int]:
        if not isinstance(given, syntax.Sequence):
            return (self._int(given, argument),) * 2
        if len(given.items) != 2:
            count = len(given.items)
            self._wrong(given.place, argument, f"takes one whole number or two, but got {count}")
        first, second = (self._int(item, argument) for item in given.items)
        return first, second

    def _padding(self, given: Expression, argument: str) -> str | int:
        if not isinstance(given, Text):
            return self._int(given, argument)
        if given.value not in ("valid", "same"):
            self._wrong(
                given.place,
                argument,
                f'takes "valid", "same" or a whole number, but got {_shown(given)}',
            )
        return given.value

    def _extent(self, given: Expression, argument: str) -> Expr:
        value = self.caller.value(given)
        if value.rank or not value.body.is_integer or value.body.has(sympy.Function):
            shown = _shown(given)
            if value.rank:
                shown += f" of shape {shape_text(value.shape)}"
            self._wrong(given.place, argument, f"takes a whole number, but got {shown}")
        return value.body

    def _truth(self, given: Expression, argument: str) -> bool:
        if not isinstance(given, Truth):
            self._wrong(given.place, argument, f"takes True or False, but got {_shown(given)}")
        return given.value

    def _text(self, given: Expression, argument: str) -> str:
        if not isinstance(given, Text):
            self._wrong(given.place, argument, f"takes a word in quotes, but got {_shown(given)}")
        return given.value

    def _wrong(self, place: Place, argument: str, message: str) -> NoReturn:
        function = self.node.function
        self.caller.scope.fail(
            place, f"{argument} of {function} {message}", f"write {usage(function)}"
        )


def _exact(number: Any) -> Expr:
    """A number as it was written: 0.1 is one tenth."""
    return sympy.Rational(str(number)) if isinstance(number, float) else sympy.sympify(number)


def parse_init(text: str) -> Init:
    """`normal(0.05)` or `zeros`, as a layer states it."""
    from fractions import Fraction

    scheme, _, inside = text.rstrip(")").partition("(")
    return Init(scheme, tuple(Fraction(a) for a in inside.split(",") if a))


def _shown(node: Expression) -> str:
    match node:
        case Name(id=name):
            return f"'{name}'"
        case Number(text=text):
            return text
        case Text(value=value):
            return f'"{value}"'
        case Truth(value=value):
            return str(value)
        case Unary(op=op, of=of):
            return f"{op}{_shown(of)}"
    return "an expression"
