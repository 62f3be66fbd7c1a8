"""What steps are made of: rows held out and drawn, states, several losses, episodes."""

import dataclasses
import os
import signal
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pytest
from networks import HERE, spec

from symbackprop.errors import CallError
from symbackprop.spec.errors import SpecError
from symbackprop.spec.syntax import Law, LossDeclaration, Number
from symbackprop.training import read_plan, train
from symbackprop.training.batches import Batches
from symbackprop.training.dataset import Dataset
from symbackprop.training.episodes import Episodes
from symbackprop.training.filling import fill, wanted
from symbackprop.training.network import Network
from symbackprop.training.rows import assemble, split
from symbackprop.training.sources import SOURCES


def noisy(losses=("loss",)):
    """p = w (x + noise), with a running mean of x that evaluation takes off; and its spec."""
    module = ModuleType("noisy")
    module.init_params = lambda seed=0: {"w": np.ones(3)}
    module.init_state = lambda: {"mean": np.zeros(3)}
    module.Workspace = lambda *, N: None
    module.forward = lambda params, *, x, state=None: {"p": params["w"] * (x - state["mean"])}

    def loss(params, *, x, rng=None, state=None, training=True):
        rng = np.random.default_rng(rng)
        mean = x.mean(axis=0) if training else state["mean"]
        return float(np.mean((params["w"] * (x - mean) - rng.normal(size=x.shape)) ** 2))

    def loss_and_grads(params, *, x, rng=None, state=None, workspace=None):
        noise = np.random.default_rng(rng).normal(size=x.shape)
        centred = x - x.mean(axis=0)
        error = params["w"] * centred - noise
        state["mean"] += 0.5 * (x.mean(axis=0) - state["mean"])
        return float(np.mean(error**2)), {"w": 2 * (error * centred).mean(axis=0) / 3}

    for name in losses:
        setattr(module, name, loss)
        setattr(module, f"{name}_and_grads", loss_and_grads)
    return module


def network(names=("loss",), **block):
    x = np.random.default_rng(1).normal(size=(23, 3)).tolist()
    declared = spec({"x": ["N", 3]}, {"data": {"x": x}, "batch": 5, "validation": 0.2, **block})
    number = Number(0, "0", HERE)
    wrt = {"watched": ()}
    stated = tuple(LossDeclaration(name, number, wrt.get(name), HERE) for name in names)
    return dataclasses.replace(declared, losses=stated)


