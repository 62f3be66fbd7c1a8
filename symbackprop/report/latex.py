"""Formulas as LaTeX that amsmath and KaTeX both read, with an estimate of their width.

Widths are in em of the surrounding text, a little generous: line breaking rests on them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from symbackprop.report.escape import latex_word
from symbackprop.report.formula import (
    Apply,
    Big,
    Cases,
    Constant,
    Derivative,
    Display,
    Formula,
    Fraction,
    Hadamard,
    Indicator,
    Kronecker,
    Level,
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
    spread,
    times,
)
from symbackprop.report.naming import GREEK_LETTERS
from symbackprop.report.numerals import numeral

RELATIONS: Mapping[str, str] = {
    "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "=", "!=": r"\ne",
    "and": r"\land", "or": r"\lor",
}  # fmt: skip
_GREEK = {letter: "\\" + name for name, letter in GREEK_LETTERS.items()} | {
    "ε": r"\varepsilon",
    "λ": r"\lambda",
}
_CONSTANTS = {
    "ones": r"\mathbf{1}", "identity": r"\mathbf{I}", "pi": r"\pi", "e": r"\mathrm{e}",
}  # fmt: skip
_BIG = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}
_OWN = {"log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "exp"}
_NAMES = {
    "maximum": r"\max",
    "minimum": r"\min",
    "sigmoid": r"\sigma",
    "logsoftmax": r"\log\operatorname{softmax}",
}

_NAME_WIDTHS = {"maximum": 2.0, "minimum": 2.0, "sigmoid": 0.7, "logsoftmax": 5.2}


@dataclass(frozen=True, slots=True)
class Box:
    """LaTeX, its width, how tightly it holds together, and whether it is taller than a line."""

    tex: str
    width: float
    level: int = Level.ATOM
    tall: bool = False


def latex_of(formula: Formula) -> str:
    """The formula on one line, without dollars."""
    return box(formula).tex


def box(formula: Formula) -> Box:
    """The formula on one line."""
    return _PRINTERS[type(formula)](formula)


def bracketed(inner: Box, level: int = Level.ATOM + 1) -> Box:
    """The box, in brackets where it holds together less than `level`."""
    if inner.level >= level:
        return inner
    left, right = (r"\left(", r"\right)") if inner.tall else ("(", ")")
    return Box(f"{left}{inner.tex}{right}", inner.width + 0.8, Level.ATOM, inner.tall)


def _at(formula: Formula, level: int) -> Box:
    return bracketed(box(formula), level)


def _row(boxes: list[Box], between: str, gap: float, level: int) -> Box:
    return Box(
        between.join(b.tex for b in boxes),
        sum(b.width for b in boxes) + gap * (len(boxes) - 1),
        level,
        any(b.tall for b in boxes),
    )


def name_box(display: Display, barred: bool, indices: tuple[Formula, ...]) -> Box:
    """A name with its bar, layer, subscript and indices."""
    letter = display.letter
    single = len(letter) == 1
    if letter in _GREEK:
        tex = rf"\boldsymbol{{{_GREEK[letter]}}}" if display.array else _GREEK[letter]
    elif display.array:
        tex = rf"\mathbf{{{latex_word(letter)}}}"
    else:
        tex = letter if single and letter.isascii() else rf"\mathit{{{latex_word(letter)}}}"
    width = sum(_letter_width(c, bool(display.array)) for c in letter)
    if barred:
        tex = rf"\bar{{{tex}}}" if single else rf"\overline{{{tex}}}"
    above = display.layer
    below, spread_below = _subscript(display.subscript, indices)
    tex += (f"^{{{above}}}" if above else "") + (f"_{{{below}}}" if below else "")
    return Box(tex, width + max(0.4 * len(above), spread_below))


def _letter_width(letter: str, bold: bool) -> float:
    wide = 0.3 if letter in "mwMW" else 0.0
    return (0.75 if letter.isupper() else 0.5) + (0.13 if bold else 0.0) + wide


def _subscript(word: str, indices: tuple[Formula, ...]) -> tuple[str, float]:
    boxes = [box(i) for i in indices]
    simple = all(
        isinstance(i, Named) and len(b.tex) == 1 for i, b in zip(indices, boxes, strict=True)
    )
    row = _row(boxes, "" if simple else ",", 0.3, Level.ATOM) if boxes else Box("", 0)
    parts = [part for part in (word and _upright(word), row.tex) if part]
    return r",\,".join(parts), 0.72 * row.width + 0.4 * len(word)


def _upright(word: str) -> str:
    return word if word.isdecimal() else rf"\mathrm{{{latex_word(word)}}}"


def _named(formula: Named) -> Box:
    return name_box(formula.display, formula.barred, formula.indices)


def _number(formula: Number) -> Box:
    n = numeral(formula.value)
    if n.denominator:
        width = 0.4 * max(len(n.mantissa), len(n.denominator)) + 0.3
        return Box(rf"\frac{{{n.mantissa}}}{{{n.denominator}}}", width, Level.PRODUCT, True)
    width = 0.5 * len(n.mantissa)
    if not n.exponent:
        return Box(n.mantissa, width)
    power = f"10^{{{n.exponent}}}"
    if n.mantissa == "1":
        return Box(power, 2.3)
    return Box(rf"{n.mantissa} \cdot {power}", width + 3, Level.PRODUCT)


def _constant(formula: Constant) -> Box:
    return Box(_CONSTANTS[formula.kind], 0.7)


def _plus(formula: Plus) -> Box:
    parts, width, tall = [], 0.0, False
    for position, (minus, term) in enumerate(formula.terms):
        inner = _at(term, Level.OPEN)
        parts.append(sign(minus, first=position == 0) + inner.tex)
        width += inner.width + (1.25 if position else 0.8 if minus else 0.0)
        tall = tall or inner.tall
    return Box("".join(parts), width, Level.SUM, tall)


def sign(minus: bool, first: bool) -> str:
    """What stands before a term."""
    return ("-" if minus else "") if first else (" - " if minus else " + ")


def factor_boxes(formula: Times) -> list[Box]:
    """The factors of a product, in brackets where they need them."""
    *head, last = formula.factors
    printed = box(last)
    loose = {Level.OPEN, Level.ENTRYWISE} if all(is_scalar(f) for f in head) else {Level.OPEN}
    level = printed.level if printed.level in loose else Level.PRODUCT
    return [*(_at(f, Level.PRODUCT) for f in head), bracketed(printed, level)]


def joint(before: Formula, after: Formula) -> str:
    """What stands between two factors."""
    return (
        r" \cdot " if isinstance(before, Number) and isinstance(after, (Number, Power)) else r" \, "
    )


def _times(formula: Times) -> Box:
    boxes = factor_boxes(formula)
    tex = boxes[0].tex
    for before, after, inner in zip(formula.factors, formula.factors[1:], boxes[1:], strict=False):
        tex += joint(before, after) + inner.tex
    level = min(Level.PRODUCT, boxes[-1].level)
    width = sum(b.width for b in boxes) + 0.2 * (len(boxes) - 1)
    return Box(tex, width, level, any(b.tall for b in boxes))


def entrywise_sign(inverted: bool, first: bool) -> str:
    """What stands before a factor of an entrywise product."""
    return "" if first else r" \oslash " if inverted else r" \odot "


def _hadamard(formula: Hadamard) -> Box:
    tex, width, tall = "", 0.0, False
    for position, (inverted, factor) in enumerate(formula.factors):
        inner = _at(factor, Level.POSTFIX)
        tex += entrywise_sign(inverted, first=position == 0) + inner.tex
        width += inner.width + (1.25 if position else 0.0)
        tall = tall or inner.tall
    return Box(tex, width, Level.ENTRYWISE, tall)


def _fraction(formula: Fraction) -> Box:
    parts = spread(formula)
    if parts is not None:
        return _row([box(p) for p in parts], r" \, ", 0.3, Level.OPEN)
    above, below = box(formula.numerator), box(formula.denominator)
    if above.width > (SHORT if above.level < Level.PRODUCT else LONG):
        front, rest = fraction_front(formula)
        return _row([front, _at(rest, Level.PRODUCT)], r" \, ", 0.2, Level.PRODUCT)
    width = max(above.width, below.width) + 0.3
    return Box(rf"\frac{{{above.tex}}}{{{below.tex}}}", width, Level.PRODUCT, True)


SHORT, LONG = 5.0, 12.0  # em; a longer sum, or product, stands behind its fraction, not on top


def fraction_front(formula: Fraction) -> tuple[Box, Formula]:
    """A fraction of numbers alone, and what stands behind it."""
    numerator = formula.numerator
    factors = numerator.factors if isinstance(numerator, Times) else (numerator,)
    numbers = tuple(itertools.takewhile(_is_number, factors))
    above, below = box(times(numbers)), box(formula.denominator)
    width = max(above.width, below.width) + 0.3
    front = Box(rf"\frac{{{above.tex}}}{{{below.tex}}}", width, Level.PRODUCT, True)
    return front, times(factors[len(numbers) :])


def _is_number(factor: Formula) -> bool:
    return is_scalar(factor) or (isinstance(factor, Root) and isinstance(factor.radicand, Number))


def _power(formula: Power) -> Box:
    base, exponent = _at(formula.base, Level.ATOM), box(formula.exponent)
    if isinstance(formula.base, Named) and formula.base.display.layer:
        base = bracketed(Box(base.tex, base.width, Level.SUM, base.tall))
    mark = r"\odot " if formula.entrywise else ""
    width = base.width + 0.75 * exponent.width + (0.7 if mark else 0)
    return Box(f"{base.tex}^{{{mark}{exponent.tex}}}", width, Level.POSTFIX, base.tall)


def _root(formula: Root) -> Box:
    inner = box(formula.radicand)
    return Box(rf"\sqrt{{{inner.tex}}}", inner.width + 0.8, Level.ATOM, inner.tall)


def function_box(name: str) -> Box:
    """The name of a function."""
    if name in _NAMES:
        return Box(_NAMES[name], _NAME_WIDTHS[name])
    if name in _OWN:
        return Box("\\" + name, 0.5 * len(name))
    return Box(rf"\operatorname{{{latex_word(name)}}}", 0.5 * len(name))


def _apply(formula: Apply) -> Box:
    inner = [box(a) for a in formula.arguments]
    name = function_box(formula.function)
    if formula.function == "abs":
        tex = rf"\left\lvert {inner[0].tex} \right\rvert"
        return Box(tex, inner[0].width + 0.8, Level.ATOM, inner[0].tall)
    if formula.function == "floor":
        return Box(rf"\left\lfloor {inner[0].tex} \right\rfloor", inner[0].width + 1, tall=True)
    if formula.function == "mod":
        a, b = (bracketed(i, Level.ATOM) for i in inner)
        return Box(rf"{a.tex} \bmod {b.tex}", a.width + b.width + 3, Level.PRODUCT)
    if len(inner) == 1 and isinstance(formula.arguments[0], Big):
        return _row([name, inner[0]], " ", 0.3, Level.OPEN)
    if formula.function == "exp" and inner[0].width < SHORT and not inner[0].tall:
        return Box(rf"\mathrm{{e}}^{{{inner[0].tex}}}", 0.5 + 0.75 * inner[0].width)
    row = bracketed(_row(inner, r",\, ", 0.5, Level.SUM))
    return Box(f"{name.tex}{row.tex}", name.width + row.width, Level.ATOM, row.tall)


def big_front(formula: Big) -> Box:
    """The sign with its indices."""
    bound = [box(i) for i in formula.bound]
    below = _row(bound, ",", 0.3, Level.ATOM)
    plain = rf"\operatorname*{{{formula.operator}}}"
    front = _BIG.get(formula.operator, plain)
    own = 1.5 if formula.operator in ("sum", "prod") else 0.6 * len(formula.operator)
    return Box(f"{front}_{{{below.tex}}}", max(own, 0.75 * below.width) + 0.2)


def _big(formula: Big) -> Box:
    body = _at(formula.body, Level.OPEN)
    joined = _row([big_front(formula), body], " ", 0.2, Level.OPEN)
    return Box(joined.tex, joined.width, Level.OPEN, True)


def _transpose(formula: Transpose) -> Box:
    inner = formula.of
    if isinstance(inner, Named) and inner.display.layer:
        whole = Named(Display(inner.display.letter, "", "", inner.display.array), (), inner.barred)
        below = inner.display.subscript
        tex = rf"{latex_of(whole)}^{{{inner.display.layer}\top}}"
        tex += f"_{{{_upright(below)}}}" if below else ""
        return Box(tex, box(inner).width + 0.6, Level.POSTFIX)
    base = _at(inner, Level.ATOM)
    return Box(rf"{base.tex}^{{\top}}", base.width + 0.6, Level.POSTFIX, base.tall)


def _norm(formula: Norm) -> Box:
    inner = box(formula.of)
    left, right = (r"\left\lVert ", r" \right\rVert") if inner.tall else (r"\lVert ", r" \rVert")
    below = "_{F}" if formula.frobenius else ""
    tex = f"{left}{inner.tex}{right}^{{2}}{below}"
    return Box(tex, inner.width + 1.6, Level.POSTFIX, inner.tall)


def _relation(formula: Relation) -> Box:
    joins = formula.operator in ("and", "or")
    level = Level.OPEN if joins else Level.SUM
    sides = [
        _at(side, level) if isinstance(side, Relation) else box(side)
        for side in (formula.left, formula.right)
    ]
    return _row(sides, f" {RELATIONS[formula.operator]} ", 1.4, Level.SUM)


def _negation(formula: Negation) -> Box:
    inner = _at(formula.of, Level.ATOM)
    return Box(rf"\lnot {inner.tex}", inner.width + 0.8, Level.POSTFIX, inner.tall)


def _indicator(formula: Indicator) -> Box:
    inner = box(formula.of)
    left, right = (r"\left[", r"\right]") if inner.tall else ("[", "]")
    tex = rf"\mathbf{{1}}{left}{inner.tex}{right}"
    return Box(tex, inner.width + 1.2, Level.ATOM, inner.tall)


def _kronecker(formula: Kronecker) -> Box:
    row = _row([box(formula.left), box(formula.right)], ",", 0.3, Level.ATOM)
    return Box(rf"\delta_{{{row.tex}}}", 0.5 + 0.75 * row.width)


def _cases(formula: Cases) -> Box:
    then, mask, other = (box(p) for p in (formula.then, formula.mask, formula.otherwise))
    tex = (
        rf"\begin{{cases}} {then.tex} & \text{{if }} {mask.tex} \\ "
        rf"{other.tex} & \text{{otherwise}} \end{{cases}}"
    )
    width = max(then.width, other.width) + max(mask.width + 1.2, 4.5) + 2.2
    return Box(tex, width, Level.PRODUCT, True)


def _derivative(formula: Derivative) -> Box:
    of, by = box(formula.of), box(formula.by)
    tex = rf"\frac{{\partial {of.tex}}}{{\partial {by.tex}}}"
    return Box(tex, max(of.width, by.width) + 0.9, Level.PRODUCT, True)


_PRINTERS: Mapping[type, Callable[[Any], Box]] = {
    Named: _named,
    Number: _number,
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
    Derivative: _derivative,
}
