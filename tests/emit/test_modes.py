"""Networks that draw, keep states, or differ in use: what their modules take, refuse and return."""

from __future__ import annotations

import json
import re
import textwrap
import tracemalloc

import numpy as np
import pytest

import symbackprop as sb
from symbackprop.report import json as json_report
from tests.emit.specs_modes import DROPPED, GENERATOR, MODES, NOISY, NORMALISED
from tests.emit.test_module import run
from tests.program.running import compiled, sources


@pytest.fixture(scope="module")
def dropped():
    return compiled(DROPPED)


@pytest.fixture(scope="module")
def normalised():
    return compiled(NORMALISED)


def rows(count=11, dtype=np.float32):
    rng = np.random.default_rng(0)
    return {
        "x": rng.standard_normal((count, 3)).astype(dtype),
        "y": rng.integers(0, 4, count),
    }


def test_modules_and_their_tests_are_formatted_and_pass(tmp_path):
    for name, text in MODES.items():
        module, test = sources(text)
        (tmp_path / f"{name}.py").write_text(module, encoding="utf-8")
        (tmp_path / f"test_{name}.py").write_text(test, encoding="utf-8")
    for command in (
        ("ruff", "format", "--isolated", "--diff", str(tmp_path)),
        ("ruff", "check", "--isolated", str(tmp_path)),
        ("pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)),
    ):
        done = run(*command, cwd=tmp_path)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", sorted(MODES))
def test_every_number_in_a_comment_is_one_of_the_report(name):
    module, _ = sources(MODES[name])
    cited = {int(number) for number in re.findall(r"^ *# \((\d+)\)", module, re.MULTILINE)}
    report = json_report(sb.derive(sb.parse(MODES[name])))
    printed = {equation["number"] for equation in json.loads(report)["equations"]}
    assert cited and cited <= printed
    assert printed == set(range(1, len(printed) + 1))


def test_the_emitted_test_refuses_a_mask_that_the_gradient_forgets(tmp_path):
    module, test = sources(DROPPED)
    wrong = module.replace("np.multiply(keep1, ", "np.multiply(1.0, ", 1)
    assert wrong != module
    (tmp_path / "dropped.py").write_text(wrong, encoding="utf-8")
    (tmp_path / "test_dropped.py").write_text(test, encoding="utf-8")
    done = run("pytest", "-q", "-p", "no:cacheprovider", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1, done.stdout


def test_a_seed_gives_the_same_numbers_and_so_does_its_generator(dropped):
    params = dropped.init_params()
    values = [
        dropped.loss(params, **rows(), rng=3),
        dropped.loss(params, **rows(), rng=np.random.default_rng(3)),
        dropped.loss_and_grads(params, **rows(), rng=3)[0],
        dropped.loss_and_grads(params, **rows(), rng=3, workspace=dropped.Workspace(N=11))[0],
    ]
    assert len(set(values)) == 1
    assert dropped.loss(params, **rows(), rng=4) != values[0]
    rng = np.random.default_rng(3)
    drawn = {dropped.loss(params, **rows(), rng=rng) for _ in range(3)}
    assert len(drawn) == 3
    assert dropped.loss(params, **rows()) != dropped.loss(params, **rows())


def test_masks_are_the_same_in_single_and_double_precision(dropped):
    both = [
        dropped.loss(dropped.init_params(0, dtype), **rows(dtype=dtype), rng=5)
        for dtype in (np.float32, np.float64)
    ]
    assert both[0] == pytest.approx(both[1], rel=1e-5)


def test_a_mask_that_is_handed_in_is_used(dropped):
    params = dropped.init_params(0, np.float64)
    given = rows(dtype=np.float64)
    every = {"keep1": np.ones((11, 5), bool), "keep2": np.ones((11, 5), bool)}
    rated = {**params, "W2": params["W2"] * 0.75 * 0.5}
    kept = dropped.loss(rated, **given, **every)
    assert kept == pytest.approx(dropped.loss(params, **given, training=False), rel=1e-14)
    nothing = dict.fromkeys(every, np.zeros((11, 5), bool))
    assert dropped.loss(params, **given, **nothing) == pytest.approx(np.log(4), rel=1e-14)


def test_each_mode_runs_where_it_is_asked_for(dropped):
    params, given = dropped.init_params(), rows()
    x = given["x"]
    used = dropped.forward(params, x=x)["p"].copy()
    np.testing.assert_array_equal(dropped.forward(params, x=x, training=False)["p"], used)
    assert np.abs(dropped.forward(params, x=x, training=True, rng=0)["p"] - used).max() > 1e-3
    value, grads = dropped.loss_and_grads(params, **given, training=False)
    assert value == dropped.loss(params, **given, training=False)
    assert sorted(grads) == sorted(params)


def test_drawn_numbers_follow_their_laws():
    net = compiled(NOISY)
    given = {"x": np.zeros((4000, 3), "f4")}
    work = net.Workspace(N=4000)
    net.loss(net.init_params(), **given, rng=1, workspace=work)
    eps, u, m = (work._drawn[name] for name in ("eps", "u", "m"))
    assert abs(eps.mean()) < 0.05 and abs(eps.std() - 1) < 0.05
    assert u.min() >= -1 and u.max() < 3 and abs(u.mean() - 1) < 0.1
    assert abs(m.mean() - 0.25) < 0.03
    assert (eps.dtype, m.dtype) == (np.float32, np.bool_)


def test_a_network_that_only_draws_is_told_how_many():
    net = compiled(GENERATOR)
    params = net.init_params()
    fake = net.forward(params, N=6, rng=2)["fake"].copy()
    assert fake.shape == (6, 3)
    with_work = net.forward(params, rng=2, workspace=net.Workspace(N=6, M=1))["fake"]
    np.testing.assert_array_equal(with_work, fake)
    z = np.zeros((7, 2), "f4")
    assert net.forward(params, z=z)["fake"].shape == (7, 3)
    cases = [
        (dict(), "N: no array has this extent: pass N= or workspace="),
        (dict(N=0), "N: 0, expected a whole number of at least 1"),
        (dict(N=2.5), "N: 2.5, expected a whole number of at least 1"),
        (dict(z=z, N=6), "z: shape (7, 2), expected (N, 2) with N = 6 as in N"),
        (dict(z=z, workspace=net.Workspace(N=6, M=1)), "workspace: made for N = 6, but the arrays"),
    ]
    for wrong, message in cases:
        with pytest.raises(ValueError) as raised:
            net.forward(params, **wrong)
        assert str(raised.value).startswith(message)


REFUSALS = [
    (dict(keep1=np.ones((11, 4), bool)), "keep1: shape (11, 4), expected (N, 5)"),
    (
        dict(keep1=np.ones((10, 5), bool)),
        "keep1: shape (10, 5), expected (N, 5) with N = 11 as in x",
    ),
    (
        dict(keep2=np.ones((11, 5), "f4")),
        "keep2: dtype float32, expected bool: pass keep2.astype(bool)",
    ),
    (dict(rng="dice"), "rng: expected a generator or a seed, got 'dice'"),
    (dict(rng=-1), "rng: expected a generator or a seed, got -1"),
    (dict(x=None), "x: expected an array, got NoneType: pass a NumPy array"),
]


@pytest.mark.parametrize(("wrong", "message"), REFUSALS)
def test_wrong_draws_are_refused(dropped, wrong, message):
    with pytest.raises(ValueError) as raised:
        dropped.loss(dropped.init_params(), **(rows() | wrong))
    assert str(raised.value) == message


def test_states_move_in_place_by_steps_of_training_alone(normalised):
    net, params = normalised, normalised.init_params()
    state = net.init_state()
    assert list(state) == ["running_mean2", "running_var2"]
    held = dict(state)
    net.loss(params, **rows(), state=state)
    net.forward(params, x=rows()["x"], state=state)
    net.forward(params, x=rows()["x"], state=state, training=True)
    net.loss_and_grads(params, **rows(), state=state, training=False)
    for name, array in net.init_state().items():
        np.testing.assert_array_equal(state[name], array)
    net.loss_and_grads(params, **rows(), state=state)
    for name, array in net.init_state().items():
        assert state[name] is held[name]
        assert (state[name] != array).all()


def test_without_a_state_the_first_one_holds(normalised):
    net, params = normalised, normalised.init_params()
    work = net.Workspace(N=11)
    for _ in range(2):
        net.loss_and_grads(params, **rows(), workspace=work)
    found = net.forward(params, x=rows()["x"], workspace=work)["p"]
    first = net.forward(params, x=rows()["x"], state=net.init_state())["p"]
    np.testing.assert_array_equal(found, first)


def test_wrong_states_are_refused(normalised):
    net, right = normalised, normalised.init_state()
    names = "running_mean2, running_var2"
    cases = [
        (3, "state: expected a dict, got int"),
        ({}, f"state: 'running_mean2' is missing, expected {names}"),
        ({**right, "more": 1}, f"state: 'more' is no state, expected {names}"),
        (
            {**right, "running_var2": np.ones(4, "f4")},
            "running_var2: shape (4,), expected (5,)",
        ),
        (
            net.init_state(np.float64),
            "running_mean2: dtype float64, expected float32 as in params",
        ),
    ]
    for wrong, message in cases:
        with pytest.raises(ValueError) as raised:
            net.loss_and_grads(net.init_params(), **rows(), state=wrong)
        assert str(raised.value) == message


def test_a_state_that_cannot_be_written_is_refused_where_it_would_change(normalised):
    net, params, state = normalised, normalised.init_params(), normalised.init_state()
    state["running_var2"].flags.writeable = False
    net.forward(params, x=rows()["x"], state=state)
    net.loss(params, **rows(), state=state)
    with pytest.raises(ValueError) as raised:
        net.loss_and_grads(params, **rows(), state=state)
    message = "running_var2: a read-only array, but a step of training changes it"
    assert str(raised.value) == message


def test_a_variance_of_one_value_is_refused(normalised):
    one = {name: array[:1] for name, array in rows().items()}
    with pytest.raises(ValueError) as raised:
        normalised.loss_and_grads(normalised.init_params(), **one)
    message = "x: shape (1, 3), for which N - 1 is 0, and batch_norm divides by it: give more"
    assert str(raised.value) == message
    normalised.loss_and_grads(normalised.init_params(), **one, training=False)


@pytest.mark.parametrize("name", ["dropped", "normalised", "noisy"])
def test_a_step_allocates_nothing_in_the_size_of_the_data(name):
    net = compiled(MODES[name])
    count = 100_000
    given = {k: v for k, v in rows(count).items() if k == "x" or name != "noisy"}
    work, params = net.Workspace(N=count), net.init_params()
    more = {} if name == "normalised" else {"rng": np.random.default_rng(0)}
    net.loss_and_grads(params, **given, **more, workspace=work)
    tracemalloc.start()
    net.loss_and_grads(params, **given, **more, workspace=work)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < count


def test_a_network_without_modes_takes_nothing_more():
    module, _ = sources(
        textwrap.dedent("""
        name: plain
        inputs: {x: [N, 3]}
        network: |
          y = dense(x, 2)
        loss: mean(y**2)
        """)
    )
    for word in ("rng=", "state=", "_DRAWS", "_STATES", "in_training"):
        assert word not in module
