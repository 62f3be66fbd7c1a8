"""Rows of the pointwise table as SymPy expressions."""

from __future__ import annotations

import functools

import sympy
from sympy import Expr, Symbol

from symbackprop.equations.build.functions import pointwise_signature
from symbackprop.equations.build.indexed import Indexed
from symbackprop.equations.build.scope import Scope
from symbackprop.layers.pointwise import POINTWISE
from symbackprop.spec import expression
from symbackprop.spec.syntax import Spec

_NOTHING = Spec("pointwise", "", "", {}, (), (), {}, (), (), None, None)


@functools.cache
def definition(name: str) -> tuple[tuple[Symbol, ...], Expr]:
    """The parameters of a row, and its defining expression over them. Primitives have none."""
    text = POINTWISE[name].definition
    assert text is not None, f"{name} is a primitive"
    return _read(name, text)


@functools.cache
def computed(name: str) -> tuple[tuple[Symbol, ...], Expr]:
    """The parameters, and the equal expression by which numbers are computed."""
    text = POINTWISE[name].computed or POINTWISE[name].definition
    assert text is not None, f"{name} is a primitive"
    return _read(name, text)


def _read(name: str, text: str) -> tuple[tuple[Symbol, ...], Expr]:
    parameters = tuple(Symbol(f"_{p}", real=True) for p in pointwise_signature(name).parameters)
    numbers = {p.name[1:]: p for p in parameters} | {"pi": sympy.pi}
    body = Indexed(Scope(_NOTHING), numbers=numbers).value(expression(text, layer=True), {})
    return parameters, body
