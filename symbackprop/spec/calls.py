"""What a spec may call, and whether a call fits its signature."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Iterator, Mapping

from symbackprop.layers import LAYERS
from symbackprop.layers.pointwise import POINTWISE, REDUCTIONS
from symbackprop.spec.errors import Fault, did_you_mean, quoted
from symbackprop.spec.syntax import Call, Expression, Number, Text, Truth, Unary

# The array functions that are no layers, each with its parameters as a call states them.
ARRAY_FUNCTIONS: Mapping[str, str] = {
    **{name: "x, axis=None, keepdims=False" for name in REDUCTIONS},
    "where": "condition, a, b",
    "stop_gradient": "x",
}

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_KEYWORD = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@functools.cache
def signatures() -> Mapping[str, inspect.Signature]:
    """Every function of the language: pointwise functions, array functions, layers and losses."""
    pointwise = {name: function.parameters for name, function in POINTWISE.items()}
    texts = {**pointwise, **ARRAY_FUNCTIONS}
    written = {name: _signature(parameters) for name, parameters in texts.items()}
    return {**written, **{name: layer.signature for name, layer in LAYERS.items()}}


@functools.cache
def usage(function: str) -> str:
    """`dense(x, units, bias=True)`: how a call is written."""
    parameters = signatures()[function].parameters.values()
    shown = [p.replace(annotation=p.empty) for p in parameters if p.name != "name"]
    return f"{function}{inspect.Signature(shown)}"


def bind(call: Call) -> Iterator[tuple[inspect.Parameter, Expression]]:
    """Each argument of a call with its parameter; those that fit none are left out."""
    parameters = list(signatures()[call.function].parameters.values())
    rest = next((p for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL), None)
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    for k, argument in enumerate(call.args):
        parameter = positional[k] if k < len(positional) else rest
        if parameter is not None:
            yield parameter, argument
    named = {p.name: p for p in parameters if p.kind in _KEYWORD}
    for keyword in call.keywords:
        if keyword.name in named:
            yield named[keyword.name], keyword.value


def check(call: Call) -> Iterator[Fault]:
    """What is wrong with a call by its text: the function, the number and names of arguments."""
    known = signatures()
    if call.function not in known:
        fix = did_you_mean(call.function, known, "the language page lists all functions and layers")
        yield Fault(call.place, f"unknown function or layer {quoted(call.function)}", fix)
        return
    function, parameters = call.function, list(known[call.function].parameters.values())
    write = f"write {usage(function)}"
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    takes_more = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    if len(call.args) > len(positional) and not takes_more:
        count = _count(len(positional))
        yield Fault(call.place, f"{function} takes {count}, but {len(call.args)} are given", write)
        return
    given = {p.name for p in positional[: len(call.args)]}
    named = [p.name for p in parameters if p.kind in _KEYWORD]
    for keyword in call.keywords:
        name = keyword.name
        if name not in named:
            fix = did_you_mean(name, set(named) - given, write)
            yield Fault(keyword.place, f"{function} has no argument {quoted(name)}", fix)
            return
        if name in given:
            yield Fault(keyword.place, f"{function} gets its argument '{name}' twice", write)
            return
        given.add(name)
    missing = [
        p.name for p in parameters if p.default is p.empty and p.kind in _POSITIONAL + _KEYWORD
        and p.name not in given
    ]  # fmt: skip
    if missing:
        yield Fault(call.place, f"{function} lacks its argument '{missing[0]}'", write)
        return
    for parameter, argument in bind(call):
        yield from _check_literal(function, parameter, argument)


def _check_literal(
    function: str, parameter: inspect.Parameter, argument: Expression
) -> Iterator[Fault]:
    """An argument that is written out, held against the parameter's annotation."""
    wanted = {"int": "a whole number", "float": "a number", "bool": "True or False"}.get(
        str(parameter.annotation)
    )
    literal = argument.of if isinstance(argument, Unary) else argument
    if isinstance(literal, Number):
        is_whole = literal.value.denominator == 1
        fits, written = (
            parameter.annotation != "bool" and (is_whole or parameter.annotation != "int"),
            literal.text,
        )
    elif isinstance(literal, Truth):
        fits, written = parameter.annotation not in ("int", "float"), str(literal.value)
    elif isinstance(literal, Text):
        fits, written = False, f'"{literal.value}"'
    else:
        return
    if wanted and not fits:
        message = f"{parameter.name} of {function} is {written[:60]}, but takes {wanted}"
        yield Fault(argument.place, message, f"write {usage(function)}")


def _count(arguments: int) -> str:
    return f"{arguments} argument{'s' if arguments != 1 else ''}"


def _signature(parameters: str) -> inspect.Signature:
    """`x, slope=0.01` as a signature."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    found = []
    for parameter in parameters.split(", "):
        name, _, default = parameter.partition("=")
        value = ast.literal_eval(default) if default else inspect.Parameter.empty
        found.append(inspect.Parameter(name, kind, default=value))
    return inspect.Signature(found)
