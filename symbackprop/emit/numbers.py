"""Extents and constants as Python source."""

from __future__ import annotations

from fractions import Fraction

from sympy import Add, Expr, Mul, Pow, Rational, floor, together

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_LARGEST = 2**1024 - 2**970  # from here on the nearest double is infinite


def undefined_somewhere(expr: Expr) -> bool:
    """Whether some run-time extents make a division or a power NaN or infinite."""
    return any(_is_partial(e) for e in expr.atoms(Pow))


def _is_partial(expr: Pow) -> bool:
    base, exponent = expr.as_base_exp()
    if exponent.is_integer and exponent.is_nonnegative:
        return False
    return not (base.is_positive or (exponent.is_nonnegative and base.is_nonnegative))


def number(expr: Expr) -> str:
    """A Python expression for a number made of constants and run-time extents."""
    if not expr.free_symbols:
        return _constant(expr)
    return _source(expr)[0]


def _constant(expr: Expr) -> str:
    if expr.is_Integer and abs(expr) < _LARGEST:
        return str(int(expr))
    return _float(expr)


def _float(expr: Expr) -> str:
    """The nearest double, which may be infinite."""
    value = Fraction(expr.p, expr.q) if isinstance(expr, Rational) else expr.evalf(20)
    if abs(value) >= _LARGEST:
        return "np.inf" if value > 0 else "-np.inf"
    return repr(float(value)).replace("e+", "e")


def factor(expr: Expr) -> str:
    """The same where it is multiplied or divided by."""
    text, tightness = _source(expr)
    return text if tightness == _ATOM else f"({text})"


def operand(expr: Expr) -> str:
    """The same as an operand of a real array: never an integer, whose type would count."""
    return _float(expr) if expr.is_Integer else number(expr)


def _source(expr: Expr) -> tuple[str, int]:
    """The text and how tightly it binds."""
    if not expr.free_symbols:
        text = _constant(expr)
        return text, _SUM if text.startswith("-") else _ATOM
    if isinstance(expr, Add):
        return _sum(expr), _SUM
    if isinstance(expr, Mul):
        return _product(expr), _PRODUCT
    if isinstance(expr, Pow):
        base, exponent = expr.as_base_exp()
        if _is_partial(expr):
            # NumPy's NaN and infinity, where Python has complex numbers and exceptions.
            return f"float(np.float_power({number(base)}, {number(exponent)}))", _ATOM
        if exponent == -1:
            return f"1 / {_inner(base, _POWER)}", _PRODUCT
        parts = (_inner(base, _ATOM), _inner(exponent, _ATOM))
        # Formatters set no spaces around the sign where both sides are names or numbers.
        plain = all(p.replace(".", "").replace("_", "").isalnum() for p in parts)
        return ("**" if plain else " ** ").join(parts), _POWER
    if isinstance(expr, floor):
        above, below = together(expr.args[0]).as_numer_denom()
        return f"{_inner(above, _POWER)} // {_inner(below, _ATOM)}", _PRODUCT
    assert expr.is_Symbol, expr
    return expr.name, _ATOM


def _inner(expr: Expr, tightness: int) -> str:
    text, own = _source(expr)
    return text if own >= tightness else f"({text})"


def _sum(expr: Add) -> str:
    # t + 1 and N - 1 rather than 1 + t and -1 + N.
    terms = sorted(expr.args, key=lambda t: (t.as_coeff_Mul()[0].is_negative, t.is_Number))
    text = ""
    for term in terms:
        negative = bool(term.as_coeff_Mul()[0].is_negative)
        if negative and not text:
            text = _negative(-term)
        else:
            own = _inner(-term if negative else term, _PRODUCT)
            text += (" - " if negative else " + ") + own if text else own
    return text


def _negative(expr: Expr) -> str:
    """The negative of an expression; a sign before // would change what is rounded."""
    return f"-{_inner(expr, _POWER if isinstance(expr, floor) else _PRODUCT)}"


def _product(expr: Mul) -> str:
    above: list[str] = []
    below: list[str] = []
    coefficient, rest = expr.as_coeff_Mul()
    if coefficient.is_negative:
        return _negative(-expr)
    if isinstance(coefficient, Rational):
        above += [str(coefficient.p)] if coefficient.p != 1 else []
        below += [str(coefficient.q)] if coefficient.q != 1 else []
    else:
        above.append(_constant(coefficient))
    for part in Mul.make_args(rest):
        base, exponent = part.as_base_exp()
        if exponent.is_negative and not _is_partial(part):
            below.append(_inner(Pow(base, -exponent), _POWER))
        else:
            above.append(_inner(part, _POWER))
    text = " * ".join(above) or "1"
    if not below:
        return text
    return f"{text} / {below[0]}" if len(below) == 1 else f"{text} / ({' * '.join(below)})"
