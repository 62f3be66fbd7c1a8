"""How names are written, the same everywhere.

Scalars are plain, vectors bold and lower-case, matrices and arrays of higher rank bold and
upper-case. An entry has the letter of its array in plain italics, with indices: Z and Z_nj. A
trailing number is a layer and stands above (z2 is Z²; but a scalar, which has powers, carries it
below); what follows an underscore stands below. Greek names are Greek letters, xhat is x̂. Other
names of several letters stay as they are, or begin and end so where they are long.
A bar marks the cotangent: of Z², the derivative of the loss by Z². A `Notation` may ask for other
marks and places, and for the axes of arrays in the opposite order.

No two names look alike: where two would, the later one stays as it was written.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sympy import Expr, Mul, Symbol

from symbackprop.derivation.model import Derivation, Line
from symbackprop.equations.nodes import Access, Partial, TensorSymbol, tensors
from symbackprop.notation import USUAL, Notation
from symbackprop.report.display import Display, Mark
from symbackprop.report.formula import ALL, Apply, Formula, Named

GREEK_LETTERS: Mapping[str, str] = {
    unicodedata.name(letter).split()[-1].lower(): letter for letter in "αβγδεζηθικλμνξπρστυφχψω"
}
HAT = "\u0302"
_HATTED = tuple("pqruvxyz")
_SHORT_NAMES = {"eps": "ε", "lam": "λ", "lambda": "λ"}
_PARTS = re.compile(r"([^\W\d_]+)(\d*)((?:_[^\W_]+)*)\Z")
_NUMBERED = re.compile(r"(.*[^\W\d])(\d+)\Z")
_LONGEST = 20  # letters of a name; of a longer one the middle goes unwritten
_RESERVED = (Display("I"), Display("δ"))  # the identity and Kronecker's delta
_SIGNS = {"bars": "bar", "delta": "delta"}
_GRADIENT_SIGNS = {"denominators": "denominator", "nabla": "nabla"}
Ordered = TypeVar("Ordered")


@dataclass(frozen=True)
class Names:
    """The display of every symbol of a derivation, chosen once.

    `cotangents` maps the symbol of a cotangent to what it is that of, and `gradients` each loss
    to the symbols of its gradients, which losses may share: `loss` is the one that is meant.
    `onehot` maps integer vectors to the display of their one-hot matrix. `aside` are the tensors
    whose numbers stand aside from those of layers, since they are others.
    """

    displays: Mapping[Symbol, Display]
    cotangents: Mapping[TensorSymbol, TensorSymbol]
    onehot: Mapping[TensorSymbol, Display]
    gradients: Mapping[TensorSymbol, frozenset[TensorSymbol]] = field(default_factory=dict)
    notation: Notation = USUAL
    loss: TensorSymbol | None = None
    aside: frozenset[TensorSymbol] = frozenset()

    def order(self, axes: tuple[Ordered, ...]) -> tuple[Ordered, ...]:
        """What belongs to the axes of an array, in the order in which it is written."""
        return axes[::-1] if self.notation.reverses else axes

    def entry(self, symbol: Symbol, indices: tuple[Formula, ...] = ()) -> Named:
        """A scalar, an index or an extent; with indices, one entry of a tensor."""
        display = self._display(self.cotangents.get(symbol, symbol))
        return Named(display.plain, self.order(indices), self._mark(symbol))

    def whole(self, tensor: TensorSymbol) -> Named:
        """The whole of a tensor."""
        display = self._display(self.cotangents.get(tensor, tensor))
        return Named(display, mark=self._mark(tensor))

    def _mark(self, symbol: Symbol) -> Mark | None:
        losses = [x for x, of in self.gradients.items() if symbol in of and self.loss in (None, x)]
        if len(losses) == 1 and self.notation.gradients in _GRADIENT_SIGNS:
            sign = _GRADIENT_SIGNS[self.notation.gradients]
            return Mark(sign, self._display(losses[0]))
        return Mark(_SIGNS[self.notation.cotangents]) if symbol in self.cotangents else None

    def part(self, tensor: TensorSymbol, below: Sequence[Formula], plain: bool) -> Named:
        """The entries of a tensor at some indices; `plain`: the colons of the others go unwritten.

        Where all have an index it is one entry, where none has the whole.
        """
        given = tuple(b for b in below if b != ALL)
        if not given:
            return self.whole(tensor)
        if len(given) == len(below):
            return self.entry(tensor, given)
        return replace(self.whole(tensor), indices=self.order(given if plain else tuple(below)))

    def one_hot(self, labels: TensorSymbol) -> Formula:
        """The matrix whose row n has its 1 at labels[n]."""
        display = self.onehot.get(labels)
        return Named(display) if display else Apply("onehot", (self.whole(labels),))

    def _display(self, symbol: Symbol) -> Display:
        return self.displays.get(symbol) or _candidates(symbol, self.notation)[0]


def names(derivation: Derivation, notation: Notation = USUAL) -> Names:
    """The names of a derivation."""
    system = derivation.system
    versions = [d for d in (derivation, derivation.in_use) if d is not None]
    of = {
        line.equation.tensor: line.of
        for version in versions
        for loss in version.losses
        for line in (*loss.cotangents, *loss.gradients.values())
        if line.of is not None
    }
    losses = [loss.symbol for loss in system.losses]
    found = [
        *(i.symbol for i in system.inputs),
        *(p.symbol for p in system.parameters),
        *(s.symbol for s in system.states),
        *(line.equation.tensor for version in versions for line in version.forward),
        *(e.tensor for e in system.equations),
    ]
    symbols: list[Symbol] = [
        *system.extents,
        *(t for t in dict.fromkeys(found) if t not in of and t not in losses),
    ]
    taken = set(_RESERVED)
    chosen = {loss: _free(_loss_displays(loss, losses), taken) for loss in losses}
    aside = _beside_layers(derivation, [t for t in symbols if isinstance(t, TensorSymbol)])
    waiting = sorted(symbols, key=lambda s: _candidates(s, notation)[0].letter != s.name)
    chosen.update({s: _free(_candidates(s, notation, own=s in aside), taken) for s in waiting})
    gradients = {
        loss.loss: frozenset(line.equation.tensor for line in loss.gradients.values())
        for version in versions
        for loss in version.losses
    }
    one_hot = _one_hot_displays(found, taken, notation)
    return Names(chosen, of, one_hot, gradients, notation, aside=aside)


def layer_of(symbol: Symbol) -> str:
    """The number that is written as a layer; empty where there is none."""
    return _layered(symbol)[0].layer


def _beside_layers(
    derivation: Derivation, written: Iterable[TensorSymbol]
) -> frozenset[TensorSymbol]:
    """The tensors that the user has numbered in another way than the layers are.

    There are none where every such number is that of the layer that the tensor comes from last, or
    where no layer has a number.
    """
    system = derivation.system
    own = {*system.own, *(f"z_{name}" for name in system.own)}
    numbered = [t for t in written if t.name in own and layer_of(t)]
    layers = {
        p.symbol: int(layer_of(p.symbol))
        for p in system.parameters
        if p.symbol.name not in own and layer_of(p.symbol)
    }
    if not layers:
        return frozenset()
    last: dict[TensorSymbol, int] = {}
    for line in derivation.forward:
        read = tensors(line.equation.rhs)
        numbers = [layers[t] for t in read if t in layers] or [last.get(t, 0) for t in read]
        last[line.equation.tensor] = max(numbers, default=0)
    agree = all(last.get(t) == int(layer_of(t)) for t in numbered)
    return frozenset() if agree else frozenset(numbered)


def _loss_displays(symbol: TensorSymbol, losses: list[TensorSymbol]) -> tuple[Display, ...]:
    """L, or L with the loss's name below where there are several."""
    return (
        Display("L") if losses == [symbol] else Display("L", subscript=_shortened(symbol.name)),
    )


