"""Extents and constants as Python source."""

from __future__ import annotations

from fractions import Fraction

from sympy import Add, Expr, Mul, Pow, Rational, log


def number(expr: Expr) -> str:
    """A Python expression for a number made of constants and run-time extents."""
    if not expr.free_symbols:
        return _constant(expr)
    return _source(expr)[0]


def _constant(expr: Expr) -> str:
    if expr.is_Integer:
        return str(int(expr))
    value = Fraction(expr.p, expr.q) if isinstance(expr, Rational) else expr.evalf(20)
    return _float(float(value))


def _float(value: float) -> str:
    return repr(value).replace("e+", "e")


def factor(expr: Expr) -> str:
    """The same where it is multiplied or divided by."""
    text, loose = number(expr), expr.free_symbols and not expr.is_Symbol
    return f"({text})" if loose or text.startswith("-") else text


def operand(expr: Expr) -> str:
    """The same as an operand of a real array: never an integer, whose type would count."""
    return _float(float(expr)) if expr.is_Integer else number(expr)


def _source(expr: Expr) -> tuple[str, int]:
    """The text and how tightly it binds: 0 sum, 1 product, 2 power, 3 atom."""
    if not expr.free_symbols:
        text = _constant(expr)
        return text, 0 if text.startswith("-") else 3
    if isinstance(expr, Add):
        return _sum(expr), 0
    if isinstance(expr, Mul):
        return _product(expr), 1
    if isinstance(expr, Pow):
        base, exponent = expr.as_base_exp()
        if exponent == -1:
            return f"1 / {_inner(base, 2)}", 1
        parts = (_inner(base, 3), _inner(exponent, 3))
        # Formatters set no spaces around the sign where both sides are names or numbers.
        plain = all(p.replace(".", "").replace("_", "").isalnum() for p in parts)
        return ("**" if plain else " ** ").join(parts), 2
    if isinstance(expr, log):
        return f"float(np.log({_source(expr.args[0])[0]}))", 3
    assert expr.is_Symbol, expr
    return expr.name, 3


def _inner(expr: Expr, tightness: int) -> str:
    text, own = _source(expr)
    return text if own >= tightness else f"({text})"


def _sum(expr: Add) -> str:
    terms = sorted(expr.args, key=lambda t: bool(t.as_coeff_Mul()[0].is_negative))
    text = ""
    for term in terms:
        negative = bool(term.as_coeff_Mul()[0].is_negative)
        own = _inner(-term if negative else term, 1)
        joint = ("-" if negative else "") if not text else (" - " if negative else " + ")
        text += joint + own
    return text


def _product(expr: Mul) -> str:
    above: list[str] = []
    below: list[str] = []
    coefficient, rest = expr.as_coeff_Mul()
    if coefficient.is_negative:
        return f"-{_inner(-expr, 1)}"
    if isinstance(coefficient, Rational):
        above += [str(coefficient.p)] if coefficient.p != 1 else []
        below += [str(coefficient.q)] if coefficient.q != 1 else []
    else:
        above.append(_constant(coefficient))
    for part in Mul.make_args(rest):
        base, exponent = part.as_base_exp()
        if exponent.is_negative:
            below.append(_inner(Pow(base, -exponent), 2))
        else:
            above.append(_inner(part, 2))
    text = " * ".join(above) or "1"
    if not below:
        return text
    return f"{text} / {below[0]}" if len(below) == 1 else f"{text} / ({' * '.join(below)})"
