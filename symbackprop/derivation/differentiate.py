"""Reverse mode over a system: the equations forward, then a sweep back from each loss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from symbackprop.derivation.forward import Rewritten, name_softmaxes, prune, rewrite_forward
from symbackprop.derivation.likeness import Adjoints
from symbackprop.derivation.model import Derivation, Line, LossDerivation
from symbackprop.derivation.numbering import going_on
from symbackprop.derivation.rules.known import known_of
from symbackprop.derivation.sweep import sweep
from symbackprop.equations.nodes import TensorSymbol, tensors
from symbackprop.equations.recurrence import components, members
from symbackprop.equations.system import Loss, System, in_use


def differentiate(system: System, wrt: Iterable[str] | None = None) -> Derivation:
    """The adjoint equations of every loss by what it is to be differentiated by.

    `wrt` names parameters or inputs instead of the system's own choice. Raises KeyError for a
    name that the system does not have. Where use outside training differs, it has a derivation of
    its own.
    """
    wrt = None if wrt is None else tuple(wrt)
    training = _derived(system, wrt)
    if not system.has_modes:
        return training
    return replace(training, in_use=going_on(_derived(in_use(system), wrt), training))


def _derived(system: System, wrt: tuple[str, ...] | None) -> Derivation:
    """The derivation of one system, numbered from 1."""
    losses = system.losses if wrt is None else _chosen(system, wrt)
    taken = {t.name for t in _all_tensors(system)}
    rewritten, softmaxes = name_softmaxes(rewrite_forward(system, taken), taken)
    rewritten = _in_order(rewritten)
    equations = [e for e, _ in rewritten]
    adjoints = Adjoints(softmaxes, known_of(system, equations))
    sweeps = [sweep(loss, equations, adjoints, taken) for loss in losses]
    forward = _numbered_forward(system, rewritten, sweeps)
    number = len(forward)
    derived = []
    for loss, cotangents in zip(losses, sweeps, strict=True):
        lines = tuple(replace(line, number=number + k) for k, line in enumerate(cotangents, 1))
        number += len(lines)
        by_tensor = {line.of: line for line in lines}
        gradients = {x.name: by_tensor[x] for x in loss.wrt}
        wrt = tuple(x.name for x in loss.wrt)
        assert tuple(gradients) == wrt, (tuple(gradients), wrt)
        derived.append(LossDerivation(loss.symbol, lines, gradients, wrt))
    return Derivation(system, forward, tuple(derived))


def _in_order(rewritten: list[Rewritten]) -> list[Rewritten]:
    """Each equation after those that it reads, the equations of a recurrence side by side."""
    steps = {e.tensor: s for e, s in rewritten}
    ordered = components(e for e, _ in rewritten)
    return [(e, steps[e.tensor]) for component in ordered for e in members(component)]


def _numbered_forward(
    system: System, rewritten: list[Rewritten], sweeps: Sequence[Sequence[Line]]
) -> tuple[Line, ...]:
    """The forward equations that the results or the cotangents read, numbered from 1."""
    needed = {t for sweep in sweeps for line in sweep for t in tensors(line.equation.rhs)}
    kept = prune(rewritten, needed | system.results)
    return tuple(Line(k, equation, steps) for k, (equation, steps) in enumerate(kept, 1))


def _all_tensors(system: System) -> list[TensorSymbol]:
    return [*system.given, *(e.tensor for e in system.equations)]


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
