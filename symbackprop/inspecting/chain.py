"""The tensors that everything passes on its way from the bottom of a network to a loss."""

from __future__ import annotations

from collections.abc import Sequence

from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.nodes import Access, TensorSymbol, tensors
from symbackprop.equations.recurrence import Recurrence, components, members
from symbackprop.equations.reductions import Reduction
from symbackprop.equations.system import Equation

Part = Equation | Recurrence


def chain(derivation: Derivation, loss: LossDerivation) -> tuple[TensorSymbol, ...]:
    """From below: a tensor for each layer, through which every path to the loss goes.

    It begins at the input that the first trained parameter meets, or, where there are more paths
    from there, at that parameter's equation. What is only an entry by entry function of the tensor
    below it belongs to that one's layer.
    """
    parts = components(line.equation for line in derivation.forward)
    trained = {p.symbol for p in derivation.system.parameters if p.symbol.name in loss.gradients}
    leading = _leading(parts, loss.loss)
    first = next((p for p in leading if _reads(p) & trained), None)
    if first is None:
        return ()
    data = {i.symbol for i in derivation.system.inputs if i.symbol.kind == "real" and not i.draw}
    below = {t for part in (*_leading(parts, *_defined(first)), first) for t in _reads(part)}
    inputs = sorted(below & data, key=str)
    found = _bottlenecks(leading, first, None)
    if len(inputs) == 1:
        longer = _bottlenecks(leading, None, inputs[0])
        found = longer if len(longer) > len(found) else found
    return _merged([t for t in found if t != loss.loss], parts)


def between(
    derivation: Derivation, below: TensorSymbol, above: TensorSymbol
) -> tuple[Equation, ...]:
    """The equations on the ways from one tensor to another, in order."""
    parts = components(line.equation for line in derivation.forward)
    active, reached = [], {below}
    for part in parts:
        if _reads(part) & reached and below not in _defined(part):
            active.append(part)
            reached |= _defined(part)
    return tuple(e for part in _leading(active, above) for e in members(part))


def leading(derivation: Derivation, target: TensorSymbol) -> set[TensorSymbol]:
    """The tensors of the way forward that one depends on, and it itself."""
    parts = components(line.equation for line in derivation.forward)
    return {t for part in _leading(parts, target) for t in _defined(part)}


def _leading(parts: Sequence[Part], *targets: TensorSymbol) -> list[Part]:
    """The parts that tensors depend on, in order."""
    needed, kept = set(targets), []
    for part in reversed(parts):
        if _defined(part) & needed:
            needed |= _reads(part)
            kept.append(part)
    return kept[::-1]


def _bottlenecks(
    parts: Sequence[Part], first: Part | None, source: TensorSymbol | None
) -> list[TensorSymbol]:
    """The tensors on every path from a part, or from an input, to the last part.

    As many paths lead through them as there are: numbers of paths up to a part, times from it on.
    """
    up: list[int] = []
    for part in parts:
        reads = _reads(part)
        paths = sum(n for n, p in zip(up, parts, strict=False) if _defined(p) & reads)
        starts = part is first or (source is not None and source in reads)
        up.append(1 if part is first else paths + starts)
    down = [0] * len(parts)
    down[-1] = 1
    for k in range(len(parts) - 2, -1, -1):
        made = _defined(parts[k])
        down[k] = sum(down[j] for j in range(k + 1, len(parts)) if _reads(parts[j]) & made)
    found = [] if source is None else [source]
    for k, part in enumerate(parts):
        if up[k] and up[k] * down[k] == up[-1]:
            exits = _exits(part, parts[k + 1 :])
            found += exits if len(exits) == 1 else []
    return found


def _exits(part: Part, later: Sequence[Part]) -> list[TensorSymbol]:
    """What others read of a part."""
    if isinstance(part, Equation):
        return [part.tensor]
    read = {t for p in later for t in _reads(p)}
    return [e.tensor for e in part.equations if e.tensor in read]


def _merged(found: list[TensorSymbol], parts: Sequence[Part]) -> tuple[TensorSymbol, ...]:
    """Without those that the next one is an entry by entry function of."""
    defined = {e.tensor: e for part in parts for e in members(part)}
    kept = []
    for k, tensor in enumerate(found):
        following = defined.get(found[k + 1]) if k + 1 < len(found) else None
        if k == 0 or following is None or not _entrywise(following, tensor, defined):
            kept.append(tensor)
    if len(kept) > 1 and kept[0] in defined:
        following = defined[found[1]]
        if _entrywise(following, kept[0], defined):
            kept = kept[1:]
    return tuple(kept)


def _entrywise(
    equation: Equation, below: TensorSymbol, defined: dict[TensorSymbol, Equation]
) -> bool:
    """Whether each entry is made of the entry at the same place, and of nothing else computed."""
    computed = {t for t in tensors(equation.rhs) if t in defined}
    accesses = [a for a in equation.rhs.atoms(Access) if a.tensor == below]
    return (
        computed == {below}
        and not equation.rhs.has(Reduction)
        and all(a.indices == equation.indices for a in accesses)
    )


def _reads(part: Part) -> set[TensorSymbol]:
    return {t for e in members(part) for t in tensors(e.rhs)}


def _defined(part: Part) -> set[TensorSymbol]:
    return {e.tensor for e in members(part)}
