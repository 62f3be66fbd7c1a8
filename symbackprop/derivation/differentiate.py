"""Reverse mode over a system: the backward sweep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sympy import Integer

from symbackprop.derivation.adjoint import Cotangent, adjoint, is_light
from symbackprop.derivation.forward import Rewritten, name_softmaxes, prune, rewrite_forward
from symbackprop.derivation.model import Derivation, Line, LossDerivation
from symbackprop.derivation.occurrences import Softmaxes, differentiable_reads
from symbackprop.derivation.rules.known import Known, known_of
from symbackprop.equations.build.scope import default_indices
from symbackprop.equations.nodes import Access, Index, TensorSymbol, tensors
from symbackprop.equations.renaming import fresh_name
from symbackprop.equations.system import Equation, Loss, System


def differentiate(system: System, wrt: Iterable[str] | None = None) -> Derivation:
    """The adjoint equations of every loss by what it is to be differentiated by.

    `wrt` names parameters or inputs instead of the system's own choice. Raises KeyError for a
    name that the system does not have.
    """
    losses = system.losses if wrt is None else _chosen(system, tuple(wrt))
    taken = {t.name for t in _all_tensors(system)}
    rewritten, softmaxes = name_softmaxes(rewrite_forward(system, taken), taken)
    known = known_of(system, [e for e, _ in rewritten])
    equations = [e for e, _ in rewritten]
    sweeps = [_sweep(loss, equations, softmaxes, known, taken) for loss in losses]
    forward = _numbered_forward(system, rewritten, sweeps)
    number = len(forward)
    derived = []
    for loss, cotangents in zip(losses, sweeps, strict=True):
        lines = tuple(
            Line(number + k, line.equation, line.steps, line.of)
            for k, line in enumerate(cotangents, 1)
        )
        number += len(lines)
        by_tensor = {line.of: line for line in lines}
        gradients = {x.name: by_tensor[x] for x in loss.wrt}
        derived.append(LossDerivation(loss.symbol, lines, gradients))
    return Derivation(system, forward, tuple(derived))


def _numbered_forward(
    system: System, rewritten: list[Rewritten], sweeps: Sequence[Sequence[Line]]
) -> tuple[Line, ...]:
    """The forward equations that the outputs, the losses or their cotangents read."""
    needed = {loss.symbol for loss in system.losses} | set(system.outputs)
    needed |= {t for sweep in sweeps for line in sweep for t in tensors(line.equation.rhs)}
    kept = prune(rewritten, needed)
    return tuple(Line(k, equation, steps) for k, (equation, steps) in enumerate(kept, 1))


def _sweep(
    loss: Loss, equations: list[Equation], softmaxes: Softmaxes, known: Known, taken: set[str]
) -> list[Line]:
    """The cotangent of every tensor between the loss and what it is differentiated by."""
    readers, active = _active(loss, equations)
    cotangents = {loss.symbol: Cotangent((), Integer(1))}
    own_taken = set(taken)
    lines: list[Line] = []
    computed = {e.tensor: e.rhs for e in equations}

    def derive(x: TensorSymbol) -> None:
        consumers = [(e, cotangents[e.tensor]) for e in readers[x] if e.tensor in cotangents]
        at = _indices_for(x, consumers[0][0] if consumers else None)
        symbol = TensorSymbol(fresh_name(f"d{x.name}", own_taken), x.shape)
        rhs, steps = adjoint(Access(x, *at), consumers, softmaxes, known)
        if rhs == 0:
            return
        if is_light(rhs, computed.get(x)) and x not in loss.wrt:
            cotangents[x] = Cotangent(at, rhs)
        else:
            own_taken.add(symbol.name)
            cotangents[x] = Cotangent(at, Access(symbol, *at))
            lines.append(Line(0, Equation(symbol, at, rhs), steps, x))

    waiting = {x: {e.tensor for e in readers[x]} for x in active if x in readers}
    for equation in reversed(equations):
        if equation.tensor not in active:
            continue
        read = [t for t in _reading_order(equation, computed) if t in waiting]
        for x in read:
            waiting[x].discard(equation.tensor)
            if not waiting[x]:
                del waiting[x]
                derive(x)
    for x in loss.wrt:
        if x not in cotangents:
            at = default_indices(x.shape)
            symbol = TensorSymbol(fresh_name(f"d{x.name}", own_taken), x.shape)
            own_taken.add(symbol.name)
            lines.append(Line(0, Equation(symbol, at, Integer(0)), (), x))
    return lines


def _active(
    loss: Loss, equations: list[Equation]
) -> tuple[dict[TensorSymbol, list[Equation]], set[TensorSymbol]]:
    """Who reads whom between the variables and the loss, and every tensor on the way."""
    moved = set(loss.wrt)
    reads = {e.tensor: differentiable_reads(e.rhs) for e in equations}
    for equation in equations:
        if reads[equation.tensor] & moved:
            moved.add(equation.tensor)
    active = {loss.symbol} & moved
    readers: dict[TensorSymbol, list[Equation]] = {}
    for equation in reversed(equations):
        if equation.tensor in active:
            for t in sorted(reads[equation.tensor] & moved, key=lambda t: t.name):
                active.add(t)
                readers.setdefault(t, []).insert(0, equation)
    return readers, active


def _reading_order(equation: Equation, computed: Collection[TensorSymbol]) -> list[TensorSymbol]:
    """Parameters and inputs before the values that were computed: a layer's own gradients first."""
    return sorted(tensors(equation.rhs), key=lambda t: (t in computed, t.name))


def _indices_for(x: TensorSymbol, reader: Equation | None) -> tuple[Index, ...]:
    """The names by which the reader reads x, where they are plain and distinct."""
    if reader is not None:
        for access in sorted(reader.rhs.atoms(Access), key=lambda a: (len(str(a)), str(a))):
            if access.tensor == x and len(set(access.indices)) == x.rank:
                plain = [i for i in access.indices if isinstance(i, Index)]
                if [i.extent for i in plain] == list(x.shape):
                    return tuple(plain)
    return default_indices(x.shape)


def _all_tensors(system: System) -> list[TensorSymbol]:
    named = [i.symbol for i in system.inputs] + [p.symbol for p in system.parameters]
    return named + [e.tensor for e in system.equations]


def variables(system: System) -> dict[str, TensorSymbol]:
    """What can be differentiated by: every parameter and every input of real numbers, by name."""
    named = [p.symbol for p in system.parameters]
    named += [i.symbol for i in system.inputs if i.symbol.kind == "real"]
    return {symbol.name: symbol for symbol in named}


def _chosen(system: System, names: tuple[str, ...]) -> tuple[Loss, ...]:
    known = variables(system)
    for name in names:
        if name not in known:
            raise KeyError(f"no parameter or real input {name!r}; there are {', '.join(known)}")
    return tuple(Loss(loss.symbol, tuple(known[n] for n in names)) for loss in system.losses)
