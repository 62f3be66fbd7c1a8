"""Equations in index form on one line of plain text, for comments."""

from __future__ import annotations

from sympy import Add, Expr, Function, Integer, Mul, Pow, Rational

from symbackprop.equations import masks, nodes, reductions
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
        bound = ", ".join(i.name for i in expr.bound)
        return f"{_REDUCTIONS[type(expr)]}[{bound}]({_text(expr.body)[0]})", _ATOM
    return _node(expr)


def _node(expr: Expr) -> tuple[str, int]:
    if isinstance(expr, masks.Compare):
        a, b = (_inner(part, _SUM) for part in expr.args[1:])
        return f"[{a} {expr.op} {b}]", _ATOM
    if isinstance(expr, masks.Delta):
        return "[" + " = ".join(_inner(part, _SUM) for part in expr.args) + "]", _ATOM
    if isinstance(expr, nodes.Stop):
        return _text(expr.args[0])
    if isinstance(expr, (nodes.Node, Function)):
        name = type(expr).__name__
        name = name.lower() if isinstance(expr, nodes.Node) else {"atan": "arctan"}.get(name, name)
        return f"{name}({', '.join(_text(a)[0] for a in expr.args)})", _ATOM
    return str(expr), (_ATOM if expr.is_Symbol or expr.is_nonnegative else _SUM)


def _inner(expr: Expr, tightness: int) -> str:
    """The text, in brackets where it binds less tightly than its place needs."""
    text, own = _text(expr)
    return text if own >= tightness else f"({text})"


def _add(expr: Add) -> str:
    # Terms that begin with a minus sign stand last: a - b rather than -b + a.
    terms = sorted(expr.args, key=lambda t: bool(t.as_coeff_Mul()[0].is_negative))
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
