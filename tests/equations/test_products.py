"""`@`, broadcasting and reductions of array statements against NumPy, ranks 1 to 4."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from symbackprop.equations.build import build
from symbackprop.equations.evaluate import FLOAT, evaluate_system
from symbackprop.spec import parse

SHAPES = {"a": "[4]", "b": "[4, 4]", "c": "[3, 4, 4]", "d": "[2, 3, 4, 4]", "e": "[3, 1, 4]"}


def held_against_numpy(expression: str) -> None:
    """The statement's value by plain loops is NumPy's of the same text."""
    inputs = "".join(f"  {n}: {s}\n" for n, s in SHAPES.items())
    statement = f"network: |\n  h = {expression}\nloss: sum(h * w)\n"
    text = f"name: t\ninputs:\n{inputs}params:\n  w: {{shape: []}}\n{statement}"
    chance = np.random.default_rng(random.Random(expression).randrange(1000))
    arrays: dict[str, Any] = {n: chance.normal(size=eval(s)) for n, s in SHAPES.items()}
    system = build(parse(text))
    given = {n: v.astype(object) for n, v in arrays.items()} | {"w": np.array(1.0, object)}
    got = evaluate_system(system.equations, given, {}, FLOAT)["h"].astype(float)
    named = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod}
    expected = eval(expression, {"__builtins__": {}}, named | arrays)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("left", "abcde")
@pytest.mark.parametrize("right", "abcd")
def test_products(left: str, right: str) -> None:
    held_against_numpy(f"{left} @ {right}")


@pytest.mark.parametrize(
    "expression",
    [
        "a + b",
        "c * e",
        "d - e",
        "b.T @ a",
        "(c @ b) @ a",
        "c.T",
        "b @ b.T @ b",
        "sum(d, axis=(1, 3))",
        "mean(c, axis=0, keepdims=True)",
        "max(d, axis=-2)",
        "min(c * e, axis=1)",
        "prod(b, axis=0) * a",
        "sum(c @ c) * b",
        "mean(b - mean(b, axis=1, keepdims=True))",
    ],
)
def test_expressions(expression: str) -> None:
    held_against_numpy(expression)


@pytest.mark.parametrize("expression", ["b @ (b @ c)", "max(a - prod(b, axis=0))", "(a @ c) @ a"])
def test_bound_indices_do_not_capture(expression: str) -> None:
    held_against_numpy(expression)
