"""Write the samples that the gallery draws: `python make_samples.py` beside this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np


def ratings(users: int = 60, items: int = 40, factors: int = 2, rows: int = 1200) -> str:
    """Ratings of 1 to 5 stars: a mean, a bias of the user and of the item, factors and noise."""
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(users, factors)), rng.normal(size=(items, factors))
    biases = rng.normal(0, 0.4, users)[:, None] + rng.normal(0, 0.4, items)
    stars = 3.2 + biases + 0.6 * left @ right.T + rng.normal(0, 0.3, (users, items))
    stars = np.clip(np.rint(2 * stars) / 2, 1, 5)
    seen = np.sort(rng.choice(users * items, rows, replace=False))
    lines = [f"{n // items},{n % items},{stars[n // items, n % items]:g}" for n in seen]
    return "\n".join(["user,item,r", *lines, ""])


def inverse_sine(rows: int = 600) -> str:
    """x = t + 0.3 sin(2πt) + noise, uniform in ±0.1, of t uniform in 0 to 1 (Bishop, 1994)."""
    rng = np.random.default_rng(2)
    t = rng.uniform(0, 1, rows)
    x = t + 0.3 * np.sin(2 * np.pi * t) + rng.uniform(-0.1, 0.1, rows)
    return "\n".join(["x,t", *(f"{a:.4f},{b:.4f}" for a, b in zip(x, t, strict=True)), ""])


SAMPLES: Mapping[str, Callable[[], str]] = {
    "ratings.csv": ratings,
    "inverse_sine.csv": inverse_sine,
}

if __name__ == "__main__":
    for name, draw in SAMPLES.items():
        (Path(__file__).parent / name).write_text(draw(), encoding="utf-8", newline="\n")
