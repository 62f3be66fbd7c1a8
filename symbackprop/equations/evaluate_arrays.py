"""The reference evaluator over whole arrays, in floats, for sizes that loops are too slow for.

Every index is an axis: the k-th index in scope stands for the numbers 0, 1, … along the k-th axis
from the right, and NumPy's broadcasting does what the loops of `evaluate_compile` do. The compilers
here take the place of those there; whatever they have in common is used from there.

Arrays may be complex. Comparisons, extrema and stop_gradient look at the real part, so that the
imaginary part of f(x + ε v i) / ε is the derivative along v, without cancellation (Squire and Trapp
1998). An entry read outside its tensor is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Expr, Mul

from symbackprop.equations import masks, nodes, reductions
from symbackprop.equations.evaluate_array_reductions import (
    extremum,
    log_sum_exp,
    position,
    reduced,
)
from symbackprop.equations.evaluate_compile import (
    Compiled,
    Frame,
    NodeCompiler,
    Scope,
    compile_expression,
    compile_node,
)
from symbackprop.equations.evaluate_environment import Environment, extent_of
from symbackprop.equations.evaluate_floats import quotient
from symbackprop.equations.evaluate_numbers import FUNCTIONS, OPERATORS, Arithmetic, Value
from symbackprop.equations.nodes import Index, tensors
from symbackprop.equations.recurrence import Recurrence, components
from symbackprop.equations.system import Equation

Array = np.ndarray[Any, np.dtype[Any]]
Ranges = Sequence[Sequence[int]]  # for each index, the numbers that it runs through

_BOX = 4_000_000  # numbers at once


def evaluate_arrays(
    equations: Iterable[Equation], given: Mapping[str, Any], extents: Mapping[str, int]
) -> dict[str, Array]:
    """Every tensor that the equations define and those given, as arrays of numbers."""
    known = {name: _numbers(array) for name, array in given.items()}
    environment = Environment(known, extents, ARRAYS)
    for part in components(equations):
        group = part.equations if isinstance(part, Recurrence) else (part,)
        dtype = _dtype(group, known)
        for equation in group:
            known[equation.tensor.name] = np.full(_shape(equation, extents), np.nan, dtype)
        ways = [
            (equation, entries_of(equation.rhs, equation.indices, environment))
            for equation in group
        ]
        for axes in _steps(part, extents):
            for equation, at in ways:
                _fill(known[equation.tensor.name], at, axes.get(equation.tensor, {}))
    return known


def entries_of(
    expr: Expr,
    indices: Sequence[Index],
    environment: Environment,
    extra: Mapping[type, NodeCompiler] | None = None,
) -> Callable[[Ranges], Array]:
    """The expression as a function of the numbers that each index runs through.

    Its value has one axis for each index. Much is computed piece by piece.
    """
    compilers = {**_COMPILERS, **(extra or {})}
    at = compile_expression(expr, environment, indices, extra=compilers)
    inside = _box(expr, environment.extents)

    def piece(ranges: Ranges) -> Array:
        frame: Any = [np.reshape(r, (-1,) + (1,) * k) for k, r in enumerate(ranges)]
        with np.errstate(all="ignore"):
            value = np.asarray(at(frame))
        in_order: Array = np.broadcast_to(value, [len(r) for r in ranges][::-1]).T
        return in_order

    def whole(ranges: Ranges) -> Array:
        size = math.prod(map(len, ranges)) * inside
        axis = next((k for k, r in enumerate(ranges) if len(r) > 1), None)
        if size <= _BOX or axis is None:
            return piece(ranges)
        parts = min(len(ranges[axis]), -(-size // _BOX))
        pieces = [
            whole([*ranges[:axis], part.tolist(), *ranges[axis + 1 :]])
            for part in np.array_split(np.asarray(ranges[axis]), parts)
        ]
        return np.concatenate(pieces, axis)

    return whole


def _fill(array: Array, at: Callable[[Ranges], Array], fixed: Mapping[int, int]) -> None:
    """All entries, or those at the one position along the axis that is fixed."""
    ranges = [
        [fixed[axis]] if axis in fixed else list(range(size))
        for axis, size in enumerate(array.shape)
    ]
    place = tuple(slice(r[0], r[-1] + 1) if r else slice(0) for r in ranges)
    array[place] = at(ranges)


def _steps(
    part: Equation | Recurrence, extents: Mapping[str, int]
) -> Iterator[Mapping[nodes.TensorSymbol, Mapping[int, int]]]:
    """Once for an equation; for a recurrence, at each step, where each tensor's axis stands."""
    if isinstance(part, Equation):
        yield {}
        return
    steps = range(extent_of(part.extent, extents))
    for step in reversed(steps) if part.reverse else steps:
        yield {tensor: {axis: step} for tensor, axis in part.axes.items()}


