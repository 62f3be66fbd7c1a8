"""Equations in index form on one line of plain text, for comments."""

from __future__ import annotations

import functools

from sympy import Add, Expr, Function, Integer, Mul, Pow, Rational

from symbackprop.equations import masks, nodes, reductions
from symbackprop.equations.ranges import untold
from symbackprop.equations.system import Equation

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_REDUCTIONS = {
    reductions.Sum: "sum",
    reductions.Prod: "prod",
    reductions.Max: "max",
    reductions.Min: "min",
    reductions.LogSumExp: "logsumexp",
    reductions.ArgMax: "argmax",
    reductions.ArgMin: "argmin",
}
LONGEST = 400


@functools.lru_cache(maxsize=16384)
def formula(equation: Equation) -> str:
    """`z[n, j] = sum[i](x[n, i] * W[i, j]) + b[j]`, cut where it is very long."""
    indices = ", ".join(i.name for i in equation.indices)
    left = f"{equation.tensor.name}[{indices}]" if indices else equation.tensor.name
    text = f"{left} = {_text(equation.rhs)[0]}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"


def _text(expr: Expr) -> tuple[str, int]:
    """The text and how tightly it binds."""
    if isinstance(expr, Add):
        return _add(expr), _SUM
    if isinstance(expr, Mul) or (isinstance(expr, Rational) and not expr.is_Integer):
        return _mul(expr)
    if isinstance(expr, Pow):
        return _pow(expr)
    if isinstance(expr, nodes.Access):
        inner = ", ".join(_text(i)[0] for i in expr.indices)
        return (f"{expr.tensor.name}[{inner}]" if inner else expr.tensor.name), _ATOM
    if isinstance(expr, reductions.Reduction):
        long = untold(expr)
        bound = ", ".join(f"{i.name}:{i.extent}" if i in long else i.name for i in expr.bound)
        return f"{_REDUCTIONS[type(expr)]}[{bound}]({_text(expr.body)[0]})", _ATOM
    if isinstance(expr, masks.Where):
        return _where(expr)
    return _node(expr)


def _where(expr: masks.Where) -> tuple[str, int]:
    """[mask] * a where the other branch is 0: inside a, the mask is known to hold."""
    mask, then, otherwise = expr.args
    if otherwise != 0:
        parts = (_condition(mask), _text(then)[0], _text(otherwise)[0])
        return f"where({', '.join(parts)})", _ATOM
    known = {w: w.args[1] for w in then.atoms(masks.Where) if w.args[0] == mask}
    return f"{_inner(mask, _PRODUCT)} * {_inner(then.xreplace(known), _PRODUCT)}", _PRODUCT


def _condition(mask: Expr) -> str:
    """What a mask says: 2 <= i < 30 and j <= t."""
    if isinstance(mask, masks.Compare):
        return " ".join([_inner(mask.args[1], _SUM), mask.op, _inner(mask.args[2], _SUM)])
    if isinstance(mask, masks.Delta):
        return " = ".join(_inner(part, _SUM) for part in mask.args)
    if isinstance(mask, masks.And):
        both = [(_condition(m), isinstance(m, masks.Or)) for m in mask.args]
        return " and ".join(f"({text})" if either else text for text, either in both)
    if isinstance(mask, masks.Or):
        return " or ".join(_condition(m) for m in mask.args)
    if isinstance(mask, masks.Not):
        return f"not ({_condition(mask.args[0])})"
    return _text(mask)[0]


def _node(expr: Expr) -> tuple[str, int]:
    if isinstance(expr, masks.Mask):
        return f"[{_condition(expr)}]", _ATOM
    if isinstance(expr, nodes.Stop):
        return _text(expr.args[0])
    if isinstance(expr, (nodes.Node, Function)):
        name = type(expr).__name__
        name = name.lower() if isinstance(expr, nodes.Node) else {"atan": "arctan"}.get(name, name)
        return f"{name}({', '.join(_text(a)[0] for a in expr.args)})", _ATOM
    if isinstance(expr, Integer) and abs(expr) >= 10**6 and int(expr) % 10**6 == 0:
        return f"{float(expr):.17g}".replace("+", ""), (_ATOM if expr > 0 else _SUM)
    return str(expr), (_ATOM if expr.is_Symbol or expr.is_nonnegative else _SUM)


def _inner(expr: Expr, tightness: int) -> str:
    """The text, in brackets where it binds less tightly than its place needs."""
    text, own = _text(expr)
    return text if own >= tightness else f"({text})"


def _add(expr: Add) -> str:
    # Terms that begin with a minus sign stand last: a - b rather than -b + a; and t + 1.
    whole = any(t.is_Number for t in expr.args) and bool(expr.is_integer)
    terms = sorted(
        expr.args, key=lambda t: (bool(t.as_coeff_Mul()[0].is_negative), whole and t.is_Number)
    )
    text = ""
    for term in terms:
        negative = bool(term.as_coeff_Mul()[0].is_negative)
        own = _inner(-term if negative else term, _PRODUCT)
        if not text:
            text = f"-{own}" if negative else own
        else:
            text += f" {'-' if negative else '+'} {own}"
    return text


def _mul(expr: Expr) -> tuple[str, int]:
    number, rest = expr.as_coeff_Mul()
    sign = "-" if number.is_negative else ""
    number = abs(number)
    above: list[str] = [] if number.p == 1 else [str(number.p)]
    below: list[str] = [] if number.q == 1 else [str(number.q)]
    for factor in Mul.make_args(rest):
        if factor == 1:
            continue
        base, exponent = factor.as_base_exp() if isinstance(factor, Pow) else (factor, Integer(1))
        if exponent != 1 and exponent.is_negative:
            below.append(_inner(Pow(base, -exponent), _POWER))
        else:
            above.append(_inner(factor, _PRODUCT))
    text = sign + (" * ".join(above) or "1")
    if below:
        divisor = " * ".join(below)
        text += f" / {divisor}" if len(below) == 1 else f" / ({divisor})"
    return text, (_SUM if sign else _PRODUCT)


def _pow(expr: Pow) -> tuple[str, int]:
    base, exponent = expr.as_base_exp()
    if exponent == Rational(1, 2):
        return f"sqrt({_text(base)[0]})", _ATOM
    if exponent.is_negative:
        return f"1 / {_inner(Pow(base, -exponent), _POWER)}", _PRODUCT
    return f"{_inner(base, _ATOM)}**{_inner(exponent, _ATOM)}", _POWER
