"""What is said in words beside the numbers."""

from __future__ import annotations

from symbackprop.report.worked.values import Worked


def remarks(worked: Worked) -> list[str]:
    """How the numbers came about, and how they are printed."""
    drawn, digits = worked.given.drawn, worked.digits
    found = [f"Drawn with seed {worked.given.seed}: {', '.join(drawn)}."] if drawn else []
    found.append(f"Values are exact; printed with {digits} digits, or fewer where these are all.")
    return found
