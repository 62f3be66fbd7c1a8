"""Expressions as closures over a frame: the list of the values of the indices in scope.

One compiler for each kind of node, in the table at the end. Nothing clever in between: a
reduction is a loop over index tuples, an access is a look-up in a row-major list.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy
from sympy import Expr

from symbackprop.equations import masks, nodes, reductions
from symbackprop.equations.evaluate_environment import Environment, extent_of
from symbackprop.equations.evaluate_numbers import FUNCTIONS, HUGE, Known, Value
from symbackprop.equations.evaluate_pointwise import pointwise
from symbackprop.equations.nodes import Access, Index, TensorSymbol

Frame = list[Any]
Compiled = Callable[[Frame], Value]
NodeCompiler = Callable[[Any, "Scope"], Compiled]


@dataclass(frozen=True)
class Scope:
    """Where an expression is compiled: the slots of the indices in scope, and `extra` compilers.

    The frame is a stack: the indices of a reduction take the slots above those in scope.
    """

    environment: Environment
    name: str
    slots: Mapping[Index, int]
    extra: Mapping[type, NodeCompiler]


def compile_expression(
    expr: Expr,
    environment: Environment,
    indices: Sequence[Index] = (),
    name: str = "expression",
    extra: Mapping[type, NodeCompiler] | None = None,
) -> Callable[[Sequence[int]], Value]:
    """The expression as a function of the values of `indices`.

    `name` stands in messages. `extra` says how to compile further kinds of node.
    An access outside its tensor is an AssertionError.
    """
    scope = Scope(environment, name, {i: k for k, i in enumerate(indices)}, extra or {})
    body = compile_node(expr, scope)
    return lambda point: body(list(point))


def compile_node(expr: Any, scope: Scope) -> Compiled:
    """An expression as a function of the frame, by the compiler for its kind of node."""
    if type(expr) in scope.extra:
        return scope.extra[type(expr)](expr, scope)
    compiler = COMPILERS.get(type(expr))
    if compiler is not None:
        return compiler(expr, scope)
    if expr.is_Integer and abs(expr.p) < HUGE:
        return _constant(int(expr))
    if expr.is_Rational:
        return _constant(scope.environment.arithmetic.rational(expr.p, expr.q))
    if isinstance(expr, Known):
        return _constant(expr.value)
    if isinstance(expr, nodes.PointwiseFunction):
        return _pointwise(expr, scope)
    assert expr.is_Symbol and not isinstance(expr, TensorSymbol), f"{scope.name}: {expr!r}"
    assert expr.name in scope.environment.extents, f"{scope.name}: no value for {expr.name}"
    return _constant(scope.environment.extents[expr.name])


def _constant(value: Value) -> Compiled:
    return lambda frame: value


def _index(expr: Index, scope: Scope) -> Compiled:
    assert expr in scope.slots, f"{scope.name}: index {expr.name} is bound by nothing"
    slot = scope.slots[expr]
    return lambda frame: frame[slot]


def _access(expr: Access, scope: Scope) -> Compiled:
    tensor, name = expr.tensor, scope.name
    assert tensor.name in scope.environment.tensors, f"{name}: no value for {tensor.name}"
    found = scope.environment.tensors[tensor.name]
    flat, shape = found.flat, found.shape
    assert len(shape) == tensor.rank, f"{name}: {tensor.name} has shape {shape}"
    axes = [(compile_node(i, scope), n) for i, n in zip(expr.indices, shape, strict=True)]

    def out_of_range(axis: int, position: Any) -> str:
        return f"{name}: axis {axis} of {tensor.name} {shape} is read at {position}"

    def access(frame: Frame) -> Value:
        offset = 0
        for index, size in axes:
            position = index(frame)
            if not 0 <= position < size:
                axis = [i for i, _ in axes].index(index)
                raise AssertionError(out_of_range(axis, position))
            offset = offset * size + position
        return flat[offset]

    return access


def _add(expr: Expr, scope: Scope) -> Compiled:
    terms = [compile_node(term, scope) for term in expr.args]
    if len(terms) == 2:
        a, b = terms
        return lambda frame: a(frame) + b(frame)
    total = scope.environment.arithmetic.total
    return lambda frame: total(term(frame) for term in terms)


def _mul(expr: Expr, scope: Scope) -> Compiled:
    """The product; a range that does not hold, or an exact delta of 0, spares other factors."""
    exact = scope.environment.arithmetic.exact
    ranges = [f for f in expr.args if isinstance(f, masks.Mask) and not f.has(Access, masks.Delta)]
    sparing = [*ranges, *(f for f in expr.args if exact and isinstance(f, masks.Delta))]
    deltas = [compile_node(f, scope) for f in sparing]
    factors = [compile_node(f, scope) for f in expr.args if f not in sparing]
    if len(factors) == 2 and not deltas:
        a, b = factors
        return lambda frame: a(frame) * b(frame)

    def product(frame: Frame) -> Value:
        for delta in deltas:
            if not delta(frame):
                return 0
        value: Value = 1
        for factor in factors:
            value = value * factor(frame)
        return value

    return product


def _pow(expr: Expr, scope: Scope) -> Compiled:
    power = scope.environment.arithmetic.power
    base, exponent = (compile_node(e, scope) for e in expr.args)
    return lambda frame: power(base(frame), exponent(frame))


def _function(name: str) -> NodeCompiler:
    def compiler(expr: Expr, scope: Scope) -> Compiled:
        function = scope.environment.arithmetic.functions[name]
        x = compile_node(expr.args[0], scope)
        return lambda frame: function(x(frame))

    return compiler


def _pointwise(expr: Any, scope: Scope) -> Compiled:
    return _row(expr.table_name)(expr, scope)


def _row(name: str) -> NodeCompiler:
    """A row of the pointwise table; SymPy's own |u| and sign u come from its derivatives."""

    def compiled(expr: Any, scope: Scope) -> Compiled:
        function = pointwise(name, scope.environment.arithmetic)
        arguments = [compile_node(a, scope) for a in expr.args]
        return lambda frame: function(*(a(frame) for a in arguments))

    return compiled


