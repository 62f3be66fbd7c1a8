"""Extents and constants as C source."""

from __future__ import annotations

from fractions import Fraction

from sympy import Add, Expr, Mul, Pow, Rational, Symbol, floor, together

from symbackprop.emit.native.naming import spelled

_SUM, _PRODUCT, _ATOM = range(3)
EXACT = 2**24  # integers up to here are the same number in single precision


class Variable(Symbol):  # type: ignore[misc]
    """An integer that the C code declares under this name; no extent of a spec equals it."""

    def __new__(cls, name: str, **assumptions: bool) -> Variable:
        made: Variable = Symbol.__new__(cls, name, integer=True, **assumptions)
        return made


def integer(expr: Expr) -> str:
    """An expression of type int64_t for an extent, a stride or a position."""
    return _integer(expr)[0]


def integer_factor(expr: Expr) -> str:
    """The same where it is multiplied."""
    text, tightness = _integer(expr)
    return text if tightness == _ATOM else f"({text})"


def _integer(expr: Expr) -> tuple[str, int]:
    """The text and how tightly it binds."""
    if expr.is_Integer:
        return str(int(expr)), _ATOM if expr >= 0 else _SUM
    if isinstance(expr, Add):
        text = ""
        for term in sorted(expr.args, key=_last):
            negative = bool(term.as_coeff_Mul()[0].is_negative)
            own = _inner(-term if negative else term, _PRODUCT)
            sign = (" - " if negative else " + ") if text else ("-" if negative else "")
            text += sign + own
        return text, _SUM
    if isinstance(expr, Mul):
        if expr.as_coeff_Mul()[0].is_negative:
            return f"-{_inner(-expr, _PRODUCT)}", _SUM
        number, rest = expr.as_coeff_Mul()
        if not number.is_Integer:
            above, below = together(expr).as_numer_denom()
            return f"{_inner(above, _PRODUCT)} / {_inner(below, _ATOM)}", _PRODUCT
        parts = [*([number] if number != 1 else []), *Mul.make_args(rest)]
        return " * ".join(_inner(part, _ATOM) for part in parts), _PRODUCT
    if isinstance(expr, Pow):
        base, exponent = expr.as_base_exp()
        if exponent.is_Integer and exponent > 0:
            return " * ".join([_inner(base, _ATOM)] * int(exponent)), _PRODUCT
    if isinstance(expr, floor):
        above, below = together(expr.args[0]).as_numer_denom()
        return f"floor_divide({integer(above)}, {integer(below)})", _ATOM
    assert expr.is_Symbol, expr
    return expr.name if isinstance(expr, Variable) else spelled(expr.name), _ATOM


def _last(term: Expr) -> tuple[bool, bool]:
    """t + 1 and N - 1 rather than 1 + t and -1 + N."""
    return bool(term.as_coeff_Mul()[0].is_negative), bool(term.is_Number)


def _inner(expr: Expr, tightness: int) -> str:
    text, own = _integer(expr)
    return text if own >= tightness else f"({text})"


def is_simple(expr: Expr) -> bool:
    """Whether a number is written the same in either precision."""
    return bool(expr.is_Integer) and abs(expr) <= EXACT


def double(expr: Expr) -> str:
    """An expression of type double for a number made of constants and run-time extents."""
    if not expr.free_symbols:
        return _constant(expr)
    if isinstance(expr, Add):
        return " + ".join(_double(t) for t in sorted(expr.args, key=_last))
    if isinstance(expr, Mul):
        above: list[str] = []
        below: list[str] = []
        number, rest = expr.as_coeff_Mul()
        for part in Mul.make_args(rest):
            base, exponent = part.as_base_exp()
            if exponent.is_negative:
                below.append(_double(Pow(base, -exponent)))
            else:
                above.append(_double(part))
        if isinstance(number, Rational):
            above = [_float(float(number.p))] * (number.p != 1 or not above) + above
            below = [_float(float(number.q))] * (number.q != 1) + below
        else:
            above.insert(0, _constant(number))
        text = " * ".join(above)
        if not below:
            return text
        return f"{text} / {below[0]}" if len(below) == 1 else f"{text} / ({' * '.join(below)})"
    if isinstance(expr, Pow):
        base, exponent = expr.as_base_exp()
        if exponent == -1:
            return f"1.0 / {_double(base)}"
        if exponent == Rational(1, 2):
            return f"sqrt({double(base)})"
        return f"pow({double(base)}, {double(exponent)})"
    return f"(double){integer_factor(expr)}"


def _double(expr: Expr) -> str:
    """The same as an operand."""
    text = double(expr)
    plain = expr.is_Symbol or (expr.is_number and not text.startswith("-"))
    closed = isinstance(expr, (Pow, floor)) and text.endswith(")") and " / " not in text
    return text if plain or closed else f"({text})"


def _constant(expr: Expr) -> str:
    if expr.is_infinite:
        return "INFINITY" if expr > 0 else "-INFINITY"
    value = Fraction(int(expr.p), int(expr.q)) if isinstance(expr, Rational) else expr.evalf(20)
    return _float(float(value))


def _float(value: float) -> str:
    if value != value:
        return "NAN"
    return repr(value).replace("e+", "e")
