"""Recognise sigmoid, softplus, logsumexp and softmax however they are spelled.

Each rule is an identity over the reals:

    1 / (1 + exp u)        = sigmoid(-u)
    exp(u) sigmoid(-u)     = sigmoid(u)
    sigmoid(-u)            = 1 - sigmoid(u)               beside sigmoid(u)
    log(1 + exp u)         = softplus(u)
    log sigmoid(u)         = -softplus(-u)
    log(1 - sigmoid(u))    = -softplus(u)
    log(exp(u) r)          = u + log r
    exp(f) exp(-logsumexp f) = exp(f - logsumexp f)       a softmax
    log Σ_j exp f_j        = logsumexp_j f_j
    1 / Σ_j exp f_j        = exp(-logsumexp_j f_j)
    logsumexp_j (c + f_j)  = c + logsumexp_j f_j          c free of j
"""

from __future__ import annotations

import sympy
from sympy import Add, Expr, Integer, Mul, Pow, exp, log

from symbackprop.equations.nodes import free_indices, pointwise_function, tensors
from symbackprop.equations.reductions import LogSumExp, Sum

sigmoid = pointwise_function("sigmoid")
softplus = pointwise_function("softplus")
_LOG1P = pointwise_function("log1p")


def recognise(expr: Expr) -> Expr:
    """The expression with every spelling above replaced, from the inside out."""
    if not expr.args or not (expr.has(exp) or expr.has(sigmoid) or expr.has(LogSumExp)):
        return expr
    arguments = [recognise(a) if isinstance(a, Expr) else a for a in expr.args]
    expr = expr if tuple(arguments) == expr.args else expr.func(*arguments)
    match expr:
        case log():
            return _log(expr.args[0], expr)
        case Pow():
            return _power(expr)
        case Mul():
            return _product(expr)
        case LogSumExp():
            return _shifted(expr)
    if isinstance(expr, _LOG1P):
        return _log(1 + expr.args[0], expr)
    return expr


def mirrored(expr: Expr) -> Expr:
    """sigmoid(-u) = 1 - sigmoid(u), wherever sigmoid(u) stands too."""
    found = expr.atoms(sigmoid)
    swap = {
        s: 1 - sigmoid(-s.args[0])
        for s in found
        if s.args[0].could_extract_minus_sign() and sigmoid(-s.args[0]) in found
    }
    return expr.xreplace(swap) if swap else expr


def _log(argument: Expr, otherwise: Expr) -> Expr:
    if isinstance(argument, sigmoid):
        return -softplus(-argument.args[0])
    if isinstance(argument, Add) and len(argument.args) == 2 and Integer(1) in argument.args:
        other = argument - 1
        if isinstance(other, exp):
            return softplus(other.args[0])
        if isinstance(-other, sigmoid):
            return -softplus((-other).args[0])
    if isinstance(argument, Sum):
        return _log_sum(argument, otherwise)
    if isinstance(argument, Mul):
        known = [f for f in argument.args if _log_is_known(f)]
        if known:
            rest = Mul(*(f for f in argument.args if f not in known))
            total = Add(*(_log(f, log(f)) for f in known))
            return total if rest == 1 else total + log(rest)
    return argument.args[0] if isinstance(argument, exp) else otherwise


def _log_is_known(factor: Expr) -> bool:
    """A factor that is positive for sure and whose logarithm is a simpler expression."""
    if isinstance(factor, exp | sigmoid) or (isinstance(factor, Sum) and _of_exp(factor)):
        return True
    return bool(factor.is_positive and not factor.free_symbols - _extents(factor))


def _extents(expr: Expr) -> set[sympy.Symbol]:
    return {s for s in expr.free_symbols if s.is_positive and s.is_integer}


def _of_exp(total: Sum) -> bool:
    return isinstance(total.body, exp)


def _log_sum(total: Sum, otherwise: Expr) -> Expr:
    body = total.body
    if isinstance(body, exp):
        return _shifted(LogSumExp(body.args[0], *total.bound))
    return otherwise


def _power(expr: Pow) -> Expr:
    base, exponent = expr.args
    if not (exponent.is_Integer and exponent < 0):
        return expr
    if isinstance(base, Add) and len(base.args) == 2 and isinstance(base - 1, exp):
        return sigmoid(-(base - 1).args[0]) ** -exponent
    if isinstance(base, Sum) and _of_exp(base):
        return exp(exponent * _log_sum(base, base))
    return expr


def _product(expr: Mul) -> Expr:
    """A softmax from its two factors; exp(u) sigmoid(-u) = sigmoid(u), also in powers."""
    powers = expr.as_powers_dict()
    pair = _softmax_pair(expr)
    if pair is not None:
        return recognise(_without(expr, *pair)) * exp(pair[0].args[0] + pair[1].args[0])
    for factor in expr.args:
        if isinstance(factor, exp):
            u = factor.args[0]
            if powers.get(sigmoid(-u), 0) >= 1:
                rest = _without(expr, factor, sigmoid(-u) ** powers[sigmoid(-u)])
                return recognise(rest * sigmoid(-u) ** (powers[sigmoid(-u)] - 1) * sigmoid(u))
    for factor in sorted(powers, key=sympy.default_sort_key):
        if isinstance(factor, sigmoid):
            mirrored = sigmoid(-factor.args[0])
            if mirrored in powers and not factor.args[0].could_extract_minus_sign():
                k = powers[mirrored]
                return _without(expr, mirrored**k) * (1 - factor) ** k
    return expr


def _without(product: Mul, *factors: Expr) -> Expr:
    """The product of the other factors."""
    return Mul(*(f for f in product.args if f not in factors))


def _softmax_pair(expr: Mul) -> tuple[Expr, Expr] | None:
    """Two factors exp a, exp b with a + b = f - logsumexp f: the parts of a softmax."""
    exponentials = [f for f in expr.args if isinstance(f, exp)]
    for divisor in exponentials:
        for total in sorted(divisor.args[0].atoms(LogSumExp), key=sympy.default_sort_key):
            for numerator in exponentials:
                f = numerator.args[0] + divisor.args[0] + total
                if numerator != divisor and _same_form(f, total.body):
                    return numerator, divisor
    return None


def _same_form(f: Expr, body: Expr) -> bool:
    """Whether f can be the body of a logsumexp at another index."""
    same_terms = len(Add.make_args(f)) == len(Add.make_args(body))
    return same_terms and tensors(f) == tensors(body) and not f.has(LogSumExp)


def _shifted(node: LogSumExp) -> Expr:
    """What does not depend on the bound indices leaves a logsumexp."""
    if not isinstance(node, LogSumExp) or not isinstance(node.body, Add):
        return node
    bound = set(node.bound)
    outside = [t for t in node.body.args if not free_indices(t) & bound]
    if not outside:
        return node
    return Add(*outside, LogSumExp(node.body - Add(*outside), *node.bound))
