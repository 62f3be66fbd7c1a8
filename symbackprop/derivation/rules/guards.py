"""Rules about Where(mask, a, 0): a term that is there on a range only."""

from __future__ import annotations

from sympy import Add, Expr

from symbackprop.equations.masks import Where
from symbackprop.equations.nodes import free_indices, kinds
from symbackprop.equations.reductions import Sum
from symbackprop.equations.renaming import alpha


def outside(expr: Expr) -> Expr:
    """Σ_j Where(m, f_j, 0) = Where(m, Σ_j f_j, 0) for a mask m that does not know j."""
    if Where not in kinds(expr):
        return expr
    expr = expr.func(*(outside(a) if isinstance(a, Expr) else a for a in expr.args))
    if isinstance(expr, Sum) and isinstance(expr.body, Where):
        mask, a, b = expr.body.args
        if b == 0 and free_indices(mask).isdisjoint(expr.bound):
            return Where(mask, outside(Sum(a, *expr.bound)), 0)
    return expr


def joined(expr: Expr) -> Expr:
    """Where(m, a, 0) + Where(m, b, 0) = Where(m, a + b, 0)."""
    if Where not in kinds(expr):
        return expr
    expr = expr.func(*(joined(a) if isinstance(a, Expr) else a for a in expr.args))
    if not isinstance(expr, Add):
        return expr
    groups: dict[Expr, list[Expr]] = {}
    rest: list[Expr] = []
    for term in expr.args:
        number, core = term.as_coeff_Mul()
        if isinstance(core, Where) and core.args[2] == 0:
            groups.setdefault(alpha(core.args[0]), []).append(number * core.args[1])
        else:
            rest.append(term)
    masks = {alpha(w.args[0]): w.args[0] for w in expr.atoms(Where)}
    return Add(*rest, *(Where(masks[m], Add(*terms), 0) for m, terms in groups.items()))


def gathered(expr: Expr) -> Expr:
    """Each range once, with all that is there on it."""
    return joined(outside(expr))
