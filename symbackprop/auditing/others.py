"""The derivation as a stranger may have gone through it otherwise.

A loss of a softmax or a sigmoid is simplified before it is differentiated; by hand one often goes
through the activation. And a function may be right about a network that is another than the
spec's: its forward way has the mistake, and its way back follows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import sympy

from symbackprop.auditing.hypotheses import Hypothesis, named, readable
from symbackprop.auditing.points import Array
from symbackprop.auditing.world import Change, World
from symbackprop.derivation import differentiate
from symbackprop.derivation.model import Line, LossDerivation
from symbackprop.equations.evaluate import Undefined
from symbackprop.equations.evaluate_arrays import evaluate_arrays
from symbackprop.equations.nodes import Access, TensorSymbol, tensors
from symbackprop.equations.recurrence import NoRecurrence
from symbackprop.equations.reductions import Sum
from symbackprop.equations.system import Equation, Input, Loss, System
from symbackprop.mistakes import mistakes

_FAULTS = (AssertionError, NoRecurrence, Undefined, ValueError, IndexError, KeyError, TypeError)
_FORWARD = (
    "lost guard", "missing term", "wrong tensor", "swapped axes", "wrong function", "wrong index",
    "wrong factor", "wrong shift", "off by one", "wrong comparison", "opposite sign",
)  # fmt: skip


@dataclass(frozen=True)
class Way:
    """Another derivation of the same gradients, and its lines that the first does not have."""

    world: World
    lines: tuple[Line, ...]


def through_activations(world: World) -> Iterator[Way]:
    """For each activation that the simplified way back leaves out, the way through it."""
    own = {line.of for line in world.lines}
    system = world.derivation.system
    for equation in system.equations:
        read = [t for t in tensors(equation.rhs) if t in own]
        if equation.tensor in own or len(read) != 1 or not equation.indices:
            continue
        way = _through(world, equation, read[0])
        if way is not None:
            yield way


def _through(world: World, equation: Equation, inner: TensorSymbol) -> Way | None:
    system, loss = world.derivation.system, world.loss
    activation = equation.tensor
    outer = replace(
        system,
        inputs=(*system.inputs, Input(activation)),
        equations=tuple(e for e in system.equations if e.tensor != activation),
        losses=(Loss(loss.loss, (activation,)),),
        outputs=(),
    )
    try:
        above = differentiate(outer).losses[0]
    except _FAULTS:
        return None
    cotangent = above.gradients[activation.name].equation.tensor
    if any(line.equation.tensor.name in world.points[0].values for line in above.cotangents):
        return None
    total = TensorSymbol("_under_a_cotangent", ())
    product = Access(cotangent, *equation.indices) * equation.lhs
    under = System(
        system.name,
        "",
        "",
        system.extents,
        (*system.inputs, Input(cotangent), Input(inner)),
        system.parameters,
        (equation, Equation(total, (), Sum(product, *equation.indices))),
        (Loss(total, (inner,)),),
        (),
    )
    try:
        below = differentiate(under).losses[0]
    except _FAULTS:
        return None
    return _joined(world, above, below, inner)


def _joined(
    world: World, above: LossDerivation, below: LossDerivation, inner: TensorSymbol
) -> Way | None:
    """The way back that goes through the activation, with the numbers of the simplified line."""
    fused = next(line for line in world.lines if line.of == inner)
    last = below.gradients[inner.name]
    inlined = {c.equation.tensor: c for c in below.cotangents if c is not last}
    rhs = last.equation.rhs
    for alias in reversed(list(inlined.values())):
        wanted = [a for a in rhs.atoms(Access) if a.tensor == alias.equation.tensor]
        rhs = rhs.xreplace(
            {
                a: alias.equation.rhs.xreplace(
                    dict(zip(alias.equation.indices, a.indices, strict=True))
                )
                for a in wanted
            }
        )
    if len(fused.equation.indices) != len(last.equation.indices):
        return None
    names = dict(zip(last.equation.indices, fused.equation.indices, strict=True))
    joined = replace(fused, equation=replace(fused.equation, rhs=rhs.xreplace(names)), steps=())
    new = tuple(replace(line, number=fused.number) for line in above.cotangents)
    lines: list[Line] = []
    for line in world.lines:
        lines += [*new, joined] if line is fused else [line]
    gradients = {n: joined if x is fused else x for n, x in world.loss.gradients.items()}
    loss = replace(world.loss, cotangents=tuple(lines), gradients=gradients)
    extra: list[dict[str, Array]] = []
    for point, known in zip(world.points, world.extra, strict=True):
        try:
            values = evaluate_arrays([x.equation for x in new], point.values, point.extents)
        except _FAULTS:
            return None
        extra.append(
            {**known, **{x.equation.tensor.name: values[x.equation.tensor.name] for x in new}}
        )
    losses = tuple(loss if x is world.loss else x for x in world.derivation.losses)
    derivation = replace(world.derivation, losses=losses)
    return Way(World(derivation, loss, world.points, extra), (*new, joined))


def slope_too_many(world: World, line: Line) -> Iterator[Hypothesis]:
    """The simplified cotangent times the derivative of the activation that is in it already."""
    for way in through_activations(world):
        joined = way.lines[-1]
        if joined.of != line.of or not joined.equation.rhs.is_Mul:
            continue
        cotangents = [x.equation.tensor for x in way.lines[:-1]]
        slope = sympy.Mul(
            *(f for f in joined.equation.rhs.args if not set(tensors(f)) & set(cotangents))
        )
        words = "the derivative of the activation is taken once more: it is in this line already"
        change = Change({line.equation.tensor.name: line.equation.rhs * slope})
        yield Hypothesis("derivative of the wrong value", words, line, change, 1.2)


def other_networks(world: World, lines: Sequence[Line]) -> Iterator[tuple[World, Hypothesis]]:
    """The derivation of the network with one mistake on its way forward."""
    equations = [line.equation for line in world.derivation.forward]
    system = replace(world.derivation.system, losses=(
        Loss(world.loss.loss, tuple(_symbols(world))),), outputs=())  # fmt: skip
    for line in map(_as_written, lines):
        for mistake in mistakes(world.derivation, line):
            if mistake.kind not in _FORWARD:
                continue
            wrong = replace(line.equation, rhs=mistake.rhs)
            changed = tuple(wrong if e.tensor == wrong.tensor else e for e in equations)
            try:
                derivation = differentiate(replace(system, equations=changed))
            except _FAULTS:
                continue
            kind, cost = named(mistake)
            words = f"the network that it differentiates is another one: {readable(mistake.words)}"
            found = World(derivation, derivation.losses[0], world.points, world.extra)
            yield found, Hypothesis(kind, words, line, Change(), cost + 2)


def _as_written(line: Line) -> Line:
    """The line as the user wrote it, before any rule."""
    if not line.steps:
        return line
    return replace(line, equation=replace(line.equation, rhs=line.steps[0].before))


def _symbols(world: World) -> list[TensorSymbol]:
    given = {s.name: s for s in world.derivation.system.given}
    return [given[n] for n in world.loss.gradients if n in given]


def anew(world: World, number: int, names: Sequence[str]) -> dict[str, Array] | None:
    """The gradients of another network's derivation at one point; None where they have none."""
    point = world.points[number]
    equations = [x.equation for x in (*world.derivation.forward, *world.loss.cotangents)]
    try:
        found = evaluate_arrays(equations, point.instance.given, point.extents)
    except _FAULTS:
        return None
    tensor = {n: world.loss.gradients[n].equation.tensor.name for n in names}
    return {n: found[t] for n, t in tensor.items()}
