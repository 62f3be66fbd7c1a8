"""A whole random spec as text: declarations, a network of a few statements, losses."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from tests.fuzz import arrays, indexed, recurrences, wrong
from tests.fuzz.draws import Draws
from tests.fuzz.parts import Parts, Tensor, is_written

KINDS = ("indexed", "array", "indexed", "array", "window", "recurrence", "array")
LOSSES = ("mse", "half_sse", "mae", "huber", "binary_cross_entropy", "kl_normal", "cross_entropy",
          "cross_entropy", "nll", "kl_divergence", "hinge")  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """The text, what went into it, and what was put wrong on purpose ("" for nothing)."""

    text: str
    notes: Counter[str]
    mistake: str


def whole(draws: Draws) -> Drawn:
    """A random spec; one in five has a mistake in it."""
    parts = Parts(draws)
    parts.some()
    for _ in range(draws.pick((1, 2, 1, 2, 1, 3, 4, 0))):
        kind = draws.pick(KINDS)
        parts.note(f"statement: {kind}")
        match kind:
            case "array":
                arrays.statement(parts, draws.pick((1, 2)))
            case "window":
                indexed.window(parts)
            case "recurrence":
                recurrences.recurrence(parts)
            case _:
                indexed.statement(parts, draws.pick((1, 2, 1, 3)))
    losses = _losses(parts)
    lines = _lines(parts, losses)
    if draws.once_in(5):
        mistake, lines = wrong.damaged(draws, lines, parts)
        return Drawn("\n".join(lines) + "\n", parts.notes, mistake)
    return Drawn("\n".join(lines) + "\n", parts.notes, "")


def _losses(parts: Parts) -> list[str]:
    draws = parts.draws
    names = ["loss"] if not draws.once_in(5) else ["loss", "second"]
    parts.note(f"losses: {len(names)}")
    found = [_loss(parts, first=k == 0) for k in range(len(names))]
    if len(names) == 1:
        return [f"loss: {found[0]}"]
    lines = ["losses:"]
    for name, value in zip(names, found, strict=True):
        wrt = f", wrt: [{', '.join(_wrt(parts))}]" if draws.once_in(2) else ""
        lines.append(f"  {name}: {{value: '{value}'{wrt}}}")
    return lines


def _loss(parts: Parts, first: bool) -> str:
    """A scalar that depends on what was stated last, and mostly on all that nothing else reads."""
    draws = parts.draws
    read = " ".join(line.partition("=")[2] for line in parts.lines)
    loose = [t for t in parts.tensors if t.name in parts.made and t.name not in read]
    terms = [_term(parts, t) for t in (loose if first else loose[-1:])]
    terms = terms or [_term(parts, parts.some())]
    if parts.layers and draws.once_in(6):
        terms.append(f"{draws.pick(('l2', 'l1'))}(0.1)")
    return draws.pick((" + ", " - ", " + ")).join(terms)


def _term(parts: Parts, of: Tensor) -> str:
    draws = parts.draws
    if of.rank and draws.once_in(3):
        special = _named_loss(parts, of)
        if special:
            return special
    reduce = draws.pick(("sum", "mean", "sum", "max", "logsumexp"))
    inside = draws.pick((f"{of.name}**2", f"tanh({of.name})", of.name, f"sin({of.name} + 1)"))
    parts.note(f"loss {reduce}")
    return f"{reduce}({inside})" if of.rank else f"({inside})"


def _named_loss(parts: Parts, p: Tensor) -> str:
    draws = parts.draws
    kind = draws.pick(LOSSES)
    more = ', reduction="sum"' if draws.once_in(4) else ""
    if kind in ("cross_entropy", "nll"):
        if not is_written(p.shape[-1]):
            return ""
        y = parts.of_shape(p.shape[:-1], "labels", p.shape[-1])
        inner = "softmax" if kind == "cross_entropy" else "log_softmax"
        parts.note(f"loss {kind}")
        return f"{kind}({inner}({p.name}), {y.name}{more})" if y else ""
    y = parts.of_shape(p.shape)
    if y is None:
        return ""
    parts.note(f"loss {kind}")
    if kind == "binary_cross_entropy":
        return f"binary_cross_entropy(sigmoid({p.name}), sigmoid({y.name}){more})"
    if kind == "kl_divergence":
        return f"kl_divergence(softmax({p.name}), softmax({y.name}){more})"
    return f"{kind}({p.name}, {y.name}{more})"


def _wrt(parts: Parts) -> list[str]:
    reals = [t.name for t in parts.tensors if t.kind == "real" and t.name in parts.inputs]
    names = [*parts.params, *reals]
    return [n for n in names if not parts.draws.once_in(3)] or names[:1]


def _lines(parts: Parts, losses: list[str]) -> list[str]:
    draws = parts.draws
    if not parts.inputs:
        parts.declared(("N",), "real")
    text = " ".join([*parts.lines, *losses])
    for name in [n for n in parts.params if not re.search(rf"\b{n}\b", text)]:
        del parts.params[name]  # one that nothing reads is refused
    lines = ["name: fuzzed"]
    if parts.dims:
        lines.append(f"dims: {{{', '.join(f'{k}: {v}' for k, v in sorted(parts.dims.items()))}}}")
    lines += ["inputs:", *(f"  {name}: {text}" for name, text in parts.inputs.items())]
    if parts.params:
        lines += ["params:", *(f"  {name}: {text}" for name, text in parts.params.items())]
    if parts.constants:
        lines += ["constants:", *(f"  {k}: {v}" for k, v in parts.constants.items())]
    if parts.lines:
        lines += ["network: |", *(f"  {line}" for line in parts.lines)]
    lines += losses
    if draws.once_in(3) or not (parts.params or parts.layers or parts.shared):
        parts.note("wrt")
        lines.append(f"wrt: [{', '.join(_wrt(parts))}]")
    elif parts.tables and draws.once_in(2):
        parts.note("sparse")
        lines.append(f"sparse: [{parts.tables[0]}]")
    if parts.made and draws.once_in(4):
        parts.note("outputs")
        lines.append(f"outputs: [{', '.join(parts.made)}]")
    return lines
