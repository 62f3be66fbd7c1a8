"""What an input is drawn from where it is not handed in: `normal`, `uniform(-1, 1)`, …"""

from __future__ import annotations

from fractions import Fraction

from symbackprop.spec.document import Node
from symbackprop.spec.errors import Refused, did_you_mean, quoted
from symbackprop.spec.fields import scalar
from symbackprop.spec.initial import call_of, literal, numbers_text
from symbackprop.spec.syntax import Law

# Each law with the numbers that it has where none are written; bernoulli's must be.
LAWS: dict[str, tuple[Fraction, ...]] = {
    "normal": (Fraction(0), Fraction(1)),
    "uniform": (Fraction(0), Fraction(1)),
    "bernoulli": (),
}
_WRITTEN = {"normal": 2, "uniform": 2, "bernoulli": 1}
_EXAMPLES = {
    "normal": "normal or normal(0, 0.5)",
    "uniform": "uniform or uniform(-1, 1)",
    "bernoulli": "bernoulli(0.8)",
}


def law(node: Node) -> Law:
    """`normal`, `normal(0, 0.5)`, `uniform`, `uniform(-1, 1)` or `bernoulli(0.8)`."""
    fix = "write normal, uniform or bernoulli(0.8)"
    found = scalar(node, "draw", fix)
    name, arguments = call_of(found, "draw", f'{fix}; between braces in quotes: "normal(0, 1)"')
    if name not in LAWS:
        fix = did_you_mean(name, LAWS, fix)
        raise Refused(found.place, f"unknown law {quoted(found.text)}", fix)
    numbers = tuple(literal(argument) for argument in arguments)
    if not numbers:
        numbers = LAWS[name]
    if len(numbers) != _WRITTEN[name]:
        message = f"{name} takes {numbers_text(_WRITTEN[name])}, not {len(numbers)}"
        raise Refused(found.place, message, f"write {_EXAMPLES[name]}")
    if name == "normal" and numbers[1] < 0:
        raise Refused(arguments[1].place, "a negative standard deviation", "write normal(0, 0.5)")
    if name == "uniform" and numbers[0] >= numbers[1]:
        raise Refused(arguments[0].place, "low is not below high", "write uniform(low, high)")
    if name == "bernoulli" and not 0 <= numbers[0] <= 1:
        raise Refused(arguments[0].place, "no probability", "write a number from 0 to 1")
    return Law(name, numbers)
