"""Write the samples that the gallery draws: `python make_samples.py` beside this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np


def inverse_sine(rows: int = 600) -> str:
    """x = t + 0.3 sin(2πt) + noise, uniform in ±0.1, of t uniform in 0 to 1 (Bishop, 1994)."""
    rng = np.random.default_rng(2)
    t = rng.uniform(0, 1, rows)
    x = t + 0.3 * np.sin(2 * np.pi * t) + rng.uniform(-0.1, 0.1, rows)
    return "\n".join(["x,t", *(f"{a:.4f},{b:.4f}" for a, b in zip(x, t, strict=True)), ""])


SAMPLES: Mapping[str, Callable[[], str]] = {
    "inverse_sine.csv": inverse_sine,
}

if __name__ == "__main__":
    for name, draw in SAMPLES.items():
        (Path(__file__).parent / name).write_text(draw(), encoding="utf-8", newline="\n")
