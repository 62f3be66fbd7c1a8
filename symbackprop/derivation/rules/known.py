"""Rules that use what is known of the tensors: forward values, and facts about rows."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer, Mul, exp
from sympy.core.function import Function

from symbackprop.derivation.rules.recognise import sigmoid
from symbackprop.derivation.rules.values import Values, values_of
from symbackprop.equations.masks import Compare, Mask, Where
from symbackprop.equations.nodes import Access, TensorSymbol, kinds, tensor_set, tensors
from symbackprop.equations.reductions import LogSumExp, Sum
from symbackprop.equations.renaming import fresh_bound, positional, substituted
from symbackprop.equations.system import Equation, System

FORWARD_VALUE = "forward value"
ROWS_SUM_TO_ONE = "rows sum to 1"
ON_SUPPORT = "on its support"


@dataclass(frozen=True)
class Known:
    """`functions`: the tensor that holds a function of other tensors, by the form of that function.
    `distributions`: tensors whose last axis sums to 1. `supports`: equations of tensors that are 0
    outside a mask. `values`: powers, products and sums.
    """

    functions: Mapping[Expr, Equation]
    distributions: frozenset[TensorSymbol]
    supports: Mapping[TensorSymbol, Equation]
    values: Values

    @functools.cached_property
    def about(self) -> Mapping[TensorSymbol, list[tuple[int, Fact]]]:
        """By tensor, each fact, with its number, that is known by this tensor among others."""
        found: dict[TensorSymbol, list[tuple[int, Fact]]] = {}
        for numbered in enumerate(self._facts()):
            for tensor in tensors(numbered[1].key):
                found.setdefault(tensor, []).append(numbered)
        return found

    def _facts(self) -> Iterator[Fact]:
        for key, equation in self.functions.items():
            yield Fact("functions", key, equation)
        for tensor, equation in self.supports.items():
            yield Fact("supports", tensor, equation)
        for table in ("powers", "factors", "sums"):
            for key, part in getattr(self.values, table).items():
                yield Fact(table, key, part.equation)


@dataclass(frozen=True)
class Fact:
    """An equation that a rule may use, and the key by which it is known, in which table."""

    table: str
    key: Expr
    equation: Equation


def known_of(system: System, equations: Iterable[Equation]) -> Known:
    """What the equations and the declarations of a system let a rule use."""
    equations = list(equations)
    functions: dict[Expr, Equation] = {}
    rows = {i.symbol for i in system.inputs if i.distribution}
    for equation in equations:
        rhs = equation.rhs
        if isinstance(rhs, Function | Where):
            functions.setdefault(positional(rhs)[0], equation)
        if isinstance(rhs, exp) and _is_softmax_over(rhs, equation):
            rows.add(equation.tensor)
    supports = {e.tensor: e for e in equations if isinstance(e.rhs, Where) and e.rhs.args[2] == 0}
    return Known(functions, frozenset(rows), supports, values_of(equations))


def in_forward_values(expr: Expr, functions: Mapping[Expr, Equation]) -> Expr:
    """Each function that the forward pass has computed is read from its tensor.

    sigmoid(-u) counts as 1 - sigmoid(u) where sigmoid(u) is known.
    """
    computed = (Function, Where)
    if not functions or isinstance(expr, Access) or kinds(expr).isdisjoint(computed):
        return expr
    if isinstance(expr, computed):
        found = _value_of(expr, functions)
        if found is not None:
            return found
    return expr.func(
        *(in_forward_values(a, functions) if isinstance(a, Expr) else a for a in expr.args)
    )


def with_row_sums(expr: Expr, known: Known) -> Expr:
    """Σ_k y[n, k] = 1 for the rows of a distribution."""
    if Sum not in kinds(expr) or known.distributions.isdisjoint(tensor_set(expr)):
        return expr
    if isinstance(expr, Sum) and isinstance(expr.body, Access):
        rows, last = expr.body.tensor in known.distributions, expr.body.indices[-1:]
        if rows and expr.bound == last and last[0] not in expr.body.indices[:-1]:
            return Integer(1)
    return expr.func(*(with_row_sums(a, known) if isinstance(a, Expr) else a for a in expr.args))


def on_support(expr: Expr, known: Known) -> Expr:
    """p [p > 0] = p for the entries of a distribution, p [m] = p for p = Where(m, a, 0)."""
    if not (known.distributions or known.supports) or Mask not in kinds(expr):
        return expr
    if isinstance(expr, Mul):
        needless = [f for f in expr.args if _is_on_support(f, expr.args, known)]
        if needless:
            return on_support(Mul(*(f for f in expr.args if f not in needless)), known)
    return expr.func(*(on_support(a, known) if isinstance(a, Expr) else a for a in expr.args))


def _is_on_support(mask: Expr, factors: Sequence[Expr], known: Known) -> bool:
    """Whether another factor is 0 wherever the mask is."""
    entries = [f for f in factors if isinstance(f, Access)]
    if isinstance(mask, Compare) and (mask.op, mask.args[2]) == (">", 0):
        p = mask.args[1]
        if p in entries and p.tensor in known.distributions:
            return True
    for p in entries if isinstance(mask, Mask) else ():
        held = known.supports.get(p.tensor)
        at = dict(zip(held.indices, p.indices, strict=True)) if held else {}
        if held and substituted(held.rhs.args[0], at) == mask:
            return True
    return False


def _value_of(expr: Expr, functions: Mapping[Expr, Equation]) -> Expr | None:
    key, order = positional(expr)
    found = functions.get(key)
    if found is not None:
        own = positional(found.rhs)[1]
        if set(own) == set(found.indices):
            at = dict(zip(own, order, strict=True))
            return Access(found.tensor, *(at[i] for i in found.indices))
    if isinstance(expr, sigmoid) and expr.args[0].could_extract_minus_sign():
        mirrored = _value_of(sigmoid(-expr.args[0]), functions)
        if mirrored is not None:
            return 1 - mirrored
    return None


def _is_softmax_over(rhs: Expr, equation: Equation) -> bool:
    """exp(f - logsumexp_j f), j in the place of the equation's last index."""
    for node in sorted(rhs.atoms(LogSumExp), key=sympy.default_sort_key):
        if len(node.bound) == 1 and equation.indices:
            last = equation.indices[-1]
            at_last = fresh_bound(node.body, {last.name}).xreplace({node.bound[0]: last})
            if rhs == exp(at_last - node):
                return True
    return False
