"""The `train:` block: what it means, and the exact message of each fault."""

from fractions import Fraction

import pytest
from networks import spec

from symbackprop.spec.errors import SpecError
from symbackprop.training import read_plan
from symbackprop.training.optimizers import Adam, Momentum
from symbackprop.training.stepping import Rule


def test_defaults():
    plan = read_plan(spec({"x": ["N", 64]}, {}))
    assert (plan.source, plan.batch, plan.epochs, plan.steps) == ("digits", 32, 10, None)
    assert (plan.rules, plan.seed, plan.validation) == ({"loss": Rule(Adam())}, 0, 0.2)


def test_inline_data_is_one_batch_with_nothing_held_out():
    plan = read_plan(spec({"x": ["N"]}, {"data": {"x": [1, 2]}, "steps": 7}))
    assert (plan.batch, plan.epochs, plan.steps, plan.validation) == (None, None, 7, 0)


def test_exact_numbers_are_taken():
    block = {"optimizer": "momentum", "rate": Fraction(1, 8), "momentum": Fraction(1, 2)}
    plan = read_plan(spec({"x": ["N"]}, block))
    assert plan.rules["loss"].optimizer == Momentum(0.125, 0.5)


FAULTS = {
    "net.yaml:2:3: unknown key 'epoch' in train\n    epoch: 3\n    ^\n"
    "  fix: did you mean 'epochs'?": {"epoch": 3},
    "net.yaml:2:3: unknown optimizer 'adm'\n    optimizer: adm\n    ^\n"
    "  fix: did you mean 'adam'?": {"optimizer": "adm"},
    "net.yaml:2:3: rate is -1\n    rate: -1\n    ^\n  fix: write a number above 0, such as 0.1": {
        "rate": -1
    },
    "net.yaml:2:3: rate is inf\n    rate: inf\n    ^\n  fix: write a number above 0, such as 0.1": {
        "rate": float("inf")
    },
    "net.yaml:3:3: optimizer 'sgd' has no setting 'momentum'\n    momentum: 0.9\n    ^\n"
    "  fix: leave it out: sgd takes rate": {"optimizer": "sgd", "momentum": 0.9},
    "net.yaml:2:3: batch is 'half'\n    batch: half\n    ^\n"
    "  fix: write a whole number from 1, or full": {"batch": "half"},
    "net.yaml:2:3: epochs is 0\n    epochs: 0\n    ^\n  fix: write a whole number from 1": {
        "epochs": 0
    },
    "net.yaml:2:3: epochs is 99999999999999999999999\n    epochs: 99999999999999999999999\n    ^\n"
    "  fix: write a whole number from 1, below 2147483648": {"epochs": 99999999999999999999999},
    "net.yaml:2:3: epochs is 1.5\n    epochs: 1.5\n    ^\n  fix: write a whole number from 1": {
        "epochs": 1.5
    },
    "net.yaml:3:3: train has both epochs and steps\n    steps: 4\n    ^\n"
    "  fix: keep one of the two": {"epochs": 3, "steps": 4},
    "net.yaml:2:3: validation is 1\n    validation: 1\n    ^\n"
    "  fix: write a fraction from 0 to below 1, such as 0.2": {"validation": 1},
    "net.yaml:2:3: seed is True\n    seed: True\n    ^\n  fix: write a whole number from 0": {
        "seed": True
    },
    "net.yaml:2:3: data is 5\n    data: 5\n    ^\n"
    "  fix: write digits, mnist5k, a path to a .npz or .csv file, "
    "or a mapping of inputs to lists": {"data": 5},
}


@pytest.mark.parametrize("message", FAULTS)
def test_faults(message):
    with pytest.raises(SpecError) as caught:
        read_plan(spec({"x": ["N", 64]}, FAULTS[message]))
    assert str(caught.value) == message


def test_all_faults_at_once():
    with pytest.raises(SpecError) as caught:
        read_plan(spec({"x": ["N", 64]}, {"rate": 0, "seed": -1, "shuffle": 1}))
    assert len(caught.value.faults) == 3
