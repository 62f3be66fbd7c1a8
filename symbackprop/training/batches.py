"""Batches of rows in a seeded order, and what is measured on the rows held out.

Everything random is a function of the seed, the epoch and the step: a run that goes on from a saved
state does, to the last bit, what it would have done without a stop.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.training.measures import choose
from symbackprop.training.network import Network
from symbackprop.training.plan import Plan
from symbackprop.training.rows import Rows

Array = NDArray[Any]


@dataclass
class Batches:
    """The rows of every step. `losses` are all that the module has, `stepped` those that train.

    `labels` maps each input of labels to its number of classes.
    """

    rows: Rows
    held_out: Rows | None
    labels: Mapping[str, int]
    losses: tuple[str, ...]
    stepped: tuple[str, ...]
    plan: Plan
    _order: tuple[int, NDArray[np.intp]] | None = field(default=None, init=False)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.rows.count / (self.plan.batch or self.rows.count))

    def batch(self, network: Network, step: int, rng: np.random.Generator) -> Rows:
        """The rows of the step that follows `step` steps; each epoch has an order of its own."""
        size = self.plan.batch
        if size is None:
            return self.rows.complete(rng)
        epoch, position = divmod(step, self.steps_per_epoch)
        if self._order is None or self._order[0] != epoch:
            shuffle = np.random.default_rng([self.plan.seed, 1, epoch])
            self._order = epoch, shuffle.permutation(self.rows.count)
        chosen = self._order[1][position * size : (position + 1) * size]
        return self.rows.take(chosen).complete(rng)

    def measure(self, network: Network) -> dict[str, float]:
        """What an epoch ends with: the plan's measures on some of the rows that were trained on,
        as many as are held out; all losses and the measures on those.
        """
        if self.held_out is None:
            unstepped = tuple(name for name in self.losses if name not in self.stepped)
            return self._figures(network, self.rows, unstepped)
        trained, held = self.rows.count, self.held_out.count
        some = np.arange(min(held, trained)) * trained // min(held, trained)
        figures = self._figures(network, self.rows.take(some), ())
        held_figures = self._figures(network, self.held_out, self.losses)
        return figures | {f"validation {name}": value for name, value in held_figures.items()}

    def _figures(self, network: Network, rows: Rows, losses: tuple[str, ...]) -> dict[str, float]:
        """Means over all rows: of the losses, batch by batch, and of the plan's measures."""
        totals: dict[str, float] = dict.fromkeys(losses, 0.0)
        chosen = None
        for number, batch in enumerate(self._in_order(rows)):
            # Every figure of a batch, in every epoch, is made of the same draws.
            seed = [self.plan.seed, 3, number]
            batch = batch.complete(np.random.default_rng([*seed, 0]))
            share = batch.count / rows.count
            for loss in losses:
                totals[loss] += share * network.loss(loss, batch, np.random.default_rng(seed))
            if chosen == ():
                continue
            outputs = network.forward(batch, np.random.default_rng(seed))
            if chosen is None:
                read = network.takes("forward")
                trues = {name: a for name, a in batch.arrays.items() if name not in read}
                chosen = choose(self.plan.measure, trues, outputs, self.labels)
                totals |= {one.name: 0.0 for one in chosen}
            for one in chosen:
                totals[one.name] += share * one.value(batch.arrays, outputs)
        for one in chosen or ():
            totals[one.name] = one.finish(totals[one.name])
        return totals

    def _in_order(self, rows: Rows) -> Iterator[Rows]:
        size = self.plan.batch or rows.count
        for first in range(0, rows.count, size):
            yield rows.take(np.arange(first, min(first + size, rows.count)))
