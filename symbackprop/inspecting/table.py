"""An inspection as text, and as HTML for a notebook."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence

from symbackprop import hypertext
from symbackprop.errors import CallError
from symbackprop.inspecting.model import FACTOR, Inspection, Layer, Way

BAR = 12  # columns of the longest bar
CALM = f"no cotangent changes by more than {FACTOR:g} times from layer to layer, or over all"
_DEPTH = ("", "tensor", "what", "values", "cotangent", "", "gradients")
_LAYERS = ("layer", "what", "Jacobian", "largest σ", "smallest σ")

Rows = Sequence[Sequence[str]]


def text(inspection: Inspection) -> str:
    """Tables for a terminal, and what is to be noticed."""
    return "\n".join(line.rstrip() for line in _lines(inspection)) + "\n"


def html(inspection: Inspection) -> str:
    """The same tables as HTML, above the picture where there can be one."""
    parts = [hypertext.paragraph(f"at {inspection.origin}", inspection.name)]
    for way in inspection.ways:
        parts += [hypertext.table(heads, rows) for heads, rows in _tables(way)]
        parts += [hypertext.paragraph(finding) for finding in way.findings or (CALM,)]
    with contextlib.suppress(CallError):
        parts.append(hypertext.image(inspection.picture(".png")))
    return "\n".join(parts)


def _lines(inspection: Inspection) -> Iterator[str]:
    title = "".join(c if c.isprintable() else " " for c in inspection.title)
    yield f"{inspection.name}: {title}" if title else inspection.name
    yield f"root mean squares per entry, at {inspection.origin}"
    for way in inspection.ways:
        if len(inspection.ways) > 1:
            yield f"\nBackward from {way.loss}"
        for heads, rows in _tables(way):
            yield ""
            yield from _aligned([heads, *rows])
        yield ""
        yield from way.findings or (CALM,)


def _tables(way: Way) -> Iterator[tuple[Sequence[str], Rows]]:
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
    yield _DEPTH, rows
    if way.layers:
        yield _LAYERS, [_layer(layer) for layer in way.layers]
    if way.steps:
        heads = ("cotangent", "along", "first step", "middle", "last step")
        yield (
            heads,
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


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if value < 1e5 else f"{value:.2e}"


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
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True))
