"""What is to be noticed on a way back: what is 0, what shrinks or grows, and what was compared."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from symbackprop.inspecting.model import FACTOR, Steps, Way
from symbackprop.inspecting.phrases import Phrase, number, path, phrase


def found(way: Way) -> tuple[Phrase, ...]:
    """What is 0 or not finite anywhere, and where norms change by more than FACTOR."""
    return (
        *_without_slope(way),
        *_between_layers(way.chain),
        *_over_all(way.chain),
        *_along_steps(way),
    )


def remarks(way: Way) -> tuple[Phrase, ...]:
    """What there is to say of a way back: its findings, what was compared, and what was not."""
    compared = tuple(_compared(way))
    calm = phrase(
        "of those compared, no cotangent changes by more than {factor} times", factor=f"{FACTOR:g}"
    )
    none = phrase("compared: nothing; fewer than two tensors lie on every way to the loss")
    return (
        *(found(way) or ((calm,) if compared else ())),
        *(compared or (none,)),
        *_beside(way),
    )


def _without_slope(way: Way) -> Iterator[Phrase]:
    """What no gradient comes through, and where it is not a number any more."""
    norms = {d.name: d.cotangent for d in way.depth if d.cotangent is not None}
    slopes = {name: norm for d in way.depth for name, norm in d.gradients.items()}
    unbounded = tuple(n for n, norm in (norms | slopes).items() if not math.isfinite(norm))
    if unbounded:
        yield phrase("the derivative by {names} is not finite", names=unbounded)
    if still := tuple(name for name, norm in norms.items() if norm == 0):
        yield phrase("the cotangent is 0 at {names}: nothing comes back there", names=still)
    if unmoved := tuple(name for name, norm in slopes.items() if norm == 0):
        yield phrase("the gradient by {names} is 0", names=unmoved)
    if flat := tuple(f"{v.below} → {v.above}" for v in way.layers if v.largest == 0):
        yield phrase("the Jacobian of {layers} is 0", layers=flat)


def _between_layers(chain: tuple[tuple[str, float], ...]) -> Iterator[Phrase]:
    for (above, before), (below, after) in itertools.pairwise(reversed(chain)):
        if _shrinks(before, after) or _grows(before, after):
            yield _change(above, below, before, after)


def _over_all(chain: tuple[tuple[str, float], ...]) -> Iterator[Phrase]:
    """From the top to the bottom, where these are more than a layer apart."""
    if len(chain) < 3:
        return
    (bottom, last), (top, first) = chain[0], chain[-1]
    for changes, what in (
        (_shrinks, "the gradient vanishes: {change}, more than {factor} times from {past} on"),
        (_grows, "the gradient explodes: {change}, more than {factor} times from {past} on"),
    ):
        if changes(first, last):
            past = next(name for name, norm in chain[::-1] if changes(first, norm))
            change = _change(top, bottom, first, last)
            yield phrase(what, change=change, factor=f"{FACTOR:g}", past=past)


def _along_steps(way: Way) -> Iterator[Phrase]:
    """From the first step on the way back that the loss reaches, to the last."""
    for steps in way.steps:
        if (ends := _ends(steps)) is None:
            continue
        first, last = ends
        before, after = steps.norms[first], steps.norms[last]
        if _shrinks(before, after) or _grows(before, after):
            yield _along(steps, first, last)


def _along(steps: Steps, first: int, last: int) -> Phrase:
    """How the norm changes from one step to another."""
    before, after = steps.norms[first], steps.norms[last]
    where = {"index": steps.index, "name": steps.name, "first": first, "last": last}
    if after == 0:
        words = (
            "along {index} the cotangent of {name} shrinks to 0 from step {first} to step {last}"
        )
        return phrase(words, **where)
    if after < before:
        words = (
            "along {index} the cotangent of {name} shrinks {times} times from step {first} "
            "to step {last}"
        )
    else:
        words = (
            "along {index} the cotangent of {name} grows {times} times from step {first} "
            "to step {last}"
        )
    return phrase(words, **where, times=_times(before, after))


def _ends(steps: Steps) -> tuple[int, int] | None:
    """The steps on the way back where the cotangent is not 0 for the first time, and the last."""
    order = list(enumerate(steps.norms))
    reached = [k for k, norm in (order if steps.reverse else order[::-1]) if norm]
    return (reached[0], order[-1 if steps.reverse else 0][0]) if reached else None


def _change(above: str, below: str, before: float, after: float) -> Phrase:
    """How the norm changes from one tensor to another."""
    where = {"above": above, "below": below}
    if after == 0:
        return phrase("from {above} down to {below} the cotangent shrinks to 0", **where)
    if after < before:
        words = "from {above} down to {below} the cotangent shrinks {times} times"
    else:
        words = "from {above} down to {below} the cotangent grows {times} times"
    return phrase(words, **where, times=_times(before, after))


def _times(before: float, after: float) -> str:
    return f"{max(before, after) / min(before, after):.3g}"


def _shrinks(before: float, after: float) -> bool:
    return after * FACTOR < before


def _grows(before: float, after: float) -> bool:
    return 0 < before * FACTOR < after


def _compared(way: Way) -> Iterator[Phrase]:
    """The tensors whose cotangents were held against each other."""
    names = tuple(name for name, _ in way.chain)
    if len(names) > 1:
        yield phrase("compared: {path}, which every way to the loss passes", path=path(names))
    if ran := tuple(s.name for s in way.steps if len(s.norms) > 1):
        yield phrase("compared from step to step: {names}", names=ran)


def _beside(way: Way) -> Iterator[Phrase]:
    """The range of what was compared with nothing."""
    compared = {name for name, _ in way.chain} if len(way.chain) > 1 else set()
    norms = [(d.cotangent, d.name) for d in way.depth if d.cotangent and d.name not in compared]
    if len(norms) > 1:
        (low, least), (high, most) = min(norms), max(norms)
        yield phrase(
            "not compared: cotangents from {low} ({least}) to {high} ({most})",
            low=number(low),
            least=least,
            high=number(high),
            most=most,
        )
