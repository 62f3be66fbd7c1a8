"""The scores of a softmax, which stand under a logsumexp, get a name."""

from __future__ import annotations

from dataclasses import replace

import sympy
from sympy import Expr, exp

from symbackprop.equations.build.inside import standing_alone
from symbackprop.equations.nodes import Access, TensorSymbol
from symbackprop.equations.reductions import LogSumExp
from symbackprop.equations.renaming import fresh_name, positional
from symbackprop.equations.system import Equation


def name_scores(equation: Equation, taken: set[str]) -> tuple[list[Equation], Equation]:
    """Each logsumexp reads a tensor: p = softmax(z), with z the expression that stood there.

    Its cotangent is then computed once, as the literature has it: dz = p (dp - Σ dp p).
    """
    scores: list[Equation] = []
    rhs = equation.rhs
    for node in sorted(rhs.atoms(LogSumExp), key=sympy.default_sort_key):
        whole = isinstance(exp(node.body), exp)  # exp(u + log v) is v exp(u)
        plain = isinstance(node.body, Access) or (whole and len(_real_entries(node.body)) < 2)
        body = standing_alone(node.body, equation.rhs)
        if body is None or (plain and body == node.body):
            continue
        key, order = positional(node.body)
        axes = tuple(i for i in (*equation.indices, *node.bound) if i in order)
        axes += tuple(i for i in order if i not in axes)
        name = fresh_name(f"z_{equation.tensor.name}", taken)
        taken.add(name)
        symbol = TensorSymbol(name, [i.extent for i in axes])
        scores.append(Equation(symbol, axes, body, "", equation.place))
        places = [order.index(i) for i in axes]
        rhs = _read_from(rhs, key, symbol, places)
    return scores, replace(equation, rhs=rhs)


def _real_entries(expr: Expr) -> set[Access]:
    return {a for a in expr.atoms(Access) if a.tensor.kind == "real"}


def _read_from(expr: Expr, key: Expr, symbol: TensorSymbol, places: list[int]) -> Expr:
    """Every occurrence of the form replaced by the tensor that holds it."""
    if not expr.args:
        return expr
    candidates = [(expr, sympy.S.Zero)]
    if expr.is_Add:
        totals = [t for t in expr.args if t.has(LogSumExp)]
        candidates.append((expr - sympy.Add(*totals), sympy.Add(*totals)))
    for candidate, rest in candidates:
        form, order = positional(candidate)
        if form == key:
            read = Access(symbol, *(order[k] for k in places))
            return read + _read_from(rest, key, symbol, places) if rest != 0 else read
    if isinstance(expr, Access):
        return expr
    return expr.func(
        *(_read_from(a, key, symbol, places) if isinstance(a, Expr) else a for a in expr.args)
    )