def _free(options: tuple[Display, ...], taken: set[Display]) -> Display:
    """The first display that looks like nothing taken, which it joins."""
    last = options[-1]
    primed = (replace(last, letter=last.letter + "′" * n) for n in itertools.count(1))
    display = next(d for d in itertools.chain(options, primed) if d.plain not in taken)
    taken.add(display.plain)
    return display


def _candidates(symbol: Symbol, notation: Notation, own: bool = False) -> tuple[Display, ...]:
    """Ways to write a name, the best first; the last is the name itself."""
    return tuple(_placed(display, notation.layers, own) for display in _layered(symbol))


def _placed(display: Display, layers: str, own: bool) -> Display:
    """The display with its layer above, above in brackets, or below; a number of the user's `own`
    that is no layer stands above with brackets where layers have none, and without where they have.
    """
    if not display.layer or (layers == "superscript" and not own):
        return display
    if own:
        return display if layers == "brackets" else replace(display, layer=f"({display.layer})")
    if layers == "brackets":
        return replace(display, layer=f"({display.layer})")
    below = ",".join(w for w in (display.layer, display.subscript) if w)
    return replace(display, layer="", subscript=below)


def _layered(symbol: Symbol) -> tuple[Display, ...]:
    """Ways to write a name, its layer above."""
    rank = symbol.rank if isinstance(symbol, TensorSymbol) else 0
    verbatim = Display(_shortened(symbol.name), array=rank)
    if len(symbol.name) > _LONGEST:
        last = _NUMBERED.match(symbol.name) if rank else None
        layered = (Display(_shortened(last[1].rstrip("_")), last[2], array=rank),) if last else ()
        return (*layered, verbatim)
    parts = _PARTS.match(symbol.name)
    if not parts:
        return (verbatim,)
    number, below = parts[2], parts[3][1:].replace("_", ",")
    letter = _letter(parts[1])
    single = len(letter.rstrip(HAT)) == 1
    if rank == 0:
        if not single and number:
            return (verbatim,)
        return (Display(letter, "", ",".join(w for w in (number, below) if w)), verbatim)
    last = _NUMBERED.match(parts[3])
    if last and not number:  # z_i1, of layer 1, is written as W1_i is
        number, below = last[2], last[1][1:].replace("_", ",")
        if not single:
            letter, below = f"{letter}{last[1]}", ""
    written = Display(letter, number, below, rank)
    if not single or not letter[0].isascii():
        return (written, verbatim)
    cased = letter.upper() if rank > 1 else letter.lower()
    return (replace(written, letter=cased), written, verbatim)


