"""The stranger's function at all points: in the layout in which most of it comes out right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbackprop.auditing.calling import Calls, Stranger
from symbackprop.auditing.child.layouts import Layout
from symbackprop.auditing.compare import Compared, compared
from symbackprop.auditing.points import Right
from symbackprop.derivation.model import LossDerivation
from symbackprop.errors import CallError

_FINAL = ("time", "exit", "died", "memory")  # another layout would not help


@dataclass(frozen=True)
class Judged:
    """What came in one layout, and how each gradient compares at each point that was reached."""

    calls: Calls
    found: Mapping[str, Sequence[Compared]]
    reading: str = ""

    @property
    def right(self) -> list[str]:
        """The gradients that agree at all points, if all were reached."""
        return [n for n, cs in self.found.items() if cs and all(c.agrees for c in cs)]

    @property
    def score(self) -> tuple[bool, int, int, int, tuple[int, ...]]:
        """How well the layout suits: no trouble, gradients that agree, that fit; lines reached.

        Then, how few of the stranger's own parameters have other shapes.
        """
        trouble = self.calls.trouble
        fits = sum(bool(cs) and all(c.fits for c in cs) for cs in self.found.values())
        depth = trouble.depth if trouble else ()
        return trouble is None, len(self.right), fits, -len(self.odd), depth

    @property
    def all_odd(self) -> bool:
        """Whether all weights have other shapes: then the stranger's network is a larger one."""
        weights = [n for n, cs in self.found.items() if cs and cs[0].right.ndim > 1]
        return bool(weights) and set(weights) <= set(self.odd)

    @property
    def odd(self) -> Mapping[str, tuple[str, list[int]]]:
        """Parameters that the stranger makes with another shape than the spec's."""
        return self.calls.came[0].odd if self.calls.came else {}


def judge(
    stranger: Stranger,
    loss: LossDerivation,
    names: Sequence[str],
    points: Sequence[Right],
    scale: Sequence[float],
) -> Judged:
    """Call in every layout until all agrees; the best. Raises CallError for what is not bound."""
    best: Judged | None = None
    for layout in stranger.layouts():
        one = _in_layout(stranger, layout, loss, names, points, scale)
        if best is None or one.score > best.score:
            best = one
        trouble = one.calls.trouble
        if trouble and trouble.kind == "unbound" and one is best:
            raise CallError(trouble.message, trouble.fix)
        if len(best.right) == len(names) or (trouble and trouble.kind in _FINAL):
            break
    assert best is not None
    return best


def _in_layout(
    stranger: Stranger,
    layout: Layout,
    loss: LossDerivation,
    names: Sequence[str],
    points: Sequence[Right],
    scale: Sequence[float],
) -> Judged:
    """What came, read as gradients or as new values, whichever more gradients agree with."""
    calls = stranger.run(layout, range(len(points)))
    first = judged(calls, loss, names, points, scale)
    if not any(one.open for one in calls.came) or len(first.right) == len(names):
        return first
    ways = ("change", "returned") if calls.came[0].way == "change" else ("returned", "change")
    read = []
    for way in ways:
        again = replace(stranger, reading=way).run(layout, range(len(points)))
        read.append(replace(judged(again, loss, names, points, scale), reading=way))
    return max(read, key=lambda one: one.score)


def judged(
    calls: Calls,
    loss: LossDerivation,
    names: Sequence[str],
    points: Sequence[Right],
    scale: Sequence[float],
) -> Judged:
    """What came, compared; `scale` is what the stranger's gradients are meant to be of ours."""
    came = [
        one if by == 1 else replace(one, gradients={n: a / by for n, a in one.gradients.items()})
        for one, by in zip(calls.came, scale, strict=False)
    ]
    calls = replace(calls, came=tuple(came))
    return Judged(calls, compared(loss, names, points, came))


def rate_read_off(judged_: Judged, literals: set[float]) -> float | None:
    """The rate of a training step that does not say it: a number in its source.

    It is the factor by which most gradients, at all points, differ from the change.
    """
    ways = {one.way for one in judged_.calls.came}
    if ways != {"change"} or any(one.rate is not None for one in judged_.calls.came):
        return None
    found: list[float] = []
    for compared_ in judged_.found.values():
        ratios = [_ratio(c) for c in compared_]
        if ratios and None not in ratios and np.ptp(np.abs(np.array(ratios, float))) < 1e-6:
            found.append(abs(float(ratios[0] or 0.0)))
    counted = {r: sum(abs(r - s) <= 1e-6 * r for s in found) for r in found}
    for rate in sorted(counted, key=lambda r: -counted[r]):
        near = [x for x in literals if x and abs(abs(x) - rate) <= 1e-6 * rate]
        if near and abs(near[0]) != 1:
            return abs(near[0])
    return None


def _ratio(one: Compared) -> float | None:
    if not one.fits or one.came is None:
        return None
    size = float((one.right * one.right).sum())
    if not size:
        return None
    ratio = float((one.came * one.right).sum()) / size
    return ratio if np.allclose(one.came, ratio * one.right, rtol=1e-5, atol=1e-9) else None
