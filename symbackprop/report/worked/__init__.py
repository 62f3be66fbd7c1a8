"""Worked numbers: a derivation with values carried through every equation, on to the update.

    Derivation, values ─work─▶ Worked ─example─▶ formulas with numbers ─▶ text, LaTeX, Markdown

`supplied` reads the values that a user gives, `given` draws the others; `values` evaluates all of
it exactly; `figures` rounds in print; `substituted` puts numbers into formulas, `equations` orders
them; `text` and `typeset` lay them out.
"""

from __future__ import annotations

from symbackprop.report.worked.values import DIGITS, RATE, Worked, work

__all__ = ["DIGITS", "RATE", "Worked", "work"]
