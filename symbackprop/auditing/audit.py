"""The audit of one function: run, compare, explain, mend."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from symbackprop.auditing.bounded import Child
from symbackprop.auditing.calling import SOURCE, Stranger
from symbackprop.auditing.child import source
from symbackprop.auditing.child.layouts import SPEC
from symbackprop.auditing.compare import losses_agree
from symbackprop.auditing.diagnosis import Diagnosis
from symbackprop.auditing.judged import Judged, judge, judged, rate_read_off
from symbackprop.auditing.model import (
    AGREES,
    DIFFERS,
    MISSING,
    NOT_FINITE,
    NOT_REACHED,
    WRONG_SHAPE,
    Audit,
    Row,
)
from symbackprop.auditing.points import Right, known_of, points_of, write
from symbackprop.auditing.target import Target, target
from symbackprop.checking.draw import TooLarge
from symbackprop.derivation.model import Derivation, LossDerivation
from symbackprop.equations.evaluate import Undefined
from symbackprop.errors import CallError
from symbackprop.spec.errors import did_you_mean, quoted


@dataclasses.dataclass(frozen=True)
class Options:
    """What the caller says of the function.

    binds: from an argument, `self.NAME` or a global to a name of the spec, several, or a number.
    returns: what comes back, in order, - for no gradient. scale: what the gradients are meant to be
    of the spec's, as "N". rate: the learning rate that a training step uses. columns: examples
    stand in columns. seconds: for one answer of the child. constants: numbers by name that the spec
    defines.
    """

    binds: Mapping[str, str] = dataclasses.field(default_factory=dict)
    returns: Sequence[str] = ()
    rate: float | None = None
    columns: bool = False
    scale: str = "1"
    loss: str | None = None
    wrt: Sequence[str] = ()
    seconds: float = 10.0
    constants: Mapping[str, float] = dataclasses.field(default_factory=dict)


def audit(path_and_function: str, derivation: Derivation, options: Options) -> Audit:
    """Hold the gradients of `FILE.py:FUNCTION` against the derivation's. Raises CallError."""
    aim = target(path_and_function)
    # A plain value: damaged copies of it neither show nor prove themselves.
    derivation = Derivation(derivation.system, derivation.forward, derivation.losses)
    loss = _loss(derivation, options.loss)
    names = _names(loss, options.wrt)
    _check_returns(options.returns, names)
    points = _points(derivation, loss)
    scale = [_scale(options.scale, point) for point in points]
    known = known_of(derivation)
    _check_binds(options.binds, [k.name for k in known])
    with Child(aim.path, options.seconds) as child:
        write(child.folder, points, known, loss, names)
        (child.folder / SOURCE).write_text(aim.text, "utf-8")
        stranger = Stranger(
            child,
            aim.function,
            tuple(known),
            options.binds,
            tuple(options.returns),
            options.rate,
            options.columns,
            options.constants,
        )
        best = judge(stranger, loss, names, points, scale)
        stranger = dataclasses.replace(stranger, reading=best.reading)
        stranger, best, notes = _with_rate(stranger, best, aim, loss, names, points, scale)
        notes += _notes(best, aim)
        if losses_agree(loss.loss.name, points, best.calls.came) is False:
            notes.append(f"the loss that it gives is not {loss.loss.name} of the spec")
        rows = tuple(_row(name, best) for name in names)
        made = Audit(
            str(aim.path), aim.function, derivation.system.name, len(points), rows, (), tuple(notes)
        )
        diagnosis = Diagnosis(aim, derivation, loss, names, points, scale, stranger, best)
        if made and best.calls.trouble is None:
            return dataclasses.replace(made, findings=tuple(diagnosis.of_own_shapes()))
        findings, verified = diagnosis.findings()
        return dataclasses.replace(made, findings=tuple(findings), verified=verified)


def _with_rate(
    stranger: Stranger,
    best: Judged,
    aim: Target,
    loss: LossDerivation,
    names: Sequence[str],
    points: Sequence[Right],
    scale: Sequence[float],
) -> tuple[Stranger, Judged, list[str]]:
    """The same with the learning rate that the source has as a bare number, where it has one."""
    node = source.definition(aim.tree, aim.function) or aim.tree
    rate = rate_read_off(best, source.numbers(node) | source.numbers(aim.tree))
    if rate is None:
        return stranger, best, []
    stranger = dataclasses.replace(stranger, rate=rate)
    calls = stranger.run(best.calls.layout, range(len(points)))
    note = f"the learning rate is taken to be {rate:g}, a number in the file; --rate says another"
    return stranger, judged(calls, loss, names, points, scale), [note]