def contents(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@pytest.mark.parametrize("stop_after", [1, 4, 6])
def test_states_and_draws_resume_to_the_last_bit(tmp_path, stop_after):
    declared = network(epochs=3, optimizer="momentum", schedule="cosine", clip=0.5)

    def interrupt(state, total):
        if state.step == stop_after:
            os.kill(os.getpid(), signal.SIGINT)

    whole = train(declared, noisy(), tmp_path / "whole")
    train(declared, noisy(), tmp_path / "parts", watch=interrupt)
    train(declared, noisy(), tmp_path / "parts", resume=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "parts")
    with np.load(whole.files["states"]) as states:
        np.testing.assert_array_equal(states["mean"], whole.state.states["mean"])
        assert (states["mean"] != 0).all()


def test_a_schedule_that_ends_makes_a_longer_run_another(tmp_path):
    train(network(epochs=1, schedule="cosine"), noisy(), tmp_path)
    with pytest.raises(CallError, match="of a run with schedule"):
        train(network(epochs=2, schedule="cosine"), noisy(), tmp_path, resume=True)


def test_a_loss_by_nothing_is_measured_on_the_rows_held_out(tmp_path):
    names = ("loss", "watched")
    state = train(network(names, epochs=1), noisy(names), tmp_path / "a").state
    assert state.columns == ("epoch", "loss", "validation loss", "validation watched")
    assert state.last("validation watched") == state.last("validation loss")
    state = train(network(names, epochs=1, validation=0), noisy(names), tmp_path / "b").state
    assert state.columns == ("epoch", "loss", "watched")


def test_a_loss_may_step_less_often(tmp_path):
    names = ("often", "seldom")
    module, calls = noisy(names), []
    for name in names:

        def counted(params, *, x, rng, state, workspace, name=name):
            calls.append((name, len(x)))
            return 2.0 if len(x) == 4 else 1.0, {"w": np.zeros(3)}

        setattr(module, f"{name}_and_grads", counted)
    declared = network(names, epochs=1, losses={"seldom": {"every": 3}})
    state = train(declared, module, tmp_path).state
    assert [name for name, _ in calls] == ["often", "seldom", "often", "often", "often", "seldom"]
    assert [rows for _, rows in calls] == [5, 5, 5, 5, 3, 3]
    assert (state.last("often"), state.last("seldom")) == (1, 1)


def test_goals(tmp_path):
    outcome = train(network(epochs=1, goal="validation loss <= 100"), noisy(), tmp_path)
    assert outcome.reached is True
    outcome = train(network(epochs=1, goal="loss >= 100"), noisy(), tmp_path)
    assert outcome.reached is False
    assert train(network(epochs=1), noisy(), tmp_path).reached is None
    with pytest.raises(SpecError) as caught:
        train(network(epochs=1, goal="validation los <= 1"), noisy(), tmp_path)
    (fault,) = caught.value.faults
    assert (fault.message, fault.fix) == (
        "the goal is of 'validation los', which is not recorded",
        "did you mean 'validation loss'?",
    )


def test_a_measure_of_nothing_is_a_fault_of_the_spec(tmp_path):
    with pytest.raises(SpecError) as caught:
        train(network(epochs=1, measure="accuracy"), noisy(), tmp_path)
    (fault,) = caught.value.faults
    assert fault.message == "there is nothing to measure accuracy of"


DRAWN = Dataset(
    {"x": np.arange(7.0), "unused": np.zeros(7)},
    {"z": lambda rng, arrays: arrays["x"][:, None] + rng.normal(size=(len(arrays["x"]), 2))},
    held_out=2,
)


def test_a_source_may_draw_inputs_and_say_what_is_held_out(monkeypatch, tmp_path):
    monkeypatch.setitem(SOURCES, "made", lambda inputs: DRAWN)
    declared = wanted(spec({"x": ["N"], "z": ["N", 2]}, {}))
    rows = assemble(declared, fill(declared, "made", tmp_path), "float32")
    assert rows.extents == {"N": 7} and set(rows.arrays) == {"x"}
    training, held_out = split(rows, 0.5, seed=0)
    assert training.arrays["x"].tolist() == [0, 1, 2, 3, 4]
    assert held_out.arrays["x"].tolist() == [5, 6]
    batch = training.take(np.array([3, 1])).complete(np.random.default_rng(5))
    expected = np.array([[3.0], [1.0]]) + np.random.default_rng(5).normal(size=(2, 2))
    np.testing.assert_array_equal(batch.arrays["z"], expected.astype(np.float32))
    assert batch.extents == {"N": 2}


def test_a_drawn_array_of_another_shape_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(SOURCES, "made", lambda inputs: DRAWN)
    declared = wanted(spec({"x": ["N"], "z": ["N", 3]}, {}))
    with pytest.raises(CallError, match=r"input 'z' is \[N, 3\] but its data is \[7, 2\]"):
        assemble(declared, fill(declared, "made", tmp_path), "float32")
    declared = wanted(spec({"w": ["N"]}, {}))
    with pytest.raises(CallError, match=r"has no array 'w'; it has x, unused, z"):
        fill(declared, "made", tmp_path)


def test_what_the_module_draws_is_filled_by_no_source():
    declared = spec({"x": ["N"], "eps": ["N", 2]}, {})
    eps = dataclasses.replace(declared.inputs[1], draw=Law("normal", (0, 1)))
    declared = dataclasses.replace(declared, inputs=(declared.inputs[0], eps))
    assert list(wanted(declared)) == ["x"]


def test_accuracy_is_measured_in_batches(tmp_path):
    x, y = [[k] for k in range(10)], [0, 0, 0, 0, 1, 1, 1, 1, 1, 0]
    declared = spec({"x": ["N", 1], "y": (["N"], "labels", 2)}, {"data": {"x": x, "y": y}})
    inputs = wanted(declared)
    rows = assemble(inputs, fill(inputs, declared.train["data"], tmp_path), "float32")
    module = ModuleType("steps")
    module.forward = lambda params, *, x: {"s": np.concatenate([4.5 - x, x - 4.5], axis=1)}
    plan = dataclasses.replace(read_plan(declared), batch=3)
    supply = Batches(rows, rows.take(np.array([4, 5, 6, 9])), {"y": 2}, (), (), plan)
    measured = supply.measure(Network(module, {}, {}))
    # Rows 0, 2, 5 and 7 of those trained on; 4 and 9 of those held out are wrong.
    assert measured == {"accuracy": 1.0, "validation accuracy": pytest.approx(0.5)}


@dataclass(frozen=True)
class Count:
    """Counts to 3; action 1 ends at once. A reward is what was counted, and 1."""

    observed = 1
    actions = 2
    longest = 3

    def start(self, rng, episodes):
        return np.zeros((episodes, 1))

    def step(self, observation, action):
        return observation + 1, observation[:, 0] + 1, action == 1


INPUTS = {
    "observation": ["N", 1], "action": (["N"], "labels", 2), "returns": ["N"], "advantage": ["N"],
}  # fmt: skip


def actor(policy, value=None):
    module = ModuleType("actor")

    def forward(params, *, observation):
        outputs = {"policy": np.broadcast_to(policy, (len(observation), len(policy)))}
        return outputs if value is None else outputs | {"value": value(observation[:, 0])}

    module.forward = forward
    return Network(module, {}, {})


def episodes(inputs=None, **block):
    declared = spec(inputs or INPUTS, {"environment": "cartpole", "batch": 2, **block})
    return Episodes(Count(), wanted(declared), read_plan(declared), "float64")


def test_returns_are_discounted_from_the_end():
    """Two episodes of rewards 1, 2, 3, cut there: behind the cut stands the value of 3."""
    supply = episodes(discount=0.5)
    rows = supply.batch(
        actor([1.0, 0.0], lambda seen: 8 * (seen == 3)), 0, np.random.default_rng(0)
    )
    assert rows.arrays["observation"][:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert rows.arrays["action"].tolist() == [0] * 6
    # 3 + 8/2 = 7; 2 + 7/2 = 5.5; 1 + 5.5/2 = 3.75
    assert rows.arrays["returns"].tolist() == [3.75, 3.75, 5.5, 5.5, 7, 7]
    returns = np.array([3.75, 5.5, 7])
    expected = (returns - returns.mean()) / returns.std()
    np.testing.assert_allclose(rows.arrays["advantage"][::2], expected, rtol=1e-6)
    assert supply.measure(actor([1.0, 0.0])) == {"return": 6.0, "validation return": 6.0}


def test_an_end_has_nothing_behind_it():
    supply = episodes(discount=0.5)
    rows = supply.batch(actor([0.0, 1.0], lambda seen: seen + 1), 0, np.random.default_rng(0))
    assert rows.arrays["returns"].tolist() == [1, 1]
    assert rows.arrays["advantage"].tolist() == [0, 0]


def test_actions_are_drawn_from_the_policy():
    supply = episodes(batch=4000)
    rows = supply.batch(actor([0.7, 0.3]), 0, np.random.default_rng(0))
    first = rows.arrays["action"][rows.arrays["observation"][:, 0] == 0]
    assert len(first) == 4000 and first.mean() == pytest.approx(0.3, abs=0.02)
    # Held out, the likeliest is taken: nothing ends before it is cut.
    assert supply.measure(actor([0.7, 0.3]))["validation return"] == 6


@pytest.mark.parametrize(
    ("inputs", "block", "message", "fix"),
    [
        ({"x": ["N", 4]}, {}, "no input is called 'observation', to see by",
         "declare observation: [N, 4]"),
        ({"observation": ["N", 3]}, {}, "input 'observation' is [N, 3] but its data is [1, 4]",
         "make the two agree"),
        ({"observation": ["N", 4], "avantage": ["N"]}, {},
         "the data has no array 'avantage'; it has observation, action, returns, advantage",
         "did you mean 'advantage'?"),
        ({"observation": ["N", 4], "action": (["N"], "labels", 1)}, {},
         "input 'action' holds 1, not a whole number from 0 to below 1", "correct the data"),
        ({"observation": ["N", 4]}, {"batch": "full"},
         "batch: full is of rows, of which there are none", "write a number"),
    ],
)  # fmt: skip
def test_inputs_that_an_environment_does_not_fill(inputs, block, message, fix):
    declared = spec(inputs, {"environment": "cartpole", **block})
    with pytest.raises(CallError) as caught:
        Episodes.of(declared, read_plan(declared), "float64")
    assert (caught.value.message, caught.value.fix) == (message, fix)


def test_outputs_that_an_environment_cannot_act_by():
    with pytest.raises(CallError, match=r"output 'policy' is \[N, 3\], but .* wants \[N, 2\]"):
        episodes().measure(actor([0.2, 0.3, 0.5]))
    with pytest.raises(CallError, match=r"output 'value' is \[N, 1\], but .* wants \[N\]"):
        episodes().measure(actor([0.5, 0.5], lambda seen: seen[:, None]))
    acting = actor([0.5, 0.5])
    acting.module.forward = lambda params, *, observation: {"p": observation}
    with pytest.raises(CallError, match="there is no output 'policy' to act by; there are p"):
        episodes().measure(acting)
