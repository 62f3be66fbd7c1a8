"""Pieces of LaTeX with their widths, in em of the surrounding text.

The widths are estimates, within a tenth of what TeX makes of them; line breaking rests on them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from symbackprop.report.display import Display, Mark
from symbackprop.report.escape import latex_word
from symbackprop.report.formula import Level
from symbackprop.report.naming import GREEK_LETTERS, HAT
from symbackprop.report.numerals import Numeral

_GREEK = {letter: "\\" + name for name, letter in GREEK_LETTERS.items()} | {
    "ε": r"\varepsilon",
    "λ": r"\lambda",
    "⋆": r"\star",
}
CONSTANTS = {
    "ones": r"\mathbf{1}", "identity": r"\mathbf{I}", "pi": r"\pi", "e": r"\mathrm{e}",
    "all": ":",
}  # fmt: skip
_SIGNS = re.compile(r"(⋆|\d*ℓ(?:[+-]\d+)?)")  # in a word: a word left open, a number left open
_OWN = {"log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "exp"}


_BIG = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}
_NAMES = {
    "maximum": r"\max",
    "minimum": r"\min",
    "sigmoid": r"\sigma",
    "logsoftmax": r"\log\operatorname{softmax}",
    "normal": r"\mathcal{N}",
    "uniform": r"\mathcal{U}",
    "bernoulli": r"\operatorname{Bernoulli}",
}


_NAME_WIDTHS = {"logsoftmax": 5.2, "bernoulli": 4.5, "maximum": 2.0, "minimum": 2.0}


@dataclass(frozen=True, slots=True)
class Box:
    """LaTeX, its width, how tightly it holds together, and whether it is taller than a line."""

    tex: str
    width: float
    level: int = Level.ATOM
    tall: bool = False


def bracketed(inner: Box, level: int = Level.ATOM + 1) -> Box:
    """The box, in brackets where it holds together less than `level`."""
    if inner.level >= level:
        return inner
    left, right = (r"\left(", r"\right)") if inner.tall else ("(", ")")
    return Box(f"{left}{inner.tex}{right}", inner.width + 0.8, Level.ATOM, inner.tall)


def in_row(boxes: list[Box], between: str, gap: float, level: int) -> Box:
    """Boxes side by side, with `between` of width `gap` between two of them."""
    return Box(
        between.join(b.tex for b in boxes),
        sum(b.width for b in boxes) + gap * (len(boxes) - 1),
        level,
        any(b.tall for b in boxes),
    )


def upright(word: str) -> str:
    """A word in a subscript; numbers stand as they are, a star for a word, and ℓ for a number."""
    return "".join(_upright(part) for part in _SIGNS.split(word) if part)


def _upright(part: str) -> str:
    if part == "⋆":
        return r"\star"
    if "ℓ" in part:
        return _layer(part)
    return part if part.strip(",").isdecimal() or part == "," else rf"\mathrm{{{latex_word(part)}}}"


def _layer(layer: str) -> str:
    return layer.replace("ℓ", r"\ell")


def name_box(display: Display, mark: Mark | None, indices: list[Box], beside: str = "") -> Box:
    """A name with layer, subscript and indices, marked; a sign, such as ⊤, `beside` the layer."""
    sign = mark.sign if mark else ""
    if mark and sign in ("denominator", "nabla"):
        return _by_name(mark.loss, name_box(display, None, indices), beside, sign, display.array)
    letter = display.letter.rstrip(HAT)
    single = len(letter) == 1
    if letter in _GREEK:
        tex = rf"\boldsymbol{{{_GREEK[letter]}}}" if display.array else _GREEK[letter]
    elif display.array:
        tex = rf"\mathbf{{{latex_word(letter)}}}"
    elif single and letter.isascii() and letter.isalpha():
        tex = letter
    else:
        tex = rf"\mathit{{{latex_word(letter)}}}"
    if letter != display.letter:
        tex = rf"\hat{{{tex}}}"
    if sign == "bar":
        tex = rf"\bar{{{tex}}}" if single else rf"\overline{{{tex}}}"
    below = _subscript(display.subscript, indices)
    above = f"^{{{_layer(display.layer)}{beside}}}" if display.layer or beside else ""
    width = sum(_letter_width(c, bool(display.array)) for c in letter)
    scripts = max(0.4 * len(display.layer) + 0.6 * bool(beside), below.width)
    whole = tex + above + (f"_{{{below.tex}}}" if below.tex else "")
    if sign == "delta":
        return Box(rf"\delta {whole}", width + scripts + 0.5, Level.POSTFIX)
    return Box(whole, width + scripts, Level.POSTFIX if beside else Level.ATOM)


def _by_name(loss: Display, by: Box, beside: str, sign: str, array: int) -> Box:
    """∂L/∂W, or ∇_W L; an entry is ∂L/∂W_ij in any case."""
    of = name_box(loss, None, [])
    if sign == "nabla" and array:
        width = 0.9 + 0.75 * by.width + of.width
        found = Box(rf"\nabla_{{{by.tex}}} {of.tex}", width, Level.OPEN)
    else:
        found = replace(derivative_box(of, by), level=Level.POSTFIX)
    if not beside:
        return found
    base = bracketed(found)
    return Box(f"{base.tex}^{{{beside}}}", base.width + 0.6, Level.POSTFIX, base.tall)


def _subscript(word: str, indices: list[Box]) -> Box:
    """A word and indices below a name; single letters stand without commas."""
    simple = all(len(i.tex) == 1 for i in indices)
    row = in_row(indices, "" if simple else ",", 0.3, Level.ATOM)
    parts = [part for part in (word and upright(word), row.tex) if part]
    return Box(r",\,".join(parts), 0.72 * max(row.width, 0.0) + 0.4 * len(word))


def _letter_width(letter: str, bold: bool) -> float:
    """The width of one letter."""
    wide = 0.3 if letter in "mwMW" else 0.7 if letter == "…" else 0.0
    return (0.75 if letter.isupper() else 0.5) + (0.13 if bold else 0.0) + wide


def number_box(number: Numeral) -> Box:
    """A fraction, a decimal, or a power of ten."""
    if number.denominator:
        width = 0.4 * max(len(number.mantissa), len(number.denominator)) + 0.3
        tex = rf"\frac{{{number.mantissa}}}{{{number.denominator}}}"
        return Box(tex, width, Level.PRODUCT, True)
    width = 0.5 * len(number.mantissa)
    if not number.exponent:
        return Box(number.mantissa, width)
    power = f"10^{{{number.exponent}}}"
    if number.mantissa == "1":
        return Box(power, 2.3)
    return Box(rf"{number.mantissa} \cdot {power}", width + 3, Level.PRODUCT)


def decimal_box(number: Numeral, minus: bool) -> Box:
    """A rounded number with its sign; a point is narrower than a digit."""
    inner = number_box(number)
    width = inner.width - 0.2 * ("." in number.mantissa)
    if minus:
        return Box(f"-{inner.tex}", width + 0.8, Level.SUM)
    return Box(inner.tex, width, inner.level)


def grid_box(rows: list[list[Box]]) -> Box:
    """A matrix in square brackets; beside entries with a sign, others leave room for one."""
    columns = [[row[c] for row in rows] for c in range(len(rows[0]))]
    signed = [any(b.tex.startswith("-") for b in column) for column in columns]
    lines = r" \\ ".join(
        " & ".join(
            rf"\phantom{{-}}{b.tex}" if room and not b.tex.startswith("-") else b.tex
            for b, room in zip(row, signed, strict=True)
        )
        for row in rows
    )
    widths = (max(b.width for b in column) for column in columns)
    width = sum(widths) + 0.8 * sum(signed) + 0.9 * (len(columns) - 1) + 1
    tex = rf"\begin{{bmatrix}} {lines} \end{{bmatrix}}"
    return Box(tex, width, Level.ATOM, True)


def sign(minus: bool, first: bool) -> str:
    """What stands before a term."""
    return ("-" if minus else "") if first else (" - " if minus else " + ")


def entrywise_sign(inverted: bool, first: bool) -> str:
    """What stands before a factor of an entrywise product."""
    return "" if first else r" \oslash " if inverted else r" \odot "


def function_box(name: str) -> Box:
    """The name of a function."""
    if name in _NAMES:
        return Box(_NAMES[name], _NAME_WIDTHS.get(name, 0.7))
    if name in _OWN:
        return Box("\\" + name, 0.5 * len(name))
    return Box(rf"\operatorname{{{latex_word(name)}}}", 0.5 * len(name))


def big_sign(operator: str, below: list[Box]) -> Box:
    """A large sign over lines of indices and conditions."""
    plain = rf"\operatorname*{{{operator}}}"
    front = _BIG.get(operator, plain)
    rows = r" \\[0.3ex] ".join(b.tex for b in below)
    tex = rows if len(below) == 1 else rf"\substack{{{rows}}}"
    own = 1.5 if operator in ("sum", "prod") else 0.6 * len(operator)
    width = max(own, *(0.75 * b.width for b in below)) + 0.2
    return Box(f"{front}_{{{tex}}}", width)


def root_box(inner: Box) -> Box:
    """The square root."""
    return Box(rf"\sqrt{{{inner.tex}}}", inner.width + 0.8, Level.ATOM, inner.tall)


def norm_box(inner: Box, frobenius: bool) -> Box:
    """The squared norm."""
    left, right = (r"\left\lVert ", r" \right\rVert") if inner.tall else (r"\lVert ", r" \rVert")
    below = "_{F}" if frobenius else ""
    tex = f"{left}{inner.tex}{right}^{{2}}{below}"
    return Box(tex, inner.width + 1.6, Level.POSTFIX, inner.tall)


def indicator_box(inner: Box) -> Box:
    """1 in bold type before a condition in square brackets."""
    left, right = (r"\left[", r"\right]") if inner.tall else ("[", "]")
    tex = rf"\mathbf{{1}}{left}{inner.tex}{right}"
    return Box(tex, inner.width + 1.2, Level.ATOM, inner.tall)


def cases_box(words: tuple[str, str, str], then: Box, mask: Box, other: Box) -> Box:
    """One value where the mask holds, another elsewhere, behind a brace."""
    where, elsewhere, _ = words
    large = {True: r"\displaystyle ", False: ""}
    room = "[1ex]" if then.tall or other.tall else ""
    tex = (
        rf"\begin{{cases}} {large[then.tall]}{then.tex} & \text{{{where} }} {mask.tex} \\{room} "
        rf"{large[other.tall]}{other.tex} & \text{{{elsewhere}}} \end{{cases}}"
    )
    width = max(then.width, other.width) + max(mask.width + 1.2, 4.5) + 2.2
    return Box(tex, width, Level.PRODUCT, True)


def derivative_box(of: Box, by: Box) -> Box:
    """∂ of over ∂ by."""
    tex = rf"\frac{{\partial {of.tex}}}{{\partial {by.tex}}}"
    return Box(tex, max(of.width, by.width) + 0.9, Level.PRODUCT, True)
