"""The pointwise functions, each by its equation in the spec language itself.

A function with a `definition` is that equation: its derivative, its formula and
its code all follow from it. `computed` is an equal expression that does not
overflow or cancel, used only where numbers are computed; a test proves it equal.
A function without a definition is a primitive whose scalar derivative SymPy knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A pointwise function: `parameters` as a call states them, then its equation."""

    parameters: str
    definition: str | None = None
    computed: str | None = None


POINTWISE: Mapping[str, Pointwise] = {
    "exp": Pointwise("x"),
    "log": Pointwise("x"),
    "sqrt": Pointwise("x"),
    "sin": Pointwise("x"),
    "cos": Pointwise("x"),
    "tan": Pointwise("x"),
    "sinh": Pointwise("x"),
    "cosh": Pointwise("x"),
    "tanh": Pointwise("x"),
    "arctan": Pointwise("x"),
    "erf": Pointwise("x"),
    "log1p": Pointwise("x", "log(1 + x)"),
    "expm1": Pointwise("x", "exp(x) - 1"),
    "sign": Pointwise("x", "where(x > 0, 1, where(x < 0, -1, 0))"),
    "abs": Pointwise("x", "x * sign(x)"),
    "maximum": Pointwise("a, b", "where(a >= b, a, b)"),
    "minimum": Pointwise("a, b", "where(a <= b, a, b)"),
    "clip": Pointwise("x, low, high", "minimum(maximum(x, low), high)"),
    "sigmoid": Pointwise("x", "1 / (1 + exp(-x))"),
    "softplus": Pointwise("x", "log(1 + exp(x))", "maximum(x, 0) + log1p(exp(-abs(x)))"),
    "relu": Pointwise("x", "where(x > 0, x, 0)", "maximum(x, 0)"),
    "leaky_relu": Pointwise("x, slope=0.01", "where(x > 0, x, slope * x)"),
    "elu": Pointwise(
        "x, alpha=1.0",
        "where(x > 0, x, alpha * (exp(x) - 1))",
        "where(x > 0, x, alpha * expm1(minimum(x, 0)))",
    ),
    "selu": Pointwise(
        "x",
        "1.0507009873554805 * where(x > 0, x, 1.6732632423543772 * (exp(x) - 1))",
        "1.0507009873554805 * where(x > 0, x, 1.6732632423543772 * expm1(minimum(x, 0)))",
    ),
    "gelu": Pointwise("x", "x / 2 * (1 + erf(x / sqrt(2)))"),
    # x/2 (1 + tanh u), by 1 + tanh u = 2 sigmoid(2 u), which does not cancel
    "gelu_tanh": Pointwise("x", "x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x**3))"),
    "silu": Pointwise("x", "x * sigmoid(x)"),
    "mish": Pointwise("x", "x * tanh(softplus(x))"),
    "softsign": Pointwise("x", "x / (1 + abs(x))"),
    "hard_sigmoid": Pointwise("x", "where(x <= -3, 0, where(x >= 3, 1, x / 6 + 1 / 2))"),
    "hard_tanh": Pointwise("x", "where(x <= -1, -1, where(x >= 1, 1, x))", "clip(x, -1, 1)"),
    "relu6": Pointwise("x", "where(x <= 0, 0, where(x >= 6, 6, x))", "clip(x, 0, 6)"),
}

REDUCTIONS = ("sum", "mean", "max", "min", "prod", "logsumexp")
