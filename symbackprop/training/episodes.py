"""Episodes of a policy in an environment, as rows to train on.

A network that acts has an output `policy`, the probabilities of the actions for rows of the input
`observation`, and may have an output `value`, what it expects of each. An episode of T steps fills
up to four inputs, a row a step:

    observation  what was seen
    action       what was drawn from the policy
    returns      G_t = r_t + discount · G_{t+1}; behind a step that cut the episode: the value there
    advantage    G_t − value_t, with mean 0 and standard deviation 1 over the batch
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import CallError
from symbackprop.spec.syntax import Spec
from symbackprop.training.dataset import Dataset
from symbackprop.training.environments import ENVIRONMENTS, Environment
from symbackprop.training.filling import Wanted, named, wanted
from symbackprop.training.network import Network
from symbackprop.training.plan import Plan
from symbackprop.training.rows import Rows, assemble

Array = NDArray[Any]
HELD_OUT = 100  # episodes that measure a policy, from starts that are never trained on


@dataclass
class Episodes:
    """Batches of `plan.batch` episodes, acted with the network as it is; each is an epoch."""

    environment: Environment
    inputs: Wanted
    plan: Plan
    dtype: str
    steps_per_epoch: int = 1
    _last: float = field(default=float("nan"), init=False)

    @classmethod
    def of(cls, spec: Spec, plan: Plan, dtype: str) -> Episodes:
        """Raises CallError for a plan that is for rows, or inputs that are not those above."""
        assert plan.environment is not None
        if plan.batch is None:
            raise CallError("batch: full is of rows, of which there are none", "write a number")
        environment, inputs = ENVIRONMENTS[plan.environment](), wanted(spec)
        if "observation" not in inputs:
            shown = f"observation: [N, {environment.observed}]"
            raise CallError("no input is called 'observation', to see by", f"declare {shown}")
        made = cls(environment, inputs, plan, dtype)
        seen = np.zeros((1, environment.observed))
        made._rows(seen, np.array([environment.actions - 1]), np.zeros(1), np.zeros(1))
        return made

    def batch(self, network: Network, step: int, rng: np.random.Generator) -> Rows:
        """The steps of new episodes. Raises CallError where outputs are not those above."""
        assert self.plan.batch is not None
        seen = self._act(network, self.plan.batch, rng, greedy=False)
        self._last = float(np.sum(seen.rewards) / self.plan.batch)
        returns = np.zeros_like(seen.rewards)
        following = seen.beyond
        for t in reversed(range(len(returns))):
            following = seen.rewards[t] + self.plan.discount * np.where(seen.ended[t], 0, following)
            returns[t] = following
        advantage = (returns - seen.values)[seen.alive]
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        return self._rows(
            seen.observations[seen.alive], seen.actions[seen.alive], returns[seen.alive], advantage
        )

    def _rows(self, observation: Array, action: Array, returns: Array, advantage: Array) -> Rows:
        arrays = {
            "observation": observation,
            "action": action,
            "returns": returns,
            "advantage": advantage,
        }
        return assemble(self.inputs, named(self.inputs, Dataset(arrays)), self.dtype)

    def measure(self, network: Network) -> dict[str, float]:
        """The mean return of the last batch, and of held-out episodes of likeliest actions."""
        rng = np.random.default_rng([self.plan.seed, 3])
        seen = self._act(network, HELD_OUT, rng, greedy=True)
        return {
            "return": self._last,
            "validation return": float(np.sum(seen.rewards) / HELD_OUT),
        }

    def _act(
        self, network: Network, episodes: int, rng: np.random.Generator, greedy: bool
    ) -> _Seen:
        environment = self.environment
        observation = environment.start(rng, episodes)
        alive = np.ones(episodes, bool)
        steps = []
        value = np.zeros(episodes)
        for _ in range(environment.longest):
            policy, value = self._heads(network, observation, rng)
            if greedy:
                action = policy.argmax(axis=1)
            else:
                drawn = rng.random((episodes, 1)) > np.cumsum(policy, axis=1)
                action = np.minimum(drawn.sum(axis=1), environment.actions - 1)
            following, reward, ended = environment.step(observation, action)
            steps.append((observation, action, reward * alive, value, alive, ended))
            observation, alive = following, alive & ~ended
            if not alive.any():
                break
        if alive.any():
            value = self._heads(network, observation, rng)[1]
        return _Seen(value, *(np.stack(column) for column in zip(*steps, strict=True)))

    def _heads(
        self, network: Network, observation: Array, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The outputs `policy` and `value` (0 without one) for some observations."""
        environment, episodes = self.environment, len(observation)
        inputs = {"observation": self.inputs["observation"]}
        rows = assemble(inputs, Dataset({"observation": observation}), self.dtype)
        outputs = network.forward(rows, rng)
        heads = {"policy": (episodes, environment.actions), "value": (episodes,)}
        for name, shape in heads.items():
            if name == "policy" and name not in outputs:
                raise CallError(
                    f"there is no output 'policy' to act by; there are {', '.join(outputs)}",
                    f"give probabilities of shape [N, {environment.actions}] that name",
                )
            if name in outputs and outputs[name].shape != shape:
                written = ", ".join(map(str, ("N", *shape[1:])))
                came = ", ".join(map(str, ("N", *outputs[name].shape[1:])))
                raise CallError(
                    f"output '{name}' is [{came}], but the environment wants [{written}]",
                    "make the two agree",
                )
        return outputs["policy"], outputs.get("value", np.zeros(episodes))


@dataclass(frozen=True)
class _Seen:
    """What was seen, [steps, episodes, …]; `beyond` is the value of what followed the last step."""

    beyond: Array
    observations: Array
    actions: Array
    rewards: Array
    values: Array
    alive: Array
    ended: Array