def _notes(best: Judged, aim: Target) -> list[str]:
    notes = []
    if best.calls.layout.words:
        notes.append(f"laid out unlike the spec: {best.calls.layout.words}")
    if best.all_odd:
        notes.append("its own parameters have other shapes; it is called with the spec's")
    ways = {one.way for one in best.calls.came}
    if "change" in ways:
        rates = {one.rate for one in best.calls.came}
        by = "the learning rate" if None not in rates else "1, for no learning rate is known"
        notes.append(f"the gradients are what the parameters lose in a step, divided by {by}")
    if "attributes" in ways:
        notes.append("the gradients are those that it keeps as attributes")
    if any(one.ordered for one in best.calls.came):
        order = ", ".join(best.calls.came[0].gradients)
        notes.append(f"what it returns is taken to be, in order, {order}; --returns says another")
    return notes


def _row(name: str, best: Judged) -> Row:
    found = best.found[name]
    if not found:
        return Row(name, NOT_REACHED)
    if best.calls.trouble is None and all(c.agrees for c in found):
        return Row(name, AGREES, max(c.difference for c in found))
    if all(c.came is None for c in found):
        return Row(name, MISSING, None, "it is not given")
    for one in found:
        if one.came is not None and one.came.shape != one.right.shape:
            detail = f"{list(one.came.shape)} in place of {list(one.right.shape)}"
            return Row(name, WRONG_SHAPE, None, detail)
        if not one.fits:
            return Row(name, NOT_FINITE, None, "an entry is NaN or infinite")
    verdict = AGREES if all(c.agrees for c in found) else DIFFERS
    return Row(name, verdict, max(c.difference for c in found))


def _points(derivation: Derivation, loss: LossDerivation) -> list[Right]:
    try:
        return points_of(derivation, loss)
    except TooLarge as large:
        raise CallError(f"the network is {large}", "audit it with smaller extents") from None
    except Undefined as undefined:
        raise CallError(
            f"no point is found at which the network has values: {undefined}",
            "symbackprop check says more of it",
        ) from None


def _loss(derivation: Derivation, name: str | None) -> LossDerivation:
    losses = {loss.loss.name: loss for loss in derivation.losses}
    listed = f"there are {', '.join(losses)}"
    if name is None and len(losses) > 1:
        raise CallError(
            f"the spec has several losses, {', '.join(losses)}",
            f"say which one the function is for: --loss {next(iter(losses))}",
        )
    if name is not None and name not in losses:
        raise CallError(f"the spec has no loss {quoted(name)}", did_you_mean(name, losses, listed))
    loss = losses[name] if name is not None else next(iter(losses.values()))
    if not loss.gradients:
        raise CallError(f"{loss.loss.name} is differentiated by nothing", "name something in wrt")
    return loss


def _names(loss: LossDerivation, wrt: Iterable[str]) -> list[str]:
    wanted = list(wrt) or list(loss.gradients)
    for name in wanted:
        if name not in loss.gradients:
            listed = f"there are {', '.join(loss.gradients)}"
            raise CallError(
                f"the derivation has no gradient by {quoted(name)}",
                did_you_mean(name, loss.gradients, listed),
            )
    return wanted


def _check_returns(returns: Sequence[str], names: Sequence[str]) -> None:
    for name in returns:
        if name not in names and name not in ("-", "loss"):
            listed = f"there are {', '.join(names)}; - for what is no gradient"
            raise CallError(
                f"--returns names {quoted(name)}, of which there is no gradient",
                did_you_mean(name, names, listed),
            )


def _check_binds(binds: Mapping[str, str], known: Sequence[str]) -> None:
    for argument, text in binds.items():
        for part in (p.strip() for p in text.split(",")):
            try:
                float(part)
            except ValueError:
                if part not in known and part not in ("rate", "lr"):
                    listed = f"there are {', '.join(known)}; or a number, or rate"
                    raise CallError(
                        f"--bind {argument}={text}: the spec has no {quoted(part)}",
                        did_you_mean(part, known, listed),
                    ) from None


def _scale(text: str, point: Right) -> float:
    """`N`, `2`, `1/N`, `2*N`: a product and quotient of numbers and extents. Raises CallError."""
    value = Fraction(1)
    for position, part in enumerate(text.replace(" ", "").split("/")):
        for factor in part.split("*"):
            try:
                known = point.extents.get(factor)
                number = Fraction(known) if known is not None else Fraction(factor)
                value = value * number if position == 0 else value / number
            except (ValueError, ZeroDivisionError):
                extents = ", ".join(point.extents) or "none"
                raise CallError(
                    f"--scale {text}: {quoted(factor)} is no number, and no extent",
                    f"write 2, N, 1/N or 2*N; the free extents are {extents}",
                ) from None
    if value == 0:
        raise CallError("--scale 0 leaves nothing to compare", "write 2, N, 1/N or 2*N")
    return float(value)


__all__ = ["SPEC", "Options", "audit"]
