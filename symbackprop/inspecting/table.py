"""An inspection as text, and as HTML for a notebook."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from functools import partial

from symbackprop import hypertext
from symbackprop.errors import CallError
from symbackprop.inspecting.findings import remarks
from symbackprop.inspecting.model import FACTOR, Inspection, Layer, Way
from symbackprop.inspecting.phrases import joined, number
from symbackprop.notation import USUAL, Notation
from symbackprop.report.languages import say
from symbackprop.report.plain import columns

BAR = 12  # columns of the longest bar

Rows = Sequence[Sequence[str]]


def text(inspection: Inspection, notation: Notation) -> str:
    """Tables for a terminal, and what is to be noticed."""
    return "\n".join(line.rstrip() for line in _lines(inspection, notation)) + "\n"


def html(inspection: Inspection) -> str:
    """The same tables as HTML, above the picture where there can be one."""
    parts = [hypertext.paragraph(f"at {inspection.origin}", inspection.name)]
    for way in inspection.ways:
        parts += [hypertext.table(heads, rows) for heads, rows in _tables(way, USUAL)]
        parts += [hypertext.paragraph(remark.said()) for remark in remarks(way)]
    with contextlib.suppress(CallError):
        parts.append(hypertext.image(inspection.picture(".png")))
    return "\n".join(parts)


def _lines(inspection: Inspection, notation: Notation) -> Iterator[str]:
    title = "".join(c if c.isprintable() else " " for c in inspection.title)
    yield f"{inspection.name}: {title}" if title else inspection.name
    origin = joined(inspection.origins, notation)
    yield say(notation, "root mean squares per entry, at {origin}", origin=origin)
    for way in inspection.ways:
        if len(inspection.ways) > 1:
            yield ""
            yield say(notation, "Backward from {loss}", loss=way.loss)
        for heads, rows in _tables(way, notation):
            yield ""
            yield from _aligned([heads, *rows])
        yield ""
        yield from (remark.said(notation) for remark in remarks(way))


def _tables(way: Way, notation: Notation) -> Iterator[tuple[Sequence[str], Rows]]:
    said = partial(say, notation)
    norms = [d.cotangent for d in way.depth if d.cotangent]
    rows = [
        (
            f"({d.number})",
            d.name,
            d.label,
            number(d.value),
            "" if d.cotangent is None else number(d.cotangent),
            bar(d.cotangent, norms),
            ", ".join(f"{name} {number(norm)}" for name, norm in d.gradients.items()),
        )
        for d in way.depth
    ]
    first = ("", said("tensor"), said("layer"), said("values"), said("cotangent"))
    yield (*first, "", said("gradients")), rows
    if way.layers:
        second = (said("from, to"), said("layer"), said("Jacobian"))
        ends = (said("largest σ"), said("smallest σ"))
        yield (*second, *ends), [_layer(layer) for layer in way.layers]
    if way.steps:
        yield (
            tuple(map(said, ("cotangent", "along", "first step", "middle", "last step"))),
            [
                (s.name, s.index, *(number(s.norms[k]) for k in (0, len(s.norms) // 2, -1)))
                for s in way.steps
            ],
        )


def _layer(layer: Layer) -> tuple[str, ...]:
    about = ("", "") if layer.exact else ("≥ ", "≤ ")
    return (
        f"{layer.below} → {layer.above}",
        ", ".join(layer.labels),
        f"{layer.rows} × {layer.columns}",
        about[0] + number(layer.largest),
        about[1] + number(layer.smallest),
    )


def bar(norm: float | None, norms: Sequence[float]) -> str:
    """A bar as long as the norm's logarithm lies between those of the least and the largest."""
    if not norm or not math.isfinite(norm):
        return ""
    low, high = min(norms), max(norms)
    if high <= low or not math.isfinite(high):
        return "█" * BAR
    share = math.log(norm / low) / max(math.log(high / low), math.log(FACTOR))
    return "█" * max(1, round(1 + share * (BAR - 1)))


def _aligned(rows: Rows) -> Iterator[str]:
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (c + " " * (w - columns(c)) for c, w in zip(row, widths, strict=True))
        yield "  " + "  ".join(cells)
