"""Every drawn spec's gradients against central differences of the loss as written, to 15 digits."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbackprop.derivation import Derivation, differentiate
from symbackprop.equations.build import build
from symbackprop.equations.evaluate import EXACT, evaluate_system, extent_of
from symbackprop.spec import parse
from tests.derivation.specs import specs

EXTENTS = {"N": 2}
STEP = Fraction(1, 10**12)


@given(specs(), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_gradients_of_drawn_specs(text: str, seed: int) -> None:
    system = build(parse(text))
    assert_gradients(differentiate(system), drawn(system, seed), seed)


@pytest.mark.slow
@given(specs(), st.integers(0, 10**6))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_gradients_of_many_drawn_specs(text: str, seed: int) -> None:
    system = build(parse(text))
    assert_gradients(differentiate(system), drawn(system, seed), seed)


def drawn(system: Any, seed: int) -> dict[str, np.ndarray]:
    """Random rationals off the kinks, labels and masks for every input and parameter."""
    chance = random.Random(seed)
    tensors = [i.symbol for i in system.inputs] + [p.symbol for p in system.parameters]
    values = {}
    for symbol in tensors:
        shape = tuple(extent_of(e, EXTENTS) for e in symbol.shape)
        array = np.empty(shape, object)
        for at in np.ndindex(*shape):
            if symbol.kind == "integer":
                array[at] = chance.randrange(int(symbol.classes))
            elif symbol.kind == "mask":
                array[at] = chance.randrange(2)
            else:
                array[at] = Fraction(chance.randrange(-1999, 2000, 2), 1711)
        values[symbol.name] = array
    return values


def assert_gradients(derivation: Derivation, given_values: dict[str, Any], seed: int) -> None:
    """A few entries of every gradient equal the central difference of the loss."""
    chance = random.Random(seed)
    forward = [line.equation for line in derivation.forward]
    for loss in derivation.losses:
        backward = [line.equation for line in loss.cotangents]
        found = evaluate_system([*forward, *backward], given_values, EXTENTS, EXACT)
        for name, line in loss.gradients.items():
            gradient = found[line.equation.tensor.name]
            places = list(np.ndindex(*gradient.shape))
            for at in chance.sample(places, min(2, len(places))):
                expected = difference(derivation, loss.loss.name, given_values, name, at)
                got = gradient[at]
                assert abs(float(got) - float(expected)) <= 1e-12 * (1 + abs(float(expected))), (
                    name,
                    at,
                    float(got),
                    float(expected),
                )


def difference(
    derivation: Derivation, loss: str, given_values: dict[str, Any], name: str, at: tuple[int, ...]
) -> Any:
    """(L(x + h) - L(x - h)) / 2h by the equations as the user wrote them."""
    values = []
    for sign in (1, -1):
        moved = dict(given_values)
        moved[name] = given_values[name].copy()
        moved[name][at] += sign * STEP
        values.append(evaluate_system(derivation.system.equations, moved, EXTENTS, EXACT)[loss][()])
    return (values[0] - values[1]) / (2 * STEP)