def _terms(expr: reductions.Reduction, scope: Scope) -> Callable[[Frame], Iterable[Value]]:
    """The values of the body over the bound indices, row-major."""
    assert not set(expr.bound) & set(scope.slots), f"{scope.name}: {expr.bound} bound twice"
    start, stop = len(scope.slots), len(scope.slots) + len(expr.bound)
    slots = {**scope.slots, **{index: start + k for k, index in enumerate(expr.bound)}}
    body = compile_node(expr.body, replace(scope, slots=slots))
    sizes = [extent_of(i.extent, scope.environment.extents) for i in expr.bound]

    def terms(frame: Frame) -> Iterable[Value]:
        for point in itertools.product(*map(range, sizes)):
            frame[start:stop] = point
            yield body(frame)

    return terms


def _sum(expr: reductions.Sum, scope: Scope) -> Compiled:
    total, terms = scope.environment.arithmetic.total, _terms(expr, scope)
    return lambda frame: total(terms(frame))


def _prod(expr: reductions.Prod, scope: Scope) -> Compiled:
    terms = _terms(expr, scope)

    def product(frame: Frame) -> Value:
        value: Value = 1
        for term in terms(frame):
            value = value * term
        return value

    return product


def _log_sum_exp(expr: reductions.LogSumExp, scope: Scope) -> Compiled:
    log_sum_exp, terms = scope.environment.arithmetic.log_sum_exp, _terms(expr, scope)
    return lambda frame: log_sum_exp(list(terms(frame)))


def _extremum(comparison: str, position: bool) -> NodeCompiler:
    """The first extremum, or its position; a NaN wins over everything, as in NumPy."""

    def compiler(expr: reductions.Reduction, scope: Scope) -> Compiled:
        beats, terms = scope.environment.arithmetic.comparisons[comparison], _terms(expr, scope)
        differs = scope.environment.arithmetic.comparisons["!="]

        def extremum(frame: Frame) -> Value:
            best, best_position = None, 0
            for k, term in enumerate(terms(frame)):
                if k == 0 or beats(term, best) or (differs(term, term) and not differs(best, best)):
                    best, best_position = term, k
            return best_position if position else best

        return extremum

    return compiler


def _delta(expr: masks.Delta, scope: Scope) -> Compiled:
    a, b = (compile_node(e, scope) for e in expr.args)
    return lambda frame: int(a(frame) == b(frame))


def _comparison(expr: masks.Compare, scope: Scope) -> Compiled:
    compare = scope.environment.arithmetic.comparisons[expr.op]
    a, b = (compile_node(e, scope) for e in expr.args[1:])
    return lambda frame: int(compare(a(frame), b(frame)))


def _and(expr: masks.And, scope: Scope) -> Compiled:
    parts = [compile_node(e, scope) for e in expr.args]
    return lambda frame: int(all(part(frame) for part in parts))


def _or(expr: masks.Or, scope: Scope) -> Compiled:
    parts = [compile_node(e, scope) for e in expr.args]
    return lambda frame: int(any(part(frame) for part in parts))


def _not(expr: masks.Not, scope: Scope) -> Compiled:
    mask = compile_node(expr.args[0], scope)
    return lambda frame: int(not mask(frame))


def _where(expr: masks.Where, scope: Scope) -> Compiled:
    mask, a, b = (compile_node(e, scope) for e in expr.args)
    return lambda frame: a(frame) if mask(frame) else b(frame)


def _stop(expr: nodes.Stop, scope: Scope) -> Compiled:
    """A constant: a traced value loses its expression."""
    constant, x = scope.environment.arithmetic.constant, compile_node(expr.args[0], scope)
    return lambda frame: constant(x(frame))


def _digit(expr: nodes.Digit, scope: Scope) -> Compiled:
    flat, place, size = (compile_node(e, scope) for e in expr.args)
    return lambda frame: flat(frame) // place(frame) % size(frame)


COMPILERS: Mapping[type, NodeCompiler] = {
    Index: _index,
    Access: _access,
    sympy.Add: _add,
    sympy.Mul: _mul,
    sympy.Pow: _pow,
    sympy.floor: lambda expr, scope: _constant(extent_of(expr, scope.environment.extents)),
    reductions.Sum: _sum,
    reductions.Prod: _prod,
    reductions.LogSumExp: _log_sum_exp,
    reductions.Max: _extremum(">", position=False),
    reductions.Min: _extremum("<", position=False),
    reductions.ArgMax: _extremum(">", position=True),
    reductions.ArgMin: _extremum("<", position=True),
    masks.Delta: _delta,
    masks.Compare: _comparison,
    masks.And: _and,
    masks.Or: _or,
    masks.Not: _not,
    masks.Where: _where,
    nodes.Stop: _stop,
    nodes.Digit: _digit,
    type(sympy.pi): lambda expr, scope: _constant(scope.environment.arithmetic.pi),
    type(sympy.E): lambda expr, scope: _constant(scope.environment.arithmetic.functions["exp"](1)),
    **{function: _function(name) for name, function in FUNCTIONS.items() if name != "sqrt"},
    sympy.Abs: _row("abs"),
    sympy.sign: _row("sign"),
}
