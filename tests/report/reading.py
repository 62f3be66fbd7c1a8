"""An independent reading of matrix formulas: NumPy arrays, vectors as columns.

The length of a vector of ones is not written, so products with it are sums, and repetitions are
left to broadcasting. What lies beyond the ends of a tensor is zero.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from symbackprop.equations.evaluate_floats import FLOAT
from symbackprop.equations.evaluate_pointwise import pointwise
from symbackprop.report import formula as f

Values = Mapping[Any, Any]  # of formulas; of PARTS and RANGES, functions that know the tensors
PARTS, RANGES = "parts", "ranges"
SAMPLES = "samples"  # the axis of the samples: softmax goes along the other
OPERATORS = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "==": np.equal, "!=": np.not_equal, "and": np.logical_and, "or": np.logical_or,
}  # fmt: skip


def read(formula: f.Formula, values: Values) -> Any:
    """The array that a formula in matrix form denotes."""
    if formula in values:
        return values[formula]
    match formula:
        case f.Named():
            return values[PARTS](formula, values)
        case f.Big("sum", bound, body):
            ranges = [values[RANGES][index] for index in bound]
            return sum(
                read(body, {**values, **dict(zip(bound, at, strict=True))})
                for at in itertools.product(*map(range, ranges))
            )
        case f.Number(value):
            return float(value)
        case f.Decimal(mantissa, exponent, minus):
            return (-1 if minus else 1) * float(f"{mantissa}e{exponent}")
        case f.Grid(rows):
            return np.array([[read(entry, values) for entry in row] for row in rows])
        case f.Constant("pi"):
            return math.pi
        case f.Constant("identity"):
            return values["identity"]  # type: ignore[index]
        case f.Plus(terms):
            return sum((-1 if minus else 1) * read(t, values) for minus, t in terms)
        case f.Times(factors):
            return product(factors, values)
        case f.Hadamard(factors):
            result = 1.0
            for inverted, factor in factors:
                value = read(factor, values)
                result = result / value if inverted else result * value
            return result
        case f.Fraction(numerator, denominator):
            return read(numerator, values) / read(denominator, values)
        case f.Power(f.Apply("diag", _) as base):
            return np.linalg.inv(read(base, values))
        case f.Power(base, exponent):
            return read(base, values) ** read(exponent, values)
        case f.Root(radicand):
            return np.sqrt(read(radicand, values))
        case f.Transpose(of):
            return np.transpose(read(of, values))
        case f.Norm(of):
            return np.sum(read(of, values) ** 2)
        case f.Indicator(f.Relation(operator, a, b)) | f.Relation(operator, a, b):
            return np.where(OPERATORS[operator](read(a, values), read(b, values)), 1.0, 0.0)
        case f.Negation(of):
            return 1 - read(of, values)
        case f.Indicator(of):
            return read(of, values)
        case f.Apply(function, arguments):
            return apply(function, [read(a, values) for a in arguments], values.get(SAMPLES, 0))
    raise AssertionError(formula)


def product(factors: tuple[f.Formula, ...], values: Values) -> Any:
    result: Any = 1.0
    if f.Transpose(f.ONES) in factors[:-1]:
        first = factors.index(f.Transpose(f.ONES))
        rest = product(factors[first + 1 :], values)
        return product(factors[:first], values) * rest.sum(axis=0, keepdims=True)
    for factor in factors:
        if factor == f.ONES:
            result = result.sum(axis=1, keepdims=True) if np.ndim(result) else result
        elif factor == f.Transpose(f.ONES):
            assert np.ndim(result) == 0 or np.shape(result)[1] == 1
        else:
            value = read(factor, values)
            scalar = np.ndim(result) == 0 or np.ndim(value) == 0
            result = result * value if scalar else result @ value
    return result


def column(array: np.ndarray) -> np.ndarray | float:
    """Vectors as columns, scalars as numbers."""
    value = array.astype(float)
    return value[:, None] if value.ndim == 1 else value if value.ndim else float(value)


def part(array: np.ndarray, at: Mapping[int, int]) -> np.ndarray:
    """The entries at some places of some axes; zeros where a place is outside."""
    inside = all(0 <= place < array.shape[axis] for axis, place in at.items())
    taken = array[tuple(at.get(axis, slice(None)) if inside else 0 for axis in range(array.ndim))]
    if inside:
        return taken
    return np.zeros([size for axis, size in enumerate(array.shape) if axis not in at])


def apply(function: str, arguments: list[Any], samples: int = 0) -> Any:
    first = arguments[0]
    if function == "diag":
        return np.diag(first[:, 0])
    if function in ("softmax", "logsoftmax", "logsumexp"):
        total = np.log(np.exp(first).sum(axis=1 - samples, keepdims=True))
        exact = {"softmax": np.exp(first - total), "logsoftmax": first - total}
        return exact.get(function, total)
    if function == "onehot":
        rows = (first == np.arange(5)).astype(float)
        return rows.T if samples else rows
    if function == "stop":
        return first
    if function in ("maximum", "minimum"):
        return functools.reduce(getattr(np, function), arguments)
    if function == "where":
        return np.where(first, *arguments[1:])
    return np.vectorize(lambda *x: float(pointwise(function, FLOAT)(*x)))(*arguments)
