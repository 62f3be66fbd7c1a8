"""Experts' steps against automatic differentiation in float64, and the check that holds them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from benchmarks.steps.checking import Refused, hold, reference
from benchmarks.steps.workloads import WORKLOADS, Workload

pytest.importorskip("autograd")

# Small, and pairwise different where the network allows it: no transposed axis can hide.
EXTENTS = {
    "W1": {"N": 5},
    "W2": {"N": 7},
    "W3": {"N": 7},
    "W4": {"N": 7},
    "W5": {"N": 3},
    "W6": {"N": 3, "T": 5},
    "W7": {"N": 3, "T": 7},
    "W8": {"N": 41},
}
RATE = 0.1


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    """The parameters of a network like the workload's, at small widths, in the spec's order."""
    mlp = {"W1": (11, 6), "b1": (6,), "W2": (6, 6), "b2": (6,), "W3": (6, 4), "b3": (4,)}
    if name == "W1":
        return {"W1": (2, 2), "b1": (2,), "W2": (2, 1), "b2": (1,)}
    if name == "W5":
        convolutions = {"K1": (5, 5, 1, 2), "b1": (2,), "K2": (5, 5, 2, 3), "b2": (3,)}
        layers = {"W3": (12, 7), "b3": (7,), "W4": (7, 5), "b4": (5,), "W5": (5, 4), "b5": (4,)}
        return convolutions | layers
    if name == "W6":
        gates = {
            f"{letter}1_{gate}": shape
            for letter, shape in (("W", (4, 6)), ("U", (6, 6)), ("b", (6,)))
            for gate in "ifog"
        }
        return {**gates, "W2": (6, 9), "b2": (9,)}
    if name == "W7":
        projections = {f"W2_{kind}": (8, 4, 2) for kind in "qkv"}
        attention = {"gamma1": (8,), "beta1": (8,), **projections, "W2_o": (4, 2, 8)}
        norm = {"gamma3": (8,), "beta3": (8,)}
        layers = {"W4": (8, 6), "b4": (6,), "W5": (6, 8), "b5": (8,), "W6": (8, 5), "b6": (5,)}
        return attention | norm | layers
    return {"P": (13, 6), "Q": (17, 6)} if name == "W8" else mlp


def batch(name: str, rng: np.random.Generator) -> dict[str, Any]:
    n, t = EXTENTS[name]["N"], EXTENTS[name].get("T", 1)
    normal = rng.standard_normal
    if name == "W1":
        return {"x": normal((n, 2)), "y": normal((n, 1))}
    if name == "W5":
        return {"x": normal((n, 20, 20, 1)), "y": rng.integers(0, 4, n)}
    if name in ("W6", "W7"):
        width, classes = (4, 9) if name == "W6" else (8, 5)
        return {"x": normal((n, t, width)), "y": rng.integers(0, classes, (n, t))}
    if name == "W8":
        return {
            "user": rng.integers(0, 13, n),
            "item": rng.integers(0, 17, n),
            "rating": normal(n),
        }
    return {"x": normal((n, 11)), "y": rng.integers(0, 4, n)}


def drawn(name: str) -> tuple[Workload, dict[str, Any], list[dict[str, Any]]]:
    rng = np.random.default_rng(3)
    known = WORKLOADS[name]
    workload = Workload(name, known.spec, known.expert, EXTENTS[name], RATE, "float64")
    params = {key: 0.5 * rng.standard_normal(shape) for key, shape in shapes(name).items()}
    return workload, params, [batch(name, rng) for _ in range(2)]


def stepped(workload: Workload, params: Any, batches: Any, **forms: bool) -> list[float]:
    """The losses of an expert's steps, which change `params`."""
    expert = import_module(f"benchmarks.steps.experts.{workload.expert}").expert
    step = expert(params, batches[0], **forms)
    return [step(**batch, rate=workload.rate) for batch in batches]


@pytest.mark.parametrize("name", WORKLOADS)
def test_an_experts_steps_are_right(name: str) -> None:
    workload, params, batches = drawn(name)
    losses, expected = reference(workload, params, batches)
    after = {key: array.copy() for key, array in params.items()}
    found = stepped(workload, after, batches)
    hold("expert", "float64", (found, losses), params, after, expected)


@pytest.mark.parametrize("name", ["W2", "W4", "W6", "W7"])
def test_updates_inside_products_are_the_same(name: str) -> None:
    workload, params, batches = drawn(name)
    losses, expected = reference(workload, params, batches)
    after = {key: array.copy() for key, array in params.items()}
    try:
        found = stepped(workload, after, batches, inside=True)
    except OSError as problem:
        pytest.skip(str(problem))
    hold("fused", "float64", (found, losses), params, after, expected)


@pytest.mark.parametrize("fault", [1.001, -1.0, 0.0])
def test_a_wrong_step_is_refused(fault: float) -> None:
    """A gradient with a factor that does not belong, of one parameter alone."""
    workload, params, batches = drawn("W2")
    losses, expected = reference(workload, params, batches)
    wrong = dict(expected)
    wrong["b2"] = params["b2"] + fault * (expected["b2"] - params["b2"])
    with pytest.raises(Refused, match=r"^somebody: b2 is off by .* of what the step changes$"):
        hold("somebody", "float32", (losses, losses), params, wrong, expected)


def test_a_wrong_loss_or_parameter_is_refused() -> None:
    workload, params, batches = drawn("W1")
    losses, expected = reference(workload, params, batches)
    with pytest.raises(Refused, match=r"^somebody: loss nan, expected "):
        hold("somebody", "float32", ([float("nan")], losses[:1]), params, expected, expected)
    lost = {key: array for key, array in expected.items() if key != "b1"}
    with pytest.raises(Refused, match=r"^somebody: parameters \['W1', 'W2', 'b2'\], expected "):
        hold("somebody", "float32", (losses, losses), params, lost, expected)
    turned = {**expected, "W2": expected["W2"].T}
    with pytest.raises(Refused, match=r"^somebody: W2 \(1, 2\), expected \(2, 1\)$"):
        hold("somebody", "float32", (losses, losses), params, turned, expected)
