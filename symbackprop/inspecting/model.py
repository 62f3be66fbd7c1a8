"""What an inspection finds: norms along the depth, the spectra of layers, norms along steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symbackprop.inspecting.phrases import Phrase, joined
from symbackprop.notation import USUAL, Notation

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
        """What is 0, and where the norm shrinks or grows by more than FACTOR, in words."""
        from symbackprop.inspecting.findings import found

        return tuple(phrase.said() for phrase in found(self))


@dataclass(frozen=True, repr=False)
class Inspection:
    """A network inspected at some values; `origins` say where these are from."""

    name: str
    title: str
    origins: tuple[Phrase, ...]
    ways: tuple[Way, ...]

    @property
    def origin(self) -> str:
        """Where the values are from, in words."""
        return joined(self.origins, USUAL)

    def shown(self, notation: Notation = USUAL) -> str:
        """Tables for a terminal, and what is to be noticed, in the notation's language."""
        from symbackprop.inspecting.table import text

        return text(self, notation)

    def __str__(self) -> str:
        return self.shown()

    def __repr__(self) -> str:
        return f"<inspection of {self.name}: {', '.join(way.loss for way in self.ways)}>"

    def picture(self, ending: str = ".svg", notation: Notation = USUAL) -> bytes:
        """The picture along the depth, as .svg or .png.

        Raises CallError without matplotlib, or without a font for the notation's language.
        """
        from symbackprop.inspecting.picture import picture

        return picture(self, ending, notation)

    def _repr_html_(self) -> str:
        from symbackprop.inspecting.table import html

        return html(self)
