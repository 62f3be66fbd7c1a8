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
from symbackprop.equations.build.passed import Passed
from symbackprop.equations.build.rest import expand_expression, expand_statement
from symbackprop.equations.build.scope import ArrayValue
from symbackprop.equations.renaming import fresh_name
from symbackprop.equations.system import Draw
from symbackprop.layers import LAYERS
from symbackprop.spec import expression, statement
from symbackprop.spec.syntax import (
    Call,
    Expression,
    Init,
    Name,
    Text,
)

_STATEMENT = re.compile(r"\s*(\w+)\[[^=]*\]\s*=[^=]")


def call_layer(caller: Arraywise, node: Call) -> ArrayValue:
    """Evaluates the arguments, then states the layer's equations over them."""
    layer = LAYERS[node.function]
    keywords = {k.name: k.value for k in node.keywords}
    name = keywords.pop("name", None) if layer.owns_parameters else None
    bound = layer.signature.bind(*node.args, **keywords)
    call, read = LayerCall(caller, node, bound.arguments), Passed(caller, node)
    filled: dict[str, Any] = {}
    for parameter in layer.signature.parameters.values():
        if parameter.name not in bound.arguments or parameter.name == "name":
            continue
        given = bound.arguments[parameter.name]
        convert = read.converter(str(parameter.annotation), parameter.name)
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

    def drawn(self, base: str, like: ArrayValue, law: str, *parameters: Any) -> ArrayValue:
        return self.caller.scope.drawn(base, like, Draw(law, tuple(map(_exact, parameters))))

    def state(self, base: str, shape: Sequence[Any], init: str = "zeros") -> ArrayValue:
        extents = [sympy.sympify(s) for s in shape]
        name = f"{base}{self.suffix}"
        return self.caller.scope.state(name, extents, parse_init(init), self.node.place)

    def update(self, state: ArrayValue, value: ArrayValue) -> None:
        self.caller.scope.update(state, value, self.node.place)

    def equation(
        self,
        text: str,
        extents: Mapping[str, Any] | None = None,
        /,
        in_use: str | None = None,
        **operands: Any,
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
        value = ArrayValue(indices, body, f"{stated.target}{self.suffix}", label)
        if in_use is None:
            return value
        left = text.partition("=")[0]
        stated = expand_statement(statement(f"{left} = {in_use}", layer=True), arrays)
        assert stated.indices is not None
        otherwise = ArrayValue(*indexed.statement(stated.indices, stated.value, given))
        return scope.define_twice(value, otherwise.at(*indices), self.node.place)

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

    def _named(self, value: ArrayValue) -> ArrayValue:
        """An operand that must become a tensor, with the name it will have."""
        if value.name or not value.body.args:
            return value
        return ArrayValue(value.indices, value.body, f"z_{self.caller.target}", value.label)


def _exact(number: Any) -> Expr:
    """A number as it was written: 0.1 is one tenth."""
    return sympy.Rational(str(number)) if isinstance(number, float) else sympy.sympify(number)


def parse_init(text: str) -> Init:
    """`normal(0.05)` or `zeros`, as a layer states it."""
    from fractions import Fraction

    scheme, _, inside = text.rstrip(")").partition("(")
    return Init(scheme, tuple(Fraction(a) for a in inside.split(",") if a))
