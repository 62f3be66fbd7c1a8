"""Reports on a terminal in colour; anywhere else the same text, plain."""

from __future__ import annotations

import sys

# What is marked, and how; the first group, or all that matches.
MARKS = (
    (r"(?m)^\S.*$", "bold"),  # headings stand at the margin
    (r"(?m)^ +\(\d+\)", "cyan"),  # the numbers of equations
    (r"(?m)^.*◀ .*$", "green"),  # gradients
    (r"(?m)◀ .*$", "bold"),
    (r"(?m) {3}\[[^\]\n]+\]$", "dim italic"),  # rules
    (r"█+", "blue"),
)


def show(text: str) -> None:
    """Print a report. Lines are not folded: whoever reads them has them as they are."""
    text = text.rstrip("\n")
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.console import Console
    from rich.text import Text

    marked = Text(text)
    for pattern, style in MARKS:
        marked.highlight_regex(pattern, style)
    Console().print(marked, soft_wrap=True)
