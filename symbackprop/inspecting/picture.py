"""An inspection as a picture along the depth. What is drawn depends on the inspection alone."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping
from typing import Any

from symbackprop.errors import CallError
from symbackprop.inspecting.model import Inspection, Way

_NAMES = 40  # that fit below a panel


def picture(inspection: Inspection, ending: str) -> bytes:
    """A row of panels a loss: cotangents, singular values of layers, cotangents along steps.

    Raises CallError without matplotlib.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        fix = "pip install 'symbackprop[train]', or leave out -o for the table alone"
        raise CallError("a picture needs matplotlib, which is not installed", fix) from None

    panels = [[p for p in _PANELS if p[0](way)] for way in inspection.ways]
    columns = max(1, *map(len, panels))
    with matplotlib.rc_context({"svg.hashsalt": "symbackprop", "svg.fonttype": "path"}):
        size = (max(5.5 * columns, 7.0), 4.0 * len(panels) + 0.4)
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(_title(inspection), parse_math=False, fontsize=10)
        for line, (way, chosen) in enumerate(zip(inspection.ways, panels, strict=True)):
            for column, (_, draw) in enumerate(chosen):
                place = line * columns + column + 1
                draw(figure.add_subplot(len(panels), columns, place), way)
        content = io.BytesIO()
        metadata = {"Date": None} if ending == ".svg" else {"Software": None}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+ ")  # a letter that the font lacks
            figure.savefig(content, format=ending[1:], dpi=120, metadata=metadata)
    return content.getvalue()


def _title(inspection: Inspection) -> str:
    return f"{inspection.title or inspection.name}\nat {inspection.origin}"


def _cotangents(axes: Any, way: Way) -> None:
    """Every cotangent from below, those that all passes joined by a line; gradients beside them."""
    found = [d for d in way.depth if _positive(d.cotangent)]
    places = {d.name: k for k, d in enumerate(found)}
    links = [d for d in found if d.chained]
    axes.plot([places[d.name] for d in found], [d.cotangent for d in found], "o", color="0.7", ms=4)
    axes.plot(
        [places[d.name] for d in links], [d.cotangent for d in links], "o-", label="cotangents"
    )
    slopes = [(places[d.name], g) for d in found for g in d.gradients.values() if _positive(g)]
    if slopes:
        axes.plot(*zip(*slopes, strict=True), "x", label="gradients")
    named = found if len(found) <= _NAMES else links
    title = f"root mean squares on the way back from {way.loss}"
    _named(axes, {places[d.name]: d.name for d in named}, title)
    axes.set_yscale("log")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, frameon=False)


def _spectra(axes: Any, way: Way) -> None:
    """The largest and the smallest singular value of each layer's Jacobian."""
    largest = [layer.largest for layer in way.layers]
    floor = min((v for v in largest if _positive(v)), default=1.0) * 1e-6
    smallest = [max(layer.smallest, floor) for layer in way.layers]
    places = range(len(way.layers))
    axes.vlines(places, smallest, [max(v, floor) for v in largest], color="0.7", lw=4)
    axes.plot(places, [max(v, floor) for v in largest], "^", label="largest singular value")
    axes.plot(places, smallest, "v", label="smallest, or below the picture")
    axes.axhline(1.0, color="0.5", lw=0.8, ls="--")
    names = {k: f"{layer.below} → {layer.above}" for k, layer in enumerate(way.layers)}
    _named(axes, names, "Jacobian of each layer")
    axes.set_yscale("log")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, frameon=False)


def _steps(axes: Any, way: Way) -> None:
    """The cotangent of each recurrence along its steps."""
    for steps in way.steps:
        norms = [norm if _positive(norm) else math.nan for norm in steps.norms]
        axes.plot(range(len(norms)), norms, ".-", label=f"{steps.name} along {steps.index}")
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_title("cotangents along the steps", fontsize=9)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, frameon=False)


def _named(axes: Any, names: Mapping[int, str], title: str) -> None:
    """The names of what stands along the depth: aslant where there are several, and of very many
    as many as there is room for.
    """
    places = list(names)[:: -(-len(names) // _NAMES) or 1]
    aslant = len(names) > 6
    axes.set_xticks(places, [names[k] for k in places], rotation=60 if aslant else 0, fontsize=8)
    for label in axes.get_xticklabels():
        label.set_parse_math(False)
        label.set_horizontalalignment("right" if aslant else "center")
    axes.set_title(title, fontsize=9, parse_math=False)
    axes.grid(alpha=0.3)


def _positive(number: float | None) -> bool:
    return number is not None and 0 < number < math.inf


_PANELS = (
    (lambda way: any(_positive(d.cotangent) for d in way.depth), _cotangents),
    (lambda way: bool(way.layers), _spectra),
    (lambda way: any(_positive(n) for s in way.steps for n in s.norms), _steps),
)
