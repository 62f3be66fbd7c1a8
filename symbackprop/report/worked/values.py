"""A worked example: the values of every equation, exactly, on to the updated parameters."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.evaluate import (
    Entries,
    Environment,
    Undefined,
    Value,
    evaluate_all,
)
from symbackprop.equations.nodes import TensorSymbol
from symbackprop.equations.system import System
from symbackprop.errors import CallError, refuse_unknown
from symbackprop.notation import USUAL, Notation
from symbackprop.report.worked.given import (
    RANGES,
    Given,
    complete,
    shape_of,
)
from symbackprop.report.worked.supplied import Supplied, supplied
from symbackprop.spec.errors import quoted

MOST = 1_000  # numbers that an example prints
PAGE = 96  # signs on a line of small type, where a number takes five beside its digits
RATE, LARGEST_RATE = Fraction(1, 10), 10**6
_DECIMAL = r"([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(e[-+]?[0-9]{1,3})?"
_RATIO = "[0-9]{1,40}/0*[1-9][0-9]{0,39}"
_RATE = re.compile(f"-?({_RATIO}|{_DECIMAL})", re.IGNORECASE)
DIGITS = 6
FEWEST_DIGITS, MOST_DIGITS = 2, 20

Tensors = Mapping[str, Entries]


@dataclass(frozen=True, repr=False)
class Worked:
    """Values of a derivation, all exact: rationals, or numbers of 50 digits.

    `back` has for each loss, by its name, the values forward and its cotangents; `updated` the
    parameters after one step of gradient descent at `rate` on that loss; `after` the loss there,
    where it has a value.
    `digits` is how many significant digits are printed.
    """

    derivation: Derivation
    given: Given
    rate: Fraction
    digits: int
    forward: Tensors
    back: Mapping[str, Tensors]
    updated: Mapping[str, Tensors]
    after: Mapping[str, Value]

    def shown(self, format: str = "text", notation: Notation = USUAL) -> str:
        """The example as text, LaTeX or Markdown. Raises CallError for another format."""
        from symbackprop.report.worked.documents import latex, markdown
        from symbackprop.report.worked.text import text

        printers = {"text": text, "latex": latex, "markdown": markdown}
        refuse_unknown(format, printers, "format of worked numbers")
        return printers[format](self, notation)

    def __str__(self) -> str:
        return self.shown()

    def __repr__(self) -> str:
        return f"<numbers for {self.derivation.system.name}: {', '.join(self.back)}>"

    def _repr_markdown_(self) -> str:
        return self.shown("markdown")


def work(
    derivation: Derivation,
    values: Mapping[str, Any] | str | Path | None = None,
    rate: Any = RATE,
    seed: int = 0,
    digits: int = DIGITS,
) -> Worked:
    """The derivation with numbers: those in `values`, by name, or in the file there; others drawn.

    Raises CallError, or SpecError for a file, where values do not fit, where there are none that
    every function is defined at, and where there are more numbers than a page is good for.
    """
    exact_rate = _rate(rate)
    if not isinstance(digits, int) or not FEWEST_DIGITS <= digits <= MOST_DIGITS:
        message = f"{digits} significant digits; there are from {FEWEST_DIGITS} to {MOST_DIGITS}"
        raise CallError(message, f"leave it out for {DIGITS}")
    system = derivation.system
    known = supplied(system, values or {})
    _refuse_large(derivation, known.extents, digits)
    last = Undefined("nothing was drawn")
    for bounds in RANGES:
        given = complete(system, known.extents, known.arrays, seed, bounds)
        try:
            return _worked(derivation, given, exact_rate, digits)
        except Undefined as undefined:
            last = undefined
    raise CallError(
        f"the example has no value in {last}",
        _values_fix(known),
    )


def _values_fix(known: Supplied) -> str:
    return "choose other values" if known.arrays else "give values that it is defined at"


def _rate(rate: Any) -> Fraction:
    """The exact number that a decimal, or a fraction of whole numbers, is."""
    word = str(rate)
    if not _RATE.fullmatch(word):
        raise CallError(f"the rate is {quoted(word)}, not a number", "write it as in 0.5 or 1/3")
    exact = Fraction(word)
    if not 0 < exact <= LARGEST_RATE:
        fix = f"choose one above 0 and at most {LARGEST_RATE:,}, as in 0.5"
        raise CallError(f"the rate is {rate}", fix)
    return exact


def _refuse_large(derivation: Derivation, extents: Mapping[str, int], digits: int) -> None:
    """Raises CallError where the numbers would fill pages."""
    system = derivation.system
    back = [line for loss in derivation.losses for line in loss.cotangents]
    lines = (*derivation.forward, *back)
    tensors = [*system.given, *(line.equation.tensor for line in lines)]
    shapes = {tensor: shape_of(tensor, extents) for tensor in tensors}
    fix = "take a spec with a few units a layer, as two_sigmoids in the gallery"
    if extents:
        fix += f"; values can say that {' and '.join(extents)} be smaller"
    count = sum(map(math.prod, shapes.values()))
    if count > MOST:
        message = f"{system.name} has {count:,} numbers to work out; {MOST:,} are the most"
        raise CallError(message, fix)
    tensor, widest = max(shapes.items(), key=lambda item: max(item[1], default=0))
    columns = PAGE // (digits + 5)
    if max(widest, default=0) > columns:
        message = f"{tensor.name} is {list(widest)}; {columns} columns are the most on a page"
        raise CallError(message, f"take fewer digits than {digits}, or {fix.removeprefix('take ')}")


def _worked(derivation: Derivation, given: Given, rate: Fraction, digits: int) -> Worked:
    forward = _forward(derivation, given)
    back, updated, after = {}, {}, {}
    for loss in derivation.losses:
        name = loss.loss.name
        back[name] = _back(loss, forward, given)
        updated[name] = _updated(derivation.system, loss, back[name], rate)
        arrays = {n: entries.array() for n, entries in updated[name].items()}
        moved = Given(given.extents, {**given.arrays, **arrays}, given.drawn, given.seed)
        with contextlib.suppress(Undefined):  # the step may lead out of a logarithm's domain
            after[name] = _forward(derivation, moved)[name].flat[0]
    return Worked(derivation, given, rate, digits, forward, back, updated, after)


def _forward(derivation: Derivation, given: Given) -> dict[str, Entries]:
    known = {name: Entries.of(array) for name, array in given.arrays.items()}
    equations = [line.equation for line in derivation.forward]
    return evaluate_all(equations, Environment(known, given.extents))


def _back(loss: LossDerivation, forward: Tensors, given: Given) -> dict[str, Entries]:
    lines = {line.number: line for line in (*loss.cotangents, *loss.gradients.values())}
    equations = [line.equation for _, line in sorted(lines.items())]
    return evaluate_all(equations, Environment(forward, given.extents))


def _updated(
    system: System, loss: LossDerivation, values: Tensors, rate: Fraction
) -> dict[str, Entries]:
    """The trained parameters after a step against their gradients."""
    found = {}
    for parameter in trained(system, loss):
        before = values[parameter.name]
        slope = values[loss.gradients[parameter.name].equation.tensor.name]
        moved = [a + -rate * b for a, b in zip(before.flat, slope.flat, strict=True)]
        found[parameter.name] = Entries(before.shape, moved)
    return found


def trained(system: System, loss: LossDerivation) -> tuple[TensorSymbol, ...]:
    """The parameters that the loss has gradients by, in the system's order."""
    return tuple(
        p.symbol for p in system.parameters if p.trainable and p.symbol.name in loss.gradients
    )
