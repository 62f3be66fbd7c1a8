"""The `train:` block: what it means, and the exact message of each fault."""

from fractions import Fraction

import pytest
from networks import spec

from symbackprop.spec.errors import SpecError
from symbackprop.training import read_plan
from symbackprop.training.optimizers import Adam, Momentum
from symbackprop.training.stepping import Rule, Schedule


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


def two_losses(block):
    import dataclasses

    from networks import HERE

    from symbackprop.spec.syntax import LossDeclaration, Number

    losses = [LossDeclaration(n, Number(0, "0", HERE), None, HERE) for n in ("up", "down")]
    text = "train:\n  losses:\n    down: {rate: 1, every: 0}\n  goal: up\n"
    return dataclasses.replace(spec({"x": ["N", 64]}, block, text), losses=tuple(losses))


def test_a_loss_has_rules_of_its_own_and_those_of_the_block():
    block = {
        "optimizer": "momentum", "rate": 0.5, "momentum": 0.25, "clip": 2,
        "losses": {"down": {"optimizer": "adam", "beta1": 0.5, "every": 3}},
    }  # fmt: skip
    assert read_plan(two_losses(block)).rules == {
        "up": Rule(Momentum(0.5, 0.25), 2.0),
        "down": Rule(Adam(beta1=0.5), 2.0, 3),
    }
    block["losses"] = {"up": {"rate": 1}}
    assert read_plan(two_losses(block)).rules["up"] == Rule(Momentum(1.0, 0.25), 2.0)


def test_schedule_measures_and_goal():
    block = {"schedule": "step", "factor": 0.5, "period": 3, "warmup": 7, "measure": "rmse"}
    plan = read_plan(two_losses({**block, "goal": "validation rmse <= 0.95"}))
    assert plan.schedule == Schedule("step", 7, 0.5, 3) and plan.measure == ("rmse",)
    assert (plan.goal.column, plan.goal.below, plan.goal.number) == ("validation rmse", True, 0.95)
    assert plan.goal.reached(0.95) and not plan.goal.reached(0.96)
    plan = read_plan(two_losses({"goal": "accuracy>=96.5%", "measure": ["bits", "accuracy"]}))
    assert (plan.goal.column, plan.goal.below, plan.measure) == (
        "accuracy", False, ("bits", "accuracy")
    )  # fmt: skip
    assert plan.goal.number == pytest.approx(0.965) and str(plan.goal) == "accuracy>=96.5%"


def test_an_environment_takes_the_place_of_data():
    plan = read_plan(two_losses({"environment": "cartpole", "discount": 0.9, "batch": 4}))
    assert (plan.source, plan.environment, plan.discount) == (None, "cartpole", 0.9)


@pytest.mark.parametrize(
    ("block", "message", "fix"),
    [
        ({"losses": {"upp": {}}}, "losses names 'upp', which is no loss", "did you mean 'up'?"),
        (
            {"losses": {"down": {"seed": 1}}},
            "unknown key 'seed' in down of losses of train",
            "the keys of down of losses of train are optimizer, clip, every, rate, beta1, beta2, "
            "epsilon",
        ),
        ({"losses": {"down": {"every": 0}}}, "every is 0", "write a whole number of steps from 1"),
        (
            {"losses": {"down": {"momentum": 0.5}}},
            "optimizer 'adam' has no setting 'momentum'",
            "leave it out: adam takes rate, beta1, beta2, epsilon",
        ),
        (
            {"losses": ["down"]},
            "losses is ['down']",
            "write a mapping of losses to how each is stepped, such as {loss: {rate: 0.1}}",
        ),
        ({"clip": 0}, "clip is 0", "write the largest norm of the gradients, such as 1.0"),
        ({"schedule": "cos"}, "schedule is 'cos'", "write one of constant, cosine, step"),
        ({"warmup": 0.5}, "warmup is 0.5", "write a whole number of steps from 1"),
        ({"factor": 0.5}, "factor says nothing without schedule", "write schedule: step beside it"),
        (
            {"discount": 0.9},
            "discount says nothing without environment",
            "write environment: cartpole beside it",
        ),
        ({"environment": "pole"}, "environment is 'pole'", "write one of cartpole"),
        (
            {"environment": "cartpole", "data": "digits"},
            "train has both data and environment",
            "keep one of the two",
        ),
        ({"measure": "bit"}, "measure is 'bit'", "write one or more of accuracy, bits, rmse"),
        (
            {"goal": "up"},
            "goal is 'up'",
            "write a column, >= or <=, and a number, such as validation accuracy >= 95%",
        ),
    ],
)  # fmt: skip
def test_faults_of_what_is_new(block, message, fix):
    with pytest.raises(SpecError) as caught:
        read_plan(two_losses(block))
    (fault,) = caught.value.faults
    assert (fault.message, fault.fix) == (message, fix)


def test_the_place_of_a_fault_inside_losses():
    with pytest.raises(SpecError) as caught:
        read_plan(two_losses({"losses": {"down": {"rate": 1, "every": 0}}}))
    assert str(caught.value).startswith(
        "net.yaml:3:21: every is 0\n      down: {rate: 1, every: 0}\n"
    )
