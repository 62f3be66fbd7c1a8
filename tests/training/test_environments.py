"""Cart and pole against its Lagrangian, worked out anew; and where an episode ends."""

import numpy as np
import pytest

from symbackprop.training.environments import CartPole


def accelerations(state, force):
    """From d/dt ∂L/∂v = ∂L/∂q + Q for a cart of 1 kg and a uniform rod of 0.1 kg and 1 m.

    L = ½ M ẋ² + ½ m l² θ̇² · 4/3 + m l ẋ θ̇ cos θ − m g l cos θ, M = both masses, l = half the
    rod; Q are the push minus the track's friction, and the pole's friction.
    """
    _, speed, angle, spin = state
    M, m, half, g = 1.1, 0.1, 0.5, 9.8
    mass = np.array(
        [[M, m * half * np.cos(angle)], [m * half * np.cos(angle), m * half**2 * 4 / 3]]
    )
    push = force - 0.0005 * np.sign(speed) + m * half * spin**2 * np.sin(angle)
    turn = m * g * half * np.sin(angle) - 0.000002 * spin
    return np.linalg.solve(mass, [push, turn])


def test_the_equations_of_motion():
    rng = np.random.default_rng(7)
    states = rng.normal(size=(37, 4)) * [1, 2, 0.7, 3]
    actions = rng.integers(0, 2, 37)
    following, rewards, _ = CartPole().step(states, actions)
    assert rewards.tolist() == [1] * 37
    for state, action, new in zip(states, actions, following, strict=True):
        drive, turn = accelerations(state, 10.0 if action else -10.0)
        expected = state + 0.02 * np.array([state[1], drive, state[3], turn])
        np.testing.assert_allclose(new, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        ([2.39, 0, 0, 0], False),
        ([2.41, 0, 0, 0], True),
        ([-2.39, -1, 0, 0], True),
        ([0, 0, 0.20, 0], False),
        ([0, 0, -0.2095, 0], True),
    ],
)
def test_where_an_episode_ends(state, ended):
    _, _, fallen = CartPole().step(np.array([state], float), np.array([0]))
    assert fallen.tolist() == [ended]


def test_starts_are_small_and_seeded():
    first = CartPole().start(np.random.default_rng(3), 50)
    again = CartPole().start(np.random.default_rng(3), 50)
    assert first.shape == (50, 4) and np.abs(first).max() <= 0.05
    np.testing.assert_array_equal(first, again)
