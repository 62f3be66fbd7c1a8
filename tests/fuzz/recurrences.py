"""Random recurrences: one or two tensors, forwards and backwards, with and without a first step."""

from __future__ import annotations

from tests.fuzz.indexed import FREE, Indexed
from tests.fuzz.parts import Parts

STEPS = ("tanh", "sigmoid", "sin", "arctan", "softsign", "relu", "")


def recurrence(parts: Parts) -> None:
    draws = parts.draws
    shape = tuple(s for s in parts.some(least=1, most=4).shape if parts.knows(s)) or ("3",)
    axis = draws.below(len(shape))
    names = [f"h{len(parts.made) + k}" for k in range(draws.pick((1, 1, 2)))]
    backward, shift = draws.once_in(2), draws.pick((1, 1, 1, 2))
    parts.note(f"recurrence of {len(names)}, {'backward' if backward else 'forward'}, by {shift}")
    own = dict(zip(FREE, shape, strict=False))
    step = FREE[axis]
    if draws.once_in(3) and shift == 1:
        _first(parts, names[0], own, axis, backward)
    for number, name in enumerate(names):
        writer = Indexed(parts, dict(own))
        earlier = f"{step} {'+' if backward else '-'} {shift}"
        terms = [writer.met() if draws.once_in(2) else writer.value(1)]
        for read in {0: names, 1: names[::-1]}[number][: draws.pick((1, 2))]:
            terms.append(_read(parts, writer, read, own, axis, earlier))
        if number == 1 and draws.once_in(2):
            terms.append(f"{names[0]}[{', '.join(own)}]")
        body = draws.pick((" + ", " + ", " * ", " - ")).join(terms)
        if not own.keys() <= writer.stood:
            body += f" + {writer.met()}"
        text = f"{writer.left(name)} = {draws.pick(STEPS)}({body})"
        parts.lines.append(text)
    for name in names:
        parts.define(name, shape, "")
        parts.lines.pop()


def _first(parts: Parts, name: str, own: dict[str, str], axis: int, backward: bool) -> None:
    """`h[n, -1, i] = h0[n, i]`."""
    before = own[FREE[axis]] if backward else "-1"
    places = [before if k == axis else i for k, i in enumerate(own)]
    rest = tuple(s for k, s in enumerate(own.values()) if k != axis)
    start = parts.of_shape(rest)
    indices = [i for k, i in enumerate(own) if k != axis]
    value = "0.5"
    if start is not None:
        value = f"{start.name}[{', '.join(indices)}]" if rest else start.name
    parts.note("recurrence with a first step")
    parts.lines.append(f"{name}[{', '.join(places)}] = {value}")


def _read(
    parts: Parts, writer: Indexed, name: str, own: dict[str, str], axis: int, earlier: str
) -> str:
    """An earlier step: entry by entry, or mixed by a matrix."""
    draws = parts.draws
    others = [k for k in range(len(own)) if k != axis]
    indices = list(own)
    places = [earlier if k == axis else i for k, i in enumerate(indices)]
    form = draws.pick(("plain", "matrix", "times", "mean", "where"))
    parts.note(f"earlier step, {form}")
    if form in ("matrix", "mean") and others:
        mixed = draws.pick(others)
        size = own[indices[mixed]]
        places[mixed] = "c"
        entry = f"{name}[{', '.join(places)}]"
        matrix = parts.of_shape((size, size)) if form == "matrix" else None
        if matrix is None:
            return f"mean[c:{size}]({entry})"
        writer.stood.add(indices[mixed])
        return f"sum[c]({matrix.name}[c, {indices[mixed]}] * {entry})"
    entry = f"{name}[{', '.join(places)}]"
    if form == "times":
        return f"{writer.met()} * {entry}"
    if form == "where":
        return f"where({writer.mask(0)}, {entry}, {writer.leaf()})"
    return f"0.5 * {entry}"
