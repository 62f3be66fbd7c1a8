"""What a right-hand side must be before it becomes an equation: real, finite and in the grammar."""

from __future__ import annotations

import sympy
from sympy import Expr, Pow

from symbackprop.equations.nodes import pointwise_function

LARGEST_POWER = 1000
_NO_NUMBER = (sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I)


def in_grammar(rhs: Expr) -> Expr:
    """The expression with |u| and sign u, which SymPy makes of √(u²), as functions of the table."""
    if not rhs.has(sympy.Abs, sympy.sign):
        return rhs
    absolute, sign = pointwise_function("abs"), pointwise_function("sign")
    return rhs.replace(sympy.Abs, absolute).replace(sympy.sign, sign)


def not_real(rhs: Expr) -> str | None:
    """Why the expression cannot be computed with real numbers; None where it can."""
    if any(rhs.has(n) for n in _NO_NUMBER):
        return "a number in it is not real and finite, as log(0) or sqrt(-1) are not"
    for power in sorted(rhs.atoms(Pow), key=sympy.default_sort_key):
        if power.is_number and power.is_real is False:
            return f"{power} is not a real number"
        if power.exp.is_Rational and abs(power.exp) > LARGEST_POWER:
            return f"a power of {power.exp}, more than {LARGEST_POWER}"
        if power.base == 0:
            return f"0 to the power of {power.exp}"
    return None
