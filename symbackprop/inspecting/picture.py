"""An inspection as a picture along the depth. What is drawn depends on the inspection alone."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from symbackprop.errors import CallError
from symbackprop.inspecting.model import FACTOR, Inspection, Way
from symbackprop.inspecting.phrases import joined
from symbackprop.notation import Notation
from symbackprop.report.languages import say

_NAMES = 40  # that fit below a panel
_UPRIGHT = 6  # that fit side by side
_DEEPEST = 1e-8  # of the largest singular value, what is drawn in its place
_FIRST, _SECOND = "C0", "C1"
_QUIET = "0.7"
# Fonts with Chinese letters, as systems call them; of a file with several the first is read.
_HAN = re.compile(
    "(Noto|Source Han) Sans (CJK|SC|CN|JP)|WenQuanYi|PingFang|Hiragino Sans GB|Microsoft YaHei"
    "|SimHei|AR PL UMing"
)
_HAN_FILES = re.compile("NotoSans(CJK|SC)-Regular|SourceHanSans.*Regular|wqy-|uming|msyh|simhei")


def picture(inspection: Inspection, ending: str, notation: Notation) -> bytes:
    """A row of panels a loss: cotangents, singular values of layers, cotangents along steps.

    Raises CallError without matplotlib, or where there is no font for the language.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        fix = "pip install 'symbackprop[train]', or leave out -o for the table alone"
        raise CallError("a picture needs matplotlib, which is not installed", fix) from None

    panels = [[p for p in _PANELS if p[0](way)] for way in inspection.ways]
    columns = max(1, *map(len, panels))
    style: dict[Any, Any] = {
        "font.family": ["DejaVu Sans", *_fonts(notation)],
        "svg.hashsalt": "symbackprop",
        "svg.fonttype": "path",
    }
    with matplotlib.rc_context(style):
        size = (max(5.5 * columns, 7.0), 4.2 * len(panels) + 0.4)
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(_title(inspection, notation), parse_math=False, fontsize=10)
        for line, (way, chosen) in enumerate(zip(inspection.ways, panels, strict=True)):
            for column, (_, draw) in enumerate(chosen):
                place = line * columns + column + 1
                axes = figure.add_subplot(len(panels), columns, place)
                draw(axes, way, partial(say, notation))
        content = io.BytesIO()
        metadata = {"Date": None} if ending == ".svg" else {"Software": None}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+ ")  # a letter that the font lacks
            figure.savefig(content, format=ending[1:], dpi=120, metadata=metadata)
    return content.getvalue()


