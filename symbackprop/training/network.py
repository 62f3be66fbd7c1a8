"""A generated module as training calls it: with its parameters, and the inputs that it takes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.training.rows import Rows

Array = NDArray[Any]


@dataclass
class Network:
    """A module, its parameters, its states (running means) and the workspaces it steps in."""

    module: ModuleType
    params: dict[str, Array]
    states: dict[str, Array]
    _workspaces: dict[tuple[tuple[str, int], ...], Any] = field(default_factory=dict)
    _taken: dict[str, frozenset[str]] = field(default_factory=dict)

    def forward(self, rows: Rows, rng: np.random.Generator) -> Mapping[str, Array]:
        """The outputs in use."""
        outputs: Mapping[str, Array] = self._call("forward", rows, rng=rng)
        return outputs

    def loss(self, name: str, rows: Rows, rng: np.random.Generator) -> float:
        """The value of a loss in use."""
        return float(self._call(name, rows, rng=rng, training=False))

    def loss_and_grads(
        self, name: str, rows: Rows, rng: np.random.Generator
    ) -> tuple[float, Mapping[str, Any]]:
        """The value of a loss in training and its gradients, which the next call overwrites."""
        workspace = self._workspace(rows)
        value, grads = self._call(f"{name}_and_grads", rows, rng=rng, workspace=workspace)
        return float(value), grads

    def takes(self, function: str) -> frozenset[str]:
        """The names of what a function of the module takes."""
        if function not in self._taken:
            signature = inspect.signature(getattr(self.module, function))
            self._taken[function] = frozenset(signature.parameters)
        return self._taken[function]

    def _call(self, function: str, rows: Rows, **more: Any) -> Any:
        taken = self.takes(function)
        given = {**rows.extents, **rows.arrays, "state": self.states, **more}
        chosen = {name: value for name, value in given.items() if name in taken}
        return getattr(self.module, function)(self.params, **chosen)

    def _workspace(self, rows: Rows) -> Any:
        """One for each size of batch; of sizes that vary, those of late."""
        key = tuple(rows.extents.items())
        if key not in self._workspaces:
            if len(self._workspaces) == 2:  # that of a whole batch and of an epoch's last
                del self._workspaces[next(iter(self._workspaces))]
            self._workspaces[key] = self.module.Workspace(**rows.extents)
        return self._workspaces[key]
