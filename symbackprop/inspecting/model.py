"""What an inspection finds: norms along the depth, the spectra of layers, norms along steps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

FACTOR = 10.0  # a norm that changes by more than this from one layer to the next is named


@dataclass(frozen=True)
class Depth:
    """One equation of the way forward: how large its values and its cotangent are, per entry.

    All are roots of mean squares. `cotangent` is None where the way back has none of its own;
    `gradients` are by the parameters that the equation reads. `chained`: all that reaches the loss
    from below passes here.
    """

    number: int
    name: str
    label: str
    value: float
    cotangent: float | None
    gradients: Mapping[str, float]
    chained: bool


@dataclass(frozen=True)
class Layer:
    """The Jacobian of one tensor on the chain by the one below it.

    `largest` and `smallest` bound its singular values, of which there are as many as the lesser of
    its sizes; where they are not `exact`, the true ones lie at them or beyond.
    """

    below: str
    above: str
    labels: tuple[str, ...]
    rows: int
    columns: int
    largest: float
    smallest: float
    exact: bool


@dataclass(frozen=True)
class Steps:
    """How large the cotangent of a recurrence's tensor is at each step.

    `reverse`: the recurrence goes from the last step to the first, and its way back onward.
    """

    name: str
    index: str
    norms: tuple[float, ...]
    reverse: bool


@dataclass(frozen=True)
class Way:
    """The way back from one loss: its equations and layers from below, and its recurrences."""

    loss: str
    depth: tuple[Depth, ...]
    layers: tuple[Layer, ...]
    steps: tuple[Steps, ...]

    @property
    def chain(self) -> tuple[tuple[str, float], ...]:
        """What all passes through, from below, with the norm of its cotangent."""
        return tuple(
            (d.name, d.cotangent) for d in self.depth if d.chained and d.cotangent is not None
        )

    @property
    def findings(self) -> tuple[str, ...]:
        """Where the norm shrinks or grows by more than FACTOR, in words."""
        return (*self._between_layers(), *self._over_all(), *self._along_steps())

    def _between_layers(self) -> list[str]:
        found = []
        for (above, before), (below, after) in itertools.pairwise(reversed(self.chain)):
            if verb := _verb(before, after):
                change = _times(before, after)
                found.append(f"from {above} down to {below} the cotangent {verb} {change}")
        return found

    def _over_all(self) -> list[str]:
        """From the top to the bottom, where these are more than a layer apart."""
        chain = self.chain[::-1]
        if len(chain) < 3 or not (verb := _verb(chain[0][1], chain[-1][1])):
            return []
        (top, first), (bottom, last) = chain[0], chain[-1]
        what = "vanishes" if verb == "shrinks" else "explodes"
        past = next(name for name, norm in chain if _verb(first, norm) == verb)
        return [
            f"the gradient {what}: from {top} down to {bottom} the cotangent {verb} "
            f"{_times(first, last)}, more than {FACTOR:g} times from {past} on"
        ]

    def _along_steps(self) -> list[str]:
        """From the first step on the way back that the loss reaches, to the last."""
        found = []
        for steps in self.steps:
            order = list(enumerate(steps.norms))
            reached = [k for k, norm in (order if steps.reverse else order[::-1]) if norm]
            if not reached:
                continue
            first, last = reached[0], order[-1 if steps.reverse else 0][0]
            before, after = steps.norms[first], steps.norms[last]
            if verb := _verb(before, after):
                found.append(
                    f"along {steps.index} the cotangent of {steps.name} {verb} "
                    f"{_times(before, after)} from step {first} to step {last}"
                )
        return found


@dataclass(frozen=True, repr=False)
class Inspection:
    """A network inspected at some values; `origin` says where these are from."""

    name: str
    title: str
    origin: str
    ways: tuple[Way, ...]

    def __str__(self) -> str:
        from symbackprop.inspecting.table import text

        return text(self)

    def __repr__(self) -> str:
        return f"<inspection of {self.name}: {', '.join(way.loss for way in self.ways)}>"

    def picture(self, ending: str = ".svg") -> bytes:
        """The picture along the depth, as .svg or .png. Raises CallError without matplotlib."""
        from symbackprop.inspecting.picture import picture

        return picture(self, ending)

    def _repr_html_(self) -> str:
        from symbackprop.inspecting.table import html

        return html(self)


def _verb(before: float, after: float) -> str:
    """What a norm does between two places; nothing within FACTOR."""
    if after * FACTOR < before:
        return "shrinks"
    return "grows" if after > before * FACTOR else ""


def _times(before: float, after: float) -> str:
    """By how much."""
    small, large = sorted((before, after))
    return f"{large / small:.3g} times" if small else "to 0" if after == 0 else "from 0"
