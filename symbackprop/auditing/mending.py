"""The corrected lines: edits of the stranger's source with which the gradients come out right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symbackprop.auditing.bounded import Ended
from symbackprop.auditing.calling import SOURCE, Stranger
from symbackprop.auditing.child.layouts import Layout
from symbackprop.auditing.compare import TOLERANCE, right_files
from symbackprop.auditing.judged import judged
from symbackprop.auditing.model import Correction
from symbackprop.auditing.points import Array, Right
from symbackprop.derivation.model import LossDerivation

SECONDS = 3.0  # for the edits of one fault, of processor time
PATIENCE = 40.0  # for the answer, on a machine that has other work


@dataclass
class Mender:
    """Mends one fault after the other; `source` names the file as mended so far."""

    stranger: Stranger
    layout: Layout
    loss: LossDerivation
    points: Sequence[Right]
    scale: Sequence[float]
    source: str = SOURCE

    def mend(
        self, wrong: Sequence[str], right: Sequence[str], hint: str, line: int = 0
    ) -> Correction | None:
        """The first edit with which the wrong gradients are right and the right ones still are.

        The source is that from then on. `line` is where it raises an exception, if it does.
        """
        child = self.stranger.child
        arrays: dict[str, Array] = dict(right_files(self.loss, [*wrong, *right], self.points))
        for key in arrays:
            arrays[key] = arrays[key] * self.scale[int(key.split()[0])]
        np.savez(child.folder / "right.npz", **arrays)  # type: ignore[arg-type]
        request = {
            **self.stranger.request(self.layout),
            "do": "repair",
            "source": self.source,
            "expected": "right.npz",
            "points": list(range(len(self.points))),
            "wrong": list(wrong),
            "gradients": [*wrong, *right],
            "hint": hint,
            "line": line,
            "tolerance": TOLERANCE,
            "seconds": SECONDS,
            "wanted": 1,
        }
        try:
            answer = child.ask(request, PATIENCE)
        except Ended:
            return None
        for number, repair in enumerate(answer["repairs"]):
            name = f"mended{len(self.source)}_{number}.py"
            (child.folder / name).write_text(repair["source"], "utf-8")
            if self._right(name, [*wrong, *right]):
                self.source = name
                return Correction(repair["line"], repair["before"], repair["after"])
        return None

    def all_right(self, names: Sequence[str]) -> bool:
        """Whether all gradients of the source as mended agree at all points."""
        return self.source != SOURCE and self._right(self.source, names)

    def right(self, names: Sequence[str]) -> set[str]:
        """The gradients of the source as mended that agree at all points."""
        return self._agreeing(self.source, names)

    def _right(self, source: str, names: Sequence[str]) -> bool:
        return self._agreeing(source, names) >= set(names)

    def _agreeing(self, source: str, names: Sequence[str]) -> set[str]:
        calls = self.stranger.run(self.layout, range(len(self.points)), source=source)
        if calls.trouble:
            return set()
        return set(judged(calls, self.loss, names, self.points, self.scale).right)
