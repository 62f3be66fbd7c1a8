"""The stranger's function, as it is asked from here: at which points, in which layout."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symbackprop.auditing.bounded import Child, Ended
from symbackprop.auditing.child.layouts import Layout, layouts_of
from symbackprop.auditing.child.names import Known
from symbackprop.auditing.points import Array

SOURCE = "source.py"


@dataclass(frozen=True)
class Trouble:
    """Why there are no gradients: `kind` is raised, exit, memory, time, died, unbound or nonsense.

    `line` and `text` are the stranger's, `shapes` those of the arrays named there.
    """

    kind: str
    message: str
    fix: str = ""
    line: int = 0
    text: str = ""
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    depth: tuple[int, ...] = ()


@dataclass(frozen=True)
class Came:
    """What came back at one point; `seen` are the stranger's variables by (line, name).

    `odd` are parameters that the stranger makes with another shape: their names there, and shapes.
    `open`: what was returned may be gradients, or new values of the parameters.
    """

    gradients: Mapping[str, Array]
    after: Mapping[str, Array]
    loss: float | None
    way: str
    rate: float | None
    ordered: bool = False
    seen: Mapping[tuple[int, str], Array] = field(default_factory=dict)
    odd: Mapping[str, tuple[str, list[int]]] = field(default_factory=dict)
    open: bool = False


@dataclass(frozen=True)
class Calls:
    """What came at each point in turn, and what ended it before the last."""

    layout: Layout
    came: tuple[Came, ...]
    trouble: Trouble | None = None


@dataclass(frozen=True)
class Stranger:
    """One function of a file, with what the caller has said about it."""

    child: Child
    function: str
    known: tuple[Known, ...]
    binds: Mapping[str, str]
    returned: tuple[str, ...]
    rate: float | None
    columns: bool = False
    constants: Mapping[str, float] = field(default_factory=dict)
    reading: str = ""

    def layouts(self) -> list[Layout]:
        """The layouts to try, the likeliest first."""
        return list(layouts_of(self.known, self.columns))

    def run(
        self,
        layout: Layout,
        points: Sequence[int],
        fresh: bool = False,
        watch: bool = False,
        source: str = SOURCE,
    ) -> Calls:
        """Call at these points, one after the other; `fresh` loads the file anew for each."""
        request = {**self.request(layout), "do": "run", "source": source, "out": "out.npz"}
        try:
            answer = self.child.ask(
                {**request, "points": list(points), "fresh": fresh, "watch": watch}
            )
            arrays = self.child.arrays("out.npz")
        except Ended as ended:
            return Calls(layout, (), Trouble(ended.trouble, ended.message))
        came: list[Came] = []
        for number, call in zip(points, answer["calls"], strict=False):
            if "trouble" in call:
                return Calls(layout, tuple(came), _trouble(call))
            came.append(_came(number, call, arrays))
        return Calls(layout, tuple(came))

    def request(self, layout: Layout) -> dict[str, Any]:
        """What every request says."""
        return {
            "function": self.function,
            "known": [dataclasses.asdict(k) for k in self.known],
            "layout": dataclasses.asdict(layout),
            "binds": dict(self.binds),
            "returned": list(self.returned),
            "rate": self.rate,
            "constants": dict(self.constants),
            "reading": self.reading,
        }


def _came(number: int, call: Mapping[str, Any], arrays: Mapping[str, Array]) -> Came:
    def under(what: str) -> dict[str, Array]:
        start = f"{number} {what} "
        return {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}

    seen = {}
    for key, array in under("seen").items():
        line, _, name = key.partition(" ")
        seen[int(line), name] = array
    return Came(
        {n: under("gradient")[n] for n in call["names"]},
        under("after"),
        call["loss"],
        call["way"],
        call["rate"],
        call["ordered"],
        seen,
        {n: (name, shape) for n, (name, shape) in call["odd"].items()},
        call["open"],
    )


def _trouble(call: Mapping[str, Any]) -> Trouble:
    shapes = {n: tuple(s) for n, s in call.get("shapes", {}).items()}
    return Trouble(
        call["trouble"],
        call["message"],
        call.get("fix", ""),
        call.get("line", 0),
        call.get("text", ""),
        shapes,
        tuple(call.get("depth", ())),
    )
