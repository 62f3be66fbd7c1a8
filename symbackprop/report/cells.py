"""The boxes of the picture: the tensors of a derivation, with their mathematics and a word.

Lengths are in em.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symbackprop.equations.nodes import TensorSymbol, tensors
from symbackprop.report.boxes import Box
from symbackprop.report.captions import LETTER, Sign, caption_width, signs
from symbackprop.report.entries import entry_form
from symbackprop.report.formula import Formula, Relation
from symbackprop.report.latex import box
from symbackprop.report.repetition import Repeat
from symbackprop.report.view import Shown, View

HEIGHT = 3.6  # of a node of two lines
_TALLER = 0.6  # what a fraction needs beyond the height of a line
_LEAST, _MOST = 4.2, 15.0  # the width of a node; of its mathematics, before the name alone stands
_GIVEN = 3.2  # the width of a cell of what is given
_SHARED = 4  # readers of what stands but once


@dataclass(frozen=True)
class Cell:
    """A tensor in a node. `number` is that of its equation forward, `signs` are its cotangents'.

    `formula` is its equation, where that is short; `shape` its extents, where there is room.
    """

    tensor: TensorSymbol
    formula: Formula | None = None
    number: int = 0
    signs: tuple[Sign, ...] = ()
    shape: tuple[Formula, ...] = ()
    width: float = _LEAST


@dataclass(frozen=True)
class Node:
    """kind: input, parameter, state, value, loss, or copies (of a repetition, `count` times).

    Its middle is at x, y; its cells stand beside one another. `above` and `below` is what their
    formulas, and the words below those, need beyond the height of a line.
    """

    kind: str
    cells: tuple[Cell, ...]
    label: str = ""
    count: int = 0
    width: float = _LEAST
    layer: int = 0
    x: float = 0.0
    y: float = 0.0
    above: float = 0.0
    below: float = 0.0

    @property
    def height(self) -> float:
        return HEIGHT + self.above + self.below

    @property
    def head(self) -> float:
        return self.y - self.height / 2

    @property
    def foot(self) -> float:
        return self.y + self.height / 2


def nodes_of(view: View, folded: Sequence[Repeat]) -> tuple[list[Node], set[tuple[int, int]]]:
    """The nodes, and which is read by which."""
    lines = [s for section in view.sections for s in section.lines if s.loss is None]
    back = signs(view)
    copied = {k: r for r in folded for k in range(r.start + r.period, r.end)}
    values: list[Node] = []
    at: dict[TensorSymbol, int] = {}
    readers: dict[TensorSymbol, list[int]] = {}
    for k, shown in enumerate(lines):
        repeat = copied.get(k)
        if repeat is None or k == repeat.start + repeat.period:
            values.append(_copies(repeat) if repeat else _value(shown, view, back))
        at[shown.subject] = len(values) - 1
        for tensor in tensors(shown.line.equation.rhs):
            readers.setdefault(tensor, []).append(len(values) - 1)
    givens = _given(view, readers, back, {n for n, v in enumerate(values) if v.kind == "copies"})
    first = len(givens)
    reads = {(g, first + n) for g, (_, places) in enumerate(givens) for n in places}
    reads |= {(first + at[t], first + n) for t in at for n in readers.get(t, ())}
    return [_heightened(node) for node in (*(given for given, _ in givens), *values)], reads


def _value(shown: Shown, view: View, back: Mapping[TensorSymbol, Sequence[Sign]]) -> Node:
    losses = {loss.symbol for loss in view.derivation.system.losses}
    short = _width(shown) <= _MOST
    equation = Relation("==", shown.left, shown.formula)
    cell = _cell(shown.subject, back, equation if short else None, shown.number)
    label = shown.line.equation.label
    inner = _width(shown) if short else _name_width(shown.subject, view)
    width = max(
        _LEAST,
        inner + 2.6,
        caption_width(LETTER * len(label), cell.number, cell.signs, told=True) + 1.4,
    )
    kind = "loss" if shown.subject in losses else "value"
    return Node(kind, (replace(cell, width=width),), label, width=width)


def _width(shown: Shown) -> float:
    left, right = box(shown.left), box(shown.formula)
    return (left.width + right.width + 1.2) * 0.92 if _flat(right) else 2 * _MOST


def _flat(inner: Box) -> bool:
    """Whether it is no higher than a line or two."""
    return r"\begin" not in inner.tex


def _copies(repeat: Repeat) -> Node:
    return Node("copies", (), count=len(repeat.renamed), width=12.0)


def _cell(
    tensor: TensorSymbol, back: Mapping[TensorSymbol, Sequence[Sign]],
    formula: Formula | None = None, number: int = 0,
) -> Cell:  # fmt: skip
    return Cell(tensor, formula, number, tuple(back.get(tensor, ())))


def _name_width(tensor: TensorSymbol, view: View) -> float:
    return box(view.known.whole(tensor)).width


def _given_cell(cell: Cell, view: View, shaped: bool) -> Cell:
    """With its width; of many beside one another the shapes are left to the table of names."""
    extents = view.known.order(cell.tensor.shape) if shaped else ()
    shape = tuple(entry_form(extent, view.known) for extent in extents)
    written = sum(box(extent).width for extent in shape) + 1.3 * max(0, len(shape) - 1)
    beside = caption_width(written, 0, cell.signs, told=False)
    told = caption_width(0, 0, cell.signs, told=True)
    name = _name_width(cell.tensor, view)
    return replace(cell, shape=shape, width=max(_GIVEN, name + 1.2, beside + 1.0, told + 1.0))


def _given(
    view: View, readers: Mapping[TensorSymbol, Sequence[int]],
    back: Mapping[TensorSymbol, Sequence[Sign]], copies: set[int],
) -> list[tuple[Node, tuple[int, ...]]]:  # fmt: skip
    """Inputs, parameters and states, with what reads each; those of a kind read alike as one.

    A parameter that many read stands beside each of them. What copies of a repetition alone read
    is not shown.
    """
    system = view.derivation.system
    kinds: dict[TensorSymbol, str] = {
        **{i.symbol: "input" for i in system.inputs},
        **{p.symbol: "parameter" for p in system.parameters},
        **{s.symbol: "state" for s in system.states},
    }
    together: dict[tuple[str, tuple[int, ...]], list[TensorSymbol]] = {}
    for tensor, kind in kinds.items():
        at = tuple(dict.fromkeys(readers.get(tensor, ())))
        apart = kind != "input" and len(at) > _SHARED
        for place in [(n,) for n in at] if apart else [at]:
            if not copies.issuperset(place):
                together.setdefault((kind, place), []).append(tensor)
    nodes = []
    for (kind, place), group in together.items():
        cells = tuple(_given_cell(_cell(t, back), view, shaped=len(group) < 3) for t in group)
        nodes.append((Node(kind, cells, width=sum(cell.width for cell in cells) + 0.2), place))
    return nodes


def _heightened(node: Node) -> Node:
    """With what fractions in it need."""
    above = any(cell.formula and box(cell.formula).tall for cell in node.cells)
    below = any(box(sign.formula).tall for cell in node.cells for sign in cell.signs)
    return replace(node, above=_TALLER * above, below=_TALLER * below)