def _fonts(notation: Notation) -> list[str]:
    """A font with the language's letters. Raises CallError where there is none."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    found = sorted({font.name for font in fontManager.ttflist if _HAN.match(font.name)})
    if notation.language == "zh" and not found:  # or installed since matplotlib looked
        for path in sorted(findSystemFonts()):
            if _HAN_FILES.match(Path(path).name):
                fontManager.addfont(path)
        found = sorted({font.name for font in fontManager.ttflist if _HAN.match(font.name)})
        if not found:
            message = "a picture in Chinese needs a font with its letters, and there is none"
            fix = "install one, as Noto Sans CJK, or draw the picture without --lang zh"
            raise CallError(message, fix)
    return found[:1]


def _title(inspection: Inspection, notation: Notation) -> str:
    origin = say(notation, "at {origin}", origin=joined(inspection.origins, notation))
    return f"{inspection.title or inspection.name}\n{origin}"


def _cotangents(axes: Any, way: Way, said: Any) -> None:
    """Every cotangent from below, those that all passes joined by a line; gradients beside them.

    Those of 0 stand hollow at the lower edge.
    """
    found = [(d, d.cotangent) for d in way.depth if d.cotangent is not None]
    found = [(d, norm) for d, norm in found if math.isfinite(norm)]
    places = {d.name: k for k, (d, _) in enumerate(found)}
    slopes = [(places[d.name], g) for d, _ in found for g in d.gradients.values() if _positive(g)]
    norms = [norm for _, norm in found if norm] + [g for _, g in slopes]
    size = 6 if len(found) <= _NAMES else 4
    points = {
        "gradients": slopes,
        "other cotangents": [(places[d.name], n) for d, n in found if n and not d.chained],
        "on every way to the loss": [(places[d.name], n) for d, n in found if n and d.chained],
    }
    for (label, here), style, colour in zip(
        points.items(), ("x", "o", "o-"), (_SECOND, _QUIET, _FIRST), strict=True
    ):
        _points(axes, here, style, said(label), color=colour, ms=size)
    edge = min(norms) / FACTOR
    gone = [(places[d.name], edge) for d, n in found if not n]
    _points(axes, gone, "o", said("cotangents of 0"), color=_FIRST, mfc="white", ms=size)
    links = [d for d, _ in found if d.chained]
    named = [d for d, _ in found] if len(found) <= _NAMES else links
    _named(axes, {places[d.name]: d.name for d in named})
    title = said("root mean squares on the way back from {loss}", loss=way.loss)
    _finished(axes, title, [*norms, edge] if gone else norms)


def _spectra(axes: Any, way: Way, said: Any) -> None:
    """The largest and the smallest singular value of each layer's Jacobian.

    What is 0, or far below all others, stands hollow at the lower edge.
    """
    layers = list(enumerate(way.layers))
    ends = [v for _, layer in layers for v in (layer.largest, layer.smallest) if _positive(v)]
    lowest = max(ends, default=1.0) * _DEEPEST
    edge = min((v for v in ends if v > lowest), default=1.0) / FACTOR
    largest = [(k, v.largest) for k, v in layers if edge < v.largest < math.inf]
    smallest = [(k, v.smallest) for k, v in layers if edge < v.smallest < math.inf]
    gone = [(k, edge) for k, v in layers if v.smallest <= edge]
    starts = [max(v.smallest, edge) for _, v in layers]
    axes.vlines(range(len(layers)), starts, [max(v.largest, edge) for _, v in layers], _QUIET, lw=4)
    _points(axes, largest, "^", said("largest singular value"), color=_FIRST)
    _points(axes, smallest, "v", said("smallest"), color=_SECOND)
    _points(axes, gone, "v", said("0, or below the picture"), color=_SECOND, mfc="white")
    axes.axhline(1.0, color="0.5", lw=0.8, ls="--")
    _named(axes, {k: f"{layer.below} → {layer.above}" for k, layer in layers})
    seen = [norm for _, norm in (*largest, *smallest, *gone)]
    _finished(axes, said("Jacobian of each layer"), [*seen, 1.0])


def _points(
    axes: Any, points: Sequence[tuple[int, float]], style: str, label: str, **look: Any
) -> None:
    if points:
        axes.plot(*zip(*points, strict=True), style, label=label, **look)


def _steps(axes: Any, way: Way, said: Any) -> None:
    """The cotangent of each recurrence along its steps."""
    shown = []
    for steps in way.steps:
        norms = [norm if _positive(norm) else math.nan for norm in steps.norms]
        label = said("{name} along {index}", name=steps.name, index=steps.index)
        axes.plot(range(len(norms)), norms, ".-", label=label)
        shown += [norm for norm in norms if _positive(norm)]
    axes.set_xlabel(said("step"))
    axes.xaxis.get_major_locator().set_params(integer=True)
    _finished(axes, said("cotangents along the steps"), shown)


def _named(axes: Any, names: Mapping[int, str]) -> None:
    """The names of what stands along the depth: aslant where there are several, and from the top
    down as many as there is room for.
    """
    apart = (max(names, default=0) - min(names, default=0)) / _NAMES
    kept: list[int] = []
    for place in sorted(names, reverse=True):
        if not kept or kept[-1] - place >= apart:
            kept.append(place)
    aslant = len(kept) > _UPRIGHT
    axes.set_xticks(
        kept,
        [names[k] for k in kept],
        rotation=60 if aslant else 0,
        rotation_mode="anchor",
        ha="right" if aslant else "center",
        va="center" if aslant else "top",
        fontsize=8,
    )
    for label in axes.get_xticklabels():
        label.set_parse_math(False)


def _finished(axes: Any, title: str, norms: Sequence[float]) -> None:
    """The legend between title and panel; no less than two decades up, so that small changes look
    small.
    """
    axes.set_yscale("log")
    logs = [math.log10(norm) for norm in norms]
    middle, spread = (max(logs) + min(logs)) / 2, max(logs) - min(logs)
    half = max(spread / 2 * 1.1 + 0.05, math.log10(FACTOR))
    axes.set_ylim(10 ** (middle - half), 10 ** (middle + half))
    axes.set_title(title, fontsize=9, parse_math=False, pad=24)
    axes.grid(alpha=0.3)
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize=8
    )  # fmt: skip


def _positive(number: float | None) -> bool:
    return number is not None and 0 < number < math.inf


_PANELS = (
    (lambda way: any(_positive(d.cotangent) for d in way.depth), _cotangents),
    (lambda way: bool(way.layers), _spectra),
    (lambda way: any(_positive(n) for s in way.steps for n in s.norms), _steps),
)
