"""Layers that only move entries: their equations read the same numbers at other indices."""

from __future__ import annotations

import math
from collections.abc import Mapping

from symbackprop.layers.registry import Array, Call, Extent, axis_of, indices, names, shape_text


def flatten(call: Call, x: Array) -> Array:
    """y[n, f] = x[n, i, j, …], f the row-major position of (i, j, …)."""
    if len(x.shape) < 2:
        call.refuse(
            "x", f"flatten of an array of rank {len(x.shape)}", "it keeps axis 0; use reshape"
        )
    return reshape(call, x, x.shape[0], math.prod(x.shape[1:]))


def reshape(call: Call, x: Array, *shape: Extent) -> Array:
    """y[f…] = x[i…] where f… and i… have the same row-major position; one extent may be -1."""
    shape = _completed(call, x, shape)
    kept = 0
    while kept < min(len(shape), len(x.shape)) and shape[kept] == x.shape[kept]:
        kept += 1
    new, old = shape[kept:], x.shape[kept:]
    rows, columns = names("n", kept), names("f", len(new))
    extents = dict(zip(columns, new, strict=True))
    strides = {f"s{k}": math.prod(new[k:]) for k in range(1, len(new) + 1)}
    flat = " + ".join(f"{f} * {s}" for f, s in zip(columns, strides, strict=True)) or "0"
    digits = [f"digit({flat}, p{k}, e{k})" for k in range(1, len(old) + 1)]
    places = {f"p{k}": math.prod(old[k:]) for k in range(1, len(old) + 1)}
    sizes = {f"e{k}": e for k, e in enumerate(old, 1)}
    left, right = ", ".join(rows + columns), ", ".join(rows + digits)
    return call.equation(f"y[{left}] = x[{right}]", extents, x=x, **strides, **places, **sizes)


def transpose(call: Call, x: Array, *axes: int) -> Array:
    """y[i_axes[0], i_axes[1], …] = x[i_0, i_1, …]; without axes their order is reversed."""
    rank = len(x.shape)
    order = [axis_of(call, x, a) for a in axes] or list(reversed(range(rank)))
    if sorted(order) != list(range(rank)):
        call.refuse("axes", f"axes {axes} of an array of rank {rank}", "name each axis once")
    own = [f"i{k}" for k in range(rank)]
    left = ", ".join(own[k] for k in order)
    return call.equation(f"y[{left}] = x[{', '.join(own)}]", x=x)


def concat(call: Call, a: Array, b: Array, *more: Array, axis: int = -1) -> Array:
    """y[…, k] = a[…, k] where k < A, else b[…, k - A]: A is a's extent along `axis`."""
    if more:
        return concat(call, concat(call, a, b, axis=axis), *more, axis=axis)
    at = axis_of(call, a, axis)
    others = [[*x.shape[:at], *x.shape[at + 1 :]] for x in (a, b)]
    if len(a.shape) != len(b.shape) or others[0] != others[1]:
        call.refuse(
            "b",
            f"shapes {shape_text(a)} and {shape_text(b)} along axis {axis}",
            "all other axes have the same extents",
        )
    count = len(a.shape) - 1 - at
    after = f", {indices('m', count)}" if count else ""
    text = f"y[..., k{after}] = where(k < A, a[..., k{after}], b[..., k - A{after}])"
    return call.equation(text, {"k": a.shape[at] + b.shape[at]}, a=a, b=b, A=a.shape[at])


def pad(
    call: Call,
    x: Array,
    width: int = 0,
    axis: int | None = None,
    before: int | None = None,
    after: int | None = None,
) -> Array:
    """y is x with zeros around it: `width` at both ends of its inner axes, or `before` and `after`.

    The inner axes are all but the first and the last, H and W of an image; or the one `axis`.
    """
    if axis is None and len(x.shape) < 3:
        call.refuse("x", f"x has shape {shape_text(x)}, so no inner axes", "name one: axis=1")
    axes = range(1, len(x.shape) - 1) if axis is None else [axis_of(call, x, axis)]
    ends = {
        "before": width if before is None else before,
        "after": width if after is None else after,
    }
    for name, count in ends.items():
        if count < 0:
            given = "width" if (before if name == "before" else after) is None else name
            call.refuse(given, f"{given} {count}", "it is 0 or more")
    return padded(call, x, dict.fromkeys(axes, (ends["before"], ends["after"])))


def padded(call: Call, x: Array, zeros: Mapping[int, tuple[int, int]]) -> Array:
    """x with so many zeros before and after each of the axes; x itself where there are none."""
    own = _letters(x)
    conditions: list[str] = []
    positions, extents = list(own), {}
    numbers: dict[str, Extent] = {}
    for axis, (before, after) in zeros.items():
        if not before and not after:
            continue
        name, size = own[axis], x.shape[axis]
        extents[name], numbers[f"S{axis}"] = size + before + after, size + before
        conditions += [f"({name} >= {before})"] if before else []
        conditions += [f"({name} < S{axis})"] if after else []
        positions[axis] = f"{name} - {before}" if before else name
    if not conditions:
        return x
    text = f"where({' & '.join(conditions)}, x[{', '.join(positions)}], 0)"
    return call.equation(f"x_pad[{', '.join(own)}] = {text}", extents, x=x, **numbers)


def cropped(call: Call, x: Array, cuts: Mapping[int, tuple[int, int]]) -> Array:
    """x without so many entries at the beginning and the end of each axis."""
    own = _letters(x)
    positions, extents = list(own), {}
    for axis, (before, after) in cuts.items():
        if before or after:
            extents[own[axis]] = x.shape[axis] - before - after
            positions[axis] = f"{own[axis]} + {before}"
    if not extents:
        return x
    return call.equation(f"y[{', '.join(own)}] = x[{', '.join(positions)}]", extents, x=x)


def _letters(x: Array) -> list[str]:
    """An index for each axis: those of a sequence, of an image, or of anything."""
    rank = len(x.shape)
    return list({3: "ntc", 4: "nijc"}.get(rank, "")) or names("i", rank)


def _completed(call: Call, x: Array, shape: tuple[Extent, ...]) -> tuple[Extent, ...]:
    """The shape with its -1 replaced; a fault where the numbers of entries differ."""
    total = math.prod(x.shape)
    if shape.count(-1) > 1:
        call.refuse("shape", f"{shape.count(-1)} extents are -1", "let one be -1 at most")
    if shape.count(-1) == 1:
        missing = total / math.prod(e for e in shape if e != -1)
        completed = tuple(missing if e == -1 else e for e in shape)
        fits = bool(missing.is_integer)
    else:
        completed, fits = shape, math.prod(shape) == total
    if not fits:
        came, wanted = ", ".join(map(str, x.shape)), ", ".join(map(str, shape))
        call.refuse("shape", f"[{came}] to [{wanted}]", "keep the number of entries")
    return completed