def _shortened(name: str) -> str:
    """The name; of a long one its first words and its last, as in a_very…a_while."""
    if len(name) <= _LONGEST:
        return name
    start, end = name[: _LONGEST // 2], name[1 - _LONGEST // 2 :]
    return f"{start.rpartition('_')[0] or start}…{end.partition('_')[2] or end}"


def _letter(word: str) -> str:
    """A word, its Greek letter, or a letter with a hat: xhat is x̂, but that and what are words."""
    stem = word.removesuffix("hat")
    if stem != word and (stem in _HATTED or stem in GREEK_LETTERS):
        return _letter(stem) + HAT
    return _SHORT_NAMES.get(word) or GREEK_LETTERS.get(word, word)


def _one_hot_displays(
    tensors: Iterable[TensorSymbol], taken: set[Display], notation: Notation = USUAL
) -> dict[TensorSymbol, Display]:
    """Y for labels y: a capital of a single letter that nothing else has."""
    found: dict[TensorSymbol, Display] = {}
    for tensor in dict.fromkeys(tensors):
        if tensor.kind != "integer" or tensor.rank != 1:
            continue
        display = _candidates(tensor, notation)[0]
        capital = replace(display, letter=display.letter.upper(), array=2)
        if len(display.letter) == 1 and capital.plain not in taken:
            taken.add(capital.plain)
            found[tensor] = capital
    return found


def line_names(line: Line, notation: Notation = USUAL) -> Names:
    """Names for one line alone; its first step tells which cotangent is whose."""
    own = line.equation.tensor
    of = dict(_chain_rule_pairs(line.steps[0].before)) if line.steps else {}
    if line.of is not None:
        of[own] = line.of
    found = {*line.equation.rhs.atoms(TensorSymbol), *of.values()} - set(of)
    known = sorted(found, key=lambda t: t.name)
    taken = set(_RESERVED)
    displays = {t: _free(_candidates(t, notation), taken) for t in known}
    one_hot = _one_hot_displays(known, taken, notation)
    return Names(displays, of, one_hot, notation=notation)


def _chain_rule_pairs(before: Expr) -> Iterator[tuple[TensorSymbol, TensorSymbol]]:
    """ȳ and y for every term ȳ[i] ∂y[i]/∂x[u] of a chain rule."""
    for term in before.atoms(Mul):
        for partial in term.args:
            if isinstance(partial, Partial):
                for factor in term.args:
                    if isinstance(factor, Access) and factor.indices == partial.args[0].indices:
                        yield factor.tensor, partial.args[0].tensor
