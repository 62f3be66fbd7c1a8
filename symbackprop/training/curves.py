"""The picture of a run: a panel for each figure that its record holds."""

from __future__ import annotations

import importlib.util
import io
import math
import warnings
from pathlib import Path

import numpy as np

from symbackprop.files import write_whole
from symbackprop.training.loop import State

PANELS_A_ROW = 3


def save_curves(path: Path, title: str, state: State) -> Path | None:
    """A .png with each loss and measure, and beside it what it is on the rows held out.

    None without matplotlib.
    """
    if importlib.util.find_spec("matplotlib") is None:
        return None
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    table = np.array(state.records, dtype=np.float64).reshape(-1, len(state.columns))
    panels: dict[str, list[str]] = {}
    for name in state.columns[1:]:
        panels.setdefault(name.removeprefix("validation "), []).append(name)
    columns = min(len(panels), PANELS_A_ROW)
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(5.5 * columns, 3.8 * rows), layout="constrained")
    # A title is a stranger's text: a dollar sign in it is no formula.
    figure.suptitle(title, parse_math=False)
    for place, names in enumerate(panels.values(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        chosen = table[:, [state.columns.index(name) for name in names]]
        for name, values in zip(names, chosen.T, strict=True):
            axes.plot(table[:, 0], values, "." if len(values) == 1 else "-", label=name)
        if chosen.size and chosen.min() > 0 and chosen.max() > 100 * chosen.min():
            axes.set_yscale("log")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    content = io.BytesIO()
    with warnings.catch_warnings():
        # A letter of the title that the font lacks is drawn as a box; that is no one's fault.
        warnings.filterwarnings("ignore", r"Glyph \d+ ")
        figure.savefig(content, format="png", dpi=120, metadata={"Software": None})
    return write_whole(path, content.getvalue())
