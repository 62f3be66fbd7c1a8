"""What a call passes to a layer, each argument read by the annotation of its parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import sympy
from sympy import Expr

from symbackprop.equations.build.arraywise import Arraywise
from symbackprop.equations.build.scope import ArrayValue, shape_text
from symbackprop.spec import syntax
from symbackprop.spec.calls import usage
from symbackprop.spec.syntax import Call, Expression, Name, Number, Place, Text, Truth, Unary


@dataclass(frozen=True)
class Passed:
    """Reads the arguments of one call; what does not fit its parameter is a fault at its place."""

    caller: Arraywise
    node: Call

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
