"""Check every step and every gradient; exit 0 only if all hold."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from symbackprop.commands import options as common

if TYPE_CHECKING:
    from symbackprop.checking import Report

WIDTH = 140  # columns where there is no terminal to measure
SUMMARY = "the proof: every step, every gradient, the module"


def arguments(parser: argparse.ArgumentParser) -> None:
    common.spec(parser)


def run(options: argparse.Namespace) -> int:
    from symbackprop import pipeline

    spec = pipeline.load(options.spec)
    report = pipeline.check(pipeline.derive(spec), spec)
    show(report)
    return 0 if report else 1


def show(report: Report) -> None:
    """Print what was checked, how, how often and how well it held; then what did not, and where."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("what", "how", box=None, pad_edge=False, header_style="bold")
    for title in ("equalities", "largest error"):
        table.add_column(title, justify="right")
    table.add_column("result")
    for row in report:
        *cells, result = row.cells()
        style = "bold red" if not row.held else "green" if row.equalities else "yellow"
        table.add_row(*map(Text, cells), Text(result, style))
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(table)
    for row in report:
        if not row.held:
            console.print(Text(f"FAILED {row.what}: {row.failure}"))
    print(report.verdict)
