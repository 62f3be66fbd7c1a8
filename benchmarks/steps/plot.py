"""The ratios as a picture: a panel a network, a bar a contender, its least and most as whiskers."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from benchmarks.steps.contenders import CONTENDERS
from benchmarks.steps.table import UNIT, ratios

OURS, OTHERS, LIMIT = "#1b6ca8", "#b8b8b8", "#dddddd"
# Ratios from here on are cut, with their value beside the bar.
WIDEST = 3.0


def colour(name: str) -> str:
    if name in ("ours", "native"):
        return OURS
    return OTHERS if CONTENDERS[name].checked else LIMIT


def panel(axes: Any, title: str, found: Mapping[str, Any]) -> None:
    names = [name for name in reversed(CONTENDERS) if name in found]
    for place, name in enumerate(names):
        values = ratios(found, name)
        middle = statistics.median(values)
        axes.barh(place, min(middle, WIDEST), color=colour(name), height=0.7)
        if middle <= WIDEST:
            axes.plot([min(values), min(max(values), WIDEST)], [place, place], "k-", lw=0.8)
        axes.text(min(middle, WIDEST) + 0.05, place + 0.25, f"{middle:.2f}", fontsize=7)
    axes.axvline(1, color="k", lw=0.8, ls=":")
    axes.set_yticks(range(len(names)), [CONTENDERS[name].title for name in names], fontsize=7)
    unit = 1e6 * statistics.median(found[UNIT]["seconds"])
    axes.set_title(f"{title}: 1 = {unit:,.0f} µs", fontsize=9)
    axes.set_xlim(0, WIDEST * 1.1)
    axes.tick_params(axis="x", labelsize=7)


def draw(results: Mapping[str, Any], threads: int, path: Path) -> None:
    """Write the picture, in the format that the path's ending names."""
    shown = {title: found for title, found in results.items() if UNIT in found}
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(5.2 * columns, 2.4 * rows), squeeze=False)
    for axes in panels.flat[len(shown) :]:
        axes.set_visible(False)
    for axes, (title, found) in zip(panels.flat, shown.items(), strict=False):
        panel(axes, title, found)
    figure.suptitle(f"A training step beside an expert's NumPy, {threads} threads", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)
