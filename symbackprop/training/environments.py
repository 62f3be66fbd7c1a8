"""Environments that a policy acts in, many episodes at once, in plain NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Environment(Protocol):
    """Observations are [episodes, observed]; actions are numbers below `actions`."""

    @property
    def observed(self) -> int: ...

    @property
    def actions(self) -> int: ...

    @property
    def longest(self) -> int:
        """An episode is cut after so many steps."""

    def start(self, rng: np.random.Generator, episodes: int) -> Array:
        """The first observations."""

    def step(self, observation: Array, action: Array) -> tuple[Array, Array, Array]:
        """The next observations, the rewards [episodes], and which episodes have ended."""


@dataclass(frozen=True)
class CartPole:
    """A pole on a cart, which is pushed left (0) or right (1); 1 for each step that it stands.

    Observed are the cart's place x and speed, the pole's angle θ from the vertical and its speed.
    The equations, with friction of the cart on its track and of the pole on the cart, and all
    constants are those of Barto, Sutton and Anderson (1983), stepped by Euler's method; an episode
    ends where |x| > 2.4 m or |θ| > 12°. Starts are drawn from −0.05 to 0.05.
    """

    observed = 4
    actions = 2
    longest = 200
    gravity = 9.8
    cart = 1.0  # kg
    pole = 0.1  # kg
    half_length = 0.5  # m
    track_friction = 0.0005
    pole_friction = 0.000002
    force = 10.0  # N
    interval = 0.02  # s

    def start(self, rng: np.random.Generator, episodes: int) -> Array:
        return rng.uniform(-0.05, 0.05, (episodes, 4))

    def step(self, observation: Array, action: Array) -> tuple[Array, Array, Array]:
        _, speed, angle, spin = observation.T
        sine, cosine = np.sin(angle), np.cos(angle)
        push = np.where(action == 1, self.force, -self.force)
        total, moment = self.cart + self.pole, self.pole * self.half_length
        drag = self.track_friction * np.sign(speed)
        inner = (-push - moment * spin**2 * sine + drag) / total
        turn = self.gravity * sine + cosine * inner - self.pole_friction * spin / moment
        turn /= self.half_length * (4 / 3 - self.pole * cosine**2 / total)
        drive = (push + moment * (spin**2 * sine - turn * cosine) - drag) / total
        rates = np.stack([speed, drive, spin, turn], axis=1)
        following = observation + self.interval * rates
        fallen = (np.abs(following[:, 0]) > 2.4) | (np.abs(following[:, 2]) > np.radians(12))
        return following, np.ones(len(following)), fallen


ENVIRONMENTS: Mapping[str, type[CartPole]] = {"cartpole": CartPole}
