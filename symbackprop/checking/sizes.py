"""How large the numbers are that an expression adds up: by this, rounding is judged.

Where large terms cancel, a result is as wrong as its terms, not as itself: the gradient by a bias
in front of a normalisation is 0 in mathematics, and in floats a sum of rounding errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

import sympy
from sympy import Expr

from symbackprop.checking.draw import Array
from symbackprop.derivation.model import LossDerivation
from symbackprop.equations.evaluate_arrays import evaluate_arrays
from symbackprop.equations.masks import Where
from symbackprop.equations.nodes import Access, TensorSymbol
from symbackprop.equations.reductions import Sum


def size_of(expr: Expr, grown: Set[TensorSymbol] = frozenset()) -> Expr:
    """The expression with every sum turned into the sum of its terms' absolute values.

    Tensors in `grown` stand for their own sizes, and need no bars.
    """
    if isinstance(expr, sympy.Add):
        return sympy.Add(*(size_of(term, grown) for term in expr.args))
    if isinstance(expr, sympy.Mul):
        return sympy.Mul(*(size_of(factor, grown) for factor in expr.args))
    if isinstance(expr, Sum):
        return Sum(size_of(expr.body, grown), *expr.bound)
    if isinstance(expr, Where):
        mask, a, b = expr.args
        return Where(mask, size_of(a, grown), size_of(b, grown))
    if isinstance(expr, Access) and expr.tensor in grown:
        return expr
    return abs(expr)


def cotangent_sizes(
    loss: LossDerivation, forward: Mapping[str, Array], extents: Mapping[str, int]
) -> dict[str, Array]:
    """The size of each cotangent of a loss, by name: of its terms, of their cotangents' terms, …"""
    cotangents = {line.equation.tensor for line in loss.cotangents}
    equations = [line.equation for line in loss.cotangents]
    sized = [replace(e, rhs=size_of(e.rhs, cotangents)) for e in equations]
    return evaluate_arrays(sized, forward, extents)
