"""A contraction inside a function gets a name: h = tanh(Σ W x) becomes z_h = Σ W x, h = tanh(z_h).

The report then shows the pre-activation that every textbook differentiates by, and its value
and cotangent are computed once.
"""

from __future__ import annotations

import dataclasses

from sympy import Expr
from sympy.core.function import Function

from symbackprop.equations.build.inside import standing_alone
from symbackprop.equations.nodes import Access, Index, TensorSymbol, free_indices
from symbackprop.equations.reductions import Sum
from symbackprop.equations.renaming import fresh_name, numbered
from symbackprop.equations.system import Equation


def name_contractions(equation: Equation, taken: set[str]) -> list[Equation]:
    """The equation, preceded by one for each contraction that a function is applied to."""
    named: dict[Expr, tuple[TensorSymbol, Equation]] = {}

    def replace(expr: Expr) -> Expr:
        if not expr.args or not expr.has(Sum):
            return expr
        expr = expr.func(*(replace(a) for a in expr.args))
        if isinstance(expr, Function) and any(contains_contraction(a) for a in expr.args):
            return expr.func(*(name(a) if contains_contraction(a) else a for a in expr.args))
        return expr

    def name(signed: Expr) -> Expr:
        number, part = signed_part(signed)
        argument = standing_alone(part, equation.rhs)
        if argument is None:
            return signed
        order = _free_in_order(argument)
        key = numbered(argument, order)
        if key not in named:
            symbol = TensorSymbol(
                fresh_name(f"z_{equation.tensor.name}", taken), [i.extent for i in order]
            )
            taken.add(symbol.name)
            named[key] = (symbol, Equation(symbol, order, argument, "", equation.place))
        return number * Access(named[key][0], *order)

    rhs = replace(equation.rhs)
    if not named:
        return [equation]
    last = dataclasses.replace(equation, rhs=rhs)
    return [*(e for _, e in named.values()), last]


def signed_part(expr: Expr) -> tuple[Expr, Expr]:
    """A number times an expression without a leading minus: -(a + b) is -1 times a + b."""
    number, rest = expr.as_coeff_Mul()
    return (-number, -rest) if rest.could_extract_minus_sign() else (number, rest)


def contains_contraction(expr: Expr) -> bool:
    """Whether a sum of products of two entries stands somewhere in it."""
    return any(_is_contraction(s) for s in expr.atoms(Sum))


def _is_contraction(total: Sum) -> bool:
    bound = set(total.bound)
    readers = [a for a in total.body.atoms(Access) if free_indices(a) & bound]
    return total.body.is_Mul and len(readers) > 1


def _free_in_order(expr: Expr) -> tuple[Index, ...]:
    """The free indices in the order in which the text reads them: as the tensors' axes come."""
    free = free_indices(expr)
    return tuple(sorted(free, key=lambda i: (not i.extent.is_Symbol, i.name)))
