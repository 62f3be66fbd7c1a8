"""What was measured, as one table: the expert's microseconds, and ratios to them round by round."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.steps.contenders import CONTENDERS
from benchmarks.steps.quiet import LIMIT

UNIT = "expert"


def ratios(found: Mapping[str, Any], name: str) -> list[float]:
    """Each round's time over the unit's of the same round."""
    pairs = zip(found[name]["seconds"], found[UNIT]["seconds"], strict=True)
    return [time / unit for time, unit in pairs]


def spread(values: list[float], factor: float = 1, digits: int = 2) -> str:
    """The median with the least and the most."""
    parts = (statistics.median(values), min(values), max(values))
    middle, least, most = (f"{factor * value:,.{digits}f}" for value in parts)
    return f"{middle} ({least}–{most})"


def table(results: Mapping[str, Any]) -> list[list[str]]:
    """Rows of cells: a head, the expert in µs, then everybody as a ratio to the expert."""
    names = [n for n in CONTENDERS if any(n in found for found in results.values())]
    rows = [["", *results]]
    for name in names:
        in_time = name == UNIT or any(UNIT not in f for f in results.values())
        row = [f"{CONTENDERS[name].title}{', µs' if in_time else ''}"]
        for found in results.values():
            if name not in found:
                row.append("–")
            elif in_time:
                seconds = found[name]["seconds"]
                digits = 1 if statistics.median(seconds) < 1e-4 else 0
                row.append(spread(seconds, 1e6, digits))
            else:
                row.append(spread(ratios(found, name)))
        rows.append(row)
    return rows


def starts(results: Mapping[str, Any]) -> list[list[str]]:
    """Seconds from nothing imported to the first step done / megabytes at their peak."""
    names = [n for n in CONTENDERS if any(n in found for found in results.values())]
    rows = [["import and first step, s / peak memory, MB", *results]]
    for name in names:
        row = [CONTENDERS[name].title]
        for found in results.values():
            facts = found.get(name)
            row.append(
                f"{facts['imported'] + facts['first']:.2f} / {facts['peak']:.0f}" if facts else "–"
            )
        rows.append(row)
    return rows


def disturbed(results: Mapping[str, Any]) -> str:
    """How many of the samples were taken while others used the machine."""
    others = [o for found in results.values() for facts in found.values() for o in facts["others"]]
    loud = sum(o > LIMIT for o in others)
    return f"{loud} of {len(others)} samples: others used over {LIMIT:.0%} of the cores meanwhile"


def text(rows: list[list[str]]) -> str:
    """Rows below each other, the columns as wide as they need."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
