"""What a spec says, with the place of every word: frozen values, no SymPy.

The expression grammar is Python's, walked and never executed:
    expression := Number | Text | Truth | Sequence | Name | Element | Reduction
                | Call | Transpose | Unary | Binary | Compare
    statement  := name = expression | name[index, ...] = expression
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symbackprop.spec.shown import Shown


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the spec's file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number, exact: `1e-4` is 1/10000. `text` is how it was written."""

    value: Fraction
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string, as in `padding="same"`."""

    value: str
    place: Place


@dataclass(frozen=True, slots=True)
class Truth:
    """`True` or `False`, as in `bias=False`."""

    value: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Sequence:
    """`(2, 2)` or `[2, 2]`, as in `kernel=(5, 5)`."""

    items: tuple[Expression, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Name:
    """A tensor, constant, extent or index."""

    id: str
    place: Place


@dataclass(frozen=True, slots=True)
class Rest:
    """`...`: all remaining leading axes; only layers' own equations use it."""

    place: Place


@dataclass(frozen=True, slots=True)
class Element:
    """`W[j, i]`, `P[user[u], k]`, `x[n, 2*i + p]`: one entry of a tensor."""

    tensor: str
    indices: tuple[Expression, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Binder:
    """A bound index, with its extent where it is written: `p:2`. `index` is `...` for the rest."""

    index: str
    extent: Expression | None
    place: Place


@dataclass(frozen=True, slots=True)
class Reduction:
    """`sum[j, p:2](body)`; op is sum, mean, max, min, prod or logsumexp."""

    op: str
    binders: tuple[Binder, ...]
    body: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Keyword:
    """`units=64` inside a call."""

    name: str
    value: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """`dense(x, 64)`, `relu(z)`, `sum(x, axis=-1)`, `where(a > b, a, b)`."""

    function: str
    args: tuple[Expression, ...]
    keywords: tuple[Keyword, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Transpose:
    """`x.T`."""

    of: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Unary:
    """`-a` or `~mask`."""

    op: str
    of: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Binary:
    """`+ - * / ** @ & |`."""

    op: str
    left: Expression
    right: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Compare:
    """`< <= > >= == !=`; a chain `a < b < c` arrives as `(a < b) & (b < c)`."""

    op: str
    left: Expression
    right: Expression
    place: Place


Expression = (
    Number | Text | Truth | Sequence | Name | Rest | Element | Reduction
    | Call | Transpose | Unary | Binary | Compare
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """`target = value`, or `target[indices] = value`; `extents` as in `h[n, t:10] = value`."""

    target: str
    indices: tuple[Expression, ...] | None
    value: Expression
    place: Place
    text: str
    extents: tuple[Binder, ...] = ()


@dataclass(frozen=True, slots=True)
class Init:
    """How a parameter starts: a named scheme with its numbers, or `values`, a nested tuple."""

    scheme: str
    arguments: tuple[Fraction, ...] = ()
    values: object = None


@dataclass(frozen=True, slots=True)
class Law:
    """What an input is drawn from: normal (mean, std), uniform (low, high) or bernoulli (p)."""

    name: str
    parameters: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class InputDeclaration:
    """`x: [N, 784]`, or `y: {shape: [N], classes: 10}` kind real, labels, mask, distribution."""

    name: str
    shape: tuple[int | str, ...]
    kind: str
    classes: int | str | None
    place: Place
    draw: Law | None = None


@dataclass(frozen=True, slots=True)
class ParameterDeclaration:
    """An entry of `params:`."""

    name: str
    shape: tuple[int | str, ...]
    init: Init
    trainable: bool
    place: Place


@dataclass(frozen=True, slots=True)
class LossDeclaration:
    """One loss; `wrt` is None where the spec leaves it to the default."""

    name: str
    value: Expression
    wrt: tuple[tuple[str, Place], ...] | None
    place: Place


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a spec and what to call it in messages."""

    text: str
    path: str


@dataclass(frozen=True, slots=True, repr=False)
class Spec(Shown):
    """A whole spec, checked as far as text can be checked."""

    name: str
    title: str
    notes: str
    dims: Mapping[str, int]
    inputs: tuple[InputDeclaration, ...]
    params: tuple[ParameterDeclaration, ...]
    constants: Mapping[str, Fraction]
    network: tuple[Statement, ...]
    losses: tuple[LossDeclaration, ...]
    outputs: tuple[tuple[str, Place], ...] | None
    wrt: tuple[tuple[str, Place], ...] | None
    train: Mapping[str, object] = field(default_factory=dict)
    source: Source = Source("", "<spec>")
    sparse: tuple[tuple[str, Place], ...] = ()


def children(node: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside a node, from left to right."""
    match node:
        case Sequence(items=items):
            return items
        case Element(indices=indices):
            return indices
        case Reduction(binders=binders, body=body):
            return (*(b.extent for b in binders if b.extent is not None), body)
        case Call(args=args, keywords=keywords):
            return (*args, *(k.value for k in keywords))
        case Transpose(of=of) | Unary(of=of):
            return (of,)
        case Binary(left=left, right=right) | Compare(left=left, right=right):
            return (left, right)
    return ()


def rebuilt(node: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The node with `change` applied to the expressions directly inside it."""
    match node:
        case Sequence(items=items):
            return replace(node, items=tuple(map(change, items)))
        case Element(indices=indices):
            return replace(node, indices=tuple(map(change, indices)))
        case Reduction(binders=binders, body=body):
            inner = (
                b if b.extent is None else replace(b, extent=change(b.extent)) for b in binders
            )
            return replace(node, binders=tuple(inner), body=change(body))
        case Call(args=args, keywords=keywords):
            named = (replace(k, value=change(k.value)) for k in keywords)
            return replace(node, args=tuple(map(change, args)), keywords=tuple(named))
        case Transpose(of=of) | Unary(of=of):
            return replace(node, of=change(of))
        case Binary(left=left, right=right) | Compare(left=left, right=right):
            return replace(node, left=change(left), right=change(right))
    return node
