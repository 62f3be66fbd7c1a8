"""Formulas as Unicode text for terminals: Z̄² = (P − Y)/N, W̄²[i,j] = Σ_n H¹[n,i] Z̄²[n,j]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.report.conditions import told_below
from symbackprop.report.display import Display
from symbackprop.report.factors import dotted
from symbackprop.report.formula import (
    Apply,
    Big,
    Cases,
    Constant,
    Counting,
    Decimal,
    Derivative,
    Formula,
    Fraction,
    Grid,
    Hadamard,
    Indicator,
    Kronecker,
    Level,
    Listing,
    Named,
    Negation,
    Norm,
    Number,
    Plus,
    Power,
    Relation,
    Root,
    Times,
    Transpose,
    is_scalar,
    mixes,
    spread,
)
from symbackprop.report.naming import HAT
from symbackprop.report.numerals import Numeral, numeral

_SUPERSCRIPT = str.maketrans("0123456789-−()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁽⁾")
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_MACRON, _OVERLINE = "\u0304", "\u0305"  # over one letter; joined over several
RELATIONS: Mapping[str, str] = {
    "<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠", "and": "∧", "or": "∨",
    "~": "∼", "<-": "←",
}  # fmt: skip
_CONSTANTS = {"ones": "𝟏", "identity": "I", "pi": "π", "e": "e", "all": ":"}
_BIG = {"sum": "Σ", "prod": "Π"}
_FUNCTIONS = {
    "logsoftmax": "log softmax", "sigmoid": "σ", "maximum": "max", "minimum": "min",
    "normal": "N", "uniform": "U", "bernoulli": "Bernoulli",
}  # fmt: skip

Printed = tuple[str, int]


def text_of(formula: Formula) -> str:
    """The formula on one line."""
    return _print(formula)[0]


def _print(formula: Formula) -> Printed:
    return _PRINTERS[type(formula)](formula)


def _at(formula: Formula, level: int) -> str:
    """The formula, in brackets where it holds together less than `level`."""
    return _bracketed(_print(formula), level)


def _bracketed(printed: Printed, level: int) -> str:
    text, own = printed
    return text if own >= level else f"({text})"


def letter_of(display: Display, barred: bool = False) -> str:
    """A name with its layer and subscript."""
    letter = display.letter
    if barred:
        single = len(letter.rstrip(HAT)) == 1
        letter = letter + _MACRON if single else "".join(c + _OVERLINE for c in letter)
    below = display.subscript
    low = below.translate(_SUBSCRIPT) if below.isdecimal() else f"_{below}" if below else ""
    return letter + display.layer.translate(_SUPERSCRIPT) + low


def _named(formula: Named) -> Printed:
    sign = formula.mark.sign if formula.mark else ""
    indices = ",".join(text_of(i) for i in formula.indices)
    name = letter_of(formula.display, sign == "bar") + (f"[{indices}]" if indices else "")
    if formula.mark and sign == "nabla" and formula.display.array:
        return f"∇_{name} {letter_of(formula.mark.loss)}", Level.OPEN
    if formula.mark and sign in ("nabla", "denominator"):
        return f"∂{letter_of(formula.mark.loss)}/∂{name}", Level.POSTFIX
    return (f"δ{name}", Level.POSTFIX) if sign == "delta" else (name, Level.ATOM)


def _number(formula: Number) -> Printed:
    return _numeral(numeral(formula.value))


def _decimal(formula: Decimal) -> Printed:
    text, level = _numeral(Numeral(formula.mantissa, exponent=formula.exponent))
    return (f"−{text}", Level.SUM) if formula.minus else (text, level)


def _grid(formula: Grid) -> Printed:
    rows = ("  ".join(text_of(entry) for entry in row) for row in formula.rows)
    return f"[{'; '.join(rows)}]", Level.ATOM


def _numeral(n: Numeral) -> Printed:
    if n.denominator:
        return f"{n.mantissa}/{n.denominator}", Level.PRODUCT
    if n.exponent:
        power = "10" + str(n.exponent).translate(_SUPERSCRIPT)
        if n.mantissa == "1":
            return power, Level.ATOM
        return f"{n.mantissa}·{power}", Level.PRODUCT
    return n.mantissa, Level.ATOM


def _constant(formula: Constant) -> Printed:
    return _CONSTANTS[formula.kind], Level.ATOM


def _plus(formula: Plus) -> Printed:
    parts = []
    for position, (minus, term) in enumerate(formula.terms):
        sign = ("−" if minus else "") if position == 0 else (" − " if minus else " + ")
        parts.append(sign + _at(term, Level.OPEN))
    return "".join(parts), Level.SUM


def _times(formula: Times) -> Printed:
    *head, last = formula.factors
    printed = _print(last)
    loose = {Level.OPEN, Level.ENTRYWISE} if all(is_scalar(f) for f in head) else {Level.OPEN}
    level = printed[1] if printed[1] in loose else Level.PRODUCT
    parts = [*(_at(f, Level.PRODUCT) for f in head), _bracketed(printed, level)]
    joined = parts[0]
    for before, after, part in zip(formula.factors, formula.factors[1:], parts[1:], strict=False):
        joined += ("·" if dotted(before, after) else " ") + part
    return joined, level


def _hadamard(formula: Hadamard) -> Printed:
    text = ""
    for position, (inverted, factor) in enumerate(formula.factors):
        sign = "" if position == 0 else " ⊘ " if inverted else " ⊙ "
        text += sign + _at(factor, Level.POSTFIX)
    return text, Level.ENTRYWISE


def _fraction(formula: Fraction) -> Printed:
    parts = spread(formula)
    if parts is not None:
        return f"{text_of(parts[0])} {text_of(parts[1])}", Level.OPEN
    above = _at(formula.numerator, Level.PRODUCT)
    return f"{above}/{_at(formula.denominator, Level.POSTFIX)}", Level.PRODUCT


def _power(formula: Power) -> Printed:
    base = _at(formula.base, Level.ATOM)
    exponent = text_of(formula.exponent)
    if formula.entrywise:
        return f"{base}^⊙{_at(formula.exponent, Level.ATOM)}", Level.POSTFIX
    if isinstance(formula.base, Named) and formula.base.display.layer and not formula.base.indices:
        base = f"({base})"
    if exponent.lstrip("−").isdecimal():
        return base + exponent.translate(_SUPERSCRIPT), Level.POSTFIX
    return f"{base}^{_at(formula.exponent, Level.ATOM)}", Level.POSTFIX


def _root(formula: Root) -> Printed:
    return f"√{_at(formula.radicand, Level.ATOM)}", Level.POSTFIX


def _apply(formula: Apply) -> Printed:
    name = _FUNCTIONS.get(formula.function, formula.function)
    if len(formula.arguments) == 1 and isinstance(formula.arguments[0], Big):
        return f"{name} {text_of(formula.arguments[0])}", Level.OPEN
    if name == "abs":
        return f"|{text_of(formula.arguments[0])}|", Level.ATOM
    if name == "floor":
        return f"⌊{text_of(formula.arguments[0])}⌋", Level.ATOM
    if name == "mod":
        a, b = formula.arguments
        return f"{_at(a, Level.ATOM)} mod {_at(b, Level.ATOM)}", Level.PRODUCT
    return f"{name}({', '.join(text_of(a) for a in formula.arguments)})", Level.ATOM


def _big(formula: Big) -> Printed:
    bound = ",".join(text_of(i) for i in formula.bound)
    alone = len(formula.bound) == 1 and isinstance(formula.bound[0], Named)
    below = f"_{bound}" if alone else f"_{{{bound}}}"
    if formula.given:
        first = "" if told_below(formula) else f"{bound}: "
        below = f"_{{{first}{', '.join(text_of(g) for g in formula.given)}}}"
    sign = _BIG.get(formula.operator, formula.operator)
    return f"{sign}{below} {_at(formula.body, Level.OPEN)}", Level.OPEN


def _transpose(formula: Transpose) -> Printed:
    return _at(formula.of, Level.ATOM) + "ᵀ", Level.POSTFIX


def _norm(formula: Norm) -> Printed:
    below = "_F" if formula.frobenius else ""
    return f"‖{text_of(formula.of)}‖{below}²", Level.POSTFIX


def _relation(formula: Relation) -> Printed:
    a, b = (
        f"({text_of(side)})" if mixes(formula, side) else text_of(side)
        for side in (formula.left, formula.right)
    )
    return f"{a} {RELATIONS[formula.operator]} {b}", Level.SUM


def _negation(formula: Negation) -> Printed:
    return f"¬{_at(formula.of, Level.ATOM)}", Level.POSTFIX


def _indicator(formula: Indicator) -> Printed:
    return f"1[{text_of(formula.of)}]", Level.ATOM


def _kronecker(formula: Kronecker) -> Printed:
    return f"δ[{text_of(formula.left)},{text_of(formula.right)}]", Level.ATOM


def _cases(formula: Cases) -> Printed:
    then, otherwise = text_of(formula.then), text_of(formula.otherwise)
    said = formula.words[2].format(then=then, mask=text_of(formula.mask), other=otherwise)
    return f"({said})", Level.ATOM


def _listing(formula: Listing) -> Printed:
    return f"({','.join(text_of(i) for i in formula.items)})", Level.ATOM


def _counting(formula: Counting) -> Printed:
    values = [text_of(v) for v in formula.first]
    if formula.last is not None:
        values += ["…", text_of(formula.last)]
    return f"{text_of(formula.index)} = {', '.join(values)}", Level.SUM


def _derivative(formula: Derivative) -> Printed:
    return f"∂{text_of(formula.of)}/∂{text_of(formula.by)}", Level.POSTFIX


_PRINTERS: Mapping[type, Callable[[Any], Printed]] = {
    Named: _named,
    Number: _number,
    Decimal: _decimal,
    Grid: _grid,
    Constant: _constant,
    Plus: _plus,
    Times: _times,
    Hadamard: _hadamard,
    Fraction: _fraction,
    Power: _power,
    Root: _root,
    Apply: _apply,
    Big: _big,
    Transpose: _transpose,
    Norm: _norm,
    Relation: _relation,
    Negation: _negation,
    Indicator: _indicator,
    Kronecker: _kronecker,
    Cases: _cases,
    Listing: _listing,
    Counting: _counting,
    Derivative: _derivative,
}
