"""Reverse mode over a system: the backward sweep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sympy import Expr, Integer

from symbackprop.derivation.adjoint import Consumer, Cotangent, adjoint, is_light
from symbackprop.derivation.forward import Rewritten, name_softmaxes, prune, rewrite_forward
from symbackprop.derivation.model import Derivation, Line, LossDerivation, Step
from symbackprop.derivation.numbering import going_on
from symbackprop.derivation.occurrences import Softmaxes, differentiable_reads
from symbackprop.derivation.rules.known import Known, known_of
from symbackprop.derivation.statistics import is_compact, subjects
from symbackprop.equations.build.scope import default_indices
from symbackprop.equations.nodes import Access, Digit, Index, TensorSymbol, tensors
from symbackprop.equations.recurrence import Recurrence, components, members
from symbackprop.equations.renaming import fresh_name
from symbackprop.equations.system import Equation, Loss, System, in_use

Steps = tuple[Step, ...]


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
    known = known_of(system, [e for e, _ in rewritten])
    equations = [e for e, _ in rewritten]
    sweeps = [_sweep(loss, equations, softmaxes, known, taken) for loss in losses]
    forward = _numbered_forward(system, rewritten, sweeps)
    number = len(forward)
    derived = []
    for loss, cotangents in zip(losses, sweeps, strict=True):
        lines = tuple(replace(line, number=number + k) for k, line in enumerate(cotangents, 1))
        number += len(lines)
        by_tensor = {line.of: line for line in lines}
        gradients = {x.name: by_tensor[x] for x in loss.wrt}
        derived.append(LossDerivation(loss.symbol, lines, gradients))
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


def _sweep(
    loss: Loss, equations: list[Equation], softmaxes: Softmaxes, known: Known, taken: set[str]
) -> list[Line]:
    """The cotangent of every tensor between the loss and what it is differentiated by."""
    readers = _readers(loss, equations)
    belongs_to = subjects(equations, readers)
    cotangents = {loss.symbol: Cotangent((), Integer(1))}
    own_taken = set(taken)
    lines: list[Line] = []
    computed = {e.tensor: e.rhs for e in equations}

    def named(x: TensorSymbol, at: tuple[Index, ...]) -> Cotangent:
        symbol = TensorSymbol(fresh_name(f"d{x.name}", own_taken), x.shape)
        own_taken.add(symbol.name)
        return Cotangent(at, Access(symbol, *at))

    def write(x: TensorSymbol, rhs: Expr, steps: Steps = (), also: Steps = ()) -> None:
        own = cotangents[x]
        lines.append(Line(0, Equation(own.value.tensor, own.indices, rhs), steps, x, also))

    def consumers(x: TensorSymbol) -> list[Consumer]:
        return [(e, cotangents[e.tensor]) for e in readers[x] if e.tensor in cotangents]

    def derive(x: TensorSymbol) -> None:
        found = consumers(x)
        at = _indices_for(x, found[0][0] if found else None)
        rhs, steps, also = adjoint(Access(x, *at), found, softmaxes, known)
        if rhs == 0:
            return
        held = [s for s, subject in belongs_to.items() if subject == x]
        if held and not is_compact(rhs, len(held)):
            for statistic in reversed(held):
                del belongs_to[statistic], cotangents[statistic]
            for statistic in reversed(held):
                derive(statistic)
            derive(x)
        elif x in belongs_to or (is_light(rhs, computed.get(x)) and x not in loss.wrt):
            cotangents[x] = Cotangent(at, rhs)
        else:
            cotangents[x] = named(x, at)
            write(x, rhs, steps, also)

    def derive_together(group: Sequence[Equation]) -> None:
        """The cotangents of a recurrence read each other's steps, so each has its name first."""
        cotangents.update({e.tensor: named(e.tensor, e.indices) for e in group})
        for e in group:
            write(e.tensor, *adjoint(e.lhs, consumers(e.tensor), softmaxes, known))

    waiting = {x: {e.tensor for e in found} for x, found in readers.items()}
    active = [e for e in equations if e.tensor in {loss.symbol, *readers}]
    for component in reversed(components(active)):
        group = members(component)[::-1]
        if isinstance(component, Recurrence):
            derive_together(group)
        for x in _reading_order(group, computed):
            if x in waiting and x not in cotangents:
                waiting[x].difference_update(e.tensor for e in group)
                if not waiting[x]:
                    derive(x)
    for x in loss.wrt:
        if x not in cotangents:
            cotangents[x] = named(x, default_indices(x.shape))
            write(x, Integer(0))
    return lines


def _readers(loss: Loss, equations: list[Equation]) -> dict[TensorSymbol, list[Equation]]:
    """The equations that read each tensor between the variables and the loss, in order."""
    reads = {e.tensor: differentiable_reads(e.rhs) for e in equations}
    read_by: dict[TensorSymbol, list[TensorSymbol]] = {}
    for reader, found in reads.items():
        for t in found:
            read_by.setdefault(t, []).append(reader)
    moved = _reached(loss.wrt, read_by)
    active = _reached({loss.symbol} & moved, {y: reads[y] & moved for y in reads if y in moved})
    readers: dict[TensorSymbol, list[Equation]] = {}
    for equation in equations:
        if equation.tensor in active:
            for t in sorted(reads[equation.tensor] & active, key=lambda t: t.name):
                readers.setdefault(t, []).append(equation)
    return readers


def _reached(
    start: Iterable[TensorSymbol], edges: Mapping[TensorSymbol, Iterable[TensorSymbol]]
) -> set[TensorSymbol]:
    """Every tensor that edges lead to from the start, and the start."""
    reached: set[TensorSymbol] = set()
    waiting = list(start)
    while waiting:
        tensor = waiting.pop()
        if tensor not in reached:
            reached.add(tensor)
            waiting += edges.get(tensor, ())
    return reached


def _reading_order(
    group: Sequence[Equation], computed: Collection[TensorSymbol]
) -> list[TensorSymbol]:
    """Parameters and inputs before the values that were computed: a layer's own gradients first."""
    read = {t for equation in group for t in tensors(equation.rhs)}
    return sorted(read, key=lambda t: (t in computed, t.name))


def _indices_for(x: TensorSymbol, reader: Equation | None) -> tuple[Index, ...]:
    """The names by which the reader reads x, where they are plain and distinct.

    An axis that it reads at another position, as 2 i + p, has a name that the reader has not.
    """
    if reader is None:
        return default_indices(x.shape)
    for access in sorted(reader.rhs.atoms(Access), key=_by_length):
        if access.tensor == x and len(set(access.indices)) == x.rank:
            at = list(zip(access.indices, x.shape, strict=True))
            taken = {i.name for i in reader.rhs.atoms(Index)}
            own: list[Index] = []
            for position, size in at:
                if not isinstance(position, Index):
                    if not position.has(Index) or position.has(Access, Digit):
                        break
                    position = Index(fresh_name(next(_unlike(taken)), taken), size)
                    taken.add(position.name)
                elif position.extent != size:
                    break
                own.append(position)
            if len(own) == x.rank:
                return tuple(own)
    return default_indices(x.shape)


def _by_length(access: Access) -> tuple[int, str]:
    return len(str(access)), str(access)


def _unlike(taken: Collection[str]) -> Iterator[str]:
    """Letters for the axes of what others read at several places."""
    yield from (c for c in "abdefghuvw" if c not in taken)
    yield "a"


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
