"""Where an equation reads a tensor, and the partial derivative by that entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sympy
from sympy import Add, Expr, Integer, Mul, Pow

from symbackprop.derivation.scalar import partial_derivative
from symbackprop.equations.masks import Delta, Mask, Where
from symbackprop.equations.nodes import (
    Access,
    Digit,
    Index,
    Stop,
    TensorSymbol,
    pointwise_function,
    tensor_set,
)
from symbackprop.equations.reductions import (
    ArgMax,
    ArgMin,
    LogSumExp,
    Max,
    Min,
    Prod,
    Reduction,
    Sum,
)
from symbackprop.equations.renaming import fresh_bound, fresh_name, positional
from symbackprop.equations.system import Equation

_CONSTANT = (Mask, Stop, ArgMax, ArgMin, Digit)

Softmaxes = Mapping[Expr, Equation]


@dataclass(frozen=True)
class Occurrence:
    """One reading x[a]: the right-hand side changes by Σ_bound coefficient · dx[a]."""

    access: Access
    coefficient: Expr
    bound: tuple[Index, ...]


def occurrences(expr: Expr, tensor: TensorSymbol, softmaxes: Softmaxes) -> Iterator[Occurrence]:
    """Every reading of the tensor in the expression, in order.

    `softmaxes` has the equation of exp(f - logsumexp f) for each logsumexp, by its form.
    """
    if isinstance(expr, _CONSTANT) or not _reads(expr, tensor):
        return
    match expr:
        case Access():
            if expr.tensor == tensor:
                yield Occurrence(expr, Integer(1), ())
        case Add():
            for term in expr.args:
                yield from occurrences(term, tensor, softmaxes)
        case Mul():
            for k, factor in enumerate(expr.args):
                others = Mul(*expr.args[:k], *expr.args[k + 1 :])
                yield from _scaled(occurrences(factor, tensor, softmaxes), others)
        case Reduction():
            weight = _weight(expr, softmaxes)
            for inner in occurrences(expr.body, tensor, softmaxes):
                yield Occurrence(
                    inner.access, weight * inner.coefficient, (*expr.bound, *inner.bound)
                )
        case Where():
            mask, a, b = expr.args
            for inner in occurrences(a, tensor, softmaxes):
                yield Occurrence(inner.access, _guarded(mask, inner.coefficient, 1), inner.bound)
            for inner in occurrences(b, tensor, softmaxes):
                yield Occurrence(inner.access, _guarded(mask, inner.coefficient, 0), inner.bound)
        case _:
            assert isinstance(expr, Pow) or expr.is_Function, expr
            for k, argument in enumerate(expr.args):
                if _reads(argument, tensor):
                    outer = partial_derivative(expr, k)
                    yield from _scaled(occurrences(argument, tensor, softmaxes), outer)


def differentiable_reads(expr: Expr) -> set[TensorSymbol]:
    """The real tensors by which the expression has a derivative that need not be zero."""
    if isinstance(expr, _CONSTANT):
        return set()
    if isinstance(expr, Access):
        return {expr.tensor} if expr.tensor.kind == "real" else set()
    return set().union(*map(differentiable_reads, expr.args)) if expr.args else set()


def softmax_key(node: LogSumExp) -> Expr:
    """The form by which `softmaxes` knows a logsumexp: its body, indices by position."""
    return positional(_softmax_of(node))[0]


def softmax_of(rhs: Expr) -> Expr | None:
    """exp(…) where a tensor is that, or is Where(m, exp(…), 0) with an f of Where(m, s, number).

    The second will do for the derivative of logsumexp f by s, which is 0 outside m.
    """
    if isinstance(rhs, sympy.exp):
        return rhs
    if isinstance(rhs, Where) and isinstance(rhs.args[1], sympy.exp) and rhs.args[2] == 0:
        scores = [t for t in Add.make_args(rhs.args[1].args[0]) if isinstance(t, Where)]
        if len(scores) == 1 and scores[0].args[0] == rhs.args[0] and scores[0].args[2].is_number:
            return rhs.args[1]
    return None


def _softmax_of(node: LogSumExp) -> Expr:
    return sympy.exp(node.body - _renamed(node))


def _reads(expr: Expr, tensor: TensorSymbol) -> bool:
    return tensor in tensor_set(expr)


def _scaled(inner: Iterator[Occurrence], factor: Expr) -> Iterator[Occurrence]:
    for o in inner:
        yield Occurrence(o.access, factor * o.coefficient, o.bound)


def _weight(node: Reduction, softmaxes: Softmaxes) -> Expr:
    """∂ reduction / ∂ body at the bound indices."""
    match node:
        case Sum():
            return Integer(1)
        case LogSumExp():
            key, order = positional(_softmax_of(node))
            held = softmaxes[key]
            at = dict(zip(positional(softmax_of(held.rhs))[1], order, strict=True))
            return Access(held.tensor, *(at[i] for i in held.indices))
        case Prod():
            return _product_of_others(node)
        case Max() | Min():
            first = (ArgMax if isinstance(node, Max) else ArgMin)(*_renamed(node).args)
            return _at_position(node.bound, first)
    raise AssertionError(node)


def _renamed(node: Reduction) -> Reduction:
    """The same reduction over other names, to stand beside its own bound indices."""
    taken = {s.name for s in node.body.free_symbols} | {i.name for i in node.bound}
    names: dict[Index, Index] = {}
    for index in node.bound:
        name = fresh_name(index.name, taken)
        taken.add(name)
        names[index] = Index(name, index.extent)
    body = fresh_bound(node.body, {i.name for i in names.values()})
    return node.func(body.xreplace(names), *names.values())  # type: ignore[no-any-return]


def _at_position(bound: tuple[Index, ...], position: Expr) -> Expr:
    """1 where the bound indices, read row by row, are at that position."""
    if len(bound) == 1:
        return Delta(bound[0], position)
    factors = []
    for k, index in enumerate(bound):
        place = sympy.prod(i.extent for i in bound[k + 1 :])
        factors.append(Delta(index, Digit(position, place, index.extent)))
    return Mul(*factors)


def _product_of_others(node: Prod) -> Expr:
    """Π over all places but this one; right where a factor is zero, unlike dividing by it."""
    renamed = _renamed(node)
    same = Mul(*(Delta(a, b) for a, b in zip(node.bound, renamed.bound, strict=True)))
    return Prod(Where(same, 1, renamed.body), *renamed.bound)


def _guarded(mask: Expr, coefficient: Expr, branch: int) -> Expr:
    """The coefficient on its own branch, 0 on the other, even where it is not finite there."""
    tame = [f for f in Mul.make_args(coefficient) if _is_tame(f)]
    rest = Mul(*(f for f in Mul.make_args(coefficient) if not _is_tame(f)))
    return Mul(*tame) * (Where(mask, rest, 0) if branch else Where(mask, 0, rest))


def _is_tame(expr: Expr) -> bool:
    """Finite wherever the tensors are, so that 0 times it is 0: no power below 1, exp or log.

    Nor a shifted read, which may leave its tensor where the mask does not hold.
    """
    if isinstance(expr, Access):
        return not any(position.is_Add for position in expr.indices)
    if isinstance(expr, Mask) or not expr.args:
        return True
    if isinstance(expr, Pow):
        return bool(expr.exp.is_Integer and expr.exp > 0) and _is_tame(expr.base)
    finite = expr.is_Add or expr.is_Mul or isinstance(expr, (Sum, *_FINITE))
    return finite and all(_is_tame(a) for a in expr.args if not isinstance(a, Index))


_FINITE_NAMES = ("sigmoid", "sign", "abs", "relu", "maximum", "minimum")
_FINITE = (
    *(sympy.tanh, sympy.sin, sympy.cos, sympy.erf, sympy.atan),
    *map(pointwise_function, _FINITE_NAMES),
)