def _shape(equation: Equation, extents: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(extent_of(size, extents) for size in equation.tensor.shape)


def _numbers(array: Any) -> Array:
    """Masks and labels as whole numbers, all else as floats or complex numbers."""
    numbers: Array = np.asarray(array)
    if numbers.dtype.kind in "biu":
        return numbers.astype(np.int64)
    return numbers if numbers.dtype.kind == "c" else numbers.astype(float)


def _dtype(group: Sequence[Equation], known: Mapping[str, Array]) -> type:
    read = {t.name for equation in group for t in tensors(equation.rhs)}
    return complex if any(np.iscomplexobj(known[name]) for name in read & set(known)) else float


def _box(expr: Expr, extents: Mapping[str, int]) -> int:
    """How many numbers the bound indices make of one at most."""
    if isinstance(expr, reductions.Reduction):
        sizes = math.prod(extent_of(i.extent, extents) for i in expr.bound)
        return sizes * _box(expr.body, extents)
    return max((_box(e, extents) for e in expr.args), default=1)


def _access(expr: nodes.Access, scope: Scope) -> Compiled:
    name = expr.tensor.name
    assert name in scope.environment.tensors, f"{scope.name}: no value for {name}"
    array = scope.environment.tensors[name]
    axes = [(compile_node(i, scope), n) for i, n in zip(expr.indices, array.shape, strict=True)]
    outside = -1 if array.dtype.kind == "i" else np.nan

    def access(frame: Frame) -> Value:
        inside: Any = True
        places = []
        for index, size in axes:
            position = np.asarray(index(frame))
            inside = inside & (position >= 0) & (position < size)
            places.append(np.clip(position, 0, size - 1))
        value = array[tuple(places)]
        return value if np.all(inside) else np.where(inside, value, outside)

    return access


def _mul(expr: Expr, scope: Scope) -> Compiled:
    """The product; a Kronecker delta of 0, or a range that does not hold, spares other factors."""
    sparing = [
        f
        for f in expr.args
        if isinstance(f, masks.Delta)
        or (isinstance(f, masks.Mask) and not f.has(nodes.Access, masks.Delta))
    ]
    deltas = [compile_node(f, scope) for f in sparing]
    factors = [compile_node(f, scope) for f in expr.args if f not in sparing]

    def product(frame: Frame) -> Value:
        value = math.prod(factor(frame) for factor in factors)
        if not deltas:
            return value
        return np.where(math.prod(delta(frame) for delta in deltas), value, 0)

    return product


def _mask(combine: Callable[..., Value]) -> NodeCompiler:
    def compiler(expr: masks.Mask, scope: Scope) -> Compiled:
        parts = [compile_node(e, scope) for e in expr.args]
        return lambda frame: np.asarray(combine(*(part(frame) for part in parts))).astype(np.int64)

    return compiler


def _comparison(expr: masks.Compare, scope: Scope) -> Compiled:
    compare = ARRAYS.comparisons[expr.op]
    a, b = (compile_node(e, scope) for e in expr.args[1:])
    return lambda frame: np.asarray(compare(a(frame), b(frame))).astype(np.int64)


def _where(expr: masks.Where, scope: Scope) -> Compiled:
    mask, a, b = (compile_node(e, scope) for e in expr.args)
    return lambda frame: np.where(np.asarray(mask(frame)) != 0, a(frame), b(frame))


def _power(base: Value, exponent: Value) -> Value:
    base = np.asarray(base)
    whole = isinstance(exponent, int) and exponent >= 0  # a position stays a whole number
    return (base if base.dtype.kind in "fc" or whole else base.astype(float)) ** exponent


def _product(terms: Array, bound: tuple[int, ...]) -> Array:
    """In floats: whole numbers would soon be larger than an integer of the machine."""
    real = terms if terms.dtype.kind in "fc" else terms.astype(float)
    return real.prod(axis=bound)  # type: ignore[no-any-return]


def _erf(x: Value) -> Value:
    """erf, and by its derivative for the small imaginary part of a complex step."""
    real = np.asarray(np.real(x), dtype=float)
    value = np.reshape([math.erf(v) for v in real.ravel().tolist()], real.shape)
    if not np.iscomplexobj(x):
        return value
    return value + 1j * np.imag(x) * 2 / math.sqrt(math.pi) * np.exp(-real * real)


def _real_parts(compare: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    return lambda a, b: compare(np.real(a), np.real(b))


def _together(values: Iterable[Value]) -> Value:
    first, *others = values
    return sum(others, first)


ARRAYS = Arithmetic(
    name="arrays",
    pi=math.pi,
    rational=quotient,
    power=_power,
    total=_together,
    log_sum_exp=lambda values: log_sum_exp(np.stack(values), (0,)),
    constant=np.real,
    functions={name: _erf if name == "erf" else getattr(np, name) for name in FUNCTIONS},
    comparisons={name: _real_parts(compare) for name, compare in OPERATORS.items()},
    choose=lambda mask, a, b: np.where(mask, a(), b()),
)

_COMPILERS: Mapping[type, NodeCompiler] = {
    nodes.Access: _access,
    Mul: _mul,
    reductions.Sum: reduced(lambda terms, bound: terms.sum(axis=bound)),
    reductions.Prod: reduced(_product),
    reductions.LogSumExp: reduced(log_sum_exp),
    reductions.Max: reduced(extremum("argmax")),
    reductions.Min: reduced(extremum("argmin")),
    reductions.ArgMax: reduced(position("argmax")),
    reductions.ArgMin: reduced(position("argmin")),
    masks.Delta: _mask(lambda a, b: np.equal(a, b)),
    masks.Compare: _comparison,
    masks.And: _mask(lambda *parts: np.logical_and.reduce(np.broadcast_arrays(*parts))),
    masks.Or: _mask(lambda *parts: np.logical_or.reduce(np.broadcast_arrays(*parts))),
    masks.Not: _mask(np.logical_not),
    masks.Where: _where,
}
