"""What a random spec is made of while it is written: sizes, tensors, and notes of what was drawn.

A size is a word: a number, a run-time extent such as N, or, where a statement makes it, an
expression such as `T - 2`, which no declaration can state. Inputs and parameters are declared when
something needs them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.fuzz.draws import Draws

FIXED = ("1", "2", "3", "4", "5")
RUN_TIME = ("N", "T", "M")
RANKS = (1, 2, 0, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5)
MOST = 400  # entries of a tensor, run-time extents taken for 3


@dataclass(frozen=True)
class Tensor:
    """A name with its shape; kind as in a spec, `classes` of labels."""

    name: str
    shape: tuple[str, ...]
    kind: str = "real"
    classes: str | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)


def length(size: str) -> int:
    """A size as a number, for estimates."""
    return int(size) if size.isdigit() else 3


def entries(shape: tuple[str, ...]) -> int:
    number = 1
    for size in shape:
        number *= length(size)
    return number


def is_written(size: str) -> bool:
    """Whether a declaration can state the size."""
    return size.isdigit() or size in RUN_TIME


@dataclass
class Parts:
    """A spec so far."""

    draws: Draws
    tensors: list[Tensor] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    dims: dict[str, int] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)  # tensors that statements define
    tables: list[str] = field(default_factory=list)  # parameters that embeddings make
    shared: dict[tuple[str, ...], str] = field(default_factory=dict)  # layers by name
    layers: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    def note(self, what: str) -> None:
        self.notes[what] += 1

    def knows(self, size: str) -> bool:
        """Whether a statement can write the size: a number, or an extent of some declared axis."""
        declared = (t for t in self.tensors if t.name not in self.made)
        return size.isdigit() or (is_written(size) and any(size in t.shape for t in declared))

    def size(self) -> str:
        """Of an axis: mostly one that is there already, so that axes meet."""
        used = [s for t in self.tensors for s in t.shape if is_written(s)]
        if used and not self.draws.once_in(3):
            return self.draws.pick(used)
        return self.draws.pick(FIXED if self.draws.once_in(2) else RUN_TIME)

    def shape(self) -> tuple[str, ...]:
        rank = self.draws.pick(RANKS)
        shape: tuple[str, ...] = ()
        while len(shape) < rank:
            size = self.size()
            shape += (size if entries((*shape, size)) <= MOST else "1",)
        return shape

    def written(self, shape: tuple[str, ...]) -> str:
        """A shape as a declaration states it, some numbers by the names in `dims`."""
        words = []
        for size in shape:
            if size.isdigit() and self.draws.once_in(12):
                name = f"D{size}"
                self.dims[name] = int(size)
                size = name
            words.append(size)
        return f"[{', '.join(words)}]"

    def declared(self, shape: tuple[str, ...], kind: str = "", classes: str = "") -> Tensor:
        """A new input or parameter of that shape."""
        kind = kind or self.draws.pick(("param", "real", "param", "real", "drawn"))
        if kind == "param":
            name = f"w{len(self.params)}"
            how = self.draws.pick(("", "", ", init: zeros", ', init: "normal(0.5)"'))
            if self.draws.once_in(10):
                how += ", trainable: false"
            self.params[name] = f"{{shape: {self.written(shape)}{how}}}"
            found = Tensor(name, shape)
        else:
            name = f"{ {'labels': 'u', 'mask': 'on'}.get(kind, 'x') }{len(self.inputs)}"
            text = self.written(shape)
            more = {
                "real": "",
                "drawn": f", draw: {self.draws.pick(('normal', 'uniform'))}",
                "mask": ", draw: bernoulli(0.7)" if self.draws.once_in(6) else ", kind: mask",
                "labels": f", classes: {classes}",
                "distribution": ", kind: distribution",
            }[kind]
            self.inputs[name] = f"{{shape: {text}{more}}}" if more else text
            kind = {"drawn": "real", "distribution": "real"}.get(kind, kind)
            found = Tensor(name, shape, kind, classes or None)
        self.note(f"declared {kind if found.name[0] != 'w' else 'param'} of rank {len(shape)}")
        self.tensors.append(found)
        return found

    def some(self, kind: str = "real", least: int = 0, most: int = 5) -> Tensor:
        """A tensor that is there, the later ones sooner, or a new one."""
        found = [t for t in self.tensors if t.kind == kind and least <= t.rank <= most]
        if found and not self.draws.once_in(4):
            latest = (
                len(found) - 1 - min(self.draws.below(len(found)), self.draws.below(len(found)))
            )
            return found[latest]
        shape = self.shape()[:most]
        while len(shape) < least:
            shape += (self.draws.pick(FIXED),)
        if kind == "labels":
            return self.declared(shape[:3], kind, self.size())
        return self.declared(shape, "" if kind == "real" else kind)

    def of_shape(
        self, shape: tuple[str, ...], kind: str = "real", classes: str = ""
    ) -> Tensor | None:
        """A tensor of exactly that shape; None where it would have to be new and cannot be."""
        found = [
            t for t in self.tensors if (t.kind, t.shape, t.classes or "") == (kind, shape, classes)
        ]
        if found and not self.draws.once_in(3):
            return self.draws.pick(found)
        if not all(map(is_written, (*shape, *([classes] if classes else [])))):
            return None
        return self.declared(shape, "" if kind == "real" else kind, classes)

    def define(self, name: str, shape: tuple[str, ...], text: str, kind: str = "real") -> None:
        """A statement; `text` is all of it."""
        self.lines.append(text)
        self.note(f"stated rank {len(shape)}")
        self.tensors.append(Tensor(name, shape, kind))
        self.made.append(name)
